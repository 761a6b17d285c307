#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/net/client.h"

namespace canopy::testing {

// A client whose responses a test makes up, when it wants to: requests wait until they are
// answered, and callbacks run on the thread that answers. Not thread-safe.
class FakeHttpClient : public net::HttpClient {
 public:
  struct Pending {
    net::HttpRequest request;
    net::HttpOptions options;
    Callback done;
  };

  net::HttpRequestId Send(net::HttpRequest request, net::HttpOptions options,
                          Callback done) override {
    const uint64_t id = ++last_id_;
    pending_[id] = {std::move(request), std::move(options), std::move(done)};
    return net::HttpRequestId(id);
  }
  std::unique_ptr<StandingRequest> Prepare(net::HttpRequest request,
                                           net::HttpOptions options) override {
    auto standing = std::make_unique<Standing>();
    standing->request = std::move(request);
    standing->options = std::move(options);
    return standing;
  }
  net::HttpRequestId Send(StandingRequest& request, std::string body_buffer,
                          Callback done) override {
    auto& standing = static_cast<Standing&>(request);
    standing.options.body_buffer = std::move(body_buffer);
    return Send(standing.request, standing.options, std::move(done));
  }
  void Cancel(net::HttpRequestId id) override {
    ++canceled;
    if (pending_.contains(id.value())) Answer(id.value(), Failed(Status::Canceled("canceled")));
  }

  std::unique_ptr<Timer> NewTimer(std::function<Duration()>) override {
    CANOPY_CHECK(false && "a test runs by its own clock");
    return nullptr;
  }

  // The URLs that wait, in the order of their requests.
  std::vector<std::string> Waiting() const {
    std::vector<std::string> urls;
    for (const auto& [id, p] : pending_) urls.push_back(p.request.url);
    return urls;
  }
  // REQUIRES: a request for that URL waits. The oldest one.
  const Pending& Find(std::string_view url) const { return pending_.at(IdOf(url)); }
  void Respond(std::string_view url, net::HttpResponse response) {
    Answer(IdOf(url), std::move(response));
  }
  void Page(std::string_view url, std::string body, std::string type = "text/plain") {
    net::HttpResponse r;
    r.code = 200;
    r.headers = {{"Content-Type", std::move(type)}};
    r.body = std::move(body);
    Respond(url, std::move(r));
  }
  static net::HttpResponse Failed(Status status) {
    net::HttpResponse r;
    r.status = std::move(status);
    return r;
  }

  int canceled = 0;

 private:
  struct Standing : StandingRequest {
    net::HttpRequest request;
    net::HttpOptions options;
  };

  uint64_t IdOf(std::string_view url) const {
    for (const auto& [id, p] : pending_)
      if (p.request.url == url) return id;
    CANOPY_CHECK(false && "no such request waits");
    return 0;
  }
  void Answer(uint64_t id, net::HttpResponse response) {
    const auto it = pending_.find(id);
    Callback done = std::move(it->second.done);
    pending_.erase(it);
    done(std::move(response));
  }

  std::map<uint64_t, Pending> pending_;
  uint64_t last_id_ = 0;
};

}  // namespace canopy::testing

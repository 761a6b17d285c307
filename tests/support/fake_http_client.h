#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "canopy/net/client.h"

namespace canopy::testing {

// Answers from a table instead of from the network; callbacks run where the contract says, on
// `run_on` or on a thread of the client's own. Thread-safe.
class FakeHttpClient : public net::HttpClient {
 public:
  struct Sent {
    net::HttpRequest request;
    net::HttpOptions options;
  };
  using AnswerFn = std::function<net::HttpResponse(const Sent&)>;

  FakeHttpClient() : mu_(LockRank::kNet), own_thread_("fake-http", 1, 10'000) {}
  ~FakeHttpClient() override {
    Release();
    own_thread_.Stop();
  }

  // What requests for this URL, with its query, get from now on. Without an answer: the error of
  // a refused connection.
  void Answer(std::string url, AnswerFn answer) {
    MutexLock lock(mu_);
    answers_[std::move(url)] = std::move(answer);
  }
  void Answer(std::string url, int code, std::string body, net::Headers headers = {}) {
    Answer(std::move(url), [=](const Sent&) {
      net::HttpResponse r;
      r.code = code;
      r.body = body;
      r.headers = headers;
      return r;
    });
  }
  void Refuse(const std::string& url) {
    MutexLock lock(mu_);
    answers_.erase(url);
  }
  // Requests wait unanswered until Release().
  void Hold() {
    MutexLock lock(mu_);
    holding_ = true;
  }
  void Release() {
    std::map<uint64_t, std::pair<Sent, Callback>> held;
    {
      MutexLock lock(mu_);
      holding_ = false;
      held.swap(held_);
    }
    for (auto& [id, one] : held) Reply(std::move(one.first), std::move(one.second));
  }

  // All requests so far, in order.
  std::vector<Sent> sent() const {
    MutexLock lock(mu_);
    return sent_;
  }
  size_t held() const {
    MutexLock lock(mu_);
    return held_.size();
  }

  net::HttpRequestId Send(net::HttpRequest request, net::HttpOptions options,
                          Callback done) override {
    Sent sent{std::move(request), std::move(options)};
    net::HttpRequestId id;
    {
      MutexLock lock(mu_);
      id = net::HttpRequestId(++last_id_);
      sent_.push_back(sent);
      if (holding_) {
        held_.emplace(id.value(), std::make_pair(std::move(sent), std::move(done)));
        return id;
      }
    }
    Reply(std::move(sent), std::move(done));
    return id;
  }

  void Cancel(net::HttpRequestId id) override {
    std::pair<Sent, Callback> one;
    {
      MutexLock lock(mu_);
      const auto it = held_.find(id.value());
      if (it == held_.end()) return;
      one = std::move(it->second);
      held_.erase(it);
    }
    net::HttpResponse r;
    r.status = Status::Canceled(Prefix(one.first.request) + "context canceled");
    Run(one.first, std::move(one.second), std::move(r));
  }

 private:
  static std::string Prefix(const net::HttpRequest& request) {
    const std::string lower = request.method.substr(1);
    std::string method = request.method.substr(0, 1);
    for (const char c : lower) method.push_back(static_cast<char>(c | 0x20));
    return method + " \"" + request.url + "\": ";
  }

  void Reply(Sent sent, Callback done) {
    AnswerFn answer;
    {
      MutexLock lock(mu_);
      if (const auto it = answers_.find(sent.request.url); it != answers_.end())
        answer = it->second;
    }
    net::HttpResponse r;
    if (answer) {
      r = answer(sent);
      if (r.url.empty()) r.url = sent.request.url;
    } else {
      r.status = Status::Unavailable(Prefix(sent.request) + "connect: connection refused");
    }
    Run(sent, std::move(done), std::move(r));
  }

  void Run(const Sent& sent, Callback done, net::HttpResponse response) {
    auto task = [done = std::move(done), response = std::move(response)]() mutable {
      done(std::move(response));
    };
    Workers* where = sent.options.run_on != nullptr ? sent.options.run_on : &own_thread_;
    (void)where->Submit(std::move(task));
  }

  mutable Mutex mu_;
  std::map<std::string, AnswerFn> answers_ CANOPY_GUARDED_BY(mu_);
  std::vector<Sent> sent_ CANOPY_GUARDED_BY(mu_);
  std::map<uint64_t, std::pair<Sent, Callback>> held_ CANOPY_GUARDED_BY(mu_);
  bool holding_ CANOPY_GUARDED_BY(mu_) = false;
  uint64_t last_id_ CANOPY_GUARDED_BY(mu_) = 0;
  Workers own_thread_;
};

}  // namespace canopy::testing

#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "canopy/net/server.h"

namespace canopy::testing {

// A request that a test has made up.
class FakeRequest : public net::Request {
 public:
  // `target` is a path, perhaps with a query: "/api/v1/query?query=up".
  FakeRequest(std::string method, std::string_view target, std::string body = {})
      : method_(std::move(method)), body_(std::move(body)) {
    const size_t mark = std::min(target.find('?'), target.size());
    path_ = std::string(target.substr(0, mark));
    if (mark < target.size()) raw_query_ = std::string(target.substr(mark + 1));
  }

  FakeRequest& With(std::string name, std::string value) {
    headers_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  // From now on the client is gone.
  void Disconnect() { *disconnected_ = true; }

  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& raw_query() const override { return raw_query_; }
  const net::Headers& headers() const override { return headers_; }
  const std::string& client_address() const override { return client_; }
  Result<std::string_view> ReadBody(size_t limit) override {
    if (body_.size() > limit) return Status::Limit("http: request body too large");
    return std::string_view(body_);
  }
  bool disconnected() const override { return *disconnected_; }

 private:
  std::string method_;
  std::string path_;
  std::string raw_query_;
  std::string body_;
  net::Headers headers_;
  std::string client_ = "127.0.0.1:4711";
  std::shared_ptr<std::atomic<bool>> disconnected_ = std::make_shared<std::atomic<bool>>(false);
};

// Keeps what a handler answers.
class FakeResponse : public net::Response {
 public:
  void SetStatus(int code) override { code_ = code; }
  void SetHeader(std::string_view name, std::string value) override {
    net::SetHeader(headers_, name, std::move(value));
  }
  int status() const override { return code_; }

  Status Send(std::string_view body) override {
    body_ = std::string(body);
    sent_ = true;
    return {};
  }
  Status Write(std::string_view piece) override {
    if (fail_after_ == 0) return Status::Canceled("client gone");
    --fail_after_;
    body_.append(piece);
    ++pieces_;
    return {};
  }
  void Abort() override { aborted_ = true; }

  // The client goes away after so many pieces.
  void FailAfter(int pieces) { fail_after_ = pieces; }

  const std::string& body() const { return body_; }
  const net::Headers& headers() const { return headers_; }
  std::string_view header(std::string_view name) const { return net::FindHeader(headers_, name); }
  bool sent() const { return sent_; }  // at once, with its length
  int pieces() const { return pieces_; }
  bool aborted() const { return aborted_; }

 private:
  int code_ = 200;
  net::Headers headers_;
  std::string body_;
  bool sent_ = false;
  bool aborted_ = false;
  int pieces_ = 0;
  int fail_after_ = -1;
};

}  // namespace canopy::testing

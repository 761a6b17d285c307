#pragma once

#include <string>

#include "canopy/net/server.h"
#include "http_head.h"
#include "http_reader.h"
#include "wire.h"

namespace canopy::net {

class ServerRequest final : public Request {
 public:
  // All must outlive the request.
  ServerRequest(RequestHead head, HttpReader& reader, Wire& wire, const std::string& client)
      : head_(std::move(head)), reader_(reader), wire_(wire), client_(client) {}

  const std::string& method() const override { return head_.method; }
  const std::string& path() const override { return head_.path; }
  const std::string& raw_query() const override { return head_.raw_query; }
  const Headers& headers() const override { return head_.headers; }
  const std::string& client_address() const override { return client_; }
  Result<std::string_view> ReadBody(size_t limit) override;
  bool disconnected() const override { return wire_.disconnected(); }

  const RequestHead& head() const { return head_; }
  // After the handler: reads what it left of the body, unless that is much. False when the next
  // request cannot be found on this connection.
  bool SkipBody();

 private:
  const RequestHead head_;
  HttpReader& reader_;
  Wire& wire_;
  const std::string& client_;
  bool body_read_ = false;
  Status body_status_;
  std::string body_;
};

}  // namespace canopy::net

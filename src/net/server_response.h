#pragma once

#include <optional>
#include <string>

#include "canopy/net/compress.h"
#include "canopy/net/server.h"
#include "http_head.h"
#include "wire.h"

namespace canopy::net {

class ServerResponse final : public Response {
 public:
  // `keep_alive`: whether another request may follow. All must outlive the response.
  ServerResponse(Wire& wire, const RequestHead& request, const Headers& extra_headers,
                 bool keep_alive);

  void SetStatus(int code) override { code_ = code; }
  void SetHeader(std::string_view name, std::string value) override;
  int status() const override { return code_; }
  Status Send(std::string_view body) override;
  Status Write(std::string_view piece) override;
  void Abort() override;

  // Completes what the handler began.
  void Finish();
  bool untouched() const { return state_ == State::kFresh; }
  // After Finish(): whether the connection can be used again.
  bool keep_alive() const { return keep_alive_ && state_ == State::kDone; }
  size_t body_bytes() const { return body_bytes_; }

 private:
  enum class State : unsigned char { kFresh, kStreaming, kDone, kBroken };

  bool BodyAllowed() const;
  void ChooseEncoding(bool empty);
  void AppendHead(std::string& out);
  Status SendChunk(std::string_view bytes);
  Status Put(std::string_view bytes, bool more = false);

  Wire& wire_;
  const bool head_only_;  // the method is HEAD
  const int minor_version_;
  Encoding encoding_;
  bool keep_alive_;
  State state_ = State::kFresh;
  int code_ = 200;
  Headers headers_;
  bool chunked_ = false;
  size_t body_bytes_ = 0;
  std::optional<StreamCompressor> compressor_;
  std::string packed_;  // compressed and not sent yet
  std::string frame_;   // head or chunk frame on its way
};

// "200 OK" and the like.
std::string_view ReasonPhrase(int code);

}  // namespace canopy::net

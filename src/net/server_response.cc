#include "server_response.h"

#include <charconv>
#include <ctime>

#include "canopy/base/check.h"
#include "canopy/base/number.h"

namespace canopy::net {
namespace {

// Below this a frame and its content are one write; above, copying costs more than another one.
constexpr size_t kCopyLimit = size_t{16} << 10;
// Compressed bytes are collected to so many before they are sent.
constexpr size_t kPackedPiece = size_t{32} << 10;

// "Date: Fri, 02 Jan 2026 16:04:05 GMT", made once a second and thread.
void AppendDate(std::string& out) {
  thread_local time_t made_at = -1;
  thread_local char text[64];
  const time_t now = ::time(nullptr);
  if (now != made_at) {
    tm utc{};
    ::gmtime_r(&now, &utc);
    // The names are English whatever the locale is: the program does not set one.
    std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    made_at = now;
  }
  out.append(text);
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view ReasonPhrase(int code) {
  switch (code) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

ServerResponse::ServerResponse(Wire& wire, const RequestHead& request, const Headers& extra_headers,
                               bool keep_alive)
    : wire_(wire),
      head_only_(request.method == "HEAD"),
      minor_version_(request.minor_version),
      encoding_(NegotiateEncoding(FindHeader(request.headers, "Accept-Encoding"))),
      keep_alive_(keep_alive),
      headers_(extra_headers) {}

void ServerResponse::SetHeader(std::string_view name, std::string value) {
  // A value may come from outside; it must not end the field.
  for (char& c : value)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  CANOPY_CHECK(ValidHeader(name, value));
  net::SetHeader(headers_, name, std::move(value));
}

bool ServerResponse::BodyAllowed() const { return code_ >= 200 && code_ != 204 && code_ != 304; }

void ServerResponse::ChooseEncoding(bool empty) {
  if (!FindHeader(headers_, "Content-Encoding").empty() || empty || !BodyAllowed())
    encoding_ = Encoding::kIdentity;
  if (encoding_ != Encoding::kIdentity)
    net::SetHeader(headers_, "Content-Encoding", std::string(EncodingName(encoding_)));
  headers_.emplace_back("Vary", "Accept-Encoding");
}

void ServerResponse::AppendHead(std::string& out) {
  out.append("HTTP/1.1 ");
  base::AppendInt(out, code_);
  out.append(" ").append(ReasonPhrase(code_)).append("\r\n");
  AppendDate(out);
  if (BodyAllowed() && FindHeader(headers_, "Content-Type").empty())
    AppendField(out, "Content-Type", "text/plain; charset=utf-8");
  for (const auto& [name, value] : headers_) AppendField(out, name, value);
  if (!keep_alive_)
    AppendField(out, "Connection", "close");
  else if (minor_version_ == 0)
    AppendField(out, "Connection", "keep-alive");
}

Status ServerResponse::Put(std::string_view bytes, bool more) {
  Status status = wire_.Write(bytes, more);
  if (status.ok()) return status;
  state_ = State::kBroken;
  return Status::Canceled(status.message()).In("write response");
}

Status ServerResponse::Send(std::string_view body) {
  CANOPY_CHECK(state_ == State::kFresh);
  ChooseEncoding(body.empty());
  if (encoding_ != Encoding::kIdentity) {
    Compress(encoding_, body, packed_);
    body = packed_;
  }
  frame_.clear();
  AppendHead(frame_);
  if (BodyAllowed()) {
    frame_.append("Content-Length: ");
    base::AppendUint(frame_, body.size());
    frame_.append("\r\n");
  }
  frame_.append("\r\n");
  if (head_only_ || !BodyAllowed()) body = {};
  const bool separate = body.size() > kCopyLimit;
  if (!separate) frame_.append(body);
  CANOPY_RETURN_IF_ERROR(Put(frame_, separate));
  if (separate) CANOPY_RETURN_IF_ERROR(Put(body));
  body_bytes_ = body.size();
  state_ = State::kDone;
  return {};
}

Status ServerResponse::SendChunk(std::string_view bytes) {
  if (bytes.empty() && frame_.empty()) return {};
  if (!bytes.empty()) {
    body_bytes_ += bytes.size();
    if (chunked_) {
      char size[24];
      const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
      frame_.append(size, end).append("\r\n");
    }
  }
  const std::string_view tail = chunked_ && !bytes.empty() ? "\r\n" : "";
  Status status;
  if (bytes.size() > kCopyLimit) {
    status = Put(frame_, true);
    if (status.ok()) status = Put(bytes, !tail.empty());
    if (status.ok() && !tail.empty()) status = Put(tail);
  } else {
    frame_.append(bytes).append(tail);
    status = Put(frame_);
  }
  frame_.clear();
  return status;
}

Status ServerResponse::Write(std::string_view piece) {
  CANOPY_CHECK(state_ != State::kDone);
  if (state_ == State::kBroken) return Status::Canceled("write response: connection broken");
  if (state_ == State::kFresh) {
    ChooseEncoding(false);
    chunked_ = minor_version_ >= 1 && BodyAllowed();
    // Without chunks the end of the body is the end of the connection.
    if (!chunked_) keep_alive_ = false;
    frame_.clear();
    AppendHead(frame_);
    frame_.append(chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    if (encoding_ != Encoding::kIdentity) compressor_.emplace(encoding_);
    state_ = State::kStreaming;
  }
  if (head_only_ || !BodyAllowed()) return {};
  if (!compressor_) return SendChunk(piece);
  compressor_->Write(piece, packed_);
  if (packed_.size() < kPackedPiece) return {};
  const Status status = SendChunk(packed_);
  packed_.clear();
  return status;
}

void ServerResponse::Abort() {
  if (state_ != State::kStreaming) return;
  // What is there is sent: a connection that ends without a byte looks to the client like one that
  // was closed before the request, and it would ask again.
  (void)SendChunk(packed_);
  state_ = State::kBroken;
}

void ServerResponse::Finish() {
  if (state_ == State::kFresh) (void)Send({});
  if (state_ != State::kStreaming) return;
  if (head_only_ || !BodyAllowed()) {
    if (Put(frame_).ok()) state_ = State::kDone;
    return;
  }
  if (compressor_) {
    compressor_->Finish(packed_);
    if (!SendChunk(packed_).ok()) return;
  }
  // A head that no Write() has taken along may still be here.
  if (chunked_) frame_.append("0\r\n\r\n");
  if (frame_.empty() || Put(frame_).ok()) state_ = State::kDone;
}

}  // namespace canopy::net

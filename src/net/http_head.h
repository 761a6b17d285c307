#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "canopy/net/headers.h"

// The heads of HTTP/1.x requests and responses, RFC 9112. Pure: no sockets.
//
// Why not the reader of the socket library: it refuses a request line beyond 16 KiB, and a parent's
// selection of many match[] is longer than that; Prometheus takes 1 MiB.

namespace canopy::net {

struct RequestHead {
  std::string method;
  std::string path;       // unescaped
  std::string raw_query;  // without the ?
  int minor_version = 1;  // HTTP/1.x
  Headers headers;

  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// What is wrong with a head, and the status that says so. `status` 0: nothing.
struct HeadError {
  int status = 0;
  std::string_view text;
  explicit operator bool() const { return status != 0; }
};

// The length of the head at the front of `bytes`, with the empty line that ends it; 0 when that
// line has not come yet. `from` is where to look from: what is before it was looked at already.
size_t FindHeadEnd(std::string_view bytes, size_t from);

// `text` is a whole head with its empty line. Lines end in CRLF, or in LF as Go takes it too.
// Strict where two readers could understand a request differently: folded lines, spaces before a
// colon, several or odd lengths, a length next to chunks.
HeadError ParseHead(std::string_view text, RequestHead& head);

struct ResponseHead {
  int code = 0;
  int minor_version = 1;  // HTTP/1.x
  Headers headers;

  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;  // as far as the head says

  // Of an answer to GET. Without a length and chunks it lasts until the connection ends.
  bool has_body() const { return code != 204 && code != 304; }
};

// `text` as for ParseHead(). False where a reader has to make up its mind what is meant: anything
// but what well-behaved servers send.
bool ParseResponseHead(std::string_view text, ResponseHead& head);

}  // namespace canopy::net

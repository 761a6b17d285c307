#pragma once

#include <string>
#include <string_view>

#include "canopy/base/status.h"
#include "http_head.h"
#include "wire.h"

namespace canopy::net {

// Reads the requests of one connection one after the other. Not thread-safe.
class HttpReader {
 public:
  HttpReader(Wire& wire, size_t max_head_bytes, Duration timeout)
      : wire_(wire), max_head_bytes_(max_head_bytes), timeout_(timeout) {}

  // Waits for the first byte of the next request. False: there is none.
  bool WaitForRequest();
  // Reads and parses the head. An error with status 0 in `error` means that nobody is there to
  // tell.
  bool ReadHead(RequestHead& head, HeadError& error);

  // Then the body that the head announces, as far as it has not been read, appended to `out`, which
  // it makes at most `limit` bytes long: kLimit beyond. kInvalid: broken chunks.
  Status ReadBody(const RequestHead& head, size_t limit, std::string& out);

 private:
  // More bytes into the buffer; false at the end of the connection or of the time.
  Status Fill(Duration timeout);
  Status TakeBytes(uint64_t size, std::string& out);
  Status ReadChunks(size_t limit, std::string& out);
  std::string_view pending() const {
    return std::string_view(buffer_).substr(begin_, end_ - begin_);
  }
  void Consume(size_t n);

  Wire& wire_;
  const size_t max_head_bytes_;
  const Duration timeout_;
  std::string buffer_;  // bytes [begin_, end_) have come and are not used yet
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace canopy::net

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "canopy/base/status.h"
#include "chunk_decoder.h"
#include "http_head.h"

namespace canopy::net {

// A connection over which the same plain request goes again and again. libcurl makes it, with all
// that it takes to reach a host, and is asked again whenever something is odd: this knows bytes to
// send and a well-formed response, no more. For it costs a tenth of what a transfer of libcurl does
// (tests/bench/run), and a server of ten thousand small targets does little else. Not thread-safe.
class KeptConnection {
 public:
  // Takes the parts of a response, in their order.
  class Sink {
   public:
    // False: not for this reader, libcurl has to ask again.
    virtual bool TakeHead(ResponseHead head) = 0;
    // False: enough, the rest is not wanted.
    virtual bool TakeBody(std::string_view bytes) = 0;

   protected:
    ~Sink() = default;
  };

  enum class State : uint8_t {
    kWaiting,   // for bytes
    kDone,      // the response is whole
    kUnusable,  // nothing was given to the sink: let libcurl send the request
    kBroken,    // within the body, as error() says
  };

  // Owns the socket, which is connected and idle.
  explicit KeptConnection(int fd);
  ~KeptConnection();
  KeptConnection(const KeptConnection&) = delete;
  KeptConnection& operator=(const KeptConnection&) = delete;

  int fd() const { return fd_; }
  // False: let libcurl send it.
  bool Send(std::string_view request);
  // Takes what has come, through `buffer`. Does not wait.
  State Receive(std::span<char> buffer, Sink& sink);
  // After kDone: whether another request may follow.
  bool reusable() const { return reusable_; }
  // After kBroken; ok when it was the sink that had enough.
  const Status& error() const { return error_; }

 private:
  State TakeBytes(std::string_view bytes, Sink& sink);
  State TakeHead(std::string_view& bytes, Sink& sink);
  State TakeBody(std::string_view bytes, Sink& sink);
  State TakeChunks(std::string_view bytes, Sink& sink);
  // The peer has closed, or the socket failed with this errno.
  State Ended(int error);
  State Finish(std::string_view behind);

  const int fd_;
  enum class Body : uint8_t { kNone, kLength, kChunks, kUntilEnd };
  Body body_ = Body::kNone;
  bool in_body_ = false;  // the head has come
  bool reusable_ = true;
  uint64_t left_ = 0;  // of a body with a length
  ChunkDecoder chunks_;
  std::string head_text_;  // as far as it has come
  Status error_;
};

}  // namespace canopy::net

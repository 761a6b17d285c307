#include "canopy/base/status.h"

#include <cstdio>
#include <cstdlib>

namespace canopy {

const std::string& Status::message() const {
  static const std::string kNone;
  return rep_ ? rep_->message : kNone;
}

Status Status::In(std::string_view where) const {
  if (ok()) return *this;
  std::string message(where);
  message += ": ";
  message += rep_->message;
  return {rep_->code, std::move(message)};
}

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not found";
    case Code::kExists:
      return "exists";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kLimit:
      return "limit";
    case Code::kTimeout:
      return "timeout";
    case Code::kCanceled:
      return "canceled";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kIo:
      return "io";
    case Code::kExecution:
      return "execution";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

namespace base {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "BUG: %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace base
}  // namespace canopy

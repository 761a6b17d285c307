#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "canopy/base/check.h"

namespace canopy {

// What kind of trouble a caller is told of. api/errors.cc maps these to HTTP statuses, and nothing
// else does.
enum class Code : unsigned char {
  kOk,
  kInvalid,      // the caller's input is wrong
  kNotFound,     // the thing asked for does not exist
  kExists,       // it exists already, or another process holds it
  kCorrupt,      // bytes from disk or wire that cannot be what they claim
  kLimit,        // a configured limit was passed; the message names it
  kTimeout,      // a deadline was passed
  kCanceled,     // the caller went away, or we are shutting down
  kUnavailable,  // not ready, or a peer that does not answer
  kIo,           // the operating system refused; the message carries its reason
  kExecution,    // a query that is well formed but cannot be answered
  kUnsupported,  // known to Prometheus, not supported here
  kInternal,     // none of the above
};

// The outcome of something that can fail. Copyable, one pointer wide; an ok Status allocates
// nothing. Messages start in lower case, carry no trailing full stop and name the thing that
// failed.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message)
      : rep_(std::make_shared<const Rep>(Rep{code, std::move(message)})) {
    CANOPY_CHECK(code != Code::kOk);
  }

  static Status Invalid(std::string m) { return {Code::kInvalid, std::move(m)}; }
  static Status NotFound(std::string m) { return {Code::kNotFound, std::move(m)}; }
  static Status Exists(std::string m) { return {Code::kExists, std::move(m)}; }
  static Status Corrupt(std::string m) { return {Code::kCorrupt, std::move(m)}; }
  static Status Limit(std::string m) { return {Code::kLimit, std::move(m)}; }
  static Status Timeout(std::string m) { return {Code::kTimeout, std::move(m)}; }
  static Status Canceled(std::string m) { return {Code::kCanceled, std::move(m)}; }
  static Status Unavailable(std::string m) { return {Code::kUnavailable, std::move(m)}; }
  static Status Io(std::string m) { return {Code::kIo, std::move(m)}; }
  static Status Execution(std::string m) { return {Code::kExecution, std::move(m)}; }
  static Status Unsupported(std::string m) { return {Code::kUnsupported, std::move(m)}; }
  static Status Internal(std::string m) { return {Code::kInternal, std::move(m)}; }

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  const std::string& message() const;

  // Adds context outwards: Corrupt("bad crc").In("wal/00000007: offset 131072") reads
  // "wal/00000007: offset 131072: bad crc". An ok Status stays ok.
  Status In(std::string_view where) const;

 private:
  struct Rep {
    Code code;
    std::string message;
  };
  std::shared_ptr<const Rep> rep_;
};

// The word for a code in logs: "corrupt", "limit", ...
std::string_view CodeName(Code code);

// A T, or the Status that says why there is none. Reading the value of a failed Result is a bug.
template <class T>
class [[nodiscard]] Result {
 public:
  // From anything that converts to T: a unique_ptr to a derived class for one to its base.
  template <class U = T>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Status>) Result(U&& value)
      : value_(std::forward<U>(value)) {}               // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit on purpose
    CANOPY_CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & {
    CANOPY_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    CANOPY_CHECK(ok());
    return *value_;
  }
  // By value: `for (x : *fs.List(dir))` would else walk through what is gone.
  T value() && {
    CANOPY_CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

#define CANOPY_CONCAT_INNER(a, b) a##b
#define CANOPY_CONCAT(a, b) CANOPY_CONCAT_INNER(a, b)

// Returns the Status of `expr` from the enclosing function unless it is ok.
#define CANOPY_RETURN_IF_ERROR(expr)                                                        \
  do {                                                                                      \
    if (::canopy::Status canopy_status = (expr); !canopy_status.ok()) return canopy_status; \
  } while (false)

// CANOPY_ASSIGN_OR_RETURN(auto file, fs.Open(path)); -- declares or assigns on success.
#define CANOPY_ASSIGN_OR_RETURN(lhs, expr) \
  CANOPY_ASSIGN_OR_RETURN_INNER(CANOPY_CONCAT(canopy_result_, __LINE__), lhs, expr)
#define CANOPY_ASSIGN_OR_RETURN_INNER(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return tmp.status();                 \
  lhs = std::move(tmp).value()

}  // namespace canopy

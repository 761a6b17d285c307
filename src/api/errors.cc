#include "answer.h"
#include "canopy/base/quote.h"

namespace canopy::api {
namespace {

struct Row {
  Code code;
  int http_status;
  std::string_view type;
};

// As prometheus/prometheus@d15adb9ad7 web/api/v1/api.go, getDefaultErrorCode. 499 is nginx's: the
// client closed the connection.
constexpr Row kTable[] = {
    {Code::kInvalid, 400, "bad_data"},      {Code::kNotFound, 404, "not_found"},
    {Code::kExecution, 422, "execution"},   {Code::kLimit, 422, "execution"},
    {Code::kUnsupported, 422, "execution"}, {Code::kCanceled, 499, "canceled"},
    {Code::kTimeout, 503, "timeout"},       {Code::kUnavailable, 500, "unavailable"},
    {Code::kCorrupt, 500, "internal"},      {Code::kIo, 500, "internal"},
    {Code::kExists, 500, "internal"},       {Code::kInternal, 500, "internal"},
};

ApiError Make(Code code, std::string message) {
  for (const Row& row : kTable)
    if (row.code == code) return {row.http_status, row.type, std::move(message)};
  return {500, "internal", std::move(message)};
}

}  // namespace

ApiError ToApiError(const Status& status) { return Make(status.code(), status.message()); }

ApiError BadData(std::string message) { return Make(Code::kInvalid, std::move(message)); }

ApiError Internal(std::string message) { return Make(Code::kInternal, std::move(message)); }

ApiError InvalidParameter(std::string_view name, std::string_view why) {
  std::string message = "invalid parameter ";
  base::AppendQuoted(message, name);
  message.append(": ").append(why);
  return BadData(std::move(message));
}

ApiError ReadError(const Status& status) {
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kCanceled:
    case Code::kTimeout:
      return ToApiError(status);
    default:
      return Make(Code::kExecution, status.message());
  }
}

}  // namespace canopy::api

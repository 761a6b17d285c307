#include <string>
#include <vector>

#include "canopy/base/quote.h"
#include "canopy/promql/parser.h"
#include "handlers.h"
#include "params.h"

// /api/v1/admin/tsdb/...: what changes the store, for operators. Off unless asked for.

namespace canopy::api {
namespace {

ApiError Disabled() { return ToApiError(Status::Unavailable("admin APIs disabled")); }

}  // namespace

Answer DeleteSeries(const Call& call) {
  if (!call.options.enable_admin_api) return Disabled();
  const std::vector<std::string_view> texts = call.form.All("match[]");
  if (texts.empty()) return BadData("no match[] parameter provided");
  const Result<Timestamp> start = TimeOr(call.form, "start", Timestamp::Min());
  if (!start.ok()) return InvalidParameter("start", start.status().message());
  const Result<Timestamp> end = TimeOr(call.form, "end", Timestamp::Max());
  if (!end.ok()) return InvalidParameter("end", end.status().message());
  // All are read before anything goes. Unlike elsewhere, {} is fine, and means everything.
  std::vector<model::Matchers> selectors;
  for (const std::string_view text : texts) {
    Result<model::Matchers> matchers = promql::ParseMetricSelector(text);
    if (!matchers.ok()) return InvalidParameter("match[]", matchers.status().message());
    selectors.push_back(std::move(*matchers));
  }
  for (const model::Matchers& matchers : selectors) {
    const Status status = call.sources.admin.delete_series(matchers, *start, *end);
    if (!status.ok()) return Internal(status.message());
  }
  return Answer::Nothing();
}

Answer CleanTombstones(const Call& call) {
  if (!call.options.enable_admin_api) return Disabled();
  const Status status = call.sources.admin.clean_tombstones();
  if (!status.ok()) return Internal(status.message());
  return Answer::Nothing();
}

Answer Snapshot(const Call& call) {
  if (!call.options.enable_admin_api) return Disabled();
  bool skip_head = false;
  if (const std::string_view text = call.form.Value("skip_head"); !text.empty()) {
    const std::optional<bool> parsed = ParseGoBool(text);
    if (!parsed) {
      return InvalidParameter("skip_head", "unable to parse boolean: strconv.ParseBool: parsing " +
                                               base::Quoted(text) + ": invalid syntax");
    }
    skip_head = *parsed;
  }
  Result<std::string> name = call.sources.admin.snapshot(!skip_head);
  if (!name.ok()) return Internal(name.status().In("create snapshot").message());
  return Answer([name = std::move(*name)](JsonWriter& json) {
    json.BeginObject();
    json.Field("name", name);
    json.EndObject();
  });
}

}  // namespace canopy::api

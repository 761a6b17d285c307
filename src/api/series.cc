#include <algorithm>
#include <memory>
#include <set>

#include "canopy/base/quote.h"
#include "canopy/exposition/escape.h"
#include "canopy/model/labels.h"
#include "handlers.h"
#include "params.h"

// /api/v1/series, labels, label/{name}/values.

namespace canopy::api {
namespace {

using Strings = std::vector<std::string>;

struct Selection {
  uint64_t limit = 0;
  Timestamp start;
  Timestamp end;
  std::vector<model::Matchers> matchers;
};

// limit, start, end, match[]: what all three endpoints take. `name_match` says whether an error in
// match[] is named after its parameter.
std::optional<ApiError> ParseSelection(const net::Form& form, bool name_match, Selection& out) {
  const Result<uint64_t> limit = ParseLimit(form);
  if (!limit.ok()) return InvalidParameter("limit", limit.status().message());
  const Result<Timestamp> start = TimeOr(form, "start", Timestamp::Min());
  if (!start.ok()) return InvalidParameter("start", start.status().message());
  const Result<Timestamp> end = TimeOr(form, "end", Timestamp::Max());
  if (!end.ok()) return InvalidParameter("end", end.status().message());
  auto matchers = ParseMatchers(form);
  if (!matchers.ok()) {
    if (name_match) return InvalidParameter("match[]", matchers.status().message());
    return ToApiError(matchers.status());
  }
  out = {*limit, *start, *end, std::move(matchers).value()};
  return std::nullopt;
}

// One more than asked for tells that there is more.
uint64_t OneMore(uint64_t limit) { return limit == 0 || limit == UINT64_MAX ? limit : limit + 1; }

Answer StringsAnswer(Strings strings, uint64_t limit) {
  const bool truncated = limit > 0 && strings.size() > limit;
  if (truncated) strings.resize(static_cast<size_t>(limit));
  const auto shared = std::make_shared<const Strings>(std::move(strings));
  Answer answer([shared](JsonWriter& json) {
    json.BeginArray();
    for (const std::string& s : *shared) {
      if (!json.ok()) break;
      json.Text(s);
    }
    json.EndArray();
  });
  if (truncated) answer.AddWarning(std::string(kTruncatedWarning));
  return answer;
}

// What `read(querier, matchers)` yields for each selector, as one sorted list.
template <class Read>
Answer UnionOf(const Call& call, const Selection& selection, Read read) {
  auto querier = call.sources.store.NewQuerier(selection.start, selection.end);
  if (!querier.ok()) return ReadError(querier.status());
  static const model::Matchers kEverything;
  std::set<std::string> all;
  for (size_t i = 0; i < std::max<size_t>(1, selection.matchers.size()); ++i) {
    const model::Matchers& matchers =
        selection.matchers.empty() ? kEverything : selection.matchers[i];
    Result<Strings> found = read(**querier, matchers);
    if (!found.ok()) return ReadError(found.status());
    if (selection.matchers.size() <= 1) return StringsAnswer(std::move(*found), selection.limit);
    all.insert(std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
  }
  return StringsAnswer(Strings(all.begin(), all.end()), selection.limit);
}

}  // namespace

Answer LabelNames(const Call& call) {
  Selection selection;
  if (auto error = ParseSelection(call.form, false, selection)) return *error;
  return UnionOf(call, selection, [&](storage::Querier& querier, const model::Matchers& matchers) {
    return querier.LabelNames(matchers, OneMore(selection.limit));
  });
}

Answer LabelValues(const Call& call) {
  std::string name(call.request.path_param("name"));
  if (name.starts_with("U__")) name = exposition::UnescapeName(name, exposition::Escaping::kValues);
  if (name.empty() || !model::IsValidUtf8(name))
    return BadData("invalid label name: " + base::Quoted(name));
  Selection selection;
  if (auto error = ParseSelection(call.form, false, selection)) return *error;
  return UnionOf(call, selection, [&](storage::Querier& querier, const model::Matchers& matchers) {
    return querier.LabelValues(name, matchers, OneMore(selection.limit));
  });
}

Answer Series(const Call& call) {
  if (!call.form.Has("match[]")) return BadData("no match[] parameter provided");
  Selection selection;
  if (auto error = ParseSelection(call.form, true, selection)) return *error;

  // Set before querier, querier before set: the set must not outlive it.
  struct Found {
    std::unique_ptr<storage::Querier> querier;
    std::unique_ptr<storage::SeriesSet> set;
  };
  const auto found = std::make_shared<Found>();
  auto querier = call.sources.store.NewQuerier(selection.start, selection.end);
  if (!querier.ok()) return ReadError(querier.status());
  found->querier = std::move(querier).value();
  storage::SelectHints hints;
  hints.labels_only = true;
  hints.sorted = selection.matchers.size() > 1;
  auto set = found->querier->SelectAny(selection.matchers, hints);
  if (!set.ok()) return ReadError(set.status());
  found->set = std::move(set).value();

  size_t shown = found->set->size();
  const bool truncated = selection.limit > 0 && shown > selection.limit;
  if (truncated) shown = static_cast<size_t>(selection.limit);
  Answer answer([found, shown](JsonWriter& json) {
    json.BeginArray();
    for (size_t i = 0; i < shown && json.ok(); ++i) json.Labels(found->set->labels(i));
    json.EndArray();
  });
  if (truncated) answer.AddWarning(std::string(kTruncatedWarning));
  return answer;
}

}  // namespace canopy::api

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>

#include "canopy/model/expansion.h"
#include "canopy/model/regex.h"
#include "function_impl.h"
#include "pace.h"
#include "sorted_source.h"

// label_replace, label_join, sort_by_label: what looks at labels, not at values.

namespace canopy::promql {
namespace {

// Series under other labels than they came with.
class Relabeled final : public WrappedSource {
 public:
  explicit Relabeled(SourcePtr inner) : WrappedSource(std::move(inner)) {
    labels_.resize(size());
    changed_.resize(size());
    drop_name_.resize(size());
    for (size_t i = 0; i < size(); ++i) drop_name_[i] = this->inner().labels(i).drop_name();
  }

  void Set(size_t i, std::string_view name, std::string_view value) {
    model::LabelsBuilder builder(inner().labels(i).Build());
    builder.Set(name, value);
    labels_[i] = builder.Build();
    changed_[i] = true;
    if (name == model::kMetricName) drop_name_[i] = false;
  }

  SeriesLabels labels(size_t i) const override {
    const SeriesLabels out = changed_[i] ? SeriesLabels(labels_[i]) : inner().labels(i);
    return out.WithDropName(drop_name_[i]);
  }
  bool distinct_without_metadata() const override { return false; }

 private:
  std::vector<model::Labels> labels_;
  std::vector<bool> changed_;
  std::vector<bool> drop_name_;
};

bool IsLabelName(std::string_view name) { return !name.empty() && model::IsValidUtf8(name); }

// A few nested calls that write a label twice into itself would make a value of any length.
void CheckLength(std::string_view value) {
  constexpr size_t kMostBytes = size_t{1} << 20;
  if (value.size() > kMostBytes) Fail("a label value of more than 1 MiB would be made");
}

SourcePtr LabelReplace(Evaluator& evaluator, const Call& call, const Steps& steps) {
  const std::string& target = Evaluator::String(*call.args[1]);
  const std::string& replacement = Evaluator::String(*call.args[2]);
  const std::string& source_name = Evaluator::String(*call.args[3]);
  const std::string& pattern = Evaluator::String(*call.args[4]);
  const auto regex = model::AnchoredRegex::CompileForCaptures(pattern);
  if (!regex.ok()) Fail("invalid regular expression in label_replace(): " + pattern);
  if (!IsLabelName(target)) Fail("invalid destination label name in label_replace(): " + target);
  const model::Expansion expansion(replacement, **regex);

  auto out = std::make_unique<Relabeled>(evaluator.Vector(*call.args[0], steps));
  // Many series share few values: each is matched once.
  absl::flat_hash_map<std::string, std::optional<std::string>> known;
  std::vector<std::string_view> groups;
  Pace pace(evaluator.query());
  for (size_t i = 0; i < out->size(); ++i) {
    pace.Step();
    const auto [it, fresh] = known.try_emplace(std::string(out->labels(i).Get(source_name)));
    if (fresh && (*regex)->Capture(it->first, groups)) it->second = expansion.Apply(groups);
    if (it->second) {
      CheckLength(*it->second);
      out->Set(i, target, *it->second);
    }
  }
  return MergeEqual(evaluator.query(), std::move(out), steps.count, Collisions::kMerge);
}

SourcePtr LabelJoin(Evaluator& evaluator, const Call& call, const Steps& steps) {
  const std::string& target = Evaluator::String(*call.args[1]);
  const std::string& separator = Evaluator::String(*call.args[2]);
  std::vector<std::string> names;
  for (size_t i = 3; i < call.args.size(); ++i) {
    names.push_back(Evaluator::String(*call.args[i]));
    if (!IsLabelName(names.back()))
      Fail("invalid source label name in label_join(): " + names.back());
  }
  if (!IsLabelName(target)) Fail("invalid destination label name in label_join(): " + target);

  auto out = std::make_unique<Relabeled>(evaluator.Vector(*call.args[0], steps));
  std::string joined;
  Pace pace(evaluator.query());
  for (size_t i = 0; i < out->size(); ++i) {
    pace.Step();
    joined.clear();
    for (size_t n = 0; n < names.size(); ++n) {
      if (n > 0) joined += separator;
      joined += out->labels(i).Get(names[n]);
    }
    CheckLength(joined);
    out->Set(i, target, joined);
  }
  return MergeEqual(evaluator.query(), std::move(out), steps.count, Collisions::kMerge);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The text's first run of digits, or of anything else.
std::string_view FirstChunk(std::string_view text) {
  size_t n = 1;
  while (n < text.size() && IsDigit(text[n]) == IsDigit(text[0])) ++n;
  return text.substr(0, n);
}

// Numbers in texts by their values: "a2" before "a10". Of numbers that are equal the one with fewer
// digits comes first.
int CompareChunks(std::string_view a, std::string_view b) {
  if (!IsDigit(a[0]) || !IsDigit(b[0])) return a.compare(b);
  const auto significant = [](std::string_view digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  const std::string_view x = significant(a);
  const std::string_view y = significant(b);
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  if (const int c = x.compare(y); c != 0) return c;
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

int CompareNaturally(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view x = FirstChunk(a);
    const std::string_view y = FirstChunk(b);
    if (const int c = CompareChunks(x, y); c != 0) return c;
    a.remove_prefix(x.size());
    b.remove_prefix(y.size());
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

template <bool kDescending>
SourcePtr SortByLabel(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  if (steps.count > 1) query.annotations.SortInRangeQuery(call.pos);
  SourcePtr source = evaluator.Vector(*call.args[0], steps);
  if (steps.count > 1) return source;
  std::vector<model::Labels> labels;
  Pace pace(query);
  for (size_t i = 0; i < source->size(); ++i) {
    pace.Step();
    labels.push_back(source->labels(i).Build());
  }
  const auto less = [&](size_t a, size_t b) {
    pace.Step();
    for (size_t n = 1; n < call.args.size(); ++n) {
      const std::string& name = Evaluator::String(*call.args[n]);
      const int c = CompareNaturally(labels[a].Get(name), labels[b].Get(name));
      if (c != 0) return c < 0;
    }
    return labels[a] < labels[b];
  };
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return kDescending ? less(b, a) : less(a, b); });
  return std::make_unique<SortedSource>(std::move(source), std::move(order));
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kLabelJoin, .call = LabelJoin},
    {.id = FunctionId::kLabelReplace, .call = LabelReplace},
    {.id = FunctionId::kSortByLabel, .call = SortByLabel<false>},
    {.id = FunctionId::kSortByLabelDesc, .call = SortByLabel<true>},
};

}  // namespace

std::span<const FunctionImpl> LabelFunctions() { return kFunctions; }

}  // namespace canopy::promql

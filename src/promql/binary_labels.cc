#include "binary_labels.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "binary_op.h"
#include "pace.h"

namespace canopy::promql {
namespace {

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

bool Contains(const std::vector<std::string>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

}  // namespace

MatchedLabels::MatchedLabels(const VectorMatching& matching)
    : on_(matching.on), names_(Sorted(matching.labels)) {}

bool MatchedLabels::Has(std::string_view name) const {
  return Contains(names_, name) == on_ && (on_ || name != model::kMetricName);
}

void MatchedLabels::Key(const SeriesLabels& labels, std::string& key) const {
  key.clear();
  labels.ForEach([&](std::string_view name, std::string_view value) {
    if (Has(name)) AppendLabelKey(key, name, value);
  });
}

model::Labels MatchedLabels::Of(const SeriesLabels& labels) const {
  std::vector<model::LabelView> kept;
  labels.ForEach([&](std::string_view name, std::string_view value) {
    if (Has(name)) kept.push_back({name, value});
  });
  return model::Labels::FromSorted(kept);
}

Signatures FindSignatures(const Query& query, const VectorMatching& matching,
                          const SeriesSource& lhs, const SeriesSource& rhs) {
  const MatchedLabels matched(matching);
  Signatures out;
  absl::flat_hash_map<std::string, size_t> known;
  std::string key;
  Pace pace(query);
  const auto number = [&](const SeriesSource& source, std::vector<size_t>& numbers) {
    numbers.reserve(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
      pace.Step();
      matched.Key(source.labels(i), key);
      const auto [it, fresh] = known.try_emplace(key, out.count);
      if (fresh) ++out.count;
      numbers.push_back(it->second);
    }
  };
  number(lhs, out.left);
  number(rhs, out.right);
  return out;
}

ResultLabels::ResultLabels(const Query& query, const Binary& binary)
    : matching_(*binary.matching),
      names_(Sorted(matching_.labels)),
      drops_metadata_(MakesNewMetric(binary.op) ||
                      (binary.return_bool && !query.engine.features.delayed_name_removal)) {}

model::Labels ResultLabels::Of(const SeriesLabels& many, const SeriesLabels& one) const {
  std::vector<model::LabelView> kept;
  many.ForEach([&](std::string_view name, std::string_view value) {
    if (drops_metadata_ && IsMetadataLabel(name)) return;
    if (matching_.card == Cardinality::kOneToOne && Contains(names_, name) != matching_.on) return;
    kept.push_back({name, value});
  });
  model::Labels labels = model::Labels::FromSorted(kept);
  if (matching_.include.empty()) return labels;
  model::LabelsBuilder builder(labels);
  for (const std::string& name : matching_.include) builder.Set(name, one.Get(name));
  return builder.Build();
}

}  // namespace canopy::promql

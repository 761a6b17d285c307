// Series by labels, and labels by series, for what is kept beside the head.

#include "head.h"

namespace canopy::tsdb {

SeriesRef Head::FindSeries(const model::Labels& labels) const {
  std::vector<model::Symbol> names;
  std::vector<model::Symbol> values;
  const ReaderLock lock(mu_);
  for (const model::LabelView label : labels) {
    const auto name = symbols_.Find(label.name);
    const auto value = name ? symbols_.Find(label.value) : std::nullopt;
    if (!value) return {};
    names.push_back(*name);
    values.push_back(*value);
  }
  const NameSet* const set = index_.FindNames(names);
  const auto slot = set != nullptr ? table_.FindByLabels(set, values) : std::nullopt;
  return slot ? table_.RefOf(*slot) : SeriesRef();
}

std::vector<model::Labels> Head::LabelsOf(std::span<const SeriesRef> refs) const {
  std::vector<model::Labels> out(refs.size());
  const ReaderLock lock(mu_);
  for (size_t i = 0; i < refs.size(); ++i) {
    const Series* const series = table_.Find(refs[i]);
    if (series != nullptr)
      out[i] = model::SeriesLabelsView(symbols_, series->labels->pairs()).ToLabels();
  }
  return out;
}

model::Labels Head::ReplayedLabels(SeriesRef& ref) {
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  const Series* const series = ReplayedSeries(ref);
  if (series == nullptr) return {};
  return model::SeriesLabelsView(symbols_, series->labels->pairs()).ToLabels();
}

}  // namespace canopy::tsdb

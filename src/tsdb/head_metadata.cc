// What sources say of series, on its way into the log.

#include "head.h"
#include "wal_record.h"

namespace canopy::tsdb {

void Head::PlanMetadata(const storage::Batch& batch, const storage::AppendReport& report) {
  if (batch.metadata == nullptr || !options_.metadata) return;
  if (report.refs.empty() && !batch.metadata_changed) return;
  const std::optional<model::Symbol> name = symbols_.FindForWriter(model::kMetricName);
  if (!name) return;
  // Series of one metric come one behind the other.
  std::optional<model::Symbol> metric;
  const model::Metadata* said = nullptr;
  const auto plan = [&](SeriesRef ref) CANOPY_REQUIRES(append_mu_) {
    const Series* const series = table_.Find(ref);
    if (series == nullptr) return;
    for (const model::SymbolPair pair : series->labels->pairs()) {
      if (pair.name != *name) continue;
      if (metric != pair.value) said = batch.metadata->Find(symbols_.Lookup(pair.value));
      metric = pair.value;
      if (said == nullptr || said->empty()) return;
      const model::Metadata* const before = metadata_.Find(ref);
      if (before == nullptr || *before != *said) metadata_plan_.push_back({ref, said});
      return;
    }
  };
  for (const SeriesRef ref : report.refs) plan(ref);
  if (!batch.metadata_changed) return;
  for (const storage::SeriesSample& sample : batch.samples) plan(sample.series);
  for (const storage::SeriesHistogram& sample : batch.histograms) plan(sample.series);
}

void Head::EncodeMetadataPlan() {
  std::vector<RefMetadata> rows;
  rows.reserve(metadata_plan_.size());
  for (const PlannedMetadata& planned : metadata_plan_) {
    const model::Metadata& said = *planned.metadata;
    rows.push_back({planned.ref, said.type, said.unit, said.help});
  }
  metadata_record_.clear();
  EncodeMetadata(rows, metadata_record_);
}

void Head::ApplyMetadata() {
  for (const PlannedMetadata& planned : metadata_plan_)
    metadata_.Set(planned.ref, *planned.metadata);
}

bool Head::ReplayMetadata(SeriesRef ref, model::Metadata metadata) {
  if (!options_.metadata) return true;
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  if (ReplayedSeries(ref) == nullptr) return false;
  metadata_.Set(ref, metadata);
  return true;
}

}  // namespace canopy::tsdb

#include "exemplar_appender.h"

#include "canopy/base/log.h"
#include "wal_record.h"

namespace canopy::tsdb {

void ExemplarAppender::Append(const storage::Batch& batch, storage::AppendReport& report) {
  std::vector<ExemplarRow> rows;
  rows.reserve(batch.exemplars.size() + batch.new_exemplars.size());
  for (const storage::SeriesExemplar& exemplar : batch.exemplars)
    rows.push_back({exemplar.series, &exemplar.exemplar});
  for (const storage::NewExemplar& exemplar : batch.new_exemplars) {
    if (const SeriesRef series = head_.FindSeries(exemplar.series))
      rows.push_back({series, &exemplar.exemplar});
  }

  const MutexLock lock(mu_);
  report.exemplars_out_of_order = store_.Admit(rows);
  std::vector<SeriesRef> refs;
  refs.reserve(rows.size());
  for (const ExemplarRow& row : rows) refs.push_back(row.series);
  std::vector<model::Labels> labels = head_.LabelsOf(refs);
  // Of a series that has gone, the log must not name any.
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (labels[i].empty()) continue;
    if (kept != i) {
      rows[kept] = rows[i];
      labels[kept] = std::move(labels[i]);
    }
    ++kept;
  }
  rows.resize(kept);
  if (rows.empty()) return;
  if (const Status status = WriteToLog(rows); !status.ok()) {
    LOG_ERROR("Writing exemplars to the WAL failed", {"err", status.message()});
    return;
  }
  report.exemplars = store_.Add(rows, labels);
}

Status ExemplarAppender::WriteToLog(std::span<const ExemplarRow> rows) {
  std::vector<std::vector<model::LabelView>> labels(rows.size());
  std::vector<RefExemplar> records(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const model::Exemplar& exemplar = *rows[i].exemplar;
    labels[i].assign(exemplar.labels.begin(), exemplar.labels.end());
    records[i] = {rows[i].series, exemplar.time, exemplar.value, labels[i]};
  }
  record_.clear();
  EncodeExemplars(records, record_);
  const std::string_view record = record_;
  return wal_.Append({&record, 1});
}

}  // namespace canopy::tsdb

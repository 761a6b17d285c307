#include "rules/rule_series.h"

#include <array>

namespace canopy::rules {

namespace {

using storage::AppendResult;

// Nothing for what is no error: the sample is there already.
std::string_view RejectionText(AppendResult result) {
  switch (result) {
    case AppendResult::kConflict:
      return "duplicate sample for timestamp";
    case AppendResult::kOutOfOrder:
      return "out of order sample";
    case AppendResult::kOutOfBounds:
      return "out of bounds";
    case AppendResult::kTooOld:
      return "too old sample";
    case AppendResult::kUnknownSeries:
      return "unknown series reference";
    default:
      return "";
  }
}

}  // namespace

// The rows of a batch, in the order in which its report counts them.
class RuleSeries::RowsOfBatch {
 public:
  void AddKnown(const RuleRow& row, SeriesRef series, Timestamp at, storage::Batch& batch) {
    rows_[row.histogram ? kHistograms : kSamples].push_back(&row);
    if (row.histogram)
      batch.histograms.push_back({series, at, *row.histogram});
    else
      batch.samples.push_back({series, at, row.value});
  }
  void AddNew(const RuleRow& row, Timestamp at, storage::Batch& batch) {
    rows_[row.histogram ? kNewHistograms : kNewSamples].push_back(&row);
    if (row.histogram)
      batch.new_histograms.push_back({row.labels, at, *row.histogram});
    else
      batch.new_samples.push_back({row.labels, at, row.value});
  }

  const RuleRow& operator[](size_t index) const {
    size_t list = 0;
    while (index >= rows_[list].size()) index -= rows_[list++].size();
    return *rows_[list][index];
  }
  // That AppendReport::refs counts.
  const RuleRow& newcomer(size_t i) const {
    const size_t floats = rows_[kNewSamples].size();
    return *(i < floats ? rows_[kNewSamples][i] : rows_[kNewHistograms][i - floats]);
  }

 private:
  enum { kSamples, kNewSamples, kHistograms, kNewHistograms, kLists };
  std::array<std::vector<const RuleRow*>, kLists> rows_;
};

Result<RuleSeries::Written> RuleSeries::Write(storage::Appender& appender,
                                              const std::vector<RuleRow>& rows, Timestamp at) {
  storage::Batch batch;
  RowsOfBatch order;
  Map written;
  written.reserve(rows.size());
  for (const RuleRow& row : rows) {
    const auto it = series_.find(row.labels);
    if (it == series_.end()) {
      order.AddNew(row, at, batch);
    } else {
      order.AddKnown(row, it->second, at, batch);
      written.emplace(row.labels, it->second);
    }
  }
  for (const auto& [labels, series] : series_) {
    if (!written.contains(labels)) batch.ended.push_back(series);
  }
  batch.ended_at = at;
  // A result for a time that is over would stand beside what a later evaluation has made of it.
  batch.in_order_only = true;
  if (batch.size() == 0) return Written();
  CANOPY_ASSIGN_OR_RETURN(const storage::AppendReport report, appender.Append(batch));
  for (size_t i = 0; i < report.refs.size(); ++i)
    written.emplace(order.newcomer(i).labels, report.refs[i]);
  CANOPY_ASSIGN_OR_RETURN(const Written outcome, Settle(appender, report, order, at, written));
  series_ = std::move(written);
  return outcome;
}

// Takes out of `written` what was rejected; what the store had dropped is stored once more, by its
// labels.
Result<RuleSeries::Written> RuleSeries::Settle(storage::Appender& appender,
                                               const storage::AppendReport& report,
                                               const RowsOfBatch& order, Timestamp at,
                                               Map& written) {
  Written outcome;
  const auto reject = [&](const RuleRow& row, AppendResult result) {
    const std::string_view text = RejectionText(result);
    if (text.empty()) return;
    written.erase(row.labels);
    outcome.why = Status::Execution(std::string(text));
    ++outcome.dropped;
  };
  storage::Batch again;
  again.in_order_only = true;
  RowsOfBatch again_order;
  for (const auto& [index, result, within_batch] : report.rejected) {
    if (result == AppendResult::kUnknownSeries)
      again_order.AddNew(order[index], at, again);
    else
      reject(order[index], result);
  }
  if (again.size() == 0) return outcome;
  CANOPY_ASSIGN_OR_RETURN(const storage::AppendReport second, appender.Append(again));
  for (size_t i = 0; i < second.refs.size(); ++i)
    written[again_order.newcomer(i).labels] = second.refs[i];
  for (const auto& rejected : second.rejected) reject(again_order[rejected.index], rejected.result);
  return outcome;
}

void RuleSeries::AppendTo(std::vector<SeriesRef>& out) const {
  for (const auto& [labels, series] : series_) out.push_back(series);
}

}  // namespace canopy::rules

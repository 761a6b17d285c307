#include "rules/rule_series.h"

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
    case AppendResult::kTooOld:
      return "too old sample";
    case AppendResult::kUnknownSeries:
      return "unknown series reference";
    default:
      return "";
  }
}

}  // namespace

Result<RuleSeries::Written> RuleSeries::Write(storage::Appender& appender,
                                              const std::vector<RuleRow>& rows, Timestamp at) {
  storage::Batch batch;
  std::vector<const RuleRow*> order;  // of the batch's samples: known series, then new ones
  std::vector<const RuleRow*> unknown;
  Map written;
  written.reserve(rows.size());
  for (const RuleRow& row : rows) {
    const auto it = series_.find(row.labels);
    if (it == series_.end()) {
      unknown.push_back(&row);
      continue;
    }
    batch.samples.push_back({it->second, at, row.value});
    written.emplace(row.labels, it->second);
    order.push_back(&row);
  }
  for (const RuleRow* row : unknown) batch.new_samples.push_back({row->labels, at, row->value});
  order.insert(order.end(), unknown.begin(), unknown.end());
  for (const auto& [labels, series] : series_) {
    if (!written.contains(labels)) batch.ended.push_back(series);
  }
  batch.ended_at = at;
  if (batch.size() == 0) return Written();
  CANOPY_ASSIGN_OR_RETURN(const storage::AppendReport report, appender.Append(batch));
  for (size_t i = 0; i < unknown.size(); ++i) written.emplace(unknown[i]->labels, report.refs[i]);
  CANOPY_ASSIGN_OR_RETURN(const Written outcome, Settle(appender, report, order, at, written));
  series_ = std::move(written);
  return outcome;
}

// Takes out of `written` what was rejected; what the store had dropped is stored once more, by its
// labels.
Result<RuleSeries::Written> RuleSeries::Settle(storage::Appender& appender,
                                               const storage::AppendReport& report,
                                               const std::vector<const RuleRow*>& order,
                                               Timestamp at, Map& written) {
  Written outcome;
  const auto reject = [&](const RuleRow& row, AppendResult result) {
    const std::string_view text = RejectionText(result);
    if (text.empty()) return;
    written.erase(row.labels);
    outcome.why = Status::Execution(std::string(text));
    ++outcome.dropped;
  };
  storage::Batch again;
  std::vector<const RuleRow*> again_order;
  for (const auto& [index, result] : report.rejected) {
    const RuleRow& row = *order[index];
    if (result == AppendResult::kUnknownSeries) {
      again.new_samples.push_back({row.labels, at, row.value});
      again_order.push_back(&row);
    } else {
      reject(row, result);
    }
  }
  if (again.size() == 0) return outcome;
  CANOPY_ASSIGN_OR_RETURN(const storage::AppendReport second, appender.Append(again));
  for (size_t i = 0; i < again_order.size(); ++i) {
    written[again_order[i]->labels] = second.refs[i];
  }
  for (const auto& [index, result] : second.rejected) reject(*again_order[index], result);
  return outcome;
}

void RuleSeries::AppendTo(std::vector<SeriesRef>& out) const {
  for (const auto& [labels, series] : series_) out.push_back(series);
}

}  // namespace canopy::rules

#pragma once

#include <unordered_map>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/storage/appender.h"
#include "rules/rule_row.h"

namespace canopy::rules {

// The series that a rule's last evaluation wrote, as the store knows them. Not thread-safe.
class RuleSeries {
 public:
  struct Written {
    size_t dropped = 0;  // rows that the store did not take
    Status why;          // of the last of them, as Prometheus's storage words it; else ok
  };

  // Stores the rows at `at`, and the end of what was written before and is not among them, as one
  // batch: a later rule, and any reader, sees all of it or nothing. On error, of the store as a
  // whole, what was written before is still what counts.
  Result<Written> Write(storage::Appender& appender, const std::vector<RuleRow>& rows,
                        Timestamp at);

  void AppendTo(std::vector<SeriesRef>& out) const;

 private:
  class RowsOfBatch;
  using Map = std::unordered_map<model::Labels, SeriesRef>;

  Result<Written> Settle(storage::Appender& appender, const storage::AppendReport& report,
                         const RowsOfBatch& order, Timestamp at, Map& written);

  Map series_;
};

}  // namespace canopy::rules

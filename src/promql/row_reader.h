#pragma once

#include <memory>
#include <vector>

#include "query.h"
#include "row.h"

namespace canopy::promql {

class SeriesSource;

// Reads the rows of a source in order, skipping series without values. Where series are many and
// the engine has workers, these compute rows ahead; what the reader sees is the same as without
// them, to the bit and in the same order. Not thread-safe.
class RowReader {
 public:
  RowReader(Query& query, const SeriesSource& source, size_t steps);
  ~RowReader();
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  // False when there is no further row.
  bool Next();
  size_t index() const { return index_; }
  const Row& row() const { return row_; }

 private:
  class Team;
  bool NextAlone();
  bool NextOfTeam();

  Query& query_;
  const SeriesSource& source_;
  size_t next_ = 0;  // series to compute, or place in the team's block
  const size_t check_mask_;
  size_t index_ = 0;
  size_t next_histograms_ = 0;
  Row row_;
  std::vector<double> own_values_;
  std::shared_ptr<Team> team_;
};

}  // namespace canopy::promql

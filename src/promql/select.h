#pragma once

#include <memory>
#include <vector>

#include "canopy/promql/ast.h"
#include "column_source.h"
#include "query.h"
#include "series_source.h"

namespace canopy::promql {

// The span of data that an expression reads, both ends included: what its querier is opened for.
// Empty (min > max) when it selects nothing.
struct DataSpan {
  int64_t min = INT64_MAX;
  int64_t max = INT64_MIN;
};
DataSpan SpanOf(const Query& query, const Expr& expr);

// Selections of one query: a selector that appears twice is selected once.
class Selections {
 public:
  explicit Selections(Query& query) : query_(query) {}
  std::shared_ptr<const storage::SeriesSet> Select(const VectorSelector& selector,
                                                   bool newest_only);

 private:
  struct Selection {
    const VectorSelector* selector;
    bool newest_only;
    std::shared_ptr<const storage::SeriesSet> series;
  };
  Query& query_;
  std::vector<Selection> made_;
};

// What an instant vector selector yields at each step.
enum class SelectedValue : uint8_t {
  kValue,
  kTime,   // when the sample was taken, in seconds: timestamp(m)
  kStart,  // when its counter started: start_timestamp(m); 0 where that is not known
};
SourcePtr SelectInstant(Query& query, Selections& selections, const VectorSelector& selector,
                        const Steps& steps, SelectedValue what);
ColumnSourcePtr SelectRange(Query& query, Selections& selections, const MatrixSelector& selector,
                            const Steps& steps);

// The steps at which the inner expression of a subquery is evaluated. count 0 when there is none.
Steps SubquerySteps(const Query& query, const Subquery& subquery, const LookAt& look,
                    int64_t range_ms);
// `inner` are the rows of the subquery's expression at those steps.
ColumnSourcePtr SubqueryColumns(Query& query, SourcePtr inner, const Steps& inner_steps,
                                const LookAt& look, int64_t range_ms);

}  // namespace canopy::promql

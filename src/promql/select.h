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
  // Of matchers that are no selector of the query's.
  std::shared_ptr<const storage::SeriesSet> SelectMatching(const model::Matchers& matchers) {
    return SelectNow(matchers, false);
  }

 private:
  std::shared_ptr<const storage::SeriesSet> SelectNow(const model::Matchers& matchers,
                                                      bool newest_only);

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

// m smoothed: the line between the samples on either side of each step.
SourcePtr SelectSmoothed(Query& query, std::shared_ptr<const storage::SeriesSet> series,
                         const VectorSelector& selector, const LookAt& look);

// Where info(v) looks for the series that describe those of v: at the time of the first selector in
// v, by its modifiers and those of subqueries around it.
LookAt LookOfInfo(const Query& query, const Expr& v, const Steps& steps);

// For each step the index of the newest sample that is not older than the lookback; -1 for none.
void FindNewest(std::span<const int64_t> times, const LookAt& look, int64_t lookback_ms,
                std::vector<int32_t>& out);

Edges EdgesOf(const VectorSelector& selector);

// The same when there is no staleness marker among them; otherwise the others, in `kept`.
storage::Columns WithoutMarkers(const storage::Columns& columns, storage::ColumnBuffer& kept);

// The steps at which the inner expression of a subquery is evaluated. count 0 when there is none.
Steps SubquerySteps(const Query& query, const Subquery& subquery, const LookAt& look,
                    int64_t range_ms);
// `inner` are the rows of the subquery's expression at those steps.
ColumnSourcePtr SubqueryColumns(Query& query, SourcePtr inner, const Steps& inner_steps,
                                const LookAt& look, int64_t range_ms);

}  // namespace canopy::promql

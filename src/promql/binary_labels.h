#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "canopy/promql/ast.h"
#include "query.h"
#include "series_labels.h"
#include "series_source.h"

namespace canopy::promql {

// The labels by which series of two vectors match: those of on(), or all but those of ignoring()
// and the name.
class MatchedLabels {
 public:
  explicit MatchedLabels(const VectorMatching& matching);

  // Equal for sets whose matched labels are equal.
  void Key(const SeriesLabels& labels, std::string& key) const;
  model::Labels Of(const SeriesLabels& labels) const;

 private:
  bool Has(std::string_view name) const;

  const bool on_;
  const std::vector<std::string> names_;
};

// Which series match: those with equal signatures, numbered over both sides.
struct Signatures {
  std::vector<size_t> left;   // of each series
  std::vector<size_t> right;  // of each series
  size_t count = 0;
};
Signatures FindSignatures(const Query& query, const VectorMatching& matching,
                          const SeriesSource& lhs, const SeriesSource& rhs);

// The labels of what a pair of series becomes. "Many" is the side that may have several series for
// one signature, "one" the other.
class ResultLabels {
 public:
  ResultLabels(const Query& query, const Binary& binary);
  model::Labels Of(const SeriesLabels& many, const SeriesLabels& one) const;

 private:
  const VectorMatching& matching_;
  const std::vector<std::string> names_;
  const bool drops_metadata_;
};

}  // namespace canopy::promql

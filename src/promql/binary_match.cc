#include "binary_match.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

#include "binary_element.h"
#include "binary_labels.h"
#include "pace.h"

// Arithmetic and comparisons between vectors. Series are matched once, by their labels; values are
// combined row by row. As long as no signature has two series on a side where it must be alone, and
// no two results have the same labels, that is all. Otherwise series may still take turns, and each
// step is looked at: binary_steps.cc.

namespace canopy::promql {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

// Pairs of series that share a signature, and what they become.
struct Pairs {
  std::vector<size_t> many;
  std::vector<size_t> one;
  std::vector<model::Labels> labels;
};

class Paired final : public SeriesSource {
 public:
  Paired(Query& query, const Binary& binary, MatchSides sides, Pairs pairs)
      : op_(binary.op),
        return_bool_(binary.return_bool),
        sides_(std::move(sides)),
        pairs_(std::move(pairs)),
        node_(query.NewNode()),
        notes_(query, binary) {}

  size_t size() const override { return pairs_.labels.size(); }
  SeriesLabels labels(size_t i) const override {
    return SeriesLabels(pairs_.labels[i]).WithDropName(return_bool_);
  }
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    if (!sides_.many->Fill(pairs_.many[i], scratch, row)) return false;
    std::vector<double>& values = scratch.of(node_).row;
    values.resize(row.size());
    Row one(values);
    if (!sides_.one->Fill(pairs_.one[i], scratch, one)) return false;
    if (row.has_histograms() || one.has_histograms() || IsTrim(op_)) return ApplyMixed(i, row, one);
    return WithOperator(op_, [&](auto op) {
      return sides_.many_is_right ? Apply<true>(op, row.values, values)
                                  : Apply<false>(op, row.values, values);
    });
  }

 private:
  template <bool kManyIsRight, class Op>
  bool Apply(Op op, std::span<double> many, std::span<const double> one) const {
    bool any = false;
    for (size_t s = 0; s < many.size(); ++s) {
      if (IsAbsent(many[s])) continue;
      if (IsAbsent(one[s])) {
        many[s] = Absent();
        continue;
      }
      const OpResult r = kManyIsRight ? op(one[s], many[s]) : op(many[s], one[s]);
      if (return_bool_) {
        many[s] = r.keep ? 1 : 0;
      } else {
        many[s] = r.keep ? r.value : Absent();
      }
      any |= r.keep || return_bool_;
    }
    return any;
  }

  // The same where histograms may stand.
  bool ApplyMixed(size_t pair, Row& many, const Row& one) const {
    const auto operand = [](const Row& row, size_t s) {
      return Operand{row.values[s], row.has_histograms() ? row.histograms[s] : nullptr};
    };
    for (size_t s = 0; s < many.size(); ++s) {
      if (!many.present(s)) continue;
      if (!one.present(s)) {
        many.Clear(s);
        continue;
      }
      ElementResult r = sides_.many_is_right
                            ? ApplyToElements(op_, operand(one, s), operand(many, s))
                            : ApplyToElements(op_, operand(many, s), operand(one, s));
      notes_.Add(pair, s, r.note);
      if (r.failed || (!r.keep && !return_bool_)) {
        many.Clear(s);
      } else if (return_bool_) {
        many.SetFloat(s, r.keep ? 1 : 0);
      } else if (r.value.histogram) {
        many.SetHistogram(s, std::move(r.value.histogram));
      } else {
        many.SetFloat(s, r.value.value);
      }
    }
    return many.AnyPresent();
  }

  const BinaryOp op_;
  const bool return_bool_;
  const MatchSides sides_;
  const Pairs pairs_;
  const size_t node_;
  mutable BinaryNotes notes_;
};

// False when labels alone do not say that every match is unique.
bool FindPairs(const Query& query, const Binary& binary, const MatchSides& sides, Pairs& out) {
  const VectorMatching& matching = *binary.matching;
  const Signatures signatures = FindSignatures(query, matching, *sides.many, *sides.one);
  std::vector<size_t> one_of(signatures.count, kNone);
  for (size_t i = 0; i < sides.one->size(); ++i) {
    size_t& one = one_of[signatures.right[i]];
    if (one != kNone) return false;
    one = i;
  }
  const ResultLabels result(query, binary);
  std::vector<bool> taken(signatures.count, false);
  Pace pace(query);
  for (size_t i = 0; i < sides.many->size(); ++i) {
    pace.Step();
    const size_t signature = signatures.left[i];
    const size_t one = one_of[signature];
    if (one == kNone) continue;
    if (matching.card == Cardinality::kOneToOne && taken[signature]) return false;
    taken[signature] = true;
    out.many.push_back(i);
    out.one.push_back(one);
    out.labels.push_back(result.Of(sides.many->labels(i), sides.one->labels(one)));
  }
  absl::flat_hash_set<std::string_view> seen;
  return std::all_of(out.labels.begin(), out.labels.end(), [&](const model::Labels& l) {
    pace.Step();
    return seen.insert(l.bytes()).second;
  });
}

}  // namespace

SourcePtr MatchVectors(Query& query, const Binary& binary, SourcePtr lhs, SourcePtr rhs,
                       size_t steps) {
  const VectorMatching& matching = *binary.matching;
  MatchSides sides{std::move(lhs), std::move(rhs), matching.card == Cardinality::kOneToMany};
  if (sides.many_is_right) std::swap(sides.many, sides.one);
  Pairs pairs;
  if (matching.fill_lhs || matching.fill_rhs || !FindPairs(query, binary, sides, pairs))
    return MatchStepByStep(query, binary, std::move(sides), steps);
  // Rows of the one side are used by several of the many.
  if (matching.card != Cardinality::kOneToOne)
    sides.one = ComputeAll(query, std::move(sides.one), steps);
  return std::make_unique<Paired>(query, binary, std::move(sides), std::move(pairs));
}

}  // namespace canopy::promql

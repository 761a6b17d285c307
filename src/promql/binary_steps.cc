#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "binary_element.h"
#include "binary_labels.h"
#include "binary_match.h"

// Matching of vectors, step by step, and fill values for series without a match.

namespace canopy::promql {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

class StepMatcher {
 public:
  StepMatcher(Query& query, const Binary& binary, std::unique_ptr<PickedRows> many,
              std::unique_ptr<PickedRows> one, bool many_is_right, size_t steps)
      : query_(query),
        binary_(binary),
        matching_(*binary.matching),
        many_is_right_(many_is_right),
        steps_(steps),
        many_(std::move(many)),
        one_(std::move(one)),
        signatures_(FindSignatures(query_, matching_, *many_, *one_)),
        matched_labels_(matching_),
        result_labels_(query, binary),
        one_at_(signatures_.count),
        taken_at_(signatures_.count, kNone),
        notes_(query, binary),
        out_(std::make_unique<BuiltRows>(query, steps)) {}

  SourcePtr Match() {
    for (size_t s = 0; s < steps_; ++s) {
      query_.Check();
      MatchStep(s);
    }
    out_->Seal();
    return std::move(out_);
  }

 private:
  bool AnyAt(PickedRows& rows, size_t step) const {
    for (size_t i = 0; i < rows.size(); ++i)
      if (rows.rows().present(i, step)) return true;
    return false;
  }

  void MatchStep(size_t step) {
    const bool any_many = AnyAt(*many_, step);
    const bool any_one = AnyAt(*one_, step);
    const bool fills = matching_.fill_lhs || matching_.fill_rhs;
    if (!any_many && !any_one) return;
    if ((!any_many || !any_one) && !fills) return;
    FindOnes(step);
    for (size_t i = 0; i < many_->size(); ++i) {
      if (!many_->rows().present(i, step)) continue;
      const size_t one = one_at_[signatures_.left[i]];
      if (one != kNone) {
        Combine(step, i, one, At(*many_, i, step), At(*one_, one, step));
      } else if (matching_.fill_rhs) {
        Combine(step, i, kNone, At(*many_, i, step), {*matching_.fill_rhs, nullptr});
      }
    }
    if (!matching_.fill_lhs) return;
    for (size_t i = 0; i < one_->size(); ++i) {
      if (one_->rows().present(i, step) && taken_at_[signatures_.right[i]] != step)
        Combine(step, kNone, i, {*matching_.fill_lhs, nullptr}, At(*one_, i, step));
    }
  }

  static Operand At(PickedRows& rows, size_t i, size_t step) {
    return {rows.row(i)[step], rows.rows().shared_histogram(i, step)};
  }

  // Which series of the one side stands for each signature at this step.
  void FindOnes(size_t step) {
    std::fill(one_at_.begin(), one_at_.end(), kNone);
    for (size_t i = 0; i < one_->size(); ++i) {
      if (!one_->rows().present(i, step)) continue;
      size_t& at = one_at_[signatures_.right[i]];
      if (at != kNone) FailOfDuplicates(i, at);
      at = i;
    }
  }

  [[noreturn]] void FailOfDuplicates(size_t first, size_t second) const {
    std::string a = InBraces(one_->labels(first));
    std::string b = InBraces(one_->labels(second));
    if (b < a) std::swap(a, b);
    Fail("found duplicate series for the match group " +
         InBraces(SeriesLabels(matched_labels_.Of(one_->labels(first)))) + " on the " +
         (many_is_right_ ? "left" : "right") + " hand-side of the operation: [" + a + ", " + b +
         "];many-to-many matching not allowed: matching labels must be unique on one side");
  }

  // `many` or `one` is kNone where a fill value stands for a missing series.
  void Combine(size_t step, size_t many, size_t one, const Operand& many_value,
               const Operand& one_value) {
    const ElementResult r = many_is_right_ ? ApplyToElements(binary_.op, one_value, many_value)
                                           : ApplyToElements(binary_.op, many_value, one_value);
    notes_.Add(many != kNone ? many : many_->size() + one, step, r.note);
    if (r.failed) return;
    const size_t signature = many != kNone ? signatures_.left[many] : signatures_.right[one];
    if (matching_.card == Cardinality::kOneToOne && taken_at_[signature] == step) {
      Fail(
          "multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)");
    }
    taken_at_[signature] = step;
    const size_t row = RowOf(many, one);
    if (matching_.card != Cardinality::kOneToOne) {
      const auto [it, fresh] = row_taken_at_.try_emplace(std::pair(signature, row), step);
      if (!fresh && it->second == step)
        Fail("multiple matches for labels: grouping labels must ensure unique matches");
      it->second = step;
    }
    if (!r.keep && !binary_.return_bool) return;
    if (out_->rows().present(row, step))
      Fail("vector cannot contain metrics with the same labelset");
    if (r.value.histogram && !binary_.return_bool)
      return out_->rows().SetHistogram(row, step, r.value.histogram);
    out_->row(row)[step] = !binary_.return_bool ? r.value.value : r.keep ? 1 : 0;
  }

  size_t RowOf(size_t many, size_t one) {
    const auto [it, fresh] = row_of_pair_.try_emplace(std::pair(many, one), 0);
    if (!fresh) return it->second;
    model::Labels filled;
    const auto labels_of = [&](const PickedRows& rows, size_t i, const PickedRows& other,
                               size_t other_i) {
      if (i != kNone) return rows.labels(i);
      filled = matched_labels_.Of(other.labels(other_i));
      return SeriesLabels(filled);
    };
    const SeriesLabels many_labels = labels_of(*many_, many, *one_, one);
    const SeriesLabels one_labels = labels_of(*one_, one, *many_, many);
    const auto [known, first] =
        row_of_labels_.try_emplace(result_labels_.Of(many_labels, one_labels), out_->size());
    if (first) out_->Add(known->first, binary_.return_bool);
    return it->second = known->second;
  }

  Query& query_;
  const Binary& binary_;
  const VectorMatching& matching_;
  const bool many_is_right_;
  const size_t steps_;
  const std::unique_ptr<PickedRows> many_;
  const std::unique_ptr<PickedRows> one_;
  const Signatures signatures_;
  const MatchedLabels matched_labels_;
  const ResultLabels result_labels_;
  std::vector<size_t> one_at_;    // by signature
  std::vector<size_t> taken_at_;  // by signature: the last step at which it had a match
  BinaryNotes notes_;
  absl::flat_hash_map<std::pair<size_t, size_t>, size_t> row_taken_at_;  // by signature and row
  absl::flat_hash_map<std::pair<size_t, size_t>, size_t> row_of_pair_;
  absl::flat_hash_map<model::Labels, size_t> row_of_labels_;
  std::unique_ptr<BuiltRows> out_;
};

}  // namespace

SourcePtr MatchStepByStep(Query& query, const Binary& binary, MatchSides sides, size_t steps) {
  auto many = Materialize(query, std::move(sides.many), steps);
  auto one = Materialize(query, std::move(sides.one), steps);
  return StepMatcher(query, binary, std::move(many), std::move(one), sides.many_is_right, steps)
      .Match();
}

}  // namespace canopy::promql

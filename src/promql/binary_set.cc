#include <memory>
#include <utility>

#include "binary_labels.h"
#include "binary_match.h"

// and, or, unless: series of one side, as the other side's presence decides at each step.

namespace canopy::promql {
namespace {

// For each signature and step whether any series has a value.
class Presence {
 public:
  Presence(Query& query, size_t signatures, size_t steps)
      : steps_(steps), held_(std::make_unique<HeldSamples>(query)) {
    held_->AddPlaces(signatures * steps / sizeof(double));
    seen_.resize(signatures * steps, 0);
  }
  void See(size_t signature, const Row& row) {
    unsigned char* seen = seen_.data() + signature * steps_;
    const std::span<const double> values = row.values;
    for (size_t s = 0; s < values.size(); ++s)
      seen[s] =
          static_cast<unsigned char>(seen[s] | static_cast<unsigned char>(IsPresent(values[s])));
    for (size_t s = 0; s < row.histograms.size(); ++s)
      if (row.histograms[s]) seen[s] = 1;
  }
  const unsigned char* of(size_t signature) const { return seen_.data() + signature * steps_; }

 private:
  const size_t steps_;
  std::unique_ptr<HeldSamples> held_;
  std::vector<unsigned char> seen_;
};

// Values only where the other side has, or has not, a value for the signature.
class Filtered final : public WrappedSource {
 public:
  Filtered(SourcePtr inner, std::vector<size_t> signatures, Presence presence, bool wanted)
      : WrappedSource(std::move(inner)),
        signatures_(std::move(signatures)),
        presence_(std::move(presence)),
        wanted_(wanted) {}

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    const unsigned char* seen = presence_.of(signatures_[i]);
    if (!inner().Fill(i, scratch, row)) return false;
    bool any = false;
    for (size_t s = 0; s < row.size(); ++s) {
      if ((seen[s] != 0) != wanted_) row.values[s] = Absent();
      any |= IsPresent(row.values[s]);
    }
    for (size_t s = 0; s < row.histograms.size(); ++s) {
      if ((seen[s] != 0) != wanted_) row.histograms[s] = nullptr;
      any |= row.histograms[s] != nullptr;
    }
    return any;
  }

 private:
  const std::vector<size_t> signatures_;
  const Presence presence_;
  const bool wanted_;
};

// One source after the other.
class Concatenated final : public SeriesSource {
 public:
  Concatenated(SourcePtr first, SourcePtr second)
      : first_(std::move(first)), second_(std::move(second)) {}
  size_t size() const override { return first_->size() + second_->size(); }
  SeriesLabels labels(size_t i) const override {
    return i < first_->size() ? first_->labels(i) : second_->labels(i - first_->size());
  }
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    return i < first_->size() ? first_->Fill(i, scratch, row)
                              : second_->Fill(i - first_->size(), scratch, row);
  }

 private:
  const SourcePtr first_;
  const SourcePtr second_;
};

Presence PresenceOf(Query& query, const SeriesSource& source, std::span<const size_t> signatures,
                    size_t count, size_t steps) {
  Presence out(query, count, steps);
  ForEachRow(query, source, steps, [&](size_t i, const Row& row) { out.See(signatures[i], row); });
  return out;
}

}  // namespace

SourcePtr CombineSets(Query& query, const Binary& binary, SourcePtr lhs, SourcePtr rhs,
                      size_t steps) {
  Signatures signatures = FindSignatures(query, *binary.matching, *lhs, *rhs);
  if (binary.op != BinaryOp::kOr) {
    Presence right = PresenceOf(query, *rhs, signatures.right, signatures.count, steps);
    return std::make_unique<Filtered>(std::move(lhs), std::move(signatures.left), std::move(right),
                                      binary.op == BinaryOp::kAnd);
  }
  lhs = Materialize(query, std::move(lhs), steps);
  // Only series with values are left: their signatures are found anew.
  signatures = FindSignatures(query, *binary.matching, *lhs, *rhs);
  Presence left = PresenceOf(query, *lhs, signatures.left, signatures.count, steps);
  rhs = std::make_unique<Filtered>(std::move(rhs), std::move(signatures.right), std::move(left),
                                   false);
  return MergeEqual(query, std::make_unique<Concatenated>(std::move(lhs), std::move(rhs)), steps,
                    Collisions::kMerge);
}

}  // namespace canopy::promql

#include "series_source.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <string>

namespace canopy::promql {
namespace {

constexpr const char* kSameLabels = "vector cannot contain metrics with the same labelset";

bool CopyRow(std::span<const double> from, std::span<double> to) {
  std::copy(from.begin(), from.end(), to.begin());
  return std::any_of(from.begin(), from.end(), IsPresent);
}

class Repeated final : public WrappedSource {
 public:
  Repeated(Query& query, SourcePtr inner) : WrappedSource(std::move(inner)), held_(query) {}
  bool Fill(size_t i, Scratch& scratch, std::span<double> row) const override {
    double value = Absent();
    if (!inner().Fill(i, scratch, {&value, 1}) || IsAbsent(value)) return false;
    std::fill(row.begin(), row.end(), value);
    held_.Add(row.size());
    return true;
  }

 private:
  mutable HeldSamples held_;
};

class WithoutMetadata final : public WrappedSource {
 public:
  using WrappedSource::WrappedSource;
  SeriesLabels labels(size_t i) const override { return inner().labels(i).WithoutMetadata(); }
  bool distinct_without_metadata() const override { return true; }
};

class MarkedToDrop final : public WrappedSource {
 public:
  using WrappedSource::WrappedSource;
  SeriesLabels labels(size_t i) const override { return inner().labels(i).WithDropName(true); }
};

// For each series the number of its labels among the different ones.
struct Distinct {
  std::vector<size_t> number;
  size_t count = 0;
};

Distinct NumberLabels(const SeriesSource& source) {
  Distinct out;
  out.number.reserve(source.size());
  absl::flat_hash_map<std::string, size_t> seen;
  seen.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    const auto [it, fresh] = seen.try_emplace(LabelsKey(source.labels(i)), out.count);
    if (fresh) ++out.count;
    out.number.push_back(it->second);
  }
  return out;
}

void Join(std::span<const double> from, std::span<double> into) {
  for (size_t s = 0; s < from.size(); ++s) {
    if (IsAbsent(from[s])) continue;
    if (IsPresent(into[s])) Fail(kSameLabels);
    into[s] = from[s];
  }
}

}  // namespace

size_t BuiltRows::Add(model::Labels labels, bool drop_name) {
  labels_.push_back(std::move(labels));
  drop_name_.push_back(drop_name);
  values_.resize(labels_.size() * steps_, Absent());
  return labels_.size() - 1;
}

void BuiltRows::Seal() { held_.Add(CountPresent(values_)); }

bool BuiltRows::Fill(size_t i, Scratch& /*scratch*/, std::span<double> row) const {
  return CopyRow({values_.data() + i * steps_, steps_}, row);
}

size_t PickedRows::Pick(size_t i) {
  picked_.push_back(i);
  values_.resize(picked_.size() * steps_, Absent());
  return picked_.size() - 1;
}

void PickedRows::Seal() { held_.Add(CountPresent(values_)); }

bool PickedRows::Fill(size_t n, Scratch& /*scratch*/, std::span<double> row) const {
  return CopyRow({values_.data() + n * steps_, steps_}, row);
}

SourcePtr EmptySource(Query& query, size_t steps) {
  return std::make_unique<BuiltRows>(query, steps);
}

std::unique_ptr<PickedRows> Materialize(Query& query, SourcePtr source, size_t steps) {
  const SeriesSource& from = *source;
  auto out = std::make_unique<PickedRows>(query, std::move(source), steps);
  ForEachRow(query, from, steps, [&](size_t i, std::span<const double> row) {
    const size_t n = out->Pick(i);
    std::copy(row.begin(), row.end(), out->row(n).begin());
  });
  return out;
}

SourcePtr ComputeAll(Query& query, SourcePtr source, size_t steps) {
  const SeriesSource& from = *source;
  auto out = std::make_unique<PickedRows>(query, std::move(source), steps);
  for (size_t i = 0; i < from.size(); ++i) out->Pick(i);
  ForEachRow(query, from, steps, [&](size_t i, std::span<const double> row) {
    std::copy(row.begin(), row.end(), out->row(i).begin());
  });
  return out;
}

SourcePtr Repeat(Query& query, SourcePtr one_step, size_t steps) {
  if (steps == 1) return one_step;
  return std::make_unique<Repeated>(query, std::move(one_step));
}

SourcePtr DropMetadata(Query& query, SourcePtr source, size_t steps, Collisions rule) {
  if (query.engine.features.delayed_name_removal)
    return std::make_unique<MarkedToDrop>(std::move(source));
  const bool distinct = source->distinct_without_metadata();
  auto out = std::make_unique<WithoutMetadata>(std::move(source));
  if (distinct) return out;
  return MergeEqual(query, std::move(out), steps, rule);
}

SourcePtr MergeEqual(Query& query, SourcePtr source, size_t steps, Collisions rule) {
  const Distinct distinct = NumberLabels(*source);
  if (distinct.count == source->size()) return source;
  // Numbers are given in the order of first appearance; series without values appear nowhere.
  constexpr size_t kNone = static_cast<size_t>(-1);
  std::vector<size_t> place(distinct.count, kNone);
  const SeriesSource& from = *source;
  auto out = std::make_unique<PickedRows>(query, std::move(source), steps);
  ForEachRow(query, from, steps, [&](size_t i, std::span<const double> row) {
    size_t& n = place[distinct.number[i]];
    if (n == kNone) {
      n = out->Pick(i);
    } else if (rule == Collisions::kRefuse) {
      Fail(kSameLabels);
    }
    Join(row, out->row(n));
  });
  out->Seal();
  return out;
}

}  // namespace canopy::promql

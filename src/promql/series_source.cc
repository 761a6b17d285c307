#include "series_source.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <string>

#include "pace.h"

namespace canopy::promql {
namespace {

constexpr const char* kSameLabels = "vector cannot contain metrics with the same labelset";

class Repeated final : public WrappedSource {
 public:
  Repeated(Query& query, SourcePtr inner) : WrappedSource(std::move(inner)), held_(query) {}
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    double value = Absent();
    Row one({&value, 1});
    row.histograms.clear();
    if (!inner().Fill(i, scratch, one) || !one.present(0)) return false;
    std::fill(row.values.begin(), row.values.end(), value);
    if (one.has_histograms()) row.histograms.assign(row.size(), one.histograms[0]);
    held_.Add(one.Samples() * row.size());
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

class WithoutName final : public WrappedSource {
 public:
  using WrappedSource::WrappedSource;
  SeriesLabels labels(size_t i) const override { return inner().labels(i).WithoutName(); }
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

Distinct NumberLabels(const Query& query, const SeriesSource& source) {
  Distinct out;
  out.number.reserve(source.size());
  absl::flat_hash_map<std::string, size_t> seen;
  seen.reserve(source.size());
  Pace pace(query);
  for (size_t i = 0; i < source.size(); ++i) {
    pace.Step();
    const auto [it, fresh] = seen.try_emplace(LabelsKey(source.labels(i)), out.count);
    if (fresh) ++out.count;
    out.number.push_back(it->second);
  }
  return out;
}

void Join(const Row& from, RowTable& rows, size_t into) {
  for (size_t s = 0; s < from.size(); ++s) {
    if (!from.present(s)) continue;
    if (rows.present(into, s)) Fail(kSameLabels);
    rows.SetStep(into, s, from);
  }
}

}  // namespace

void RowTable::SetHistogram(size_t i, size_t step, HistogramPtr h) {
  std::vector<HistogramPtr>& row = histograms(i);
  if (row.empty()) row.resize(steps_);
  row[step] = std::move(h);
  values_[i * steps_ + step] = Absent();
}

void RowTable::Set(size_t i, const Row& row) {
  std::copy(row.values.begin(), row.values.end(), floats(i).begin());
  if (row.has_histograms() || has_histograms(i)) histograms(i) = row.histograms;
}

void RowTable::SetStep(size_t i, size_t step, const Row& row) {
  if (row.histogram(step) != nullptr) {
    SetHistogram(i, step, row.histograms[step]);
  } else {
    values_[i * steps_ + step] = row.values[step];
  }
}

bool RowTable::Read(size_t i, Row& row) const {
  const std::span<const double> from(values_.data() + i * steps_, steps_);
  std::copy(from.begin(), from.end(), row.values.begin());
  row.histograms.clear();
  if (has_histograms(i)) row.histograms = histograms_[i];
  return row.AnyPresent();
}

size_t RowTable::Samples() const {
  size_t samples = CountPresent(values_);
  for (const auto& row : histograms_)
    for (const HistogramPtr& h : row)
      if (h) samples += SamplesOf(*h);
  return samples;
}

size_t BuiltRows::Add(model::Labels labels, bool drop_name) {
  held_.AddPlaces(rows_.steps());
  labels_.push_back(std::move(labels));
  drop_name_.push_back(drop_name);
  rows_.AddRow();
  return labels_.size() - 1;
}

void BuiltRows::Seal() { held_.Add(rows_.Samples()); }

bool BuiltRows::Fill(size_t i, Scratch& /*scratch*/, Row& row) const { return rows_.Read(i, row); }

size_t PickedRows::Pick(size_t i) {
  held_.AddPlaces(rows_.steps());
  picked_.push_back(i);
  rows_.AddRow();
  return picked_.size() - 1;
}

void PickedRows::Seal() { held_.Add(rows_.Samples()); }

bool PickedRows::Fill(size_t n, Scratch& /*scratch*/, Row& row) const { return rows_.Read(n, row); }

SourcePtr EmptySource(Query& query, size_t steps) {
  return std::make_unique<BuiltRows>(query, steps);
}

std::unique_ptr<PickedRows> Materialize(Query& query, SourcePtr source, size_t steps) {
  const SeriesSource& from = *source;
  auto out = std::make_unique<PickedRows>(query, std::move(source), steps);
  ForEachRow(query, from, steps,
             [&](size_t i, const Row& row) { out->rows().Set(out->Pick(i), row); });
  return out;
}

SourcePtr ComputeAll(Query& query, SourcePtr source, size_t steps) {
  const SeriesSource& from = *source;
  auto out = std::make_unique<PickedRows>(query, std::move(source), steps);
  for (size_t i = 0; i < from.size(); ++i) out->Pick(i);
  ForEachRow(query, from, steps, [&](size_t i, const Row& row) { out->rows().Set(i, row); });
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

SourcePtr DropName(Query& query, SourcePtr source, size_t steps) {
  if (query.engine.features.delayed_name_removal)
    return std::make_unique<MarkedToDrop>(std::move(source));
  const bool distinct = source->distinct_without_metadata();
  auto out = std::make_unique<WithoutName>(std::move(source));
  if (distinct) return out;
  return MergeEqual(query, std::move(out), steps, Collisions::kMerge);
}

SourcePtr MergeEqual(Query& query, SourcePtr source, size_t steps, Collisions rule) {
  const Distinct distinct = NumberLabels(query, *source);
  if (distinct.count == source->size()) return source;
  // Numbers are given in the order of first appearance; series without values appear nowhere.
  constexpr size_t kNone = static_cast<size_t>(-1);
  std::vector<size_t> place(distinct.count, kNone);
  const SeriesSource& from = *source;
  auto out = std::make_unique<PickedRows>(query, std::move(source), steps);
  ForEachRow(query, from, steps, [&](size_t i, const Row& row) {
    size_t& n = place[distinct.number[i]];
    if (n == kNone) {
      n = out->Pick(i);
    } else if (rule == Collisions::kRefuse) {
      Fail(kSameLabels);
    }
    Join(row, out->rows(), n);
  });
  out->Seal();
  return out;
}

}  // namespace canopy::promql

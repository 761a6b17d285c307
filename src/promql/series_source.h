#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "canopy/model/labels.h"
#include "query.h"
#include "row.h"
#include "row_reader.h"
#include "series_labels.h"

// What a node of an evaluation yields: series, whose labels are known at once and whose values are
// computed when they are asked for, all steps in one pass. Nothing is computed twice: each consumer
// asks for each series once, in any order, perhaps from several threads.

namespace canopy::promql {

class SeriesSource {
 public:
  virtual ~SeriesSource() = default;
  virtual size_t size() const = 0;
  virtual SeriesLabels labels(size_t i) const = 0;
  // Writes the values of series i into `row`, all steps, whatever it held before. False when there
  // is none at all; the row is then undefined. Thread-safe with one Scratch per thread.
  virtual bool Fill(size_t i, Scratch& scratch, Row& row) const = 0;
  // True when it is known that no two series are equal but for metadata labels.
  virtual bool distinct_without_metadata() const { return false; }
};
using SourcePtr = std::unique_ptr<SeriesSource>;

// Rows in memory: floats of all in one array, histograms apart where there are any.
class RowTable {
 public:
  explicit RowTable(size_t steps) : steps_(steps) {}

  // One more row, without values.
  void AddRow() { values_.resize(values_.size() + steps_, Absent()); }
  size_t steps() const { return steps_; }
  std::span<double> floats(size_t i) { return {values_.data() + i * steps_, steps_}; }
  const model::FloatHistogram* histogram(size_t i, size_t step) const {
    return has_histograms(i) ? histograms_[i][step].get() : nullptr;
  }
  HistogramPtr shared_histogram(size_t i, size_t step) const {
    return has_histograms(i) ? histograms_[i][step] : nullptr;
  }
  bool present(size_t i, size_t step) const {
    return IsPresent(values_[i * steps_ + step]) || histogram(i, step) != nullptr;
  }
  void SetHistogram(size_t i, size_t step, HistogramPtr h);
  void Set(size_t i, const Row& row);
  // What stands at a step of a row.
  void SetStep(size_t i, size_t step, const Row& row);
  bool Read(size_t i, Row& row) const;
  size_t Samples() const;

 private:
  bool has_histograms(size_t i) const { return i < histograms_.size() && !histograms_[i].empty(); }
  std::vector<HistogramPtr>& histograms(size_t i) {
    if (i >= histograms_.size()) histograms_.resize(i + 1);
    return histograms_[i];
  }

  const size_t steps_;
  std::vector<double> values_;
  std::vector<std::vector<HistogramPtr>> histograms_;  // up to the last row that has any
};

// Series whose rows and labels are in memory.
class BuiltRows final : public SeriesSource {
 public:
  BuiltRows(Query& query, size_t steps) : held_(query), rows_(steps) {}

  // A series without values; returns its number.
  size_t Add(model::Labels labels, bool drop_name);
  void MarkToDrop(size_t i) { drop_name_[i] = true; }
  std::span<double> row(size_t i) { return rows_.floats(i); }
  RowTable& rows() { return rows_; }
  // Counts what the rows hold. To be called when all are complete, and before they are handed on.
  void Seal();

  size_t size() const override { return labels_.size(); }
  SeriesLabels labels(size_t i) const override {
    return SeriesLabels(labels_[i]).WithDropName(drop_name_[i]);
  }
  bool Fill(size_t i, Scratch& scratch, Row& row) const override;

 private:
  HeldSamples held_;
  std::vector<model::Labels> labels_;
  std::vector<bool> drop_name_;
  RowTable rows_;
};

// Rows in memory under the labels of some series of another source.
class PickedRows final : public SeriesSource {
 public:
  PickedRows(Query& query, SourcePtr from, size_t steps)
      : held_(query), from_(std::move(from)), rows_(steps) {}

  // Adds series `i` of the source, without values; returns its number here.
  size_t Pick(size_t i);
  std::span<double> row(size_t n) { return rows_.floats(n); }
  RowTable& rows() { return rows_; }
  void Seal();

  size_t size() const override { return picked_.size(); }
  SeriesLabels labels(size_t n) const override { return from_->labels(picked_[n]); }
  bool Fill(size_t n, Scratch& scratch, Row& row) const override;
  bool distinct_without_metadata() const override { return from_->distinct_without_metadata(); }

 private:
  HeldSamples held_;
  const SourcePtr from_;
  std::vector<size_t> picked_;
  RowTable rows_;
};

// Wraps another source.
class WrappedSource : public SeriesSource {
 public:
  explicit WrappedSource(SourcePtr inner) : inner_(std::move(inner)) {}
  size_t size() const override { return inner_->size(); }
  SeriesLabels labels(size_t i) const override { return inner_->labels(i); }
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    return inner_->Fill(i, scratch, row);
  }
  bool distinct_without_metadata() const override { return inner_->distinct_without_metadata(); }

 protected:
  const SeriesSource& inner() const { return *inner_; }

 private:
  const SourcePtr inner_;
};

// Calls fn(i, row) for each series that has a value, in order.
template <class Fn>
void ForEachRow(Query& query, const SeriesSource& source, size_t steps, Fn fn) {
  for (RowReader rows(query, source, steps); rows.Next();) fn(rows.index(), rows.row());
}

// No series at all.
SourcePtr EmptySource(Query& query, size_t steps);
// The series of a source that have values, computed.
std::unique_ptr<PickedRows> Materialize(Query& query, SourcePtr source, size_t steps);
// The same series with the same numbers, every row computed once.
SourcePtr ComputeAll(Query& query, SourcePtr source, size_t steps);
// A source of one step, its values repeated for every step.
SourcePtr Repeat(Query& query, SourcePtr one_step, size_t steps);

// When series become equal: at each step at most one of them may have a value, and they become one
// series; or no two of them may have values at all.
enum class Collisions : uint8_t { kMerge, kRefuse };
// The source's series without metadata labels; or, with delayed name removal, marked to lose them.
SourcePtr DropMetadata(Query& query, SourcePtr source, size_t steps, Collisions rule);
// The same of the name alone: type and unit stay. Merges.
SourcePtr DropName(Query& query, SourcePtr source, size_t steps);
// Joins series with equal labels; fails when two of them have a value at the same step.
SourcePtr MergeEqual(Query& query, SourcePtr source, size_t steps, Collisions rule);

}  // namespace canopy::promql

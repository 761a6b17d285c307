#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/model/histogram.h"

// Buckets of two histograms next to each other.

namespace canopy::chunk {

inline constexpr size_t kNoPlace = SIZE_MAX;

// The buckets of spans one by one, outwards from zero.
class BucketCursor {
 public:
  explicit BucketCursor(std::span<const model::HistogramSpan> spans) : spans_(spans) { Settle(); }

  bool done() const { return spans_.empty(); }
  int64_t index() const { return index_; }
  // Among all buckets that are listed.
  size_t place() const { return place_; }
  void Next() {
    ++index_;
    ++place_;
    if (++in_span_ < spans_.front().length) return;
    spans_ = spans_.subspan(1);
    Settle();
  }

 private:
  void Settle() {
    in_span_ = 0;
    for (; !spans_.empty(); spans_ = spans_.subspan(1)) {
      index_ += spans_.front().offset;
      if (spans_.front().length > 0) return;
    }
  }

  std::span<const model::HistogramSpan> spans_;
  int64_t index_ = 0;
  size_t place_ = 0;
  uint32_t in_span_ = 0;
};

// Calls fn(index, place in a, place in b) for each bucket that one of them has, in order; kNoPlace
// for the one that has it not.
template <class Fn>
void ForEachOfBoth(std::span<const model::HistogramSpan> a, std::span<const model::HistogramSpan> b,
                   Fn fn) {
  BucketCursor i(a);
  BucketCursor k(b);
  while (!i.done() || !k.done()) {
    const bool in_a = !i.done() && (k.done() || i.index() <= k.index());
    const bool in_b = !k.done() && (i.done() || k.index() <= i.index());
    const int64_t index = in_a ? i.index() : k.index();
    fn(index, in_a ? i.place() : kNoPlace, in_b ? k.place() : kNoPlace);
    if (in_a) i.Next();
    if (in_b) k.Next();
  }
}

// Spans of buckets that come with rising indexes.
class SpanBuilder {
 public:
  void Add(int64_t index) {
    if (!spans_.empty() && index == next_)
      ++spans_.back().length;
    else
      spans_.push_back({static_cast<int32_t>(index - next_), 1});
    next_ = index + 1;
  }
  std::vector<model::HistogramSpan> Take() { return std::move(spans_); }

 private:
  std::vector<model::HistogramSpan> spans_;
  int64_t next_ = 0;
};

// The same buckets in spans none of which is empty.
inline std::vector<model::HistogramSpan> WithoutEmptySpans(
    std::span<const model::HistogramSpan> spans) {
  std::vector<model::HistogramSpan> out;
  int32_t skipped = 0;
  for (const model::HistogramSpan span : spans) {
    if (span.length == 0) {
      skipped += span.offset;
      continue;
    }
    out.push_back({skipped + span.offset, span.length});
    skipped = 0;
  }
  return out;
}

inline std::vector<model::HistogramSpan> UnionOfSpans(std::span<const model::HistogramSpan> a,
                                                      std::span<const model::HistogramSpan> b) {
  SpanBuilder out;
  ForEachOfBoth(a, b, [&](int64_t index, size_t, size_t) { out.Add(index); });
  return out.Take();
}

// Counts from what is listed: of integers differences to the bucket before, of floats counts.
inline double ListedCount(double listed, double) { return listed; }
inline int64_t ListedCount(int64_t listed, int64_t before) {
  return static_cast<int64_t>(static_cast<uint64_t>(before) + static_cast<uint64_t>(listed));
}
inline double CountToList(double count, double) { return count; }
inline int64_t CountToList(int64_t count, int64_t before) {
  return static_cast<int64_t>(static_cast<uint64_t>(count) - static_cast<uint64_t>(before));
}

// Makes the side list the buckets of `spans`, which has all of its own: the others are empty.
template <class Count>
void WidenSide(model::HistogramSide<Count>& side, const std::vector<model::HistogramSpan>& spans) {
  std::vector<Count> buckets;
  Count own = 0;
  Count last = 0;
  ForEachOfBoth(spans, side.spans, [&](int64_t, size_t wide, size_t narrow) {
    CANOPY_CHECK(wide != kNoPlace);
    Count count = 0;
    if (narrow != kNoPlace) count = own = ListedCount(side.buckets[narrow], own);
    buckets.push_back(CountToList(count, last));
    last = count;
  });
  side.spans = spans;
  side.buckets = std::move(buckets);
}

}  // namespace canopy::chunk

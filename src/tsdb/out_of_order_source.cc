#include "out_of_order_source.h"

#include <utility>

namespace canopy::tsdb {

OutOfOrderSource::OutOfOrderSource(Head& head, std::shared_ptr<const OutOfOrderSamples> samples,
                                   int64_t start, std::stop_token stop)
    : samples_(std::move(samples)),
      start_(start),
      block_range_(head.options_.block_range.count()),
      stop_(std::move(stop)),
      order_(head.symbols_),
      builder_(kMergedChunkSamples, head.encodings()) {
  {
    const ReaderLock lock(head.mu_);
    for (const auto& [slot, of_series] : *samples_)
      if (of_series.HasBlock(start_, block_range_)) order_.Add(slot, head.table_.at(slot).labels);
  }
  order_.Sort();
}

Result<bool> OutOfOrderSource::NextSeries(BlockSource::Series& series) {
  if (stop_.stop_requested()) return Status::Canceled("the store is closing");
  if (next_ == order_.entries().size()) return false;
  const SeriesOrder::Entry& entry = order_.entries()[next_++];
  order_.LabelsOf(entry, labels_);
  stored_.clear();
  CANOPY_RETURN_IF_ERROR(samples_->at(entry.slot).Collect(start_, block_range_, stored_));
  builder_.Clear();
  for (const StoredSample& sample : stored_) builder_.Add(sample);
  chunks_.clear();
  builder_.Flush(chunks_);
  series = {labels_, chunks_};
  return true;
}

}  // namespace canopy::tsdb

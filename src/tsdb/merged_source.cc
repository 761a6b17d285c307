#include "tsdb/merged_source.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "canopy/base/check.h"

namespace canopy::tsdb {
namespace {

// Of chunks that were read: so much of each block stays in memory.
constexpr uint64_t kReleaseBytes = 4 << 20;

using model::SymbolPair;

// Symbols of the result are sorted: numbers compare as the texts.
std::strong_ordering CompareLabels(const std::vector<SymbolPair>& a,
                                   const std::vector<SymbolPair>& b) {
  return std::lexicographical_compare_three_way(
      a.begin(), a.end(), b.begin(), b.end(), [](const SymbolPair& x, const SymbolPair& y) {
        return x.name != y.name ? x.name <=> y.name : x.value <=> y.value;
      });
}

}  // namespace

Result<std::unique_ptr<MergedSource>> MergedSource::Open(
    std::vector<std::shared_ptr<const Block>> blocks, const chunk::Encodings& encodings,
    std::stop_token stop) {
  std::unique_ptr<MergedSource> out(new MergedSource(encodings, std::move(stop)));
  out->inputs_.reserve(blocks.size());
  for (auto& block : blocks) {
    CANOPY_ASSIGN_OR_RETURN(const PostingsView all, block->index().AllPostings());
    Input& input = out->inputs_.emplace_back(std::move(block), all);
    input.renumbered.reserve(input.block->index().symbols().size());
  }
  const auto after = [&](uint32_t a, uint32_t b) { return out->SymbolAfter(a, b); };
  for (uint32_t i = 0; i < out->inputs_.size(); ++i) {
    if (out->inputs_[i].symbols.done()) continue;
    out->heap_.push_back(i);
    std::ranges::push_heap(out->heap_, after);
  }
  return out;
}

bool MergedSource::SymbolAfter(uint32_t a, uint32_t b) const {
  return inputs_[a].symbols.text() > inputs_[b].symbols.text();
}

// Equal series come in the order of their blocks.
bool MergedSource::SeriesAfter(uint32_t a, uint32_t b) const {
  const auto order = CompareLabels(inputs_[a].labels, inputs_[b].labels);
  return order != 0 ? order > 0 : a > b;
}

Result<bool> MergedSource::NextSymbol(std::string_view& symbol) {
  CANOPY_CHECK(!in_series_);
  if (heap_.empty()) return false;
  const auto after = [&](uint32_t a, uint32_t b) { return SymbolAfter(a, b); };
  symbol = inputs_[heap_.front()].symbols.text();
  while (!heap_.empty() && inputs_[heap_.front()].symbols.text() == symbol) {
    std::ranges::pop_heap(heap_, after);
    Input& input = inputs_[heap_.back()];
    input.renumbered.push_back(symbols_);
    input.symbols.Next();
    if (input.symbols.done())
      heap_.pop_back();
    else
      std::ranges::push_heap(heap_, after);
  }
  ++symbols_;
  return true;
}

Result<bool> MergedSource::Input::NextSeries() {
  if (next == series.size()) return false;
  id = series[next++];
  labels.clear();
  chunks.clear();
  CANOPY_RETURN_IF_ERROR(block->index().ReadSeries(id, labels, &chunks));
  for (SymbolPair& pair : labels) pair = {renumbered[pair.name], renumbered[pair.value]};
  // They lie in the order of the series, another file being 2^32 bytes further.
  if (!chunks.empty() && chunks.front().ref > released + kReleaseBytes) {
    block->chunks().Release(released, chunks.front().ref);
    released = chunks.front().ref;
  }
  return true;
}

Status MergedSource::StartSeries() {
  CANOPY_CHECK(heap_.empty());
  in_series_ = true;
  const auto after = [&](uint32_t a, uint32_t b) { return SeriesAfter(a, b); };
  for (uint32_t i = 0; i < inputs_.size(); ++i) {
    CANOPY_ASSIGN_OR_RETURN(const bool more, inputs_[i].NextSeries());
    if (!more) continue;
    heap_.push_back(i);
    std::ranges::push_heap(heap_, after);
  }
  return {};
}

Result<bool> MergedSource::NextSeries(Series& series) {
  if (stop_.stop_requested()) return Status::Canceled("compaction was stopped");
  if (!in_series_) CANOPY_RETURN_IF_ERROR(StartSeries());
  if (heap_.empty()) return false;
  const auto after = [&](uint32_t a, uint32_t b) { return SeriesAfter(a, b); };
  labels_ = inputs_[heap_.front()].labels;
  merger_.Clear();
  while (!heap_.empty() && inputs_[heap_.front()].labels == labels_) {
    std::ranges::pop_heap(heap_, after);
    Input& input = inputs_[heap_.back()];
    CANOPY_RETURN_IF_ERROR(merger_.Add(*input.block, input.id, input.chunks));
    CANOPY_ASSIGN_OR_RETURN(const bool more, input.NextSeries());
    if (more)
      std::ranges::push_heap(heap_, after);
    else
      heap_.pop_back();
  }
  CANOPY_ASSIGN_OR_RETURN(series.chunks, merger_.Merge());
  series.labels = labels_;
  return true;
}

}  // namespace canopy::tsdb

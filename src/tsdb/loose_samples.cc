#include "tsdb/loose_samples.h"

#include <algorithm>
#include <numeric>

#include "canopy/base/check.h"
#include "canopy/model/sample.h"

namespace canopy::tsdb {

using model::Symbol;
using model::SymbolPair;

model::Symbol LooseSamples::Strings::Intern(std::string_view text) {
  if (const auto it = numbers_.find(text); it != numbers_.end()) return it->second;
  const auto number = static_cast<Symbol>(texts_.size());
  texts_.emplace_back(text);
  numbers_.emplace(texts_.back(), number);
  return number;
}

std::optional<model::Symbol> LooseSamples::Strings::Find(std::string_view text) const {
  const auto it = numbers_.find(text);
  if (it == numbers_.end()) return std::nullopt;
  return it->second;
}

size_t LooseSamples::ByLabels::operator()(uint32_t series) const {
  uint64_t hash = 0;
  for (const SymbolPair pair : all->labels(series))
    hash = absl::HashOf(hash, pair.name, pair.value);
  return hash;
}

bool LooseSamples::ByLabels::operator()(uint32_t a, uint32_t b) const {
  return std::ranges::equal(all->labels(a), all->labels(b));
}

LooseSamples::LooseSamples() : by_labels_(0, ByLabels{this}, ByLabels{this}) {}

std::span<const SymbolPair> LooseSamples::labels(uint32_t series) const {
  const Entry& entry = series_[series];
  return std::span(labels_).subspan(entry.first_label, entry.label_count);
}

uint32_t LooseSamples::Series(std::span<const model::LabelView> labels) {
  const auto candidate = static_cast<uint32_t>(series_.size());
  Entry& entry = series_.emplace_back();
  entry.first_label = labels_.size();
  entry.label_count = static_cast<uint32_t>(labels.size());
  for (const model::LabelView label : labels)
    labels_.push_back({symbols_.Intern(label.name), symbols_.Intern(label.value)});
  const auto [it, is_new] = by_labels_.insert(candidate);
  if (is_new) return candidate;
  labels_.resize(entry.first_label);
  series_.pop_back();
  return *it;
}

void LooseSamples::Add(uint32_t series, int64_t t, double v) {
  Entry& entry = series_[series];
  ++samples_;
  if (t <= entry.newest) {
    entry.late.emplace_back(t, v);
    return;
  }
  entry.newest = t;
  entry.open.Append(t, v);
  if (entry.open.size() < kChunkSamples) return;
  entry.full.push_back(entry.open.bytes());
  entry.open.Clear();
}

void LooseSamples::Read(uint32_t series, std::vector<int64_t>& times, std::vector<double>& values,
                        std::optional<int64_t>* conflict) const {
  const Entry& entry = series_[series];
  times.clear();
  values.clear();
  // Of our own making.
  for (const std::string& chunk : entry.full)
    CANOPY_CHECK(chunk::DecodeXor(chunk, times, values).ok());
  if (entry.open.size() > 0) {
    chunk::XorEncoder copy = entry.open;
    CANOPY_CHECK(chunk::DecodeXor(copy.bytes(), times, values).ok());
  }
  if (entry.late.empty()) return;
  std::vector<std::pair<int64_t, double>> all;
  all.reserve(times.size() + entry.late.size());
  for (size_t i = 0; i < times.size(); ++i) all.emplace_back(times[i], values[i]);
  all.insert(all.end(), entry.late.begin(), entry.late.end());
  std::ranges::stable_sort(all, {}, &std::pair<int64_t, double>::first);
  times.clear();
  values.clear();
  for (const auto& [t, v] : all) {
    if (!times.empty() && times.back() == t) {
      if (conflict != nullptr && !model::SameBits(values.back(), v)) *conflict = t;
      continue;
    }
    times.push_back(t);
    values.push_back(v);
  }
}

std::vector<Symbol> LooseSamples::SortedSymbols() const {
  std::vector<Symbol> out(symbols_.size());
  std::iota(out.begin(), out.end(), Symbol{0});
  std::ranges::sort(out, {}, [&](Symbol symbol) { return symbols_.Lookup(symbol); });
  return out;
}

std::vector<uint32_t> LooseSamples::Sorted() const {
  const std::vector<Symbol> symbols = SortedSymbols();
  std::vector<Symbol> rank(symbols.size());
  for (Symbol i = 0; i < symbols.size(); ++i) rank[symbols[i]] = i;
  std::vector<uint32_t> out(series_.size());
  std::iota(out.begin(), out.end(), 0u);
  const auto key = [&](const SymbolPair& pair) {
    return uint64_t{rank[pair.name]} << 32 | rank[pair.value];
  };
  std::ranges::sort(out, [&](uint32_t a, uint32_t b) {
    return std::ranges::lexicographical_compare(labels(a), labels(b), {}, key, key);
  });
  return out;
}

LooseBlockSource::LooseBlockSource(const LooseSamples& samples)
    : samples_(samples), symbols_(samples.SortedSymbols()), series_(samples.Sorted()) {
  rank_.resize(symbols_.size());
  for (Symbol i = 0; i < symbols_.size(); ++i) rank_[symbols_[i]] = i;
}

Result<bool> LooseBlockSource::NextSymbol(std::string_view& symbol) {
  if (next_symbol_ == symbols_.size()) return false;
  symbol = samples_.symbols().Lookup(symbols_[next_symbol_++]);
  return true;
}

Result<bool> LooseBlockSource::NextSeries(BlockSource::Series& series) {
  if (next_series_ == series_.size()) return false;
  const uint32_t number = series_[next_series_++];
  labels_.clear();
  for (const SymbolPair pair : samples_.labels(number))
    labels_.push_back({rank_[pair.name], rank_[pair.value]});
  std::optional<int64_t> conflict;
  samples_.Read(number, times_, values_, &conflict);
  if (conflict) {
    const model::SeriesLabelsView view(samples_.symbols(), samples_.labels(number));
    return Status::Invalid("series " + view.ToLabels().ToString() + " has two values at " +
                           std::to_string(*conflict));
  }
  chunks_.clear();
  bytes_.clear();
  for (size_t i = 0; i < times_.size(); ++i) {
    encoder_.Append(times_[i], values_[i]);
    if (encoder_.size() < LooseSamples::kChunkSamples && i + 1 < times_.size()) continue;
    const size_t first = i + 1 - encoder_.size();
    bytes_.push_back(encoder_.bytes());
    chunks_.push_back({times_[first], times_[i], ChunkEncoding::kXor, {}});
    encoder_.Clear();
  }
  for (size_t i = 0; i < chunks_.size(); ++i) chunks_[i].data = bytes_[i];
  series = {labels_, chunks_};
  return true;
}

}  // namespace canopy::tsdb

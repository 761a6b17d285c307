#include "canopy/storage/merge.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "canopy/base/hash.h"

namespace canopy::storage {
namespace {

// Order of two series as texts, whatever their stores.
std::strong_ordering Compare(const model::SeriesLabelsView& a, const model::SeriesLabelsView& b) {
  const model::SymbolPairs x = a.pairs();
  const model::SymbolPairs y = b.pairs();
  const bool same_store = &a.symbols() == &b.symbols();
  const size_t shared = std::min(x.size(), y.size());
  for (size_t i = 0; i < shared; ++i) {
    if (same_store && x[i] == y[i]) continue;
    const auto names = a.symbols().Lookup(x[i].name) <=> b.symbols().Lookup(y[i].name);
    if (names != 0) return names;
    const auto values = a.symbols().Lookup(x[i].value) <=> b.symbols().Lookup(y[i].value);
    if (values != 0) return values;
  }
  return x.size() <=> y.size();
}

// Appends one sample to `out`, whose other samples are of the same kind: with histograms and start
// times where these columns have them.
void CopySample(const Columns& from, size_t i, ColumnBuffer& out) {
  out.times.push_back(from.times[i]);
  out.values.push_back(from.values[i]);
  if (!from.start_times.empty()) out.start_times.push_back(from.start_times[i]);
  if (from.histograms.empty()) return;
  const model::FloatHistogram* const histogram = from.histograms[i];
  out.histograms.push_back(histogram ? &(out.NewHistogram() = *histogram) : nullptr);
}

// Series `index` of set `set`.
struct Part {
  uint32_t set;
  uint32_t index;
};

// Several sets, series with equal labels as one. A series that is in one set only is read straight
// through.
class MergedSeriesSet final : public SeriesSet {
 public:
  MergedSeriesSet(std::vector<std::unique_ptr<SeriesSet>> sets, bool newest_only)
      : sets_(std::move(sets)), newest_only_(newest_only) {}

  void AddSeries(Part part) { series_.push_back(AddPart(part)); }
  // Parts of a series come in the order of the queriers.
  void Join(size_t i, Part part) {
    uint32_t last = series_[i];
    while (parts_[last].next != kNone) last = parts_[last].next;
    parts_[last].next = AddPart(part);
  }
  const SeriesSet& set(uint32_t i) const { return *sets_[i]; }
  uint32_t set_count() const { return static_cast<uint32_t>(sets_.size()); }

  size_t size() const override { return series_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    const Part part = parts_[series_[i]].part;
    return sets_[part.set]->labels(part.index);
  }
  Result<Columns> Read(size_t i, Timestamp from, Timestamp until,
                       ColumnBuffer& buffer) const override {
    const Node& first = parts_[series_[i]];
    if (first.next != kNone)
      return newest_only_ ? ReadNewest(i, from, until, buffer) : ReadJoined(i, from, until, buffer);
    CANOPY_ASSIGN_OR_RETURN(Columns columns, ReadPart(first.part, from, until, buffer));
    // Ids are promises within one set only.
    columns.times_id = 0;
    return columns;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Node {
    Part part;
    uint32_t next;  // of the same series
  };

  uint32_t AddPart(Part part) {
    parts_.push_back({part, kNone});
    return static_cast<uint32_t>(parts_.size() - 1);
  }
  Result<Columns> ReadPart(Part part, Timestamp from, Timestamp until, ColumnBuffer& buffer) const {
    return sets_[part.set]->Read(part.index, from, until, buffer);
  }
  Result<Columns> ReadJoined(size_t i, Timestamp from, Timestamp until,
                             ColumnBuffer& buffer) const {
    ColumnBuffer merged;
    ColumnBuffer scratch;
    for (uint32_t at = series_[i]; at != kNone; at = parts_[at].next) {
      CANOPY_ASSIGN_OR_RETURN(const Columns columns,
                              ReadPart(parts_[at].part, from, until, buffer));
      MergeColumns(merged, columns, scratch);
    }
    std::swap(buffer, merged);
    return buffer.View();
  }
  // Each part shows its newest of the querier's range: the newest of all has to be found before it
  // is asked whether it lies between `from` and `until`.
  Result<Columns> ReadNewest(size_t i, Timestamp from, Timestamp until,
                             ColumnBuffer& buffer) const {
    ColumnBuffer newest;
    for (uint32_t at = series_[i]; at != kNone; at = parts_[at].next) {
      CANOPY_ASSIGN_OR_RETURN(const Columns columns, ReadPart(parts_[at].part, Timestamp::Min(),
                                                              Timestamp::Max(), buffer));
      const size_t count = columns.times.size();
      if (count == 0 || (!newest.times.empty() && columns.times.back() < newest.times.back()))
        continue;
      newest.Clear();
      CopySample(columns, count - 1, newest);
    }
    if (newest.times.empty() || newest.times[0] < from.ms() || newest.times[0] > until.ms())
      return Columns{};
    std::swap(buffer, newest);
    return buffer.View();
  }

  const std::vector<std::unique_ptr<SeriesSet>> sets_;
  const bool newest_only_;
  std::vector<Node> parts_;
  std::vector<uint32_t> series_;  // the first part of each
};

Status TooMany(uint64_t limit) {
  return Status::Limit("the selector matches more than " + std::to_string(limit) + " series");
}

// For sets that are sorted: a series of each at a time.
Status MergeSorted(MergedSeriesSet& out, const SelectHints& hints) {
  Patience patience(hints.interrupt);
  const auto labels = [&](const Part& part) { return out.set(part.set).labels(part.index); };
  // A heap with the smallest on top; of equal ones that of the earlier set.
  const auto later = [&](const Part& a, const Part& b) {
    const auto order = Compare(labels(a), labels(b));
    return order != 0 ? order > 0 : a.set > b.set;
  };
  std::vector<Part> heap;
  for (uint32_t set = 0; set < out.set_count(); ++set) heap.push_back({set, 0});
  std::ranges::make_heap(heap, later);
  while (!heap.empty()) {
    CANOPY_RETURN_IF_ERROR(patience.Step());
    std::ranges::pop_heap(heap, later);
    Part& part = heap.back();
    const size_t count = out.size();
    if (count > 0 && Compare(out.labels(count - 1), labels(part)) == 0) {
      out.Join(count - 1, part);
    } else {
      if (hints.max_series != 0 && count == hints.max_series) return TooMany(hints.max_series);
      out.AddSeries(part);
    }
    if (++part.index < out.set(part.set).size())
      std::ranges::push_heap(heap, later);
    else
      heap.pop_back();
  }
  return {};
}

// Labels of several stores in numbers that they share: strings are looked at once for each store.
class SharedNumbers {
 public:
  // The labels of the series as numbers, name and value in turn; valid until the next call.
  std::span<const uint32_t> Of(const model::SeriesLabelsView& labels) {
    Known& known = stores_[&labels.symbols()];
    key_.clear();
    for (const model::SymbolPair pair : labels.pairs()) {
      key_.push_back(Number(labels.symbols(), known, pair.name));
      key_.push_back(Number(labels.symbols(), known, pair.value));
    }
    return key_;
  }

 private:
  using Known = absl::flat_hash_map<model::Symbol, uint32_t>;

  uint32_t Number(const model::SymbolSource& symbols, Known& known, model::Symbol symbol) {
    const auto [it, is_new] = known.try_emplace(symbol, 0);
    if (is_new) {
      const auto next = static_cast<uint32_t>(numbers_.size());
      it->second = numbers_.try_emplace(symbols.Lookup(symbol), next).first->second;
    }
    return it->second;
  }

  // Strings live as long as the queriers.
  absl::flat_hash_map<std::string_view, uint32_t> numbers_;
  absl::flat_hash_map<const model::SymbolSource*, Known> stores_;
  std::vector<uint32_t> key_;
};

// For sets in any order.
Status MergeByHash(MergedSeriesSet& out, const SelectHints& hints) {
  Patience patience(hints.interrupt);
  SharedNumbers numbers;
  std::vector<uint32_t> keys;  // of all series of `out`, one behind the other
  std::vector<size_t> ends;
  const auto key_of = [&](size_t i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::span<const uint32_t>(keys).subspan(begin, ends[i] - begin);
  };
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> by_hash;
  for (uint32_t set = 0; set < out.set_count(); ++set) {
    for (uint32_t index = 0; index < out.set(set).size(); ++index) {
      CANOPY_RETURN_IF_ERROR(patience.Step());
      const auto key = numbers.Of(out.set(set).labels(index));
      const uint64_t hash =
          base::SeededHash({reinterpret_cast<const char*>(key.data()), key.size_bytes()});
      std::vector<uint32_t>& same_hash = by_hash[hash];
      const auto known = std::ranges::find_if(
          same_hash, [&](uint32_t i) { return std::ranges::equal(key_of(i), key); });
      if (known != same_hash.end()) {
        out.Join(*known, {set, index});
        continue;
      }
      if (hints.max_series != 0 && out.size() == hints.max_series) return TooMany(hints.max_series);
      same_hash.push_back(static_cast<uint32_t>(out.size()));
      keys.insert(keys.end(), key.begin(), key.end());
      ends.push_back(keys.size());
      out.AddSeries({set, index});
    }
  }
  return {};
}

// Sorted lists without duplicates as one.
std::vector<std::string> Union(std::vector<std::string> a, std::vector<std::string> b,
                               uint64_t limit) {
  std::vector<std::string> out;
  out.reserve(a.size() + b.size());
  std::set_union(std::make_move_iterator(a.begin()), std::make_move_iterator(a.end()),
                 std::make_move_iterator(b.begin()), std::make_move_iterator(b.end()),
                 std::back_inserter(out));
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

class MergedQuerier final : public Querier {
 public:
  explicit MergedQuerier(std::vector<std::unique_ptr<Querier>> queriers)
      : queriers_(std::move(queriers)) {}

  Result<std::unique_ptr<SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                            const SelectHints& hints) override {
    return Gather(hints, [&](Querier& querier) { return querier.Select(matchers, hints); });
  }
  Result<std::unique_ptr<SeriesSet>> SelectAny(std::span<const model::Matchers> selectors,
                                               const SelectHints& hints) override {
    return Gather(hints, [&](Querier& querier) { return querier.SelectAny(selectors, hints); });
  }
  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                              uint64_t limit) override {
    std::vector<std::string> out;
    for (const auto& querier : queriers_) {
      CANOPY_ASSIGN_OR_RETURN(auto names, querier->LabelNames(matchers, limit));
      out = Union(std::move(out), std::move(names), limit);
    }
    return out;
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher> matchers,
                                               uint64_t limit) override {
    std::vector<std::string> out;
    for (const auto& querier : queriers_) {
      CANOPY_ASSIGN_OR_RETURN(auto values, querier->LabelValues(name, matchers, limit));
      out = Union(std::move(out), std::move(values), limit);
    }
    return out;
  }

 private:
  // Sorting is asked for only when the caller wants it: of stores that have it anyway it comes
  // free, of others it costs more than finding equal series by hash.
  template <class Ask>
  Result<std::unique_ptr<SeriesSet>> Gather(const SelectHints& hints, Ask ask) {
    std::vector<std::unique_ptr<SeriesSet>> sets;
    for (const auto& querier : queriers_) {
      CANOPY_ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set, ask(*querier));
      const bool is_last = &querier == &queriers_.back();
      // Most of many stores have nothing to say about a range.
      if (set->size() > 0 || (is_last && sets.empty())) sets.push_back(std::move(set));
    }
    if (sets.size() == 1) return std::move(sets[0]);
    auto out = std::make_unique<MergedSeriesSet>(std::move(sets), hints.newest_only);
    CANOPY_RETURN_IF_ERROR(hints.sorted ? MergeSorted(*out, hints) : MergeByHash(*out, hints));
    return std::unique_ptr<SeriesSet>(std::move(out));
  }

  const std::vector<std::unique_ptr<Querier>> queriers_;
};

}  // namespace

namespace {

// Calls take(from_more, place) for the samples of both in order; of two at the same time, for the
// one of `more`.
template <class Take>
void ForEachMerged(std::span<const int64_t> times, std::span<const int64_t> more, Take take) {
  size_t i = 0;
  size_t k = 0;
  while (i < times.size() && k < more.size()) {
    if (times[i] < more[k]) {
      take(false, i++);
      continue;
    }
    if (times[i] == more[k]) ++i;
    take(true, k++);
  }
  while (i < times.size()) take(false, i++);
  while (k < more.size()) take(true, k++);
}

// What columns of one side say of a sample, also where they say nothing.
const model::FloatHistogram* HistogramOf(const Columns& columns, size_t i) {
  return columns.histograms.empty() ? nullptr : columns.histograms[i];
}
int64_t StartTimeOf(const Columns& columns, size_t i) {
  return columns.start_times.empty() ? 0 : columns.start_times[i];
}

// With histograms or start times on one side at least.
void MergeMixed(ColumnBuffer& into, const Columns& more, ColumnBuffer& scratch) {
  const Columns old = into.View();
  const bool histograms = !old.histograms.empty() || !more.histograms.empty();
  const bool start_times = !old.start_times.empty() || !more.start_times.empty();
  scratch.Clear();
  bool before_is_more = false;
  ForEachMerged(old.times, more.times, [&](bool from_more, size_t place) {
    const Columns& from = from_more ? more : old;
    scratch.times.push_back(from.times[place]);
    scratch.values.push_back(from.values[place]);
    if (start_times) scratch.start_times.push_back(StartTimeOf(from, place));
    if (histograms) {
      const model::FloatHistogram* histogram = HistogramOf(from, place);
      const bool other_before = from_more != before_is_more && scratch.times.size() > 1;
      const bool forget =
          histogram && other_before && histogram->hint != model::CounterResetHint::kGauge;
      if (histogram && (from_more || forget)) {
        model::FloatHistogram& own = into.NewHistogram();
        own = *histogram;
        if (forget) own.hint = model::CounterResetHint::kUnknown;
        histogram = &own;
      }
      scratch.histograms.push_back(histogram);
    }
    before_is_more = from_more;
  });
  std::swap(into.times, scratch.times);
  std::swap(into.values, scratch.values);
  std::swap(into.histograms, scratch.histograms);
  std::swap(into.start_times, scratch.start_times);
}

}  // namespace

void MergeColumns(ColumnBuffer& into, const Columns& more, ColumnBuffer& scratch) {
  if (more.times.empty()) return;
  const bool floats_alone = into.histograms.empty() && more.histograms.empty() &&
                            into.start_times.empty() && more.start_times.empty();
  if (!floats_alone) return MergeMixed(into, more, scratch);
  if (into.times.empty() || into.times.back() < more.times.front()) {
    into.times.insert(into.times.end(), more.times.begin(), more.times.end());
    into.values.insert(into.values.end(), more.values.begin(), more.values.end());
    return;
  }
  scratch.Clear();
  scratch.times.reserve(into.times.size() + more.times.size());
  scratch.values.reserve(into.times.size() + more.times.size());
  ForEachMerged(into.times, more.times, [&](bool from_more, size_t place) {
    scratch.times.push_back(from_more ? more.times[place] : into.times[place]);
    scratch.values.push_back(from_more ? more.values[place] : into.values[place]);
  });
  std::swap(into.times, scratch.times);
  std::swap(into.values, scratch.values);
}

Columns PartOf(const Columns& columns, int64_t from, int64_t until) {
  const auto begin = std::ranges::lower_bound(columns.times, from);
  const auto end = std::upper_bound(begin, columns.times.end(), until);
  const auto place = static_cast<size_t>(begin - columns.times.begin());
  const auto count = static_cast<size_t>(std::max<std::ptrdiff_t>(end - begin, 0));
  Columns out{columns.times.subspan(place, count), columns.values.subspan(place, count)};
  if (!columns.histograms.empty()) out.histograms = columns.histograms.subspan(place, count);
  if (!columns.start_times.empty()) out.start_times = columns.start_times.subspan(place, count);
  return out;
}

std::unique_ptr<Querier> MergeQueriers(std::vector<std::unique_ptr<Querier>> queriers) {
  if (queriers.size() == 1) return std::move(queriers[0]);
  return std::make_unique<MergedQuerier>(std::move(queriers));
}

}  // namespace canopy::storage

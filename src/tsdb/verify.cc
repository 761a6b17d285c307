#include "tsdb/verify.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tsdb/chunk_file.h"
#include "tsdb/index_reader.h"
#include "tsdb/tombstones.h"

namespace canopy::tsdb {
namespace {

constexpr uint64_t kProgressEvery = 1024;

class Verifier {
 public:
  Verifier(Fs& fs, const std::string& dir, const VerifyOptions& options)
      : fs_(fs), dir_(dir), options_(options), index_path_(JoinPath(dir, kIndexFile)) {}

  VerifyReport Run() {
    auto meta = ReadBlockMeta(fs_, dir_);
    Note(meta.status());
    if (meta.ok()) CheckName(*meta);
    const auto index = IndexReader::Open(fs_, index_path_);
    Note(index.status());
    const auto chunks = ChunkReader::Open(fs_, JoinPath(dir_, kChunksDir));
    Note(chunks.status());
    const auto tombstones = ReadTombstones(fs_, dir_);
    Note(tombstones.status());
    if (index.ok()) {
      CheckSeries(**index, chunks.ok() ? chunks->get() : nullptr, meta.ok() ? &*meta : nullptr);
      CheckPostings(**index);
    }
    if (tombstones.ok()) CheckTombstones(*tombstones);
    if (meta.ok() && index.ok() && chunks.ok()) CheckStats(*meta);
    return std::move(report_);
  }

 private:
  void Note(const Status& status) {
    if (!status.ok()) Fault(status.message());
  }
  void Fault(std::string what) {
    ++report_.fault_count;
    if (report_.faults.size() < options_.max_faults) report_.faults.push_back(std::move(what));
  }
  void SeriesFault(SeriesId id, const std::string& what) {
    Fault(index_path_ + ": offset " + std::to_string(uint64_t{id} * kSeriesAlign) + ": series " +
          std::to_string(id) + ": " + what);
  }
  void MetaFault(const std::string& what) { Fault(JoinPath(dir_, kMetaFile) + ": " + what); }

  void CheckName(const BlockMeta& meta) {
    const std::string_view name = BaseName(dir_);
    if (Ulid::Parse(name) && meta.ulid.ToString() != name)
      MetaFault("ulid " + meta.ulid.ToString() + " is not the name of the directory");
  }

  void CheckSeries(const IndexReader& index, const ChunkReader* chunks, const BlockMeta* meta) {
    const auto all = index.AllPostings();
    if (!all.ok()) return Note(all.status());
    std::vector<model::SymbolPair> before;
    std::vector<model::SymbolPair> labels;
    std::vector<ChunkMeta> metas;
    for (size_t i = 0; i < all->size(); ++i) {
      if (options_.progress && i % kProgressEvery == 0) options_.progress(i, all->size());
      const SeriesId id = (*all)[i];
      if (i > 0 && id <= (*all)[i - 1])
        SeriesFault(id, "stands twice, or out of order, in the list of all");
      labels.clear();
      metas.clear();
      const Status status = index.ReadSeries(id, labels, &metas);
      Note(status);
      if (!status.ok()) continue;
      ids_.push_back(id);
      ++report_.found.num_series;
      for (const model::SymbolPair pair : labels) ++uses_[Key(pair)];
      if (i > 0 && !std::ranges::lexicographical_compare(before, labels, {}, Key, Key))
        SeriesFault(id, "labels do not come after those of the series before");
      std::swap(before, labels);
      CheckChunks(id, metas, chunks, meta);
    }
    std::ranges::sort(ids_);
    if (options_.progress) options_.progress(all->size(), all->size());
  }

  // Orders pairs by name, then value.
  static uint64_t Key(const model::SymbolPair& pair) {
    return uint64_t{pair.name} << 32 | pair.value;
  }

  void CheckChunks(SeriesId id, const std::vector<ChunkMeta>& metas, const ChunkReader* chunks,
                   const BlockMeta* meta) {
    for (size_t i = 0; i < metas.size(); ++i) {
      const ChunkMeta& chunk = metas[i];
      ++report_.found.num_chunks;
      if (i > 0 && chunk.mint <= metas[i - 1].maxt)
        SeriesFault(id, "chunk " + std::to_string(i) + " overlaps with the one before");
      if (chunk.ref < last_ref_)
        SeriesFault(id, "chunk " + std::to_string(i) + " lies before one of a series before");
      last_ref_ = chunk.ref;
      if (meta != nullptr &&
          (chunk.mint < meta->min_time.ms() || chunk.maxt >= meta->max_time.ms()))
        SeriesFault(id, "chunk " + std::to_string(i) + " lies outside of the times of the block");
      if (chunks != nullptr) CheckData(id, chunk, *chunks);
    }
  }

  void CheckData(SeriesId id, const ChunkMeta& chunk, const ChunkReader& chunks) {
    const auto view = chunks.Read(chunk.ref);
    if (!view.ok()) return SeriesFault(id, view.status().message());
    const uint64_t samples = ChunkSampleCount(view->encoding, view->data);
    report_.found.num_samples += samples;
    (HoldsHistograms(view->encoding) ? report_.found.num_histogram_samples
                                     : report_.found.num_float_samples) += samples;
    samples_.Clear();
    const Status status = DecodeChunk(view->encoding, view->data, samples_);
    const std::vector<int64_t>& times = samples_.times;
    const std::string place = "chunk " + std::to_string(chunk.ref) + ": ";
    if (status.code() == Code::kUnsupported) {
      ++report_.undecoded_chunks;
    } else if (!status.ok()) {
      SeriesFault(id, place + status.message());
    } else if (times.empty()) {
      SeriesFault(id, place + "has no samples");
    } else if (times.front() != chunk.mint || times.back() != chunk.maxt) {
      SeriesFault(id, place + "has other times than the index says");
    }
  }

  // That each list is sorted and of series that exist. A list that names as many series as have the
  // label, all of which have it, is the right one.
  void CheckPostings(const IndexReader& index) {
    absl::flat_hash_map<uint64_t, uint64_t> left = uses_;
    for (const std::string_view name : index.LabelNames()) {
      index.ForEachValue(name, "", [&](std::string_view value, uint64_t at) {
        CheckList(index, name, value, at, left);
        return true;
      });
    }
    for (const auto& [key, uses] : left) {
      if (uses == 0) continue;
      Fault(index_path_ + ": postings: " + std::to_string(uses) + " series are missing from " +
            Text(index, static_cast<model::Symbol>(key >> 32)) + "=\"" +
            Text(index, static_cast<model::Symbol>(key)) + "\"");
    }
  }

  void CheckList(const IndexReader& index, std::string_view name, std::string_view value,
                 uint64_t at, absl::flat_hash_map<uint64_t, uint64_t>& left) {
    const auto fault = [&](const std::string& what) {
      Fault(index_path_ + ": postings: " + std::string(name) + "=\"" + std::string(value) +
            "\": " + what);
    };
    const auto list = index.ListAt(at);
    if (!list.ok()) fault(list.status().message());
    const auto name_symbol = index.symbols().Find(name);
    const auto value_symbol = index.symbols().Find(value);
    if (!name_symbol || !value_symbol) return fault("is of strings that are no symbols");
    const model::SymbolPair pair{*name_symbol, *value_symbol};
    const auto uses = left.find(Key(pair));
    for (size_t i = 0; list.ok() && i < list->size(); ++i) {
      const SeriesId id = (*list)[i];
      if (i > 0 && id <= (*list)[i - 1]) fault("is out of order");
      if (!std::ranges::binary_search(ids_, id) || !Has(index, id, pair))
        fault("names series " + std::to_string(id) + ", which has no such label");
      else if (uses != left.end() && uses->second > 0)
        --uses->second;
    }
    // Said above, and not once more as missing series.
    if (!list.ok() && uses != left.end()) uses->second = 0;
  }

  bool Has(const IndexReader& index, SeriesId id, model::SymbolPair pair) {
    labels_.clear();
    return index.ReadSeries(id, labels_, nullptr).ok() &&
           std::ranges::find(labels_, pair) != labels_.end();
  }
  static std::string Text(const IndexReader& index, model::Symbol symbol) {
    return std::string(index.symbols().Lookup(symbol));
  }

  void CheckTombstones(const Tombstones& tombstones) {
    report_.found.num_tombstones = tombstones.size();
    for (const auto& [series, ranges] : tombstones.all()) {
      if (series <= UINT32_MAX && std::ranges::binary_search(ids_, static_cast<SeriesId>(series)))
        continue;
      Fault(JoinPath(dir_, kTombstonesFile) + ": names series " + std::to_string(series) +
            ", which does not exist");
    }
  }

  void CheckStats(const BlockMeta& meta) {
    const auto check = [&](const char* name, uint64_t says, uint64_t is) {
      if (says == is) return;
      MetaFault(std::string(name) + " is " + std::to_string(says) + ", but there are " +
                std::to_string(is));
    };
    check("numSamples", meta.stats.num_samples, report_.found.num_samples);
    check("numSeries", meta.stats.num_series, report_.found.num_series);
    check("numChunks", meta.stats.num_chunks, report_.found.num_chunks);
    // Older writers know no kinds of samples. Tombstones are counted at a compaction only.
    if (meta.stats.num_float_samples != 0)
      check("numFloatSamples", meta.stats.num_float_samples, report_.found.num_float_samples);
    if (meta.stats.num_histogram_samples != 0) {
      check("numHistogramSamples", meta.stats.num_histogram_samples,
            report_.found.num_histogram_samples);
    }
  }

  Fs& fs_;
  const std::string& dir_;
  const VerifyOptions& options_;
  const std::string index_path_;
  VerifyReport report_;
  std::vector<SeriesId> ids_;                     // sorted
  absl::flat_hash_map<uint64_t, uint64_t> uses_;  // series with the pair, by Key()
  uint64_t last_ref_ = 0;
  storage::ColumnBuffer samples_;
  std::vector<model::SymbolPair> labels_;
};

}  // namespace

VerifyReport VerifyBlock(Fs& fs, const std::string& dir, const VerifyOptions& options) {
  return Verifier(fs, dir, options).Run();
}

}  // namespace canopy::tsdb

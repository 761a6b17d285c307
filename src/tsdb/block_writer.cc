#include "tsdb/block_writer.h"

#include <memory>
#include <utility>

#include "tsdb/index_writer.h"
#include "tsdb/tombstones.h"

namespace canopy::tsdb {
namespace {

void CountChunk(const SourceChunk& chunk, BlockStats& stats) {
  const uint64_t samples = ChunkSampleCount(chunk.encoding, chunk.data);
  stats.num_samples += samples;
  (HoldsHistograms(chunk.encoding) ? stats.num_histogram_samples : stats.num_float_samples) +=
      samples;
  ++stats.num_chunks;
}

Status WriteContent(Fs& fs, const std::string& dir, BlockMeta& meta, BlockSource& source,
                    const BlockWriterOptions& options) {
  CANOPY_ASSIGN_OR_RETURN(const auto chunks, ChunkWriter::Create(fs, JoinPath(dir, kChunksDir),
                                                                 options.chunk_segment_bytes));
  CANOPY_ASSIGN_OR_RETURN(const auto index, IndexWriter::Create(fs, JoinPath(dir, kIndexFile)));
  std::string_view symbol;
  for (;;) {
    CANOPY_ASSIGN_OR_RETURN(const bool more, source.NextSymbol(symbol));
    if (!more) break;
    CANOPY_RETURN_IF_ERROR(index->AddSymbol(symbol));
  }
  BlockSource::Series series;
  std::vector<ChunkMeta> metas;
  for (;;) {
    CANOPY_ASSIGN_OR_RETURN(const bool more, source.NextSeries(series));
    if (!more) break;
    if (series.chunks.empty()) continue;
    metas.clear();
    for (const SourceChunk& chunk : series.chunks) {
      if (chunk.mint < meta.min_time.ms() || chunk.maxt >= meta.max_time.ms())
        return Status::Invalid("a chunk lies outside of the times of its block");
      CANOPY_ASSIGN_OR_RETURN(const uint64_t ref, chunks->Append(chunk.encoding, chunk.data));
      metas.push_back({chunk.mint, chunk.maxt, ref});
      CountChunk(chunk, meta.stats);
    }
    CANOPY_RETURN_IF_ERROR(index->AddSeries(series.labels, metas));
    ++meta.stats.num_series;
  }
  if (meta.stats.num_samples == 0) return {};
  CANOPY_RETURN_IF_ERROR(chunks->Finish());
  return index->Finish();
}

Status WriteAside(Fs& fs, const std::string& dir, BlockMeta& meta, BlockSource& source,
                  const BlockWriterOptions& options) {
  CANOPY_RETURN_IF_ERROR(fs.RemoveAll(dir));
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(dir));
  CANOPY_RETURN_IF_ERROR(WriteContent(fs, dir, meta, source, options));
  if (meta.stats.num_samples == 0) return {};
  // Each of these syncs the directory, and with it the names of all the files.
  CANOPY_RETURN_IF_ERROR(WriteTombstones(fs, dir, {}));
  return WriteBlockMeta(fs, dir, meta);
}

}  // namespace

Result<BlockMeta> WriteBlock(Fs& fs, const std::string& parent, BlockMeta meta, BlockSource& source,
                             const BlockWriterOptions& options) {
  meta.stats = {};
  const std::string dir = JoinPath(parent, meta.ulid.ToString());
  const std::string aside = dir + std::string(kTmpForCreation);
  Status status = WriteAside(fs, aside, meta, source, options);
  if (status.ok() && meta.stats.num_samples > 0) {
    status = fs.Rename(aside, dir);
    if (status.ok()) status = fs.SyncDir(parent);
    if (status.ok()) return meta;
  }
  // What cannot be removed now is removed at the next start.
  (void)fs.RemoveAll(aside);
  if (!status.ok()) return status;
  return meta;
}

}  // namespace canopy::tsdb

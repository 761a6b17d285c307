#include "block_delete.h"

#include <algorithm>
#include <vector>

#include "index_match.h"

namespace canopy::tsdb {

Result<bool> DeleteFromBlock(Fs& fs, const Block& block, std::span<const model::Matcher> matchers,
                             Timestamp mint, Timestamp maxt) {
  CANOPY_ASSIGN_OR_RETURN(const Roaring found, MatchIndex(block.index(), matchers));
  Tombstones tombstones = block.tombstones();
  std::vector<model::SymbolPair> labels;
  std::vector<ChunkMeta> chunks;
  bool any = false;
  for (const SeriesId id : found) {
    labels.clear();
    chunks.clear();
    CANOPY_RETURN_IF_ERROR(block.index().ReadSeries(id, labels, &chunks));
    const auto overlaps = [&](const ChunkMeta& c) { return c.Overlaps(mint.ms(), maxt.ms()); };
    if (std::ranges::none_of(chunks, overlaps)) continue;
    // Only what is there, as Prometheus has it.
    tombstones.Add(
        id, {std::max(mint.ms(), chunks.front().mint), std::min(maxt.ms(), chunks.back().maxt)});
    any = true;
  }
  if (!any) return false;
  // The file may say more by now than when the block was opened.
  CANOPY_ASSIGN_OR_RETURN(BlockMeta meta, ReadBlockMeta(fs, block.dir()));
  CANOPY_RETURN_IF_ERROR(WriteTombstones(fs, block.dir(), tombstones));
  meta.stats.num_tombstones = tombstones.size();
  CANOPY_RETURN_IF_ERROR(WriteBlockMeta(fs, block.dir(), meta));
  return true;
}

}  // namespace canopy::tsdb

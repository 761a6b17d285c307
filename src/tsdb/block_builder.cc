#include "canopy/tsdb/block_builder.h"

#include <algorithm>
#include <utility>

#include "tsdb/block_writer.h"
#include "tsdb/loose_samples.h"

namespace canopy::tsdb {

struct BlockBuilder::Impl {
  LooseSamples samples;
  Timestamp min_time = Timestamp::Max();
  Timestamp max_time = Timestamp::Min();
};

BlockBuilder::BlockBuilder() : impl_(std::make_unique<Impl>()) {}
BlockBuilder::~BlockBuilder() = default;
BlockBuilder::BlockBuilder(BlockBuilder&&) noexcept = default;
BlockBuilder& BlockBuilder::operator=(BlockBuilder&&) noexcept = default;

uint32_t BlockBuilder::Series(std::span<const model::LabelView> labels) {
  return impl_->samples.Series(labels);
}

void BlockBuilder::Add(uint32_t series, Timestamp time, double value) {
  impl_->min_time = std::min(impl_->min_time, time);
  impl_->max_time = std::max(impl_->max_time, time);
  impl_->samples.Add(series, time.ms(), value);
}

uint64_t BlockBuilder::sample_count() const { return impl_->samples.sample_count(); }

Result<std::optional<BlockInfo>> BlockBuilder::Write(Fs& fs, const std::string& dir,
                                                     Timestamp now) const {
  if (sample_count() == 0) return std::optional<BlockInfo>();
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(dir));
  BlockMeta meta;
  meta.ulid = Ulid::New(now);
  meta.min_time = impl_->min_time;
  meta.max_time = impl_->max_time + Duration(1);
  meta.compaction.sources = {meta.ulid};
  LooseBlockSource source(impl_->samples);
  CANOPY_ASSIGN_OR_RETURN(meta, WriteBlock(fs, dir, meta, source));
  CANOPY_ASSIGN_OR_RETURN(BlockInfo info, ReadBlockInfo(fs, dir, meta.ulid.ToString()));
  return std::optional(std::move(info));
}

}  // namespace canopy::tsdb

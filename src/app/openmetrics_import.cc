#include "app/openmetrics_import.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <map>

#include "canopy/exposition/parse.h"
#include "canopy/tsdb/block_builder.h"

namespace canopy::app {
namespace {

using exposition::Entry;
using exposition::PageFormat;
using exposition::PageParser;

// A block that is being gathered. Series are told apart by how the page writes them first, which
// costs no labels.
struct Part {
  tsdb::BlockBuilder builder;
  absl::flat_hash_map<std::string_view, uint32_t> series;
};

class Import {
 public:
  Import(Fs& fs, const Clock& clock, std::string_view page, const std::string& dir,
         const ImportOptions& options)
      : fs_(fs), clock_(clock), page_(page), dir_(dir), options_(options) {}

  Status Run() {
    CANOPY_RETURN_IF_ERROR(Count());
    const std::vector<int64_t> starts = Passes();
    to_read_ = page_.size() * (1 + starts.size());
    for (size_t i = 0; i < starts.size(); ++i)
      CANOPY_RETURN_IF_ERROR(
          WriteBlocks(starts[i], i + 1 < starts.size() ? starts[i + 1] : INT64_MAX));
    return {};
  }

 private:
  int64_t RangeOf(Timestamp t) const {
    const int64_t range = options_.block_range.count();
    return t.ms() / range - (t.ms() % range < 0 ? 1 : 0);
  }

  // Calls fn(parser) for each sample.
  template <class Fn>
  Status ForEachSample(Fn fn) {
    constexpr uint64_t kProgressEvery = 10'000;
    PageParser parser(page_, PageFormat::kOpenMetrics);
    for (uint64_t n = 0;;) {
      const Entry entry = parser.Next();
      if (entry == Entry::kEnd) break;
      if (entry == Entry::kError) return parser.error();
      if (entry != Entry::kSample) continue;
      CANOPY_RETURN_IF_ERROR(fn(parser));
      if (options_.progress && n++ % kProgressEvery == 0)
        options_.progress(read_ + page_.size() - parser.rest().size(), to_read_);
    }
    read_ += page_.size();
    return {};
  }

  Status Count() {
    to_read_ = 2 * page_.size();
    CANOPY_RETURN_IF_ERROR(ForEachSample([&](PageParser& parser) {
      if (!parser.time()) {
        return Status::Invalid("expected a timestamp for series " + std::string(parser.series()) +
                               ", got none");
      }
      ++samples_[RangeOf(*parser.time())];
      return Status();
    }));
    return {};
  }

  // The first range of each part of the samples that is in memory at once.
  std::vector<int64_t> Passes() const {
    std::vector<int64_t> starts;
    uint64_t in_memory = 0;
    for (const auto& [range, count] : samples_) {
      if (starts.empty() || in_memory + count > options_.max_samples_in_memory) {
        starts.push_back(range);
        in_memory = 0;
      }
      in_memory += count;
    }
    return starts;
  }

  // Of the ranges first <= range < end.
  Status WriteBlocks(int64_t first, int64_t end) {
    std::map<int64_t, Part> parts;
    Part* last = nullptr;
    int64_t last_range = 0;
    CANOPY_RETURN_IF_ERROR(ForEachSample([&](PageParser& parser) {
      const int64_t range = RangeOf(*parser.time());
      if (range < first || range >= end) return Status();
      if (last == nullptr || range != last_range) last = &parts[range];
      last_range = range;
      return Add(parser, *last);
    }));
    for (auto it = parts.begin(); it != parts.end(); it = parts.erase(it)) {
      CANOPY_ASSIGN_OR_RETURN(const auto block, it->second.builder.Write(fs_, dir_, clock_.Now()));
      if (block && options_.block) options_.block(*block);
    }
    return {};
  }

  Status Add(PageParser& parser, Part& part) {
    auto it = part.series.find(parser.series());
    if (it == part.series.end()) {
      builder_.Clear();
      CANOPY_RETURN_IF_ERROR(parser.AddLabels(builder_));
      for (const auto& [name, value] : options_.labels) builder_.Set(name, value);
      const model::Labels labels = builder_.Build();
      const std::vector<model::LabelView> views(labels.begin(), labels.end());
      it = part.series.emplace(parser.series(), part.builder.Series(views)).first;
    }
    part.builder.Add(it->second, *parser.time(), parser.value());
    return {};
  }

  Fs& fs_;
  const Clock& clock_;
  const std::string_view page_;
  const std::string& dir_;
  const ImportOptions& options_;
  std::map<int64_t, uint64_t> samples_;  // by range
  model::LabelsBuilder builder_;
  uint64_t read_ = 0;
  uint64_t to_read_ = 0;
};

}  // namespace

Duration CompatibleBlockRange(Duration asked) {
  constexpr int kRanges = 10;
  Duration range = std::chrono::hours(2);
  for (int i = 1; i < kRanges && range * 3 <= asked; ++i) range *= 3;
  return range;
}

Status ImportOpenMetrics(Fs& fs, const Clock& clock, std::string_view page, const std::string& dir,
                         const ImportOptions& options) {
  return Import(fs, clock, page, dir, options).Run();
}

}  // namespace canopy::app

#include <vector>

#include "canopy/base/check.h"
#include "canopy/model/matcher.h"
#include "tests/fuzz/repair_sums.h"
#include "tests/support/mem_fs.h"
#include "tsdb/index_match.h"
#include "tsdb/index_reader.h"

// Any bytes as an index: everything that can be asked is answered or refused. Sums are made right
// first, or nothing behind them would ever be reached.

namespace {

using namespace canopy;
using namespace canopy::tsdb;

void AskEverything(const IndexReader& index) {
  for (uint32_t i = 0; i < index.symbols().size(); ++i)
    CANOPY_CHECK(index.symbols().Find(index.symbols().Lookup(i)) == i);
  std::vector<model::SymbolPair> labels;
  std::vector<ChunkMeta> chunks;
  for (SeriesId id = 0; id < index.bytes().size() / kSeriesAlign + 2; ++id) {
    labels.clear();
    chunks.clear();
    if (!index.ReadSeries(id, labels, &chunks).ok()) continue;
    (void)model::SeriesLabelsView(index.symbols(), labels).ToLabels().ToString();
    for (const ChunkMeta& chunk : chunks) CANOPY_CHECK(chunk.mint <= chunk.maxt);
  }
  for (const std::string_view name : index.LabelNames()) {
    size_t values = 0;
    index.ForEachValue(name, "", [&](std::string_view value, uint64_t list) {
      const auto direct = index.Postings(name, value);
      CANOPY_CHECK(direct.ok() == index.ListAt(list).ok());
      ++values;
      return true;
    });
    CANOPY_CHECK(values <= index.ValueCount(name));
    for (const auto type : {model::MatchType::kRegex, model::MatchType::kNotRegex}) {
      const model::Matcher matchers[] = {*model::Matcher::Create(type, std::string(name), "a.*|b"),
                                         *model::Matcher::Create(type, "job", ".+")};
      (void)MatchIndex(index, matchers);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  testing::RepairIndexSums(bytes);
  testing::MemFs fs;
  {
    const auto file = fs.Create("/index");
    CANOPY_CHECK((*file)->Append(bytes).ok());
  }
  const auto index = IndexReader::Open(fs, "/index");
  if (index.ok()) AskEverything(**index);
  return 0;
}

#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/model/labels.h"
#include "tsdb/index_format.h"
#include "tsdb/index_writer.h"

namespace canopy::tsdb {

// Series and where their chunks are said to lie, in an order of their own.
using IndexContent = std::map<model::Labels, std::vector<ChunkMeta>>;

inline std::vector<std::string> SymbolsOf(const IndexContent& content) {
  std::set<std::string> symbols;
  for (const auto& [labels, chunks] : content) {
    for (const model::LabelView label : labels) {
      symbols.emplace(label.name);
      symbols.emplace(label.value);
    }
  }
  return {symbols.begin(), symbols.end()};
}

inline std::vector<model::SymbolPair> PairsOf(const std::vector<std::string>& symbols,
                                              const model::Labels& labels) {
  const auto number = [&](std::string_view text) {
    return static_cast<model::Symbol>(std::ranges::lower_bound(symbols, text) - symbols.begin());
  };
  std::vector<model::SymbolPair> out;
  for (const model::LabelView label : labels)
    out.push_back({number(label.name), number(label.value)});
  return out;
}

inline Status WriteIndex(Fs& fs, const std::string& path, const IndexContent& content) {
  CANOPY_ASSIGN_OR_RETURN(const auto writer, IndexWriter::Create(fs, path));
  const std::vector<std::string> symbols = SymbolsOf(content);
  for (const std::string& symbol : symbols) CANOPY_RETURN_IF_ERROR(writer->AddSymbol(symbol));
  for (const auto& [labels, chunks] : content)
    CANOPY_RETURN_IF_ERROR(writer->AddSeries(PairsOf(symbols, labels), chunks));
  return writer->Finish();
}

// Labels of few values, of one value for each series, and not on every series.
inline IndexContent RandomIndex(size_t series, uint32_t seed) {
  std::mt19937 random(seed);
  IndexContent out;
  while (out.size() < series) {
    model::LabelsBuilder labels;
    labels.Set("__name__", "m" + std::to_string(random() % 5));
    labels.Set("i", std::to_string(random() % (4 * series)));
    if (random() % 3 != 0) labels.Set("zone", std::string(random() % 200, 'z') + "x");
    out[labels.Build()];
  }
  uint64_t ref = 8;
  for (auto& [labels, chunks] : out) {
    int64_t t = static_cast<int64_t>(random()) - (1ll << 31);
    for (auto n = random() % 4; n > 0; --n) {
      chunks.push_back({t, t + static_cast<int64_t>(random() % 1000), ref});
      t = chunks.back().maxt + 1 + static_cast<int64_t>(random() % 1000);
      ref += random() % 10 == 0 ? 1ull << 32 : random() % 300;
    }
  }
  return out;
}

}  // namespace canopy::tsdb

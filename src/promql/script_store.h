#pragma once

#include <absl/container/flat_hash_map.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canopy/model/labels.h"
#include "canopy/model/sample.h"
#include "canopy/promql/value.h"
#include "canopy/storage/queryable.h"

namespace canopy::promql {

struct ScriptSample {
  Timestamp time;
  double value = 0;
  HistogramPtr histogram = nullptr;  // instead of the value
  int64_t start_ms = 0;              // when the counter started; 0: not known
};

// Series as columns in memory: what test scripts load, and benchmarks query. Filled first, read
// then: reading is thread-safe, Add() and Clear() are not.
class ScriptStore final : public storage::Queryable {
 public:
  // Samples ascending. Of a series that is known already, later ones. What histograms are read with
  // is known of counter resets as Prometheus knows it: from the chunk that it stores them in.
  void Add(const model::Labels& labels, const std::vector<ScriptSample>& samples);
  void Add(const model::Labels& labels, const std::vector<model::Sample>& samples);
  void Clear();

  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override;

 private:
  friend class ScriptQuerier;
  friend class ScriptSeriesSet;

  class Symbols final : public model::SymbolSource {
   public:
    model::Symbol Intern(std::string_view text);
    std::string_view Lookup(model::Symbol symbol) const override { return texts_[symbol]; }
    std::optional<model::Symbol> Find(std::string_view text) const override;

   private:
    std::deque<std::string> texts_;
    absl::flat_hash_map<std::string_view, model::Symbol> symbols_;
  };

  // What few series have beside times and floats.
  struct Extras {
    std::vector<HistogramPtr> owned;
    std::vector<const model::FloatHistogram*> histograms;  // empty until there is one
    std::vector<int64_t> start_times;                      // likewise
    // The histogram that the next one of a counter would be put behind, in the same chunk.
    HistogramPtr last_of_chunk;
  };
  struct Series {
    std::vector<model::SymbolPair> pairs;
    std::vector<int64_t> times;
    std::vector<double> values;
    uint64_t times_id = 0;
    std::unique_ptr<Extras> extras;
  };

  static HistogramPtr AsStored(Extras& extras, const model::FloatHistogram& h);
  static void AddSample(Series& series, const ScriptSample& sample);

  Symbols symbols_;
  std::map<model::Labels, Series> series_;
  std::map<std::vector<int64_t>, uint64_t> times_ids_;
};

}  // namespace canopy::promql

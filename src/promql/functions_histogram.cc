#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "canopy/base/number.h"
#include "function_impl.h"
#include "grouping.h"
#include "quantile.h"

// histogram_quantile, histogram_fraction and their kin, over classic histograms: a series per
// bucket, its upper bound in the label le. Functions of native histograms find none here, since
// all samples are floats: they yield nothing.

namespace canopy::promql {
namespace {

// The buckets of one histogram.
struct Buckets {
  struct Member {
    double upper_bound;
    size_t series;
  };
  std::vector<Member> members;  // by bound
  bool drop_name = false;
};

// The number that le holds. Few texts are met again and again: each is read once.
class Bounds {
 public:
  std::optional<double> Of(const SeriesLabels& labels) {
    if (labels.symbols() == nullptr) return base::ParseFloat(labels.Get(model::kBucketBound));
    if (labels.symbols() != source_) {
      source_ = labels.symbols();
      le_ = source_->Find(model::kBucketBound);
      known_.clear();
    }
    for (const model::SymbolPair pair : labels.pairs()) {
      if (pair.name != le_) continue;
      const auto [it, fresh] = known_.try_emplace(pair.value);
      if (fresh) it->second = base::ParseFloat(source_->Lookup(pair.value));
      return it->second;
    }
    return std::nullopt;
  }

 private:
  const model::SymbolSource* source_ = nullptr;
  std::optional<model::Symbol> le_;
  absl::flat_hash_map<model::Symbol, std::optional<double>> known_;
};

// Finds the series that belong together, and those whose le is no number: these are named in a
// warning where they have a value.
class Histograms {
 public:
  Histograms(Query& query, const SeriesSource& source, size_t steps, PositionRange pos)
      : groups_({std::string(model::kBucketBound)}, GroupBy::kOthersAndName) {
    Bounds bounds;
    for (size_t i = 0; i < source.size(); ++i) {
      const SeriesLabels labels = source.labels(i);
      const std::optional<double> bound = bounds.Of(labels);
      if (!bound) {
        WarnOf(query, source, i, steps, pos);
        continue;
      }
      const size_t group = groups_.GroupOf(labels);
      if (group == buckets_.size()) buckets_.push_back({{}, labels.drop_name()});
      buckets_[group].members.push_back({*bound, i});
    }
    const auto by_bound = [](const auto& a, const auto& b) {
      return a.upper_bound < b.upper_bound;
    };
    for (Buckets& buckets : buckets_)
      std::stable_sort(buckets.members.begin(), buckets.members.end(), by_bound);
  }

  size_t size() const { return buckets_.size(); }
  const Buckets& buckets(size_t group) const { return buckets_[group]; }
  const model::Labels& labels(size_t group) const { return groups_.labels(group); }

 private:
  static void WarnOf(Query& query, const SeriesSource& source, size_t i, size_t steps,
                     PositionRange pos) {
    std::vector<double> row(steps);
    if (!source.Fill(i, query.scratch, row)) return;
    const SeriesLabels labels = source.labels(i);
    const bool names = query.engine.features.delayed_name_removal;
    query.annotations.BadBucketLabel(names ? labels.Get(model::kMetricName) : "",
                                     labels.Get(model::kBucketBound), pos);
  }

  Grouping groups_;  // of all labels but le
  std::vector<Buckets> buckets_;
};

// Series computed from the buckets of each histogram, one step after the other.
class OverBuckets : public SeriesSource {
 public:
  OverBuckets(Query& query, SourcePtr source, const Steps& steps, PositionRange pos)
      : query_(query),
        source_(std::move(source)),
        steps_(steps),
        pos_(pos),
        node_(query.NewNode()),
        histograms_(query, *source_, steps.count, pos) {}

  size_t size() const override { return histograms_.size(); }
  SeriesLabels labels(size_t i) const override {
    return SeriesLabels(histograms_.labels(i)).WithDropName(histograms_.buckets(i).drop_name);
  }

  bool Fill(size_t i, Scratch& scratch, std::span<double> row) const override {
    const std::vector<Buckets::Member>& members = histograms_.buckets(i).members;
    const size_t steps = row.size();
    std::vector<double>& rows = scratch.of(node_).values;
    rows.resize(members.size() * steps);
    std::vector<double> bounds;
    for (const Buckets::Member& member : members) {
      const std::span<double> target(rows.data() + bounds.size() * steps, steps);
      if (source_->Fill(member.series, scratch, target)) bounds.push_back(member.upper_bound);
    }
    bool any = false;
    std::vector<Bucket> buckets;
    for (size_t s = 0; s < steps; ++s) {
      buckets.clear();
      for (size_t b = 0; b < bounds.size(); ++b) {
        const double count = rows[b * steps + s];
        if (IsPresent(count)) buckets.push_back({bounds[b], count});
      }
      row[s] = buckets.empty() ? Absent() : Compute(i, s, buckets);
      any |= !buckets.empty();
    }
    return any;
  }

 protected:
  virtual double Compute(size_t group, size_t step, std::vector<Bucket>& buckets) const = 0;
  const model::Labels& group_labels(size_t group) const { return histograms_.labels(group); }

  Query& query_;
  const SourcePtr source_;
  const Steps steps_;
  const PositionRange pos_;

 private:
  const size_t node_;
  const Histograms histograms_;
};

class Quantiles final : public OverBuckets {
 public:
  Quantiles(Query& query, SourcePtr source, const Steps& steps, PositionRange pos,
            std::vector<double> q)
      : OverBuckets(query, std::move(source), steps, pos), q_(std::move(q)) {}

 protected:
  double Compute(size_t group, size_t step, std::vector<Bucket>& buckets) const override {
    const BucketQuantileResult result = BucketQuantile(q_[step], buckets);
    if (result.forced_monotonic) {
      const bool names = query_.engine.features.delayed_name_removal;
      query_.annotations.ForcedMonotonic(names ? group_labels(group).metric_name() : "", pos_,
                                         steps_.at(step),
                                         {result.min_bucket, result.max_bucket, result.max_diff});
    }
    return result.value;
  }

 private:
  const std::vector<double> q_;
};

class Fractions final : public OverBuckets {
 public:
  Fractions(Query& query, SourcePtr source, const Steps& steps, PositionRange pos,
            std::vector<double> lower, std::vector<double> upper)
      : OverBuckets(query, std::move(source), steps, pos),
        lower_(std::move(lower)),
        upper_(std::move(upper)) {}

 protected:
  double Compute(size_t /*group*/, size_t step, std::vector<Bucket>& buckets) const override {
    return BucketFraction(lower_[step], upper_[step], buckets);
  }

 private:
  const std::vector<double> lower_;
  const std::vector<double> upper_;
};

void WarnOfQuantiles(Query& query, std::span<const double> q, PositionRange pos) {
  for (const double v : q)
    if (!(v >= 0 && v <= 1)) query.annotations.InvalidQuantile(v, pos);
}

SourcePtr HistogramQuantile(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  std::vector<double> q = evaluator.Scalar(*call.args[0], steps);
  WarnOfQuantiles(query, q, call.args[0]->pos);
  auto out = std::make_unique<Quantiles>(query, evaluator.Vector(*call.args[1], steps), steps,
                                         call.args[1]->pos, std::move(q));
  return DropMetadata(query, std::move(out), steps.count, Collisions::kMerge);
}

SourcePtr HistogramFraction(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  std::vector<double> lower = evaluator.Scalar(*call.args[0], steps);
  std::vector<double> upper = evaluator.Scalar(*call.args[1], steps);
  auto out = std::make_unique<Fractions>(query, evaluator.Vector(*call.args[2], steps), steps,
                                         call.args[2]->pos, std::move(lower), std::move(upper));
  return DropMetadata(query, std::move(out), steps.count, Collisions::kMerge);
}

// A bound or quantile as OpenMetrics writes it: always with a point or an exponent.
std::string OpenMetricsFloat(double v) {
  std::string out;
  base::AppendFloatShortest(out, v);
  if (std::isfinite(v) && out.find_first_of(".e") == out.npos) out += ".0";
  return out;
}

// One series per histogram and quantile, the quantile in a label. Quantiles may change from step to
// step, and their labels with them.
SourcePtr HistogramQuantiles(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  const std::string& label = Evaluator::String(*call.args[1]);
  const SourcePtr source = Materialize(query, evaluator.Vector(*call.args[0], steps), steps.count);
  auto out = std::make_unique<BuiltRows>(query, steps.count);
  absl::flat_hash_map<model::Labels, size_t> known;
  class Borrowed final : public SeriesSource {
   public:
    explicit Borrowed(const SeriesSource& from) : from_(from) {}
    size_t size() const override { return from_.size(); }
    SeriesLabels labels(size_t i) const override { return from_.labels(i); }
    bool Fill(size_t i, Scratch& scratch, std::span<double> row) const override {
      return from_.Fill(i, scratch, row);
    }

   private:
    const SeriesSource& from_;
  };
  for (size_t arg = 2; arg < call.args.size(); ++arg) {
    const std::vector<double> q = evaluator.Scalar(*call.args[arg], steps);
    WarnOfQuantiles(query, q, call.args[arg]->pos);
    const Quantiles quantiles(query, std::make_unique<Borrowed>(*source), steps, call.args[0]->pos,
                              q);
    ForEachRow(query, quantiles, steps.count, [&](size_t i, std::span<const double> row) {
      model::LabelsBuilder builder(quantiles.labels(i).Build());
      for (size_t s = 0; s < row.size(); ++s) {
        if (IsAbsent(row[s])) continue;
        builder.Set(label, OpenMetricsFloat(q[s]));
        const auto [it, fresh] = known.try_emplace(builder.Build(), out->size());
        if (fresh) out->Add(it->first, false);
        double& value = out->row(it->second)[s];
        if (IsPresent(value)) Fail("vector cannot contain metrics with the same labelset");
        value = row[s];
      }
    });
  }
  out->Seal();
  return DropMetadata(query, std::move(out), steps.count, Collisions::kMerge);
}

SourcePtr OfNativeHistograms(Evaluator& evaluator, const Call& call, const Steps& steps) {
  evaluator.Vector(*call.args[0], steps);
  return EmptySource(evaluator.query(), steps.count);
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kHistogramAvg, .call = OfNativeHistograms},
    {.id = FunctionId::kHistogramCount, .call = OfNativeHistograms},
    {.id = FunctionId::kHistogramFraction, .call = HistogramFraction},
    {.id = FunctionId::kHistogramQuantile, .call = HistogramQuantile},
    {.id = FunctionId::kHistogramQuantiles, .call = HistogramQuantiles},
    {.id = FunctionId::kHistogramStddev, .call = OfNativeHistograms},
    {.id = FunctionId::kHistogramStdvar, .call = OfNativeHistograms},
    {.id = FunctionId::kHistogramSum, .call = OfNativeHistograms},
};

}  // namespace

std::span<const FunctionImpl> HistogramFunctions() { return kFunctions; }

}  // namespace canopy::promql

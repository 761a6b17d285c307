#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "canopy/base/number.h"
#include "function_impl.h"
#include "grouping.h"
#include "native_quantile.h"
#include "pace.h"
#include "quantile.h"

// histogram_quantile, histogram_fraction and their kin: over classic histograms, which have a
// series per bucket, its upper bound in the label le; and over native ones.

namespace canopy::promql {
namespace {

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

constexpr size_t kNone = static_cast<size_t>(-1);

// One histogram: the series of its buckets, and the one that holds it as a native histogram.
struct Parts {
  struct Bucket {
    double upper_bound;
    size_t series;
  };
  model::Labels labels;  // without le
  bool drop_name = false;
  std::vector<Bucket> buckets;  // by bound
  size_t native = kNone;
  // Floats of `native` are a bucket of another one.
  bool is_bucket_too = false;
};

// Finds the series that belong together. One without a number in le may hold native histograms; if
// it has floats, these belong nowhere. With a number in le a series is a bucket, and nearly never
// anything else; but with the query's histograms_in_buckets each may hold native histograms as
// well, which have nothing to do with the bucket.
std::vector<Parts> FindParts(const Query& query, const SeriesSource& source) {
  Grouping groups({std::string(model::kBucketBound)}, GroupBy::kOthersAndName);
  std::vector<size_t> parts_of_group;
  std::vector<Parts> out;
  Bounds bounds;
  Pace pace(query);
  for (size_t i = 0; i < source.size(); ++i) {
    pace.Step();
    const SeriesLabels labels = source.labels(i);
    const std::optional<double> bound = bounds.Of(labels);
    if (!bound && !labels.Get(model::kBucketBound).empty()) {
      out.push_back({labels.Build(), labels.drop_name(), {}, i, false});
      continue;
    }
    const size_t group = groups.GroupOf(labels);
    if (group == parts_of_group.size()) {
      parts_of_group.push_back(out.size());
      out.push_back({groups.labels(group), labels.drop_name(), {}, kNone, false});
    }
    Parts& parts = out[parts_of_group[group]];
    if (!bound) {
      parts.native = i;
      continue;
    }
    parts.buckets.push_back({*bound, i});
    if (query.histograms_in_buckets)
      out.push_back({labels.Build(), labels.drop_name(), {}, i, true});
  }
  for (Parts& parts : out) {
    std::stable_sort(parts.buckets.begin(), parts.buckets.end(),
                     [](const auto& a, const auto& b) { return a.upper_bound < b.upper_bound; });
  }
  return out;
}

// Series computed from each histogram, classic or native, one step after the other.
class OverHistograms : public SeriesSource {
 public:
  OverHistograms(Query& query, SourcePtr source, const Steps& steps, PositionRange pos)
      : query_(query),
        steps_(steps),
        pos_(pos),
        source_(std::move(source)),
        node_(query.NewNode()),
        parts_(FindParts(query, *source_)) {}

  size_t size() const override { return parts_.size(); }
  SeriesLabels labels(size_t i) const override {
    return SeriesLabels(parts_[i].labels).WithDropName(parts_[i].drop_name);
  }

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    const Parts& parts = parts_[i];
    const size_t steps = row.size();
    row.histograms.clear();
    std::vector<double>& rows = scratch.of(node_).values;
    rows.resize((parts.buckets.size() + 1) * steps);
    const auto row_at = [&](size_t n) { return Row({rows.data() + n * steps, steps}); };
    std::vector<double> bounds;
    for (const Parts::Bucket& bucket : parts.buckets) {
      Row target = row_at(bounds.size());
      if (!source_->Fill(bucket.series, scratch, target)) continue;
      if (target.has_histograms() && !query_.histograms_in_buckets)
        throw EvalError{Status::Execution("histograms in series of buckets"), true};
      bounds.push_back(bucket.upper_bound);
    }
    Row native = row_at(parts.buckets.size());
    const bool has_native = parts.native != kNone && source_->Fill(parts.native, scratch, native);
    if (has_native && !parts.is_bucket_too && CountPresent(native.values) > 0) WarnOfFloats(parts);

    bool any = false;
    std::vector<Bucket> buckets;
    for (size_t s = 0; s < steps; ++s) {
      buckets.clear();
      for (size_t b = 0; b < bounds.size(); ++b) {
        const double count = rows[b * steps + s];
        if (IsPresent(count)) buckets.push_back({bounds[b], count});
      }
      row.values[s] = AtStep(i, s, buckets, has_native ? native.histogram(s) : nullptr, scratch);
      any |= IsPresent(row.values[s]);
    }
    return any;
  }

 protected:
  virtual double OfClassic(size_t i, size_t step, std::vector<Bucket>& buckets) const = 0;
  virtual double OfNative(size_t i, size_t step, const model::FloatHistogram& h,
                          std::vector<model::HistogramBucket>& memory) const = 0;

  // For notes. Names that are dropped at once are not known any more.
  std::string_view name(const model::Labels& labels) const {
    return query_.engine.features.delayed_name_removal ? labels.metric_name() : "";
  }
  std::string_view name(size_t i) const { return name(parts_[i].labels); }

  Query& query_;
  const Steps steps_;
  const PositionRange pos_;

 private:
  double AtStep(size_t i, size_t step, std::vector<Bucket>& buckets,
                const model::FloatHistogram* native, Scratch& scratch) const {
    if (native == nullptr) return buckets.empty() ? Absent() : OfClassic(i, step, buckets);
    if (buckets.empty()) return OfNative(i, step, *native, scratch.of(node_).buckets);
    query_.annotations.MixedClassicNativeHistograms(name(i), pos_);
    return Absent();
  }

  void WarnOfFloats(const Parts& parts) const {
    const SeriesLabels labels = source_->labels(parts.native);
    query_.annotations.BadBucketLabel(name(parts.labels), labels.Get(model::kBucketBound), pos_);
  }

  const SourcePtr source_;
  const size_t node_;
  const std::vector<Parts> parts_;
};

class Quantiles final : public OverHistograms {
 public:
  Quantiles(Query& query, SourcePtr source, const Steps& steps, PositionRange pos,
            std::vector<double> q)
      : OverHistograms(query, std::move(source), steps, pos), q_(std::move(q)) {}

 protected:
  double OfClassic(size_t i, size_t step, std::vector<Bucket>& buckets) const override {
    const BucketQuantileResult result = BucketQuantile(q_[step], buckets);
    if (result.forced_monotonic)
      query_.annotations.ForcedMonotonic(name(i), pos_, steps_.at(step),
                                         {result.min_bucket, result.max_bucket, result.max_diff});
    return result.value;
  }

  double OfNative(size_t i, size_t step, const model::FloatHistogram& h,
                  std::vector<model::HistogramBucket>& memory) const override {
    const NativeQuantileResult result = NativeQuantile(q_[step], h, memory);
    if (result.nan_result) query_.annotations.QuantileIsNan(name(i), pos_);
    if (result.skewed) query_.annotations.QuantileIsSkewed(name(i), pos_);
    return result.value;
  }

 private:
  const std::vector<double> q_;
};

class Fractions final : public OverHistograms {
 public:
  Fractions(Query& query, SourcePtr source, const Steps& steps, PositionRange pos,
            std::vector<double> lower, std::vector<double> upper)
      : OverHistograms(query, std::move(source), steps, pos),
        lower_(std::move(lower)),
        upper_(std::move(upper)) {}

 protected:
  double OfClassic(size_t /*i*/, size_t step, std::vector<Bucket>& buckets) const override {
    return BucketFraction(lower_[step], upper_[step], buckets);
  }

  double OfNative(size_t i, size_t step, const model::FloatHistogram& h,
                  std::vector<model::HistogramBucket>& memory) const override {
    const NativeFractionResult result = NativeFraction(lower_[step], upper_[step], h, memory);
    if (result.excludes_nans) query_.annotations.FractionWithoutNans(name(i), pos_);
    return result.value;
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
    bool Fill(size_t i, Scratch& scratch, Row& row) const override {
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
    ForEachRow(query, quantiles, steps.count, [&](size_t i, const Row& row) {
      model::LabelsBuilder builder(quantiles.labels(i).Build());
      for (size_t s = 0; s < row.size(); ++s) {
        if (IsAbsent(row.values[s])) continue;
        builder.Set(label, OpenMetricsFloat(q[s]));
        const auto [it, fresh] = known.try_emplace(builder.Build(), out->size());
        if (fresh) out->Add(it->first, false);
        double& value = out->row(it->second)[s];
        if (IsPresent(value)) Fail("vector cannot contain metrics with the same labelset");
        value = row.values[s];
      }
    });
  }
  out->Seal();
  return DropMetadata(query, std::move(out), steps.count, Collisions::kMerge);
}

// A number from each native histogram; floats are left out.
using HistogramFn = double (*)(const model::FloatHistogram& h,
                               std::vector<model::HistogramBucket>& memory);
template <HistogramFn kFn>
class OfHistograms final : public WrappedSource {
 public:
  OfHistograms(Query& query, SourcePtr inner)
      : WrappedSource(std::move(inner)), node_(query.NewNode()) {}

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    if (!inner().Fill(i, scratch, row) || !row.has_histograms()) return false;
    for (size_t s = 0; s < row.size(); ++s) {
      const model::FloatHistogram* h = row.histogram(s);
      row.values[s] = h ? kFn(*h, scratch.of(node_).buckets) : Absent();
    }
    row.histograms.clear();
    return true;
  }

 private:
  const size_t node_;
};

template <HistogramFn kFn>
SourcePtr FromHistograms(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  auto out = std::make_unique<OfHistograms<kFn>>(query, evaluator.Vector(*call.args[0], steps));
  // As in Prometheus these numbers keep the type and unit of what they are numbers of.
  return DropName(query, std::move(out), steps.count);
}

using Memory = std::vector<model::HistogramBucket>;
double CountOf(const model::FloatHistogram& h, Memory& /*memory*/) { return h.count; }
double SumOf(const model::FloatHistogram& h, Memory& /*memory*/) { return h.sum; }
double AverageOf(const model::FloatHistogram& h, Memory& /*memory*/) { return h.sum / h.count; }
double StdvarOf(const model::FloatHistogram& h, Memory& memory) {
  return NativeVariance(h, memory);
}
double StddevOf(const model::FloatHistogram& h, Memory& memory) {
  return std::sqrt(NativeVariance(h, memory));
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kHistogramAvg, .call = FromHistograms<AverageOf>},
    {.id = FunctionId::kHistogramCount, .call = FromHistograms<CountOf>},
    {.id = FunctionId::kHistogramFraction, .call = HistogramFraction},
    {.id = FunctionId::kHistogramQuantile, .call = HistogramQuantile},
    {.id = FunctionId::kHistogramQuantiles, .call = HistogramQuantiles},
    {.id = FunctionId::kHistogramStddev, .call = FromHistograms<StddevOf>},
    {.id = FunctionId::kHistogramStdvar, .call = FromHistograms<StdvarOf>},
    {.id = FunctionId::kHistogramSum, .call = FromHistograms<SumOf>},
};

}  // namespace

std::span<const FunctionImpl> HistogramFunctions() { return kFunctions; }

}  // namespace canopy::promql

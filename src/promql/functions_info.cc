#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "function_impl.h"

// info(v, {matchers}): series with the labels of the info series that describe the same target.
// Which info series counts at which step is found before any value is read: an info series that
// changes its labels is another series, and the newer one counts. So a series has its labels
// worked out once for each set of info series that it meets, and its values pass through.

namespace canopy::promql {
namespace {

constexpr std::string_view kTargetInfo = "target_info";
constexpr int32_t kNone = -1;

// What the second argument says.
class DataSelector {
 public:
  explicit DataSelector(const Call& call) {
    if (call.args.size() < 2) {
      AddDefaultName();
      return;
    }
    bool any_name = false;
    bool any_positive = false;
    for (const model::Matcher& m : call.args[1]->As<VectorSelector>().matchers) {
      if (m.name() != model::kMetricName) {
        data_.push_back(m);
        continue;
      }
      any_name = true;
      any_positive |= m.type() == model::MatchType::kEqual || m.type() == model::MatchType::kRegex;
      names_.push_back(m);
    }
    if (!any_name) {
      AddDefaultName();
    } else if (!any_positive) {
      // What is not meant says nothing of what is: by convention, metrics that end in _info.
      names_.insert(names_.begin(),
                    OrFail(model::Matcher::Create(model::MatchType::kRegex,
                                                  std::string(model::kMetricName), ".+_info")));
    }
  }

  bool IsInfoMetric(std::string_view name) const {
    return std::all_of(names_.begin(), names_.end(),
                       [&](const model::Matcher& m) { return m.Matches(name); });
  }
  // Whether an info series may add this label.
  bool Adds(std::string_view label) const {
    if (label == model::kMetricName) return false;
    return data_.empty() || std::any_of(data_.begin(), data_.end(),
                                        [&](const model::Matcher& m) { return m.name() == label; });
  }
  // Whether series stay that no info series describes.
  bool KeepsUnknown() const {
    return std::all_of(data_.begin(), data_.end(),
                       [](const model::Matcher& m) { return m.MatchesEmpty(); });
  }
  model::Matchers matchers() const {
    model::Matchers out = data_;
    out.insert(out.end(), names_.begin(), names_.end());
    return out;
  }

 private:
  void AddDefaultName() {
    names_.push_back(model::Matcher::Literal(
        model::MatchType::kEqual, std::string(model::kMetricName), std::string(kTargetInfo)));
  }

  model::Matchers names_;
  model::Matchers data_;
};

// Names of the labels that say which target a series is of.
constexpr std::string_view kIdentifying[] = {model::kInstance, model::kJob};

std::string TargetOf(const SeriesLabels& labels) {
  std::string key;
  for (const std::string_view name : kIdentifying) AppendLabelKey(key, name, labels.Get(name));
  return key;
}

// The targets of the series to describe, numbered.
class Targets {
 public:
  void Add(const SeriesLabels& labels, uint32_t& target) {
    const auto [it, fresh] =
        targets_.try_emplace(TargetOf(labels), static_cast<uint32_t>(targets_.size()));
    target = it->second;
    if (!fresh) return;
    for (size_t n = 0; n < std::size(kIdentifying); ++n)
      if (const std::string_view value = labels.Get(kIdentifying[n]); !value.empty())
        values_[n].emplace(value);
  }
  // An info series must have each identifying label that any series has.
  std::optional<uint32_t> Find(const SeriesLabels& info) const {
    for (size_t n = 0; n < std::size(kIdentifying); ++n)
      if (!values_[n].empty() && info.Get(kIdentifying[n]).empty()) return std::nullopt;
    const auto it = targets_.find(TargetOf(info));
    return it == targets_.end() ? std::nullopt : std::optional(it->second);
  }
  bool AnyIdentified() const {
    return std::any_of(std::begin(values_), std::end(values_),
                       [](const auto& values) { return !values.empty(); });
  }
  // Narrows a selection where there is one value only.
  void AddMatchers(model::Matchers& matchers) const {
    for (size_t n = 0; n < std::size(kIdentifying); ++n) {
      if (values_[n].size() != 1) continue;
      matchers.push_back(model::Matcher::Literal(
          model::MatchType::kEqual, std::string(kIdentifying[n]), *values_[n].begin()));
    }
  }
  size_t size() const { return targets_.size(); }

 private:
  absl::flat_hash_map<std::string, uint32_t> targets_;
  absl::flat_hash_set<std::string> values_[std::size(kIdentifying)];
};

// Two info series of one metric and one target with samples of the same time: neither counts.
struct Tie {
  int32_t one;
  int32_t other;
  int64_t time;
};

// What describes one target: at each step one of few sets of info series.
struct Description {
  std::vector<std::vector<int32_t>> sets;  // info series, one per metric; kNone: none
  std::vector<uint32_t> set_at;            // by step; empty when it is always the first set
  std::map<size_t, Tie> ties;              // by step

  bool Has(uint32_t set, size_t step) const { return set_at.empty() || set_at[step] == set; }
};

// Info series of one metric and one target: at each step the newest of them counts.
class Rivals {
 public:
  explicit Rivals(size_t steps) : winner_(steps, kNone), time_(steps, 0) {}

  void Add(int32_t series, const storage::Columns& columns, std::span<const int32_t> newest,
           std::map<size_t, Tie>& ties) {
    for (size_t s = 0; s < winner_.size(); ++s) {
      if (newest[s] < 0 || IsAbsent(columns.values[static_cast<size_t>(newest[s])])) continue;
      const int64_t time = columns.times[static_cast<size_t>(newest[s])];
      if (winner_[s] != kNone && time == time_[s])
        ties.try_emplace(s, Tie{winner_[s], series, time});
      if (winner_[s] != kNone && time <= time_[s]) continue;
      winner_[s] = series;
      time_[s] = time;
    }
  }

  int32_t winner(size_t step) const { return winner_[step]; }

 private:
  std::vector<int32_t> winner_;
  std::vector<int64_t> time_;
};

// Series with what describes them. One that meets several sets in turn is several series here.
class Described final : public SeriesSource {
 public:
  struct Part {
    size_t series;
    const Description* description = nullptr;  // null: as it is, at all steps
    uint32_t set = 0;
    bool renamed = false;  // has labels of its own
    model::Labels labels;
    std::string conflict;  // why these labels cannot be
  };

  Described(SourcePtr base, std::shared_ptr<const storage::SeriesSet> infos,
            std::vector<Description> descriptions)
      : base_(std::move(base)), infos_(std::move(infos)), descriptions_(std::move(descriptions)) {}

  const std::vector<Description>& descriptions() const { return descriptions_; }
  void Add(Part part) { parts_.push_back(std::move(part)); }
  // For series that are several: their rows are read once.
  void Compute(Query& query, size_t steps) { base_ = ComputeAll(query, std::move(base_), steps); }

  size_t size() const override { return parts_.size(); }
  SeriesLabels labels(size_t n) const override {
    const Part& part = parts_[n];
    const SeriesLabels base = base_->labels(part.series);
    return part.renamed ? SeriesLabels(part.labels).WithDropName(base.drop_name()) : base;
  }

  bool Fill(size_t n, Scratch& scratch, Row& row) const override {
    const Part& part = parts_[n];
    if (!base_->Fill(part.series, scratch, row)) return false;
    if (part.description == nullptr) return true;
    const Description& d = *part.description;
    if (d.set_at.empty() && d.ties.empty() && part.conflict.empty()) return true;
    bool any = false;
    for (size_t s = 0; s < row.size(); ++s) {
      if (!d.Has(part.set, s)) {
        row.Clear(s);
      } else if (row.present(s)) {
        if (!part.conflict.empty()) promql::Fail(part.conflict);
        if (const auto tie = d.ties.find(s); tie != d.ties.end()) FailOf(tie->second);
        any = true;
      }
    }
    return any;
  }

 private:
  [[noreturn]] void FailOf(const Tie& tie) const {
    const auto text = [&](int32_t i) {
      return InBraces(SeriesLabels(infos_->labels(static_cast<size_t>(i)))) + " @ " +
             std::to_string(tie.time);
    };
    promql::Fail("found duplicate series for info metric: existing " + text(tie.one) + ", new " +
                 text(tie.other));
  }

  SourcePtr base_;
  const std::shared_ptr<const storage::SeriesSet> infos_;
  const std::vector<Description> descriptions_;
  std::vector<Part> parts_;
};

class InfoJoin {
 public:
  InfoJoin(Evaluator& evaluator, const Call& call, const Steps& steps)
      : evaluator_(evaluator),
        query_(evaluator.query()),
        selector_(call),
        steps_(steps),
        look_(LookOfInfo(query_, *call.args[0], steps)),
        base_(evaluator.Vector(*call.args[0], steps)) {}

  SourcePtr Join() {
    FindTargets();
    std::vector<Description> descriptions(targets_.size());
    if (targets_.AnyIdentified()) SelectInfos();
    for (size_t t = 0; t < descriptions.size(); ++t) Describe(t, descriptions[t]);
    const SeriesSource& base = *base_;
    auto out = std::make_unique<Described>(std::move(base_), infos_, std::move(descriptions));
    bool several = false;
    for (size_t i = 0; i < base.size(); ++i) several |= AddParts(base, i, *out);
    if (several) out->Compute(query_, steps_.count);
    return MergeEqual(query_, std::move(out), steps_.count, Collisions::kMerge);
  }

 private:
  static constexpr uint32_t kIsInfo = UINT32_MAX;

  void FindTargets() {
    target_of_.resize(base_->size(), kIsInfo);
    for (size_t i = 0; i < base_->size(); ++i) {
      const SeriesLabels labels = base_->labels(i);
      if (!selector_.IsInfoMetric(labels.Get(model::kMetricName)))
        targets_.Add(labels, target_of_[i]);
    }
  }

  void SelectInfos() {
    model::Matchers matchers = selector_.matchers();
    targets_.AddMatchers(matchers);
    infos_ = evaluator_.selections().SelectMatching(matchers);
    infos_of_.resize(targets_.size());
    for (size_t i = 0; i < infos_->size(); ++i) {
      const SeriesLabels labels(infos_->labels(i));
      if (const auto target = targets_.Find(labels))
        infos_of_[*target][labels.Get(model::kMetricName)].push_back(static_cast<int32_t>(i));
    }
  }

  void Describe(size_t target, Description& d) {
    std::vector<Rivals> of_metric;
    if (!infos_of_.empty()) {
      for (const auto& [name, infos] : infos_of_[target]) {
        of_metric.emplace_back(steps_.count);
        for (const int32_t info : infos) Read(info, of_metric.back(), d);
      }
    }
    std::map<std::vector<int32_t>, uint32_t> known;
    std::vector<int32_t> set;
    for (size_t s = 0; s < steps_.count; ++s) {
      set.clear();
      for (const Rivals& rivals : of_metric) set.push_back(rivals.winner(s));
      const auto [it, fresh] = known.try_emplace(set, static_cast<uint32_t>(d.sets.size()));
      if (fresh) d.sets.push_back(set);
      d.set_at.push_back(it->second);
    }
    if (d.sets.size() == 1) d.set_at = {};
  }

  void Read(int32_t info, Rivals& rivals, Description& d) {
    query_.Check();
    const auto i = static_cast<size_t>(info);
    const storage::Columns columns =
        OrFail(infos_->Read(i, Timestamp::FromMs(look_.first() - query_.lookback_ms + 1),
                            Timestamp::FromMs(look_.last()), buffer_));
    if (columns.times.empty()) return;
    FindNewest(columns.times, look_, query_.lookback_ms, newest_);
    CheckFloats(SeriesLabels(infos_->labels(i)), columns);
    rivals.Add(info, columns, newest_, d.ties);
  }

  void CheckFloats(const SeriesLabels& labels, const storage::Columns& columns) const {
    for (size_t s = 0; s < newest_.size(); ++s) {
      const int32_t n = newest_[s];
      if (n < 0 || IsAbsent(columns.values[static_cast<size_t>(n)])) continue;
      query_.scope().AddAt(look_.steps.at(s), 1, 1);
      if (!columns.histograms.empty() && columns.histograms[static_cast<size_t>(n)] != nullptr)
        Fail("this should be an info metric, with float samples: " + InBraces(labels));
    }
  }

  // True when the series became several.
  bool AddParts(const SeriesSource& base, size_t i, Described& out) const {
    if (target_of_[i] == kIsInfo) {
      out.Add({i, nullptr, 0, false, {}, {}});
      return false;
    }
    const Description& d = out.descriptions()[target_of_[i]];
    size_t parts = 0;
    for (uint32_t set = 0; set < d.sets.size(); ++set) {
      const bool described = std::any_of(d.sets[set].begin(), d.sets[set].end(),
                                         [](int32_t info) { return info != kNone; });
      if (!described && !selector_.KeepsUnknown()) continue;
      Described::Part part{i, &d, set, described, {}, {}};
      if (described) AddLabels(base.labels(i), d.sets[set], part);
      out.Add(std::move(part));
      ++parts;
    }
    return parts > 1;
  }

  void AddLabels(const SeriesLabels& base, std::span<const int32_t> set,
                 Described::Part& part) const {
    std::map<std::string_view, std::string_view> added;
    for (const int32_t info : set) {
      if (info == kNone) continue;
      SeriesLabels(infos_->labels(static_cast<size_t>(info)))
          .ForEach([&](std::string_view name, std::string_view value) {
            if (!selector_.Adds(name) || !base.Get(name).empty()) return;
            const auto [it, fresh] = added.try_emplace(name, value);
            if (!fresh && it->second != value && part.conflict.empty())
              part.conflict = "conflicting label: " + std::string(name);
          });
    }
    model::LabelsBuilder builder(base.Build());
    for (const auto& [name, value] : added) builder.Set(name, value);
    part.labels = builder.Build();
  }

  Evaluator& evaluator_;
  Query& query_;
  const DataSelector selector_;
  const Steps steps_;
  const LookAt look_;
  SourcePtr base_;
  Targets targets_;
  std::vector<uint32_t> target_of_;  // of each series
  std::shared_ptr<const storage::SeriesSet> infos_;
  std::vector<std::map<std::string_view, std::vector<int32_t>>> infos_of_;  // of targets, by metric
  storage::ColumnBuffer buffer_;
  std::vector<int32_t> newest_;
};

SourcePtr Info(Evaluator& evaluator, const Call& call, const Steps& steps) {
  return InfoJoin(evaluator, call, steps).Join();
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kInfo, .call = Info},
};

}  // namespace

std::span<const FunctionImpl> InfoFunctions() { return kFunctions; }

}  // namespace canopy::promql

// Classic histograms of text pages on their way to native ones with custom buckets, as prometheus
// 3.14 model/textparse.NHCBParser takes them: only series of the family that the last TYPE names a
// histogram, one histogram after the other. One that makes no sense is passed over.

#include <algorithm>
#include <bit>
#include <cmath>

#include "canopy/base/number.h"
#include "histogram_limits.h"
#include "page_labels.h"
#include "page_walk.h"

namespace canopy::ingest {
namespace {

// Labels with a value, then the names of those without: where labels of pages are honoured, an
// empty one keeps the target's away.
std::string KeyOf(const model::LabelsBuilder& labels) {
  std::string key = labels.Build().bytes();
  std::vector<std::string_view> empty;
  for (const auto& [name, value] : labels.items())
    if (value.empty()) empty.push_back(name);
  std::ranges::sort(empty);
  // No UTF-8 has this byte.
  for (const std::string_view name : empty) key.append("\xff").append(name);
  return key;
}

}  // namespace

void PageWalk::StartClassic(const ClassicGroups& groups) {
  memory_.ClearGroups();
  memory_.run.open = false;
  memory_.run.histogram.Clear();
  memory_.run.exemplars.clear();
  if (!rules_.convert_classic_histograms) return;
  memory_.groups = groups;
  memory_.shown_groups.assign(groups.series.size(), false);
}

// The line at the cursor is the one that stood there before, as its hash says.
bool PageWalk::TakePredictedPart(const Entry& entry) {
  const bool stored = entry.kind() == Entry::Kind::kStoredPart;
  if (stored) {
    // The series may have been refused, and be remembered no more.
    if (cursor_ + 1 == old_.size() || old_[cursor_ + 1].hash() != entry.hash() ||
        old_[cursor_ + 1].kind() >= Entry::Kind::kLines)
      return false;
    if (differs_ &&
        (memory_.seen[cursor_ + 1] || old_[cursor_ + 1].kind() == Entry::Kind::kDuplicate))
      return false;
  }
  if (parser_.NextAfterSeries(entry.length()) != exposition::Entry::kSample) {
    error_ = parser_.error();
    return true;
  }
  if (parser_.series().size() != entry.length()) {
    TakeSeries();
    return true;
  }
  AddPart(entry.part());
  if (differs_) {
    memory_.seen[cursor_] = true;
    PushEntry(entry);
  }
  ++cursor_;
  if (stored) TakePredictedSample(old_[cursor_]);
  return true;
}

bool PageWalk::TakePart(uint64_t hash, const SeriesIndex::Place& place) {
  if (parser_.type() != model::MetricType::kHistogram) return false;
  const auto part = place.found ? RememberedPart(place, hash) : ReadPart();
  if (!error_.ok()) return true;
  if (!part) return false;
  AddPart(*part);
  const bool stored = rules_.classic_histograms_too;
  const auto position = static_cast<uint32_t>(memory_.entries.size());
  PushEntry(Entry::OfPart(hash, parser_.series().size(), *part, stored));
  if (stored) return false;
  if (!place.found) {
    memory_.index.AddNew(hash, position);
  } else if (!place.on_new_page) {
    memory_.seen[place.position] = true;
    cursor_ = place.position + 1;
  }
  return true;
}

std::optional<Entry::Part> PageWalk::RememberedPart(const SeriesIndex::Place& place,
                                                    uint64_t hash) const {
  const Entries& list = place.on_new_page ? memory_.entries : old_;
  const Entry& entry = list[place.position];
  if (entry.kind() == Entry::Kind::kPart) return entry.part();
  if (place.position == 0) return std::nullopt;
  const Entry& before = list[place.position - 1];
  if (before.kind() == Entry::Kind::kStoredPart && before.hash() == hash) return before.part();
  return std::nullopt;
}

// Of the sample just parsed, which no page has shown before; none when it is just a series.
std::optional<Entry::Part> PageWalk::ReadPart() {
  memory_.labels.Clear();
  error_ = parser_.AddLabels(memory_.labels);
  if (!error_.ok()) return std::nullopt;
  const std::string name(memory_.labels.Get(model::kMetricName));
  const auto [part, family] = model::SplitClassicName(name);
  if (part == model::ClassicPart::kNone || family != TypeFamily()) return std::nullopt;
  AddTypeAndUnit();
  IndexGroups();
  const std::optional<uint32_t> role = ReadRole(part);
  if (!role) return std::nullopt;
  const std::optional<uint32_t> group = GroupOf(family);
  if (!group) return std::nullopt;
  return Entry::Part{*group, *role};
}

std::optional<uint32_t> PageWalk::ReadRole(model::ClassicPart part) {
  if (part == model::ClassicPart::kCount) return Entry::Part::kCount;
  if (part == model::ClassicPart::kSum) return Entry::Part::kSum;
  const auto bound = base::ParseFloat(memory_.labels.Get(model::kBucketBound));
  if (!bound || std::isnan(*bound)) return std::nullopt;
  std::vector<double>& bounds = memory_.groups.bounds;
  const auto place = static_cast<uint32_t>(bounds.size()) + Entry::Part::kFirstBucket;
  // -0 is no bound of its own.
  const auto [it, is_new] =
      memory_.bound_index.try_emplace(std::bit_cast<uint64_t>(*bound + 0.0), place);
  if (is_new) {
    if (place == Entry::Part::kMaxRoles) {
      error_ = Status::Limit("too many bounds of buckets on one page");
      return std::nullopt;
    }
    bounds.push_back(*bound + 0.0);
  }
  return it->second;
}

// By the labels of the histogram, which memory_.labels holds but for the name and the bound.
std::optional<uint32_t> PageWalk::GroupOf(std::string_view family) {
  memory_.labels.Del(model::kBucketBound);
  memory_.labels.Set(model::kMetricName, family);
  const uint64_t hash = HashSeries(KeyOf(memory_.labels), model::MetricType::kHistogram);
  if (const SeriesIndex::Place place = memory_.group_index.Find(hash); place.found)
    return place.position;
  Entries& series = memory_.groups.series;
  const auto group = static_cast<uint32_t>(series.size());
  if (group == Entry::Part::kMaxGroups) {
    error_ = Status::Limit("too many histograms on one page");
    return std::nullopt;
  }
  series.push_back(Entry(hash, 0, Entry::Kind::kTracked, 0));
  memory_.shown_groups.push_back(false);
  memory_.group_index.AddNew(hash, group);
  return group;
}

void PageWalk::IndexGroups() {
  if (groups_indexed_) return;
  groups_indexed_ = true;
  const ClassicGroups& groups = memory_.groups;
  memory_.group_index.Build(groups.series, groups.series);
  memory_.bound_index.clear();
  for (uint32_t i = 0; i < groups.bounds.size(); ++i)
    memory_.bound_index.emplace(std::bit_cast<uint64_t>(groups.bounds[i]),
                                i + Entry::Part::kFirstBucket);
}

// The sample just parsed.
void PageWalk::AddPart(Entry::Part part) {
  ClassicRun& run = memory_.run;
  if (run.open && run.group != part.group) FinishRun();
  if (!run.open) {
    run.open = true;
    run.group = part.group;
    run.series = parser_.series();
    run.unit = UnitOfType();
  }
  run.time = parser_.time();
  if (part.role >= Entry::Part::kFirstBucket) {
    run.histogram.AddBucket(memory_.groups.bounds[part.role - Entry::Part::kFirstBucket],
                            parser_.value());
  } else if (part.role == Entry::Part::kSum) {
    run.histogram.SetSum(parser_.value());
  } else {
    run.histogram.SetCount(parser_.value());
  }
  // Native histograms have no exemplars without a time.
  if (rules_.exemplars && parser_.has_exemplar())
    if (model::Exemplar exemplar = ReadExemplar(); exemplar.has_time)
      run.exemplars.push_back(std::move(exemplar));
}

void PageWalk::FinishRun() {
  ClassicRun& run = memory_.run;
  if (!run.open) return;
  run.open = false;
  const storage::Batch& batch = memory_.batch;
  const size_t known = batch.histograms.size();
  const size_t added = batch.new_histograms.size();
  if (auto value = run.histogram.Convert(); value.ok() && error_.ok())
    TakeHistogram(*std::move(value));
  if (takes_created_) {
    using List = StartTimes::List;
    memory_.start_times.AddLine(run.series, batch.histograms.size() > known ? List::kHistograms
                                            : batch.new_histograms.size() > added
                                                ? List::kNewHistograms
                                                : List::kNone);
  }
  run.histogram.Clear();
  run.exemplars.clear();
}

void PageWalk::TakeHistogram(storage::HistogramValue value) {
  ++figures_.scraped;
  const ClassicRun& run = memory_.run;
  Entry& group = memory_.groups.series[run.group];
  if (group.kind() == Entry::Kind::kDropped) return;
  const bool own_time = rules_.honor_timestamps && run.time.has_value();
  const Timestamp time = own_time ? *run.time : time_;
  model::Labels labels;
  const bool again = memory_.shown_groups[run.group];
  if (again && !own_time) {
    ++figures_.kept;
    ++figures_.duplicates;
    return;
  }
  if (!group.ref() && !FinishRunLabels(labels)) return;
  ++figures_.kept;
  error_ = LimitBuckets(rules_, value);
  figures_.bucket_limit_exceeded = !error_.ok();
  if (!error_.ok()) return;
  group.set_kind(KindOf(own_time));
  memory_.shown_groups[run.group] = again || group.ref();
  if (!CountAppended(own_time, time)) return;
  PushHistogram(time, std::move(value), std::move(labels));
}

// False when the histogram is dropped or the page fails.
bool PageWalk::FinishRunLabels(model::Labels& out) {
  const ClassicRun& run = memory_.run;
  exposition::PageParser first(page_.substr(static_cast<size_t>(run.series.data() - page_.data())),
                               format_);
  memory_.labels.Clear();
  if (first.Next() != exposition::Entry::kSample || !first.AddLabels(memory_.labels).ok())
    return false;  // it was fine a moment ago
  const std::string name(memory_.labels.Get(model::kMetricName));
  memory_.labels.Del(model::kBucketBound);
  memory_.labels.Set(model::kMetricName, model::SplitClassicName(name).family);
  if (rules_.type_and_unit_labels)
    SetTypeAndUnit(model::MetricType::kHistogram, run.unit, memory_.labels);
  const LabelFate fate = ingest::FinishLabels(rules_, target_, memory_.labels, out, error_);
  if (fate == LabelFate::kLimitExceeded) figures_.label_limit_exceeded = true;
  if (fate == LabelFate::kDropped) memory_.groups.series[run.group].set_kind(Entry::Kind::kDropped);
  return fate == LabelFate::kKept;
}

void PageWalk::PushHistogram(Timestamp time, storage::HistogramValue value, model::Labels labels) {
  storage::Batch& batch = memory_.batch;
  const ClassicRun& run = memory_.run;
  const SeriesRef ref = memory_.groups.series[run.group].ref();
  for (const model::Exemplar& exemplar : run.exemplars) {
    if (ref)
      batch.exemplars.push_back({ref, exemplar});
    else
      batch.new_exemplars.push_back({labels, exemplar});
  }
  if (ref) {
    batch.histograms.push_back({ref, time, std::move(value)});
  } else {
    if (!memory_.shown_groups[run.group]) ++figures_.added;
    batch.new_histograms.push_back({std::move(labels), time, std::move(value)});
    memory_.added_groups.push_back(run.group);
  }
  memory_.shown_groups[run.group] = true;
}

}  // namespace canopy::ingest

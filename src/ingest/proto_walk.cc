#include "proto_walk.h"

#include <string>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/quote.h"
#include "histogram_limits.h"
#include "page_labels.h"

namespace canopy::ingest {
namespace {

// Source: prometheus scrape.maxAheadTime.
constexpr Duration kMaxAhead = std::chrono::minutes(10);
constexpr uint64_t kHashFactor = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio

}  // namespace

ProtoWalk::ProtoWalk(std::string_view page, const PageRules& rules, const model::Labels& target,
                     const Scrape& scrape, const Entries& old_page, WalkMemory& memory)
    : page_(page),
      rules_(rules),
      target_(target),
      time_(scrape.time),
      newest_allowed_(scrape.now + kMaxAhead),
      old_(old_page),
      memory_(memory) {
  memory_.batch.Clear();
  memory_.entries.clear();
  memory_.added.clear();
  memory_.added_histograms.clear();
  memory_.duplicates.clear();
  memory_.ClearGroups();
  memory_.seen.assign(old_.size(), false);
  memory_.index.Build(old_, memory_.entries);
}

Status ProtoWalk::Run() {
  exposition::ProtoOptions options;
  options.native_histograms = rules_.native_histograms;
  options.classic_too = rules_.classic_histograms_too;
  options.convert_classic = rules_.convert_classic_histograms;
  options.exemplars = rules_.exemplars;
  CANOPY_RETURN_IF_ERROR(exposition::ParseProto(page_, options, *this));
  if (figures_.sample_limit_exceeded) return Status::Limit("sample limit exceeded");
  return {};
}

void ProtoWalk::AddVanished(std::vector<SeriesRef>& out) const {
  for (size_t i = 0; i < old_.size(); ++i)
    if (old_[i].kind() == Entry::Kind::kTracked && !memory_.seen[i]) out.push_back(old_[i].ref());
}

void ProtoWalk::Family(const exposition::ProtoFamily& family) {
  std::string words;
  for (const std::string_view word : {family.name, family.help, family.unit})
    base::PutString(words, word);
  words.push_back(static_cast<char>(family.type));
  metadata_hash_ = (metadata_hash_ ^ HashLines(words)) * kHashFactor;
  if (!rules_.type_and_unit_labels) return;
  type_ = family.type;
  unit_ = family.unit;
  salt_ = HashLines(unit_) + static_cast<uint64_t>(type_) * kHashFactor;
}

Status ProtoWalk::Sample(const Series& series, double value) {
  storage::Batch& batch = memory_.batch;
  return Take(series, false, [&](auto&& whose) {
    if constexpr (std::is_same_v<std::decay_t<decltype(whose)>, SeriesRef>) {
      batch.samples.push_back({whose, TimeOf(series), value});
      if (rules_.start_times) batch.start_times.push_back(series.start_time);
    } else {
      batch.new_samples.push_back({std::move(whose), TimeOf(series), value});
      if (rules_.start_times) batch.new_start_times.push_back(series.start_time);
    }
  });
}

Status ProtoWalk::Histogram(const Series& series, Value value) {
  if (Status limited = LimitBuckets(rules_, value); !limited.ok()) {
    figures_.bucket_limit_exceeded = true;
    return limited;
  }
  storage::Batch& batch = memory_.batch;
  return Take(series, true, [&](auto&& whose) {
    if constexpr (std::is_same_v<std::decay_t<decltype(whose)>, SeriesRef>)
      batch.histograms.push_back({whose, TimeOf(series), std::move(value), series.start_time});
    else
      batch.new_histograms.push_back(
          {std::move(whose), TimeOf(series), std::move(value), series.start_time});
  });
}

SeriesIndex::Place ProtoWalk::Find(uint64_t hash) {
  if (cursor_ < old_.size() && old_[cursor_].hash() == hash && old_[cursor_].is_series() &&
      !memory_.seen[cursor_])
    return {true, false, static_cast<uint32_t>(cursor_)};
  return memory_.index.Find(hash);
}

template <class Push>
Status ProtoWalk::Take(const Series& series, bool histogram, Push push) {
  ++figures_.scraped;
  const uint64_t hash = HashSeries(series.key, model::MetricType::kUnknown) ^ salt_;
  const SeriesIndex::Place place = Find(hash);
  if (!place.found) return TakeNew(series, hash, histogram, push);
  if (place.on_new_page || memory_.seen[place.position])
    return TakeRepeated(series, hash, place, histogram, push);
  Entry entry = old_[place.position];
  if (entry.kind() != Entry::Kind::kDropped) {
    entry.set_kind(KindOf(series));
    ++figures_.kept;
    if (CountAppended(series)) {
      push(entry.ref());
      AddExemplars(series, entry.ref());
    }
  }
  memory_.seen[place.position] = true;
  memory_.entries.push_back(entry);
  cursor_ = place.position + 1;
  return {};
}

// The first one wins, but where samples have times of their own.
template <class Push>
Status ProtoWalk::TakeRepeated(const Series& series, uint64_t hash, const SeriesIndex::Place& first,
                               bool histogram, Push push) {
  const Entry original = first.on_new_page ? memory_.entries[first.position] : old_[first.position];
  const auto position = static_cast<uint32_t>(memory_.entries.size());
  if (original.kind() == Entry::Kind::kDropped) {
    memory_.entries.push_back(original);
    return {};
  }
  ++figures_.kept;
  if (!HasOwnTime(series)) {
    ++figures_.duplicates;
    if (!original.ref()) memory_.duplicates.emplace_back(position, first.position);
  } else if (original.ref()) {
    if (CountAppended(series)) push(original.ref());
  } else {
    model::Labels labels;
    CANOPY_RETURN_IF_ERROR(FinishLabels(series, labels).status());
    if (!CountAppended(series)) return {};
    push(std::move(labels));
    AddedOf(histogram).push_back(position);
  }
  memory_.entries.push_back(Entry(hash, 0, Entry::Kind::kDuplicate, original.ref().value()));
  return {};
}

template <class Push>
Status ProtoWalk::TakeNew(const Series& series, uint64_t hash, bool histogram, Push push) {
  const auto position = static_cast<uint32_t>(memory_.entries.size());
  model::Labels labels;
  CANOPY_ASSIGN_OR_RETURN(const bool kept, FinishLabels(series, labels));
  if (kept) {
    ++figures_.kept;
    // What is not stored now is not remembered: it would end without having begun.
    if (!CountAppended(series)) return {};
    AddExemplars(series, labels);
    push(std::move(labels));
    ++figures_.added;
    AddedOf(histogram).push_back(position);
  }
  memory_.entries.push_back(Entry(hash, 0, kept ? KindOf(series) : Entry::Kind::kDropped, 0));
  memory_.index.AddNew(hash, position);
  return {};
}

Result<bool> ProtoWalk::FinishLabels(const Series& series, model::Labels& out) {
  memory_.labels.Clear();
  CANOPY_RETURN_IF_ERROR(exposition::AddLabels(series, memory_.labels));
  if (!model::IsValidUtf8(unit_)) {
    return Status::Invalid("invalid unit of metric " + base::Quoted(series.family) + ": " +
                           base::Quoted(unit_));
  }
  SetTypeAndUnit(type_, unit_, memory_.labels);
  Status error;
  const LabelFate fate = ingest::FinishLabels(rules_, target_, memory_.labels, out, error);
  if (fate == LabelFate::kLimitExceeded) figures_.label_limit_exceeded = true;
  if (!error.ok()) return error;
  return fate == LabelFate::kKept;
}

bool ProtoWalk::CountAppended(const Series& series) {
  ++appended_;
  if (rules_.sample_limit != 0 && appended_ > rules_.sample_limit) {
    figures_.sample_limit_exceeded = true;
    return false;
  }
  if (HasOwnTime(series) && *series.time > newest_allowed_) {
    ++figures_.too_far_ahead;
    return false;
  }
  return true;
}

void ProtoWalk::AddExemplars(const Series& series, SeriesRef ref) {
  for (const model::Exemplar& exemplar : series.exemplars)
    memory_.batch.exemplars.push_back({ref, Timed(series, exemplar)});
}
void ProtoWalk::AddExemplars(const Series& series, const model::Labels& labels) {
  for (const model::Exemplar& exemplar : series.exemplars)
    memory_.batch.new_exemplars.push_back({labels, Timed(series, exemplar)});
}
model::Exemplar ProtoWalk::Timed(const Series& series, model::Exemplar exemplar) const {
  if (!exemplar.has_time) exemplar.time = TimeOf(series);
  return exemplar;
}

}  // namespace canopy::ingest

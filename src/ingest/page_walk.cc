#include "page_walk.h"

#include "page_labels.h"

namespace canopy::ingest {
namespace {

// Source: prometheus scrape.maxAheadTime.
constexpr Duration kMaxAhead = std::chrono::minutes(10);

using Line = exposition::Entry;

}  // namespace

PageWalk::PageWalk(std::string_view page, exposition::PageFormat format, const PageRules& rules,
                   const model::Labels& target, const Scrape& scrape, const Entries& old_page,
                   const ClassicGroups& groups, WalkMemory& memory)
    : page_(page),
      format_(format),
      parser_(page, format),
      rules_(rules),
      target_(target),
      time_(scrape.time),
      newest_allowed_(scrape.now + kMaxAhead),
      old_(old_page),
      memory_(memory),
      takes_created_(rules.start_times && format == exposition::PageFormat::kOpenMetrics),
      takes_extras_(rules.exemplars || takes_created_) {
  memory_.batch.Clear();
  memory_.batch.samples.reserve(old_page.size() + 16);
  memory_.entries.clear();
  memory_.added.clear();
  memory_.added_histograms.clear();
  memory_.duplicates.clear();
  StartClassic(groups);
  memory_.start_times.Begin(page, memory_.batch);
}

Status PageWalk::Run() {
  while (true) {
    if (cursor_ < old_.size() && TakePredicted()) {
      if (!error_.ok()) return error_;
      continue;
    }
    const bool more = TakeParsed();
    if (!error_.ok()) return error_;
    if (!more) break;
  }
  FinishRun();
  if (!error_.ok()) return error_;
  if (cursor_ != old_.size()) Differ();
  if (figures_.sample_limit_exceeded) return Status::Limit("sample limit exceeded");
  return {};
}

void PageWalk::AddVanished(std::vector<SeriesRef>& out) const {
  if (!differs_) return;
  for (size_t i = 0; i < old_.size(); ++i)
    if (old_[i].kind() == Entry::Kind::kTracked && !memory_.seen[i]) out.push_back(old_[i].ref());
}

bool PageWalk::TakePredicted() {
  const Entry entry = old_[cursor_];
  const size_t length = entry.length();
  const std::string_view rest = parser_.rest();
  if (length == 0 || length > rest.size()) return false;
  const std::string_view bytes = rest.substr(0, length);
  if (entry.kind() >= Entry::Kind::kLines) return TakePredictedOther(entry, bytes);
  if (HashOf(bytes) != entry.hash()) return false;
  // Out of the old order, a line may come a second time, or before the one that it repeated.
  if (differs_ && (memory_.seen[cursor_] || entry.kind() == Entry::Kind::kDuplicate)) return false;
  if (parser_.NextAfterSeries(length) != Line::kSample) {
    error_ = parser_.error();
  } else if (parser_.series().size() != length) {
    TakeSeries();  // the bytes go on: `ab`, where `a` was
  } else {
    TakePredictedSample(entry);
  }
  return true;
}

bool PageWalk::TakePredictedOther(const Entry& entry, std::string_view bytes) {
  if (entry.kind() != Entry::Kind::kLines) {
    if (HashOf(bytes) != entry.hash()) return false;
    return entry.kind() == Entry::Kind::kCreated ? TakePredictedCreated(entry)
                                                 : TakePredictedPart(entry);
  }
  if (HashLines(bytes) != entry.hash()) return false;
  parser_.Skip(bytes.size(), entry.TypeBehind(parser_.type()));
  NoteLines(entry.hash());
  EndRuns(false);
  if (entry.has_type()) {
    unit_is_last_ = false;
    NoteType({}, parser_.type(), entry.family_tag());
    type_lines_ = bytes;
  }
  if (entry.has_unit() && rules_.type_and_unit_labels) RereadUnit(bytes);
  if (differs_) PushEntry(entry);
  ++cursor_;
  return true;
}

void PageWalk::TakePredictedSample(const Entry& entry) {
  ++figures_.scraped;
  Entry now = entry;
  switch (entry.kind()) {
    case Entry::Kind::kTracked:
    case Entry::Kind::kUntracked: {
      const Entry::Kind kind = SampleKind();
      if (kind != entry.kind()) {
        Differ();
        now.set_kind(kind);
      }
      ++figures_.kept;
      PushSample(entry.ref());
      break;
    }
    case Entry::Kind::kDuplicate:
      ++figures_.kept;
      if (HasOwnTime()) {
        PushSample(entry.ref());
      } else {
        ++figures_.duplicates;
        NoteLine(StartTimes::List::kNone);
      }
      break;
    default:
      break;
  }
  if (differs_) {
    memory_.seen[cursor_] = true;
    PushEntry(now);
  }
  ++cursor_;
}

bool PageWalk::TakeParsed() {
  const char* const begin = parser_.rest().data();
  const char* behind = begin;  // the lines without samples
  Said said;
  while (true) {
    const Line line = parser_.Next();
    if (line == Line::kError) {
      error_ = parser_.error();
      return false;
    }
    if (line == Line::kSample) behind = parser_.series().data();
    if (line == Line::kSample || line == Line::kEnd) {
      if (behind != begin) TakeLines({begin, static_cast<size_t>(behind - begin)}, said);
      if (line == Line::kSample) TakeSeries();
      return line == Line::kSample;
    }
    if (line == Line::kType) {
      said.type = true;
      type_family_ = parser_.family();
      type_lines_ = {};
      unit_is_last_ = false;
    } else if (line == Line::kUnit) {
      said.unit = true;
      if (rules_.type_and_unit_labels) NoteUnit(parser_.family(), parser_.text());
    }
    behind = parser_.rest().data();
  }
}

void PageWalk::TakeLines(std::string_view lines, Said said) {
  const uint64_t hash = HashLines(lines);
  NoteLines(hash);
  EndRuns(true);
  Differ();
  uint64_t family_tag = 0;
  if (said.type) {
    family_tag = Entry::FamilyTag(HashLines(type_family_));
    NoteType(type_family_, parser_.type(), family_tag);
  }
  if (said.unit) SetSalt();
  // Without a line feed they could be the beginning of a longer line.
  if (lines.back() != '\n') return;
  std::optional<model::MetricType> type;
  if (said.type) type = parser_.type();
  PushEntry(Entry::Lines(hash, lines.size(), type, family_tag, said.unit));
}

// Lines that are no samples end what samples before them may go on with.
void PageWalk::EndRuns(bool differs) {
  FinishRun();
  memory_.start_times.EndFamily();
  family_differs_ = differs;
}

bool PageWalk::TakePredictedCreated(const Entry& entry) {
  if (family_differs_) return false;
  if (parser_.NextAfterSeries(entry.length()) != Line::kSample) {
    error_ = parser_.error();
    return true;
  }
  if (parser_.series().size() != entry.length()) {
    TakeSeries();
    return true;
  }
  FinishRun();
  const auto [first, count] = entry.created();
  memory_.start_times.Set({first, count}, parser_.value());
  if (differs_) PushEntry(entry);
  ++cursor_;
  return true;
}

bool PageWalk::TakeCreated(uint64_t hash) {
  if (parser_.series().find("_created") == std::string_view::npos) return false;
  memory_.labels.Clear();
  error_ = parser_.AddLabels(memory_.labels);
  if (!error_.ok()) return true;
  if (!StartTimes::IsCreated(memory_.labels.Get(model::kMetricName), parser_.type())) return false;
  FinishRun();
  if (!error_.ok()) return true;
  // What FinishRun() has read is gone.
  memory_.labels.Clear();
  error_ = parser_.AddLabels(memory_.labels);
  const StartTimes::Lines lines =
      memory_.start_times.Find(TypeFamily(), parser_.type(), memory_.labels);
  memory_.start_times.Set(lines, parser_.value());
  if (Entry::FitsCreated(lines.first, lines.count))
    PushEntry(Entry::OfCreated(hash, parser_.series().size(), lines.first, lines.count));
  if (cursor_ < old_.size() && old_[cursor_].kind() == Entry::Kind::kCreated &&
      old_[cursor_].hash() == hash)
    ++cursor_;
  return true;
}

void PageWalk::TakeSeries() {
  const uint64_t hash = HashOf(parser_.series());
  Differ();
  if (!indexed_) {
    memory_.index.Build(old_, memory_.entries);
    indexed_ = true;
  }
  family_differs_ = true;
  if (takes_created_ && TakeCreated(hash)) return;
  const SeriesIndex::Place place = memory_.index.Find(hash);
  if (rules_.convert_classic_histograms && TakePart(hash, place)) return;
  ++figures_.scraped;
  if (!place.found) {
    TakeNewSeries(hash);
  } else if (place.on_new_page || memory_.seen[place.position]) {
    TakeRepeatedSeries(hash, place);
  } else {
    TakeKnownSeries(place.position);
  }
}

void PageWalk::TakeKnownSeries(uint32_t old_position) {
  Entry entry = old_[old_position];
  if (entry.kind() != Entry::Kind::kDropped) {
    entry.set_kind(SampleKind());
    ++figures_.kept;
    PushSample(entry.ref());
  }
  memory_.seen[old_position] = true;
  PushEntry(entry);
  cursor_ = old_position + 1;
}

void PageWalk::TakeRepeatedSeries(uint64_t hash, const SeriesIndex::Place& first) {
  const Entry original = first.on_new_page ? memory_.entries[first.position] : old_[first.position];
  if (original.kind() == Entry::Kind::kDropped) {
    PushEntry(original);
    return;
  }
  ++figures_.kept;
  if (!HasOwnTime()) {
    ++figures_.duplicates;
    NoteLine(StartTimes::List::kNone);
  } else if (original.ref()) {
    PushSample(original.ref());
  } else {
    model::Labels labels;
    bool dropped = false;
    if (!FinishLabels(labels, dropped) || !PushNewSample(std::move(labels))) return;
    memory_.added.push_back(static_cast<uint32_t>(memory_.entries.size()));
  }
  if (!original.ref() && !HasOwnTime()) {
    memory_.duplicates.emplace_back(static_cast<uint32_t>(memory_.entries.size()), first.position);
  }
  PushEntry(Entry(hash, parser_.series().size(), Entry::Kind::kDuplicate, original.ref().value()));
}

void PageWalk::TakeNewSeries(uint64_t hash) {
  const size_t length = parser_.series().size();
  const auto position = static_cast<uint32_t>(memory_.entries.size());
  model::Labels labels;
  bool dropped = false;
  if (FinishLabels(labels, dropped)) {
    ++figures_.kept;
    // What is not stored now is not remembered: it would end without having begun.
    if (!PushNewSample(std::move(labels))) return;
    ++figures_.added;
    memory_.added.push_back(position);
    PushEntry(Entry(hash, length, SampleKind(), 0));
    memory_.index.AddNew(hash, position);
  } else if (dropped) {
    PushEntry(Entry(hash, length, Entry::Kind::kDropped, 0));
    memory_.index.AddNew(hash, position);
  }
}

bool PageWalk::FinishLabels(model::Labels& out, bool& dropped) {
  memory_.labels.Clear();
  error_ = parser_.AddLabels(memory_.labels);
  if (!error_.ok()) return false;
  AddTypeAndUnit();
  const LabelFate fate = ingest::FinishLabels(rules_, target_, memory_.labels, out, error_);
  dropped = fate == LabelFate::kDropped;
  if (fate == LabelFate::kLimitExceeded) figures_.label_limit_exceeded = true;
  return fate == LabelFate::kKept;
}

// False: past the limit, or too far in the future.
bool PageWalk::CountAppended(bool own_time, Timestamp time) {
  ++appended_;
  if (rules_.sample_limit != 0 && appended_ > rules_.sample_limit) {
    figures_.sample_limit_exceeded = true;
    return false;
  }
  if (own_time && time > newest_allowed_) {
    ++figures_.too_far_ahead;
    return false;
  }
  return true;
}

void PageWalk::PushSample(SeriesRef ref) {
  const Timestamp time = SampleTime();
  if (!CountAppended(HasOwnTime(), time)) return NoteLine(StartTimes::List::kNone);
  memory_.batch.samples.push_back({ref, time, parser_.value()});
  if (takes_extras_) PushExtras(ref);
}

void PageWalk::PushExtras(SeriesRef ref) {
  NoteLine(StartTimes::List::kSamples);
  if (rules_.exemplars && parser_.has_exemplar())
    memory_.batch.exemplars.push_back({ref, ReadExemplar()});
}

bool PageWalk::PushNewSample(model::Labels labels) {
  const Timestamp time = SampleTime();
  if (!CountAppended(HasOwnTime(), time)) {
    NoteLine(StartTimes::List::kNone);
    return false;
  }
  if (rules_.exemplars && parser_.has_exemplar())
    memory_.batch.new_exemplars.push_back({labels, ReadExemplar()});
  memory_.batch.new_samples.push_back({std::move(labels), time, parser_.value()});
  NoteLine(StartTimes::List::kNewSamples);
  return true;
}

model::Exemplar PageWalk::ReadExemplar() const {
  const auto found = parser_.GetExemplar();
  model::LabelsBuilder labels;
  for (const auto& [name, value] : found.labels) labels.Set(name, value);
  // One that names no time is of its sample's.
  return {labels.Build(), found.value, found.time.value_or(SampleTime()), found.time.has_value()};
}

void PageWalk::Differ() {
  if (differs_) return;
  differs_ = true;
  memory_.entries.assign(old_.begin(), old_.begin() + static_cast<std::ptrdiff_t>(cursor_));
  memory_.seen.assign(old_.size(), false);
  for (size_t i = 0; i < cursor_; ++i) memory_.seen[i] = true;
}

}  // namespace canopy::ingest

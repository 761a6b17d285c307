#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/exposition/parse.h"
#include "canopy/ingest/page.h"
#include "canopy/model/labels.h"
#include "canopy/storage/appender.h"
#include "classic_groups.h"
#include "series_cache.h"
#include "start_times.h"

namespace canopy::ingest {

// Memory that walks use, kept from page to page.
struct WalkMemory {
  storage::Batch batch;
  Entries entries;                         // of the new page, once it differs from the old one
  std::vector<uint32_t> added;             // where in `entries` the series of batch.new_samples go
  std::vector<uint32_t> added_histograms;  // and those of batch.new_histograms
  // Duplicates of series whose refs are not known yet: (the duplicate's place, the first one's).
  std::vector<std::pair<uint32_t, uint32_t>> duplicates;
  std::vector<bool> seen;  // places on the old page
  SeriesIndex index;
  model::LabelsBuilder labels;
  // Where classic histograms become native ones: those of the target, which of them this page
  // shows, and where in them the series of batch.new_histograms go.
  ClassicGroups groups;
  std::vector<bool> shown_groups;
  std::vector<uint32_t> added_groups;
  ClassicRun run;
  // For lines that are new: what `groups` has, by hash and by bits.
  StartTimes start_times;
  SeriesIndex group_index;
  absl::flat_hash_map<uint64_t, uint32_t> bound_index;

  void ClearGroups() {
    groups.Clear();
    shown_groups.clear();
    added_groups.clear();
  }
};

// What the walk has counted.
struct WalkFigures {
  uint64_t scraped = 0;
  uint64_t kept = 0;  // after relabelling, refused ones included
  uint64_t added = 0;
  uint64_t duplicates = 0;
  uint64_t too_far_ahead = 0;
  bool sample_limit_exceeded = false;
  bool bucket_limit_exceeded = false;
  bool label_limit_exceeded = false;
};

// Reads one page, with the last one in mind, and fills the batch.
class Walk {
 public:
  virtual ~Walk() = default;
  // To the end of the page. When it fails, figures count what came before.
  virtual Status Run() = 0;
  virtual const WalkFigures& figures() const = 0;
  // After a good Run(): whether memory.entries describes the page; otherwise the old one does.
  virtual bool differs() const = 0;
  // Of the page's metadata.
  virtual uint64_t metadata_hash() const = 0;
  // Appends the series of the old page that are to end because this one does not show them;
  // memory.shown_groups says the same of converted histograms.
  virtual void AddVanished(std::vector<SeriesRef>& out) const = 0;
};

// A text page. As long as the lines are those of the last page, in its order, nothing is parsed but
// values, and no list is written: the common case costs one hash and one number a line. At the
// first difference the page gets a list of its own; from then on each line is first compared with
// the one that the old page would have here, then looked up, and only then taken apart. One walk,
// one page. Not thread-safe.
class PageWalk final : public Walk {
 public:
  // Everything passed by reference must outlive the walk. The batch is emptied first.
  PageWalk(std::string_view page, exposition::PageFormat format, const PageRules& rules,
           const model::Labels& target, const Scrape& scrape, const Entries& old_page,
           const ClassicGroups& groups, WalkMemory& memory);

  Status Run() override;
  const WalkFigures& figures() const override { return figures_; }
  bool differs() const override { return differs_; }
  uint64_t metadata_hash() const override { return metadata_hash_; }
  void AddVanished(std::vector<SeriesRef>& out) const override;

 private:
  // False when the line is not the one that stood here on the old page.
  bool TakePredicted();
  // Of what is not just a series.
  bool TakePredictedOther(const Entry& entry, std::string_view bytes);
  bool TakePredictedPart(const Entry& entry);
  void TakePredictedSample(const Entry& entry);
  // Takes lines without samples, and the sample behind them. False at the end.
  bool TakeParsed();
  // Lines without samples, and what they have said when the last of them has been read.
  struct Said {
    bool type = false;
    bool unit = false;
  };
  void TakeLines(std::string_view lines, Said said);
  void EndRuns(bool differs);
  void TakeSeries();
  void TakeKnownSeries(uint32_t old_position);
  void TakeRepeatedSeries(uint64_t hash, const SeriesIndex::Place& first);
  void TakeNewSeries(uint64_t hash);
  // Labels of the sample just parsed. False when it is dropped or the page fails.
  bool FinishLabels(model::Labels& out, bool& dropped);

  // page_walk_classic.cc: what becomes of classic histograms. Their lines are put together as they
  // come; as in Prometheus one ends with the first line of another one, or that is no sample.
  void StartClassic(const ClassicGroups& groups);
  // True when the line needs nothing more.
  bool TakePart(uint64_t hash, const SeriesIndex::Place& place);
  std::optional<Entry::Part> RememberedPart(const SeriesIndex::Place& place, uint64_t hash) const;
  std::optional<Entry::Part> ReadPart();
  std::optional<uint32_t> ReadRole(model::ClassicPart part);
  std::optional<uint32_t> GroupOf(std::string_view family);
  void IndexGroups();
  void AddPart(Entry::Part part);
  void FinishRun();
  void TakeHistogram(storage::HistogramValue value);
  bool FinishRunLabels(model::Labels& out);
  void PushHistogram(Timestamp time, storage::HistogramValue value, model::Labels labels);

  // page_walk_metadata.cc: which family is of which type and unit.
  void NoteType(std::string_view family, model::MetricType type, uint64_t family_tag);
  void NoteUnit(std::string_view family, std::string_view unit);
  void RereadUnit(std::string_view lines);
  void SetSalt();
  std::string_view TypeFamily();
  // Where units are labels.
  bool HasUnit() const { return !unit_.empty() && (unit_is_last_ || unit_tag_ == type_tag_); }
  std::string_view UnitOfType() const { return unit_tag_ == type_tag_ ? unit_ : ""; }
  // To the labels of the sample just parsed.
  void AddTypeAndUnit();

  // Of OpenMetrics pages whose `_created` lines count as what they are.
  bool TakePredictedCreated(const Entry& entry);
  // True when the line is one.
  bool TakeCreated(uint64_t hash);
  void NoteLine(StartTimes::List list) {
    if (takes_created_) memory_.start_times.AddLine(parser_.series(), list);
  }

  void PushSample(SeriesRef ref);
  void PushExtras(SeriesRef ref);
  bool PushNewSample(model::Labels labels);
  model::Exemplar ReadExemplar() const;
  bool CountAppended(bool own_time, Timestamp time);
  // Of a series, before what is parsed now.
  uint64_t HashOf(std::string_view series) const {
    return HashSeries(series, parser_.type()) ^ salt_;
  }
  Timestamp SampleTime() const { return HasOwnTime() ? *parser_.time() : time_; }
  void PushEntry(const Entry& entry) { memory_.entries.push_back(entry); }
  void Differ();
  void NoteLines(uint64_t hash) { metadata_hash_ = (metadata_hash_ ^ hash) * kHashFactor; }
  bool HasOwnTime() const { return rules_.honor_timestamps && parser_.time().has_value(); }
  Entry::Kind KindOf(bool own_time) const {
    return own_time && !rules_.track_timestamps_staleness ? Entry::Kind::kUntracked
                                                          : Entry::Kind::kTracked;
  }
  Entry::Kind SampleKind() const { return KindOf(HasOwnTime()); }

  static constexpr uint64_t kHashFactor = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio

  const std::string_view page_;
  const exposition::PageFormat format_;
  exposition::PageParser parser_;
  const PageRules& rules_;
  const model::Labels& target_;
  const Timestamp time_;
  const Timestamp newest_allowed_;
  const Entries& old_;
  WalkMemory& memory_;

  size_t cursor_ = 0;  // where the old page would have the next line
  bool differs_ = false;
  bool indexed_ = false;
  uint64_t appended_ = 0;
  uint64_t metadata_hash_ = 0;
  WalkFigures figures_;
  Status error_;

  const bool takes_created_;
  const bool takes_extras_;  // besides the value
  // Some line of this family came otherwise than on the last page.
  bool family_differs_ = false;

  // Which family the last TYPE is of, and of which type, decides what a line is: with conversion
  // under the type of a histogram, where `_created` lines count, and where types and units are
  // labels. There it goes into the hashes of series.
  uint64_t salt_ = 0;
  uint64_t type_salt_ = 0;
  std::string_view type_family_;
  std::string_view type_lines_;  // not empty: type_family_ has to be read from them
  uint64_t type_tag_ = 0;        // of the family
  // The last UNIT, where units are labels. It holds for its own family, until the TYPE of another.
  std::string_view unit_;
  std::string_view unit_family_;
  uint64_t unit_tag_ = 0;
  bool unit_is_last_ = false;  // no TYPE has come since
  bool groups_indexed_ = false;
};

}  // namespace canopy::ingest

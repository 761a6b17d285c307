#include "canopy/ingest/page.h"

#include <unordered_set>

#include "canopy/base/log.h"
#include "canopy/base/mutex.h"
#include "page_metadata.h"
#include "page_walk.h"
#include "proto_walk.h"
#include "report.h"
#include "series_cache.h"

namespace canopy::ingest {
namespace {

using exposition::PageFormat;
using storage::AppendReport;
using storage::AppendResult;
using storage::Batch;

// Refused samples of one target are logged at most this often: some targets have them each time.
constexpr int64_t kLogIntervalNanos = int64_t{60} * 1'000'000'000;

bool NeedsRef(Entry::Kind kind) {
  return kind < Entry::Kind::kLines && kind != Entry::Kind::kDropped;
}

bool IsTracked(const Entry& entry) { return entry.kind() == Entry::Kind::kTracked && entry.ref(); }
void AddTracked(const Entries& page, std::vector<SeriesRef>& out) {
  for (const Entry& entry : page)
    if (IsTracked(entry)) out.push_back(entry.ref());
}

// Those of the last page that this one does not show.
void AddVanishedGroups(const ClassicGroups& groups, const WalkMemory& memory,
                       std::vector<SeriesRef>& out) {
  for (size_t i = 0; i < groups.series.size(); ++i) {
    const bool shown = i < memory.shown_groups.size() && memory.shown_groups[i];
    if (!shown && IsTracked(groups.series[i])) out.push_back(groups.series[i].ref());
  }
}

}  // namespace

PageMetrics::PageMetrics(SelfMetrics& metrics)
    : exceeded_sample_limit(metrics.AddCounter(
          "prometheus_target_scrapes_exceeded_sample_limit_total",
          "Total number of scrapes that hit the sample limit and were rejected.")),
      exceeded_bucket_limit(metrics.AddCounter(
          "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
          "Total number of scrapes that hit the native histogram bucket limit and were rejected.")),
      exceeded_label_limits(metrics.AddCounter(
          "prometheus_target_scrape_pool_exceeded_label_limits_total",
          "Total number of times scrape pools hit the label limits, during sync or config "
          "reload.")),
      duplicate_timestamp(metrics.AddCounter(
          "prometheus_target_scrapes_sample_duplicate_timestamp_total",
          "Total number of samples rejected due to duplicate timestamps but different values.")),
      out_of_order(metrics.AddCounter(
          "prometheus_target_scrapes_sample_out_of_order_total",
          "Total number of samples rejected due to not being out of the expected order.")),
      out_of_bounds(metrics.AddCounter(
          "prometheus_target_scrapes_sample_out_of_bounds_total",
          "Total number of samples rejected due to timestamp falling outside of the time "
          "bounds.")),
      exemplars_out_of_order(metrics.AddCounter(
          "prometheus_target_scrapes_exemplar_out_of_order_total",
          "Total number of exemplar rejected due to not being out of the expected order.")) {}

struct Scratch::Rep {
  WalkMemory walk;
};
Scratch::Scratch() : rep_(std::make_unique<Rep>()) {}
Scratch::~Scratch() = default;

struct TargetPages::Rep {
  Rep(std::string n, model::Labels l, std::shared_ptr<const PageRules> r, storage::Appender& a,
      const Clock& c, PageMetrics& m, MetadataPool& p)
      : name(std::move(n)),
        labels(std::move(l)),
        appender(a),
        clock(c),
        metrics(m),
        pool(p),
        rules(std::move(r)),
        metadata_mu(LockRank::kLeaf) {}

  ScrapeReport StoreFailure(const Scrape& scrape, ScrapeReport report, Batch& batch);
  Status Append(const Scrape& scrape, const ScrapeReport& report, WalkMemory& memory,
                AppendReport& result);
  void CountRejected(const Batch& batch, const AppendReport& result);
  void LogRefused();
  std::unique_ptr<Walk> NewWalk(const Scrape& scrape, std::string_view body, PageFormat format,
                                WalkMemory& memory) const;
  void CountFigures(const WalkFigures& figures);
  void RememberPage(const Walk& walk, WalkMemory& memory, const AppendReport& result);
  void OfferMetadata(Batch& batch, bool changed) const;
  void RememberMetadata(uint64_t hash);
  void RememberGroups(WalkMemory& memory, const AppendReport& result);
  void AddShown(std::vector<SeriesRef>& out) const {
    AddTracked(page, out);
    AddTracked(groups.series, out);
  }
  void ForgetPage() {
    page = {};
    groups = {};
  }
  void StoreDropped(const Scrape& scrape, const ScrapeReport& report, std::string_view body,
                    PageFormat format, WalkMemory& memory, const AppendReport& result);
  double SecondsSince(int64_t started_nanos) const {
    return static_cast<double>(clock.MonotonicNanos() - started_nanos) / 1e9;
  }

  // Constant after construction.
  const std::string name;
  const model::Labels labels;
  storage::Appender& appender;
  const Clock& clock;
  PageMetrics& metrics;
  MetadataPool& pool;

  // Of the one caller at a time.
  std::shared_ptr<const PageRules> rules;
  Entries page;                    // the last good one
  ClassicGroups groups;            // that it names
  bool shown = false;              // its series have not been ended
  std::vector<SeriesRef> orphans;  // of pages under former rules; they end with the next scrape
  ReportSeries reports;
  uint64_t metadata_hash = 0;
  PageMetadata said;
  struct {
    uint64_t out_of_order = 0;
    uint64_t duplicates = 0;
    uint64_t out_of_bounds = 0;
    uint64_t exemplars_out_of_order = 0;
    int64_t next_log_nanos = 0;
  } refused;

  mutable Mutex metadata_mu;
  std::shared_ptr<const MetadataSet> metadata CANOPY_GUARDED_BY(metadata_mu);
};

TargetPages::TargetPages(std::string name, model::Labels labels,
                         std::shared_ptr<const PageRules> rules, storage::Appender& appender,
                         const Clock& clock, PageMetrics& metrics, MetadataPool& metadata)
    : rep_(std::make_unique<Rep>(std::move(name), std::move(labels), std::move(rules), appender,
                                 clock, metrics, metadata)) {}
TargetPages::~TargetPages() = default;

ScrapeReport TargetPages::Store(const Scrape& scrape, std::string_view page, PageFormat format,
                                Scratch& scratch) {
  Rep& r = *rep_;
  // An empty page is a good one in every format, as in Prometheus.
  if (page.empty()) format = PageFormat::kText;
  WalkMemory& memory = scratch.rep_->walk;
  const std::unique_ptr<Walk> walk = r.NewWalk(scrape, page, format, memory);
  ScrapeReport report;
  report.error = walk->Run();
  const WalkFigures& figures = walk->figures();
  report.scraped = figures.scraped;
  report.kept = figures.kept;
  report.added = figures.added;
  report.body_bytes = static_cast<int64_t>(page.size());
  r.CountFigures(figures);
  if (!report.error.ok()) return r.StoreFailure(scrape, std::move(report), memory.batch);

  if (r.shown) {
    walk->AddVanished(memory.batch.ended);
    AddVanishedGroups(r.groups, memory, memory.batch.ended);
  }
  // An empty page says nothing, not that there is nothing.
  const bool metadata_changed = walk->metadata_hash() != r.metadata_hash && !page.empty();
  if (metadata_changed) r.said.Set(r.pool.Intern(walk->metadata_hash(), page, format));
  r.OfferMetadata(memory.batch, metadata_changed);
  AppendReport result;
  report.duration_seconds = r.SecondsSince(scrape.started_nanos);
  report.error = r.Append(scrape, report, memory, result);
  if (!report.error.ok()) return report;
  r.CountRejected(memory.batch, result);
  r.RememberPage(*walk, memory, result);
  if (metadata_changed) r.RememberMetadata(walk->metadata_hash());
  r.StoreDropped(scrape, report, page, format, memory, result);
  return report;
}

ScrapeReport TargetPages::Fail(const Scrape& scrape, Status why, int64_t body_bytes,
                               Scratch& scratch) {
  ScrapeReport report;
  report.error = std::move(why);
  report.body_bytes = body_bytes;
  return rep_->StoreFailure(scrape, std::move(report), scratch.rep_->walk.batch);
}

void TargetPages::End(Timestamp time, Scratch& scratch) {
  Rep& r = *rep_;
  Batch& batch = scratch.rep_->walk.batch;
  batch.Clear();
  if (r.shown) r.AddShown(batch.ended);
  batch.ended.insert(batch.ended.end(), r.orphans.begin(), r.orphans.end());
  r.reports.End(batch.ended);
  r.ForgetPage();
  r.orphans = {};
  r.shown = false;
  if (batch.ended.empty()) return;
  batch.ended_at = time;
  if (const auto result = r.appender.Append(batch); !result.ok())
    LOG_WARN("Stale append failed", {"target", r.name}, {"err", result.status().message()});
}

void TargetPages::SetRules(std::shared_ptr<const PageRules> rules, bool same_labels) {
  Rep& r = *rep_;
  r.rules = std::move(rules);
  if (same_labels) return;
  if (r.shown) r.AddShown(r.orphans);
  r.ForgetPage();
}

std::shared_ptr<const MetadataSet> TargetPages::metadata() const {
  const MutexLock lock(rep_->metadata_mu);
  return rep_->metadata;
}

size_t TargetPages::cache_bytes() const {
  return rep_->page.capacity() * sizeof(Entry) + rep_->groups.bytes();
}

std::unique_ptr<Walk> TargetPages::Rep::NewWalk(const Scrape& scrape, std::string_view body,
                                                PageFormat format, WalkMemory& memory) const {
  if (format == PageFormat::kProto)
    return std::make_unique<ProtoWalk>(body, *rules, labels, scrape, page, memory);
  return std::make_unique<PageWalk>(body, format, *rules, labels, scrape, page, groups, memory);
}

void TargetPages::Rep::CountFigures(const WalkFigures& figures) {
  refused.duplicates += figures.duplicates;
  refused.out_of_bounds += figures.too_far_ahead;
  metrics.duplicate_timestamp.Add(static_cast<double>(figures.duplicates));
  metrics.out_of_bounds.Add(static_cast<double>(figures.too_far_ahead));
  if (figures.sample_limit_exceeded) metrics.exceeded_sample_limit.Add();
  if (figures.bucket_limit_exceeded) metrics.exceeded_bucket_limit.Add();
  if (figures.label_limit_exceeded) metrics.exceeded_label_limits.Add();
}

// Nothing of the page is stored: everything that the last one showed ends, and the report says so.
ScrapeReport TargetPages::Rep::StoreFailure(const Scrape& scrape, ScrapeReport report,
                                            Batch& batch) {
  batch.Clear();
  if (shown) AddShown(batch.ended);
  batch.ended.insert(batch.ended.end(), orphans.begin(), orphans.end());
  batch.ended_at = scrape.time;
  report.duration_seconds = SecondsSince(scrape.started_nanos);
  reports.AddTo(batch, *rules, labels, scrape, report);
  OfferMetadata(batch, false);
  const auto result = appender.Append(batch);
  LogRefused();
  if (!result.ok()) {
    // Nothing has ended yet: the next scrape sees to it.
    LOG_ERROR("Scrape commit failed", {"target", name}, {"err", result.status().message()});
    return report;
  }
  shown = false;
  orphans.clear();
  if (reports.Learn(batch, *result)) {
    batch.Clear();
    reports.AddTo(batch, *rules, labels, scrape, report);
    OfferMetadata(batch, false);
    if (const auto again = appender.Append(batch); again.ok()) (void)reports.Learn(batch, *again);
  }
  return report;
}

Status TargetPages::Rep::Append(const Scrape& scrape, const ScrapeReport& report,
                                WalkMemory& memory, AppendReport& result) {
  Batch& batch = memory.batch;
  batch.ended.insert(batch.ended.end(), orphans.begin(), orphans.end());
  batch.ended_at = scrape.time;
  reports.AddTo(batch, *rules, labels, scrape, report);
  auto appended = appender.Append(batch);
  if (!appended.ok()) {
    LOG_ERROR("Scrape commit failed", {"target", name}, {"err", appended.status().message()});
    return appended.status().In("append");
  }
  result = std::move(*appended);
  orphans.clear();
  shown = true;
  return {};
}

// Prometheus's names for what a store refuses. A report sample that is out of order is nothing: a
// target that went away came back.
void TargetPages::Rep::CountRejected(const Batch& batch, const AppendReport& result) {
  const size_t known = batch.samples.size();
  const size_t floats = known + batch.new_samples.size();
  for (const auto& [index, why, within_batch] : result.rejected) {
    // Behind the samples of both lists are histograms, which no report has.
    const bool from_page = index < known    ? index < reports.page_samples()
                           : index < floats ? index - known < reports.page_new_samples()
                                            : true;
    if (!from_page) continue;
    if (why == AppendResult::kConflict) {
      ++refused.duplicates;
      metrics.duplicate_timestamp.Add();
    } else if (why == AppendResult::kOutOfOrder) {
      ++refused.out_of_order;
      metrics.out_of_order.Add();
    } else if (why == AppendResult::kOutOfBounds || why == AppendResult::kTooOld) {
      ++refused.out_of_bounds;
      metrics.out_of_bounds.Add();
    }
  }
  if (result.exemplars_out_of_order > 0) {
    refused.exemplars_out_of_order += result.exemplars_out_of_order;
    metrics.exemplars_out_of_order.Add(result.exemplars_out_of_order);
  }
  LogRefused();
}

void TargetPages::Rep::LogRefused() {
  if (refused.out_of_order + refused.duplicates + refused.out_of_bounds +
          refused.exemplars_out_of_order ==
      0)
    return;
  const int64_t now = clock.MonotonicNanos();
  if (now < refused.next_log_nanos) return;
  const auto warn = [&](std::string_view what, uint64_t count) {
    if (count != 0) LOG_WARN(what, {"target", name}, {"num_dropped", count});
  };
  warn("Error on ingesting out-of-order samples", refused.out_of_order);
  warn("Error on ingesting samples with different value but same timestamp", refused.duplicates);
  warn("Error on ingesting samples that are too old or are too far into the future",
       refused.out_of_bounds);
  warn("Error on ingesting out-of-order exemplars", refused.exemplars_out_of_order);
  refused = {.next_log_nanos = now + kLogIntervalNanos};
}

void TargetPages::Rep::RememberPage(const Walk& walk, WalkMemory& memory,
                                    const AppendReport& result) {
  RememberGroups(memory, result);
  if (!walk.differs()) return;
  const Batch& batch = memory.batch;
  Entries& entries = memory.entries;
  const size_t new_samples = batch.new_samples.size();
  for (size_t i = 0; i < memory.added.size(); ++i) entries[memory.added[i]].set_ref(result.refs[i]);
  for (size_t i = 0; i < memory.added_histograms.size(); ++i)
    entries[memory.added_histograms[i]].set_ref(result.refs[new_samples + i]);
  // A series whose first sample was refused is not ours to end.
  const size_t samples_end = batch.samples.size() + memory.added.size();
  const size_t histograms = batch.samples.size() + new_samples + batch.histograms.size();
  for (const auto& [index, why, within_batch] : result.rejected) {
    if (why == AppendResult::kDuplicate) continue;
    if (index >= batch.samples.size() && index < samples_end)
      entries[memory.added[index - batch.samples.size()]].set_ref(SeriesRef());
    else if (index >= histograms && index - histograms < memory.added_histograms.size())
      entries[memory.added_histograms[index - histograms]].set_ref(SeriesRef());
  }
  for (const auto& [duplicate, first] : memory.duplicates)
    entries[duplicate].set_ref(entries[first].ref());
  const size_t forgotten =
      std::erase_if(entries, [](const Entry& e) { return NeedsRef(e.kind()) && !e.ref(); });
  // These count lines.
  if (forgotten > 0)
    std::erase_if(entries, [](const Entry& e) { return e.kind() == Entry::Kind::kCreated; });
  page = Entries(entries.begin(), entries.end());  // no bytes to spare
  groups.DropUnused(page);
}

void TargetPages::Rep::RememberGroups(WalkMemory& memory, const AppendReport& result) {
  const Batch& batch = memory.batch;
  Entries& series = memory.groups.series;
  // A series whose first sample was refused is not ours to end.
  std::vector<bool> refused_at(memory.added_groups.size(), false);
  const size_t new_histograms =
      batch.samples.size() + batch.new_samples.size() + batch.histograms.size();
  for (const auto& rejected : result.rejected)
    if (rejected.result != AppendResult::kDuplicate && rejected.index >= new_histograms &&
        rejected.index - new_histograms < refused_at.size())
      refused_at[rejected.index - new_histograms] = true;
  for (size_t i = 0; i < memory.added_groups.size(); ++i)
    if (!refused_at[i])
      series[memory.added_groups[i]].set_ref(result.refs[batch.new_samples.size() + i]);
  for (size_t i = 0; i < series.size(); ++i)
    if (!memory.shown_groups[i]) series[i].set_ref(SeriesRef());
  std::swap(groups, memory.groups);
}

void TargetPages::Rep::OfferMetadata(Batch& batch, bool changed) const {
  if (!rules->metadata) return;
  batch.metadata = &said;
  batch.metadata_changed = changed;
}

void TargetPages::Rep::RememberMetadata(uint64_t hash) {
  metadata_hash = hash;
  const MutexLock lock(metadata_mu);
  metadata = said.page();
}

// Samples whose series the store had dropped meanwhile are stored under their labels, which only
// the page knows. Rare: so is the price.
void TargetPages::Rep::StoreDropped(const Scrape& scrape, const ScrapeReport& report,
                                    std::string_view body, PageFormat format, WalkMemory& memory,
                                    const AppendReport& result) {
  Batch& batch = memory.batch;
  std::unordered_set<uint64_t> dropped;
  const size_t histograms = batch.samples.size() + batch.new_samples.size();
  for (const auto& [index, why, within_batch] : result.rejected) {
    if (why != AppendResult::kUnknownSeries) continue;
    if (index < reports.page_samples())
      dropped.insert(batch.samples[index].series.value());
    else if (index >= histograms && index - histograms < batch.histograms.size())
      dropped.insert(batch.histograms[index - histograms].series.value());
  }
  const bool report_dropped = reports.Learn(batch, result);
  if (dropped.empty() && !report_dropped) return;
  std::erase_if(page, [&](const Entry& e) {
    return NeedsRef(e.kind()) && dropped.contains(e.ref().value());
  });
  for (Entry& group : groups.series)
    if (dropped.contains(group.ref().value())) group.set_ref(SeriesRef());
  // Now they are new to the page; the others have been stored.
  const std::unique_ptr<Walk> walk = NewWalk(scrape, body, format, memory);
  if (const Status status = walk->Run(); !status.ok()) return;  // it was fine a moment ago
  batch.samples.clear();
  batch.start_times.clear();
  batch.histograms.clear();
  batch.exemplars.clear();
  reports.AddTo(batch, *rules, labels, scrape, report);
  OfferMetadata(batch, false);
  const auto again = appender.Append(batch);
  if (!again.ok()) {
    LOG_ERROR("Scrape commit failed", {"target", name}, {"err", again.status().message()});
    return;
  }
  (void)reports.Learn(batch, *again);
  RememberPage(*walk, memory, *again);
}

}  // namespace canopy::ingest

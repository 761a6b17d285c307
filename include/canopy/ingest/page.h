#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/ingest/metadata.h"
#include "canopy/model/labels.h"
#include "canopy/model/relabel.h"
#include "canopy/storage/appender.h"

// The one way in for a page: parse, attach the target's labels, relabel, check limits, append. A
// page whose lines are those of the last one but for the values costs a compare per line.

namespace canopy::ingest {

// What a job's configuration says about its pages; limits of 0 are none.
struct PageRules {
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool extra_scrape_metrics = false;
  model::NameValidation names = model::NameValidation::kUtf8;
  uint64_t sample_limit = 0;  // after relabelling
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;   // bytes
  uint64_t label_value_length_limit = 0;  // bytes
  // Of protobuf pages: native histograms as such.
  bool native_histograms = false;
  // Classic histograms become native ones with custom buckets.
  bool convert_classic_histograms = false;
  // The classic series as well, of what is native or becomes it.
  bool classic_histograms_too = false;
  // Buckets of a native histogram: it is made coarser until it has no more.
  uint64_t native_histogram_bucket_limit = 0;
  // Made coarser until each bucket is at least so many times as wide as the one before; 0: as it
  // is.
  double native_histogram_min_bucket_factor = 0;
  bool exemplars = false;
  // What pages say of their families goes to the store as well.
  bool metadata = false;
  // When counters started goes to the store. Lines `_created` of OpenMetrics say that, and are no
  // series then.
  bool start_times = false;
  // What a page says of a family's type and unit are labels of its series: `__type__`, `__unit__`.
  bool type_and_unit_labels = false;
  model::RelabelRules metric_relabel = {};
};

// Counters of all pages of the process, under Prometheus's names. Thread-safe.
struct PageMetrics {
  explicit PageMetrics(SelfMetrics& metrics);

  Counter& exceeded_sample_limit;
  Counter& exceeded_bucket_limit;
  Counter& exceeded_label_limits;
  Counter& duplicate_timestamp;
  Counter& out_of_order;
  Counter& out_of_bounds;
  Counter& exemplars_out_of_order;
};

// When and how a target was asked.
struct Scrape {
  Timestamp time;             // of samples without a timestamp of their own, and of the report
  Timestamp now;              // samples more than 10 min ahead of this are refused
  int64_t started_nanos = 0;  // Clock::MonotonicNanos() when the request was sent
  Duration timeout{0};
};

// What became of one scrape; the same figures as in the report samples.
struct ScrapeReport {
  Status error;  // ok: up is 1
  double duration_seconds = 0;
  uint64_t scraped = 0;    // samples on the page
  uint64_t kept = 0;       // after relabelling
  uint64_t added = 0;      // series that the last page did not have
  int64_t body_bytes = 0;  // -1: past its limit
};

// Memory that pages use while they are ingested; one per thread. Not thread-safe.
class Scratch {
 public:
  Scratch();
  ~Scratch();

 private:
  friend class TargetPages;
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// The pages of one target, one after the other: remembers which series the last one showed, where
// on the page, and ends those that vanish. Each call is one append: the page's samples, the markers
// of what vanished and the report samples become visible together.
// Calls must not overlap; metadata() may be called at any time.
//
// As in Prometheus: a series that comes twice on a page counts once, the first line wins; samples
// that the store refuses are counted and logged, and the rest is stored; series with timestamps of
// their own are not ended when they vanish, unless track_timestamps_staleness is set.
class TargetPages {
 public:
  // `labels`: the target's own, without the internal ones that begin with "__". `name` is how the
  // log calls the target. What is passed by reference must outlive this.
  TargetPages(std::string name, model::Labels labels, std::shared_ptr<const PageRules> rules,
              storage::Appender& appender, const Clock& clock, PageMetrics& metrics,
              MetadataPool& metadata);
  ~TargetPages();
  TargetPages(const TargetPages&) = delete;
  TargetPages& operator=(const TargetPages&) = delete;

  // A page has come. When it is malformed or past a limit, nothing of it is stored: as Fail().
  ScrapeReport Store(const Scrape& scrape, std::string_view page, exposition::PageFormat format,
                     Scratch& scratch);
  // No page has come, and `why` says why: everything that the last page showed ends, up is 0.
  // `body_bytes` is -1 when the body was past its limit, otherwise 0.
  ScrapeReport Fail(const Scrape& scrape, Status why, int64_t body_bytes, Scratch& scratch);
  // The target has gone: everything ends at `time`, the report series as well. Series that have a
  // newer sample, because the target came back as another one, go on.
  void End(Timestamp time, Scratch& scratch);

  // For a reloaded configuration. Series whose labels the new rules would change end with the next
  // page.
  void SetRules(std::shared_ptr<const PageRules> rules, bool same_labels);

  // Of the last good page; null before it.
  std::shared_ptr<const MetadataSet> metadata() const;
  // Bytes held by the memory of the last page.
  size_t cache_bytes() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::ingest

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "canopy/base/gate.h"
#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "canopy/ingest/page.h"
#include "canopy/net/client.h"
#include "canopy/scrape/manager.h"
#include "job.h"
#include "metrics.h"

namespace canopy::scrape {

struct Target;
using TargetPtr = std::shared_ptr<Target>;
using TargetQueue = std::multimap<Timestamp, TargetPtr>;

// One target. Who may touch what: `Constant` anybody; `Under the engine's lock` its holder; `Of the
// runner` whoever has set `running`, which is one at a time: that is why two scrapes of a target
// never overlap.
struct Target {
  // Constant.
  uint64_t hash = 0;
  std::string pool;
  model::Labels labels;  // public ones
  std::string url;
  std::string global_url;
  std::string unix_socket;
  std::unique_ptr<ingest::TargetPages> pages;

  // Under the engine's lock.
  model::Labels discovered;
  std::shared_ptr<const Job> job;
  Status forced_error;  // set: nothing is sent, and this is what each scrape ends with
  config::HistogramScraping histograms;
  Duration interval{0};
  Duration timeout{0};
  Health health = Health::kUnknown;
  std::string last_error;
  Timestamp last_scrape = Timestamp::Min();
  double last_duration = 0;
  int64_t last_start_nanos = 0;  // 0: not yet
  Timestamp due;
  bool queued = false;
  TargetQueue::iterator place;  // when queued
  bool running = false;
  net::HttpRequestId request;  // of the running scrape
  bool leaving = false;        // discovery no longer has it
  Timestamp ends_at;           // of leaving: the time of its staleness markers

  // Of the runner.
  std::shared_ptr<const Job> applied;  // whose rules `pages` follows
  config::HistogramScraping applied_histograms;
  std::unique_ptr<net::HttpClient::StandingRequest> standing;
  std::shared_ptr<const Job> standing_job;  // and a timeout, that `standing` was made for
  Duration standing_timeout{0};
};

// All jobs and their targets, without threads: whoever owns the engine calls RunDue() when it says
// so. Thread-safe, but for RunDue(), which one thread calls.
class Engine {
 public:
  struct Hooks {
    // Runs a task soon, elsewhere or at once; false: never.
    std::function<bool(std::function<void()>)> post;
    // Something is due earlier than RunDue() has said. Called with the engine's lock held.
    std::function<void()> wake;
  };

  // `run_on` goes to the client with each request and may be null. All of it must outlive this.
  Engine(storage::Appender& appender, net::HttpClient& client, const Clock& clock, Fs& fs,
         SelfMetrics& metrics, Options options, Workers* run_on, Hooks hooks);
  // As Stop().
  ~Engine();

  Status ApplyConfig(const config::Config& config);
  void SetTargets(const discovery::JobGroups& groups);
  // Starts what is due and says when to come back; Timestamp::Max() when nothing is planned.
  Timestamp RunDue();
  void Stop();

  TargetsSnapshot Targets(std::string_view pool) const;
  std::vector<std::string> Pools() const;

 private:
  // The targets of one job.
  struct Pool {
    std::shared_ptr<const Job> job;
    std::unordered_map<uint64_t, TargetPtr> active;
    std::vector<DroppedTarget> dropped;
    uint64_t dropped_count = 0;
    std::unique_ptr<PoolMetrics> metrics;
  };
  using PoolPtr = std::shared_ptr<Pool>;
  // What relabelling makes of a pool's groups.
  struct Built;
  // One scrape that is due.
  struct Started {
    TargetPtr target;
    std::shared_ptr<const Job> job;
    ingest::Scrape scrape;
    Status forced_error;
    config::HistogramScraping histograms;
    bool ends = false;  // the target has left: write its markers
  };

  // engine.cc: which targets there are.
  Result<std::map<std::string, std::shared_ptr<FailureLog>>> OpenFailureLogs(
      const config::Config& config) CANOPY_REQUIRES(sync_mu_);
  std::shared_ptr<const Job> MakeJob(const config::ScrapeConfig& config) const
      CANOPY_REQUIRES(sync_mu_);
  void RemovePools(const config::Config& config) CANOPY_REQUIRES(sync_mu_);
  void ApplyJob(const config::ScrapeConfig& config) CANOPY_REQUIRES(sync_mu_);
  void AddPool(const config::ScrapeConfig& config) CANOPY_REQUIRES(sync_mu_);
  void Sync(const std::string& name) CANOPY_REQUIRES(sync_mu_);
  Built Build(const Job& job, const std::vector<discovery::TargetGroup>& groups) const;
  void Adopt(Pool& pool, Built built) CANOPY_REQUIRES(mu_);
  TargetPtr FindOrMake(Pool& pool, Target& draft) CANOPY_REQUIRES(mu_);
  Timestamp FirstScrapeOf(const Target& target) const CANOPY_REQUIRES(mu_);
  void Update(Target& target, const Pool& pool, const BuiltTarget& built) CANOPY_REQUIRES(mu_);
  void Leave(const TargetPtr& target) CANOPY_REQUIRES(mu_);
  void ForceErrors(Pool& pool) CANOPY_REQUIRES(mu_);
  double SumMetadata(const std::string& pool,
                     double (*measure)(const ingest::MetadataSet& set)) const;

  // engine_scrape.cc: what becomes of them.
  void Enqueue(const TargetPtr& target, Timestamp at) CANOPY_REQUIRES(mu_);
  void Dequeue(Target& target) CANOPY_REQUIRES(mu_);
  Started Take(const TargetPtr& target, Timestamp now) CANOPY_REQUIRES(mu_);
  void Start(const Started& started);
  void PrepareRequest(const Started& started);
  void Send(const Started& started);
  void Remember(const Started& started, net::HttpRequestId request);
  // Where a target's pages are touched: on whatever thread `post` or the client chooses.
  void Run(const Started& started, net::HttpResponse response);
  ingest::ScrapeReport Ingest(const Started& started, const net::HttpResponse& response,
                              ingest::Scratch& scratch);
  void ApplyRules(const Started& started);
  void Finish(const Started& started, const ingest::ScrapeReport& report);
  void Plan(const TargetPtr& target) CANOPY_REQUIRES(mu_);
  std::unique_ptr<ingest::Scratch> TakeScratch();
  void GiveBack(std::unique_ptr<ingest::Scratch> scratch);
  std::string TakeBuffer();
  void GiveBack(std::string buffer);

  // Constant after construction.
  storage::Appender& appender_;
  net::HttpClient& client_;
  const Clock& clock_;
  Fs& fs_;
  SelfMetrics& self_metrics_;
  const Options options_;
  Workers* const run_on_;
  const Hooks hooks_;

  // Have their own locks.
  ScrapeMetrics metrics_;
  ingest::PageMetrics page_metrics_;
  ingest::MetadataPool metadata_;
  Gate gate_;  // one pass per running target

  Mutex sync_mu_;
  std::map<std::string, std::shared_ptr<FailureLog>> failure_logs_ CANOPY_GUARDED_BY(sync_mu_);
  discovery::JobGroups groups_ CANOPY_GUARDED_BY(sync_mu_);

  mutable Mutex mu_;
  std::map<std::string, PoolPtr> pools_ CANOPY_GUARDED_BY(mu_);
  // Targets that have gone and may come back before they end, by pool and hash.
  std::map<std::pair<std::string, uint64_t>, TargetPtr> leaving_ CANOPY_GUARDED_BY(mu_);
  TargetQueue queue_ CANOPY_GUARDED_BY(mu_);
  Timestamp promised_ CANOPY_GUARDED_BY(mu_) = Timestamp::Max();  // what RunDue() said last
  uint64_t seed_ CANOPY_GUARDED_BY(mu_) = 0;
  int64_t slots_ CANOPY_GUARDED_BY(mu_) = 1;  // see ScrapeSlots()
  bool stopping_ CANOPY_GUARDED_BY(mu_) = false;

  Mutex spare_mu_;
  std::vector<std::unique_ptr<ingest::Scratch>> scratches_ CANOPY_GUARDED_BY(spare_mu_);
  std::vector<std::string> buffers_ CANOPY_GUARDED_BY(spare_mu_);
};

}  // namespace canopy::scrape

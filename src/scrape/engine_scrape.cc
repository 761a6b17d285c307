#include <optional>

#include "canopy/base/number.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/net/status_text.h"
#include "engine.h"
#include "target.h"

namespace canopy::scrape {
namespace {

// Bodies that are kept for the next response. More are under way only when targets are slow, and
// then the time to allocate does not matter.
constexpr size_t kSpareBuffers = 4;
// Some thousand samples, less than a millisecond: so long may other responses wait for one that is
// stored on the client's thread.
constexpr size_t kRunHereBytes = 512 << 10;

net::HttpRequest RequestOf(const Target& target, const Job& job, const Options& options,
                           Duration timeout) {
  net::HttpRequest request;
  request.url = target.url;
  std::string seconds;
  base::AppendFloatPlain(seconds, static_cast<double>(timeout.count()) / 1000);
  request.headers = {{"Accept", job.accept},
                     {"User-Agent", options.user_agent},
                     {"X-Prometheus-Scrape-Timeout-Seconds", std::move(seconds)}};
  return request;
}

}  // namespace

void Engine::Enqueue(const TargetPtr& target, Timestamp at) {
  CANOPY_CHECK(!target->queued && !target->running);
  if (!target->leaving) target->due = at;
  target->place = queue_.emplace(at, target);
  target->queued = true;
  if (at < promised_) hooks_.wake();
}

void Engine::Dequeue(Target& target) {
  if (!target.queued) return;
  queue_.erase(target.place);
  target.queued = false;
}

Timestamp Engine::RunDue() {
  std::vector<Started> started;
  Timestamp next = Timestamp::Max();
  {
    const MutexLock lock(mu_);
    const Timestamp now = clock_.Now();
    while (!stopping_ && !queue_.empty() && queue_.begin()->first <= now) {
      const TargetPtr target = queue_.begin()->second;
      Dequeue(*target);
      if (!gate_.Enter()) break;
      started.push_back(Take(target, now));
    }
    if (!stopping_ && !queue_.empty()) next = queue_.begin()->first;
    promised_ = next;
  }
  for (const Started& s : started) Start(s);
  return next;
}

// The target runs from here on, until Rest().
Engine::Started Engine::Take(const TargetPtr& target, Timestamp now) {
  Target& t = *target;
  t.running = true;
  Started out;
  out.target = target;
  out.job = t.job;
  out.forced_error = t.forced_error;
  out.histograms = t.histograms;
  out.ends = t.leaving;
  if (out.ends) {
    leaving_.erase({t.pool, t.hash});
    return out;
  }
  out.scrape.time = ScrapeTime(t.due, now, t.interval, options_.timestamp_tolerance);
  out.scrape.now = now;
  out.scrape.started_nanos = clock_.MonotonicNanos();
  out.scrape.timeout = t.timeout;
  if (t.last_start_nanos != 0) {
    metrics_.ObserveInterval(
        t.interval, static_cast<double>(out.scrape.started_nanos - t.last_start_nanos) / 1e9);
  }
  t.last_start_nanos = out.scrape.started_nanos;
  return out;
}

void Engine::Start(const Started& s) {
  if (!s.ends && s.forced_error.ok()) {
    Send(s);
  } else if (!hooks_.post([this, s] { Run(s, {}); })) {
    gate_.Leave();  // shutting down
  }
}

void Engine::PrepareRequest(const Started& s) {
  Target& t = *s.target;
  if (t.standing && t.standing_job == s.job && t.standing_timeout == s.scrape.timeout) return;
  t.standing_job = s.job;
  t.standing_timeout = s.scrape.timeout;
  const config::ScrapeConfig& config = s.job->config;
  net::HttpOptions options;
  options.timeout = s.scrape.timeout;
  // Prometheus refuses a body that is as long as the limit.
  const uint64_t limit = config.limits.body_size;
  options.max_body_bytes = limit > 1 ? limit - 1 : limit;
  options.accept_gzip = config.enable_compression;
  options.unix_socket = s.target->unix_socket;
  options.config = s.job->http;
  options.run_on = run_on_;
  options.run_here_up_to_bytes = kRunHereBytes;
  t.standing =
      client_.Prepare(RequestOf(t, *s.job, options_, s.scrape.timeout), std::move(options));
}

void Engine::Send(const Started& s) {
  PrepareRequest(s);
  const auto id =
      client_.Send(*s.target->standing, TakeBuffer(),
                   [this, s](net::HttpResponse response) { Run(s, std::move(response)); });
  Remember(s, id);
}

// For Stop(). The response may have come already.
void Engine::Remember(const Started& s, net::HttpRequestId request) {
  bool cancel = false;
  {
    const MutexLock lock(mu_);
    if (!s.target->running) return;
    s.target->request = request;
    cancel = stopping_;
  }
  if (cancel) client_.Cancel(request);
}

void Engine::Run(const Started& s, net::HttpResponse response) {
  std::optional<ingest::ScrapeReport> report;
  // A scrape that is given up at shutdown never was: the target is not down.
  const bool canceled = response.status.code() == Code::kCanceled;
  if (!canceled) {
    auto scratch = TakeScratch();
    if (s.ends) {
      s.target->pages->End(s.target->ends_at, *scratch);
    } else {
      ApplyRules(s);
      report = Ingest(s, response, *scratch);
    }
    GiveBack(std::move(scratch));
  }
  GiveBack(std::move(response.body));
  if (report) Finish(s, *report);
  {
    const MutexLock lock(mu_);
    s.target->running = false;
    s.target->request = {};
    if (!s.ends && !stopping_) Plan(s.target);
  }
  gate_.Leave();  // the engine may be gone after this
}

void Engine::ApplyRules(const Started& s) {
  Target& t = *s.target;
  if (t.applied == s.job && t.applied_histograms == s.histograms) return;
  t.pages->SetRules(
      s.job->RulesFor(s.histograms),
      SameLabels(*t.applied, *s.job) && SameSeries(t.applied_histograms, s.histograms));
  t.applied = s.job;
  t.applied_histograms = s.histograms;
}

ingest::ScrapeReport Engine::Ingest(const Started& s, const net::HttpResponse& response,
                                    ingest::Scratch& scratch) {
  ingest::TargetPages& pages = *s.target->pages;
  if (!s.forced_error.ok()) return pages.Fail(s.scrape, s.forced_error, 0, scratch);
  if (response.status.code() == Code::kLimit) {
    metrics_.exceeded_body_size_limit.Add();
    return pages.Fail(s.scrape, Status::Limit("body size limit exceeded"), -1, scratch);
  }
  if (!response.status.ok()) return pages.Fail(s.scrape, response.status, 0, scratch);
  if (response.code != 200) {
    return pages.Fail(
        s.scrape,
        Status::Unavailable("server returned HTTP status " + net::StatusLine(response.code)), 0,
        scratch);
  }
  if (response.body.empty())
    return pages.Store(s.scrape, {}, exposition::PageFormat::kText, scratch);
  const auto format =
      exposition::FormatOf(response.header("content-type"), s.job->config.fallback_scrape_protocol);
  if (!format.ok()) return pages.Fail(s.scrape, format.status(), 0, scratch);
  return pages.Store(s.scrape, response.body, *format, scratch);
}

void Engine::Finish(const Started& s, const ingest::ScrapeReport& report) {
  Target& t = *s.target;
  if (!report.error.ok() && s.job->failure_log) {
    s.job->failure_log->Write(clock_.Now(), t.pool, t.url, report.error.message());
  }
  const MutexLock lock(mu_);
  t.health = report.error.ok() ? Health::kUp : Health::kDown;
  t.last_error = report.error.ok() ? std::string() : report.error.message();
  t.last_scrape = s.scrape.time;
  t.last_duration = report.duration_seconds;
}

// What comes next for a target that runs no longer.
void Engine::Plan(const TargetPtr& target) {
  Target& t = *target;
  if (t.leaving) {
    Enqueue(target, t.ends_at + t.interval + t.interval / 10);
  } else if (!t.queued) {
    Enqueue(target, NextScrape(t.due, clock_.Now(), t.interval));
  }
}

void Engine::Stop() {
  std::vector<net::HttpRequestId> waiting;
  {
    const MutexLock lock(mu_);
    stopping_ = true;
    for (const auto& [at, target] : queue_) target->queued = false;
    queue_.clear();
    for (const auto& [name, pool] : pools_)
      for (const auto& [hash, target] : pool->active)
        if (target->request) waiting.push_back(target->request);
    for (const auto& [key, target] : leaving_)
      if (target->request) waiting.push_back(target->request);
  }
  for (const net::HttpRequestId id : waiting) client_.Cancel(id);
  gate_.Close();
}

std::unique_ptr<ingest::Scratch> Engine::TakeScratch() {
  const MutexLock lock(spare_mu_);
  if (scratches_.empty()) return std::make_unique<ingest::Scratch>();
  auto scratch = std::move(scratches_.back());
  scratches_.pop_back();
  return scratch;
}

void Engine::GiveBack(std::unique_ptr<ingest::Scratch> scratch) {
  const MutexLock lock(spare_mu_);
  scratches_.push_back(std::move(scratch));
}

std::string Engine::TakeBuffer() {
  const MutexLock lock(spare_mu_);
  if (buffers_.empty()) return {};
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Engine::GiveBack(std::string buffer) {
  if (buffer.capacity() == 0) return;
  const MutexLock lock(spare_mu_);
  if (buffers_.size() < kSpareBuffers) buffers_.push_back(std::move(buffer));
}

}  // namespace canopy::scrape

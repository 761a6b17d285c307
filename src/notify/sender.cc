#include "notify/sender.h"

#include <algorithm>
#include <utility>

#include "canopy/base/log.h"
#include "canopy/net/status_text.h"

namespace canopy::notify {
namespace {

// Nobody reads what an Alertmanager answers, but for the reason of a refusal.
constexpr size_t kMaxResponse = size_t{1} << 20;
constexpr size_t kShownReason = 300;

int64_t Nanos(Duration d) { return std::chrono::nanoseconds(d).count(); }

std::string Body(const std::vector<Notice>& batch) {
  std::string out;
  for (const Notice& notice : batch) out.append(out.empty() ? "[" : ",").append(*notice.json);
  return out.append("]");
}

// The Alertmanager has read the request and finds it wrong: it would again. An Alertmanager that
// answers 400 has taken those alerts of the batch that are right.
bool IsRefusal(int code) { return code == 400 || code == 413 || code == 422; }

Status Outcome(const net::HttpResponse& response) {
  if (!response.status.ok()) return response.status;
  if (response.code / 100 == 2) return {};
  std::string message = "bad response status " + net::StatusLine(response.code);
  if (IsRefusal(response.code) && !response.body.empty())
    message.append(": ").append(response.body, 0, kShownReason);
  return Status::Unavailable(std::move(message));
}

}  // namespace

Sender::Sender(const Env& env, std::string url)
    : env_(env),
      url_(std::move(url)),
      metrics_(env.metrics, url_),
      queue_(env.options.queue_capacity),
      batch_limit_(env.options.batch_size) {
  Load();
}

Sender::~Sender() {
  if (in_flight_) env_.http.Cancel(in_flight_->request);
}

void Sender::Push(Notice notice) {
  CountDropped(queue_.Push(std::move(notice)).size());
  ShowLength();
}

int64_t Sender::SendDue() {
  if (in_flight_ || !busy()) return kNever;
  if (env_.clock.MonotonicNanos() < not_before_) return not_before_;
  std::vector<Notice> batch = TakeBatch();
  ShowLength();
  if (!batch.empty()) Post(std::move(batch));
  return kNever;
}

void Sender::Load() {
  auto stored = env_.outbox.Load(url_);
  if (!stored.ok()) {
    LOG_ERROR("Reading the outbox of notices failed", {"alertmanager", url_},
              {"err", stored.status().message()});
    return;
  }
  for (Notice& notice : *stored) Push(std::move(notice));
}

std::vector<Notice> Sender::TakeBatch() {
  const Timestamp oldest = env_.clock.Now() - kResolvedRetention;
  std::vector<Notice> batch;
  while (batch.empty() && !queue_.empty()) {
    batch = queue_.Take(batch_limit_);
    const auto old = std::stable_partition(batch.begin(), batch.end(), [&](const Notice& n) {
      return !n.resolved || n.ends_at >= oldest;
    });
    CountDropped(static_cast<size_t>(batch.end() - old));  // the outbox forgets them by itself
    batch.erase(old, batch.end());
  }
  return batch;
}

Duration Sender::Timeout(int64_t now) const {
  if (deadline_ == kNever) return settings_.timeout;
  const auto left = std::chrono::floor<Duration>(std::chrono::nanoseconds(deadline_ - now));
  return std::clamp(left, Duration(1), settings_.timeout);
}

void Sender::Post(std::vector<Notice> batch) {
  const int64_t now = env_.clock.MonotonicNanos();
  net::HttpRequest request;
  request.method = "POST";
  request.url = url_;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = Body(batch);
  net::HttpOptions options;
  options.timeout = Timeout(now);
  options.max_body_bytes = kMaxResponse;
  options.config = settings_.http;
  const uint64_t ticket = env_.inbox->NewTicket();
  in_flight_ = {.ticket = ticket, .request = {}, .batch = std::move(batch), .sent_at = now};
  in_flight_->request = env_.http.Send(std::move(request), std::move(options),
                                       [inbox = env_.inbox, ticket](net::HttpResponse response) {
                                         inbox->Put({ticket, std::move(response)});
                                       });
}

bool Sender::Finish(uint64_t ticket, const net::HttpResponse& response) {
  if (!in_flight_ || in_flight_->ticket != ticket) return false;
  InFlight request = std::move(*in_flight_);
  in_flight_.reset();
  const Status outcome = Outcome(response);
  if (outcome.ok()) {
    Taken(request);
  } else {
    NotTaken(std::move(request), outcome, response.status.ok() && IsRefusal(response.code));
  }
  ShowLength();
  return true;
}

void Sender::Taken(const InFlight& request) {
  const double seconds = static_cast<double>(env_.clock.MonotonicNanos() - request.sent_at) / 1e9;
  metrics_.latency_seconds.Observe(seconds);
  metrics_.latency_seconds_histogram.Observe(seconds);
  metrics_.sent.Add(static_cast<double>(request.batch.size()));
  Forget(request.batch);
  failures_ = 0;
  batch_limit_ = std::min(batch_limit_ * 2, env_.options.batch_size);
}

void Sender::NotTaken(InFlight request, const Status& why, bool refused) {
  const size_t count = request.batch.size();
  LOG_ERROR("Error sending alerts", {"alertmanager", url_}, {"count", count},
            {"err", why.message()});
  metrics_.errors.Add(static_cast<double>(count));
  if (deadline_ != kNever) {
    CountDropped(count);
  } else if (!refused) {
    CountDropped(queue_.PutBack(std::move(request.batch)).size());
    Later();
  } else if (count > 1) {
    batch_limit_ = count / 2;
    CountDropped(queue_.PutBack(std::move(request.batch)).size());
  } else {
    LOG_ERROR("Alert refused by Alertmanager, dropping it", {"alertmanager", url_},
              {"alert", request.batch[0].alert});
    CountDropped(count);
    Forget(request.batch);
    Later();
  }
}

void Sender::Later() {
  Duration delay = kFirstDelay;
  for (int i = 0; i < failures_ && delay < kMaxDelay; ++i) delay *= 2;
  ++failures_;
  not_before_ = env_.clock.MonotonicNanos() + Nanos(std::min(delay, kMaxDelay));
}

// The outbox need not keep them any longer.
void Sender::Forget(const std::vector<Notice>& notices) {
  std::vector<Outbox::Row> rows;
  for (const Notice& notice : notices)
    if (notice.resolved) rows.push_back({url_, &notice});
  const Status status = env_.outbox.Remove(rows);
  if (!status.ok()) {
    LOG_ERROR("Writing the outbox of notices failed; they may be sent once more",
              {"alertmanager", url_}, {"err", status.message()});
  }
}

void Sender::Drain(int64_t deadline) {
  deadline_ = deadline;
  not_before_ = 0;
  batch_limit_ = env_.options.batch_size;
}

size_t Sender::Abandon() {
  size_t count = queue_.Take(queue_.size()).size();
  if (in_flight_) {
    env_.http.Cancel(in_flight_->request);
    count += in_flight_->batch.size();
    in_flight_.reset();
  }
  CountDropped(count);
  ShowLength();
  return count;
}

}  // namespace canopy::notify

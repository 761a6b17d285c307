#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/net/client.h"
#include "canopy/notify/manager.h"
#include "notify/inbox.h"
#include "notify/metrics.h"
#include "notify/outbox.h"
#include "notify/queue.h"

namespace canopy::notify {

// Tells one Alertmanager: one request at a time, oldest notices first. A batch that is not taken is
// tried again, later and later. Where the Alertmanager says that what is in it is wrong, it is sent
// again in halves, so that one bad alert, which is dropped in the end, takes no other with it.
// Not thread-safe; the manager's lock guards it.
class Sender {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  // Between two tries: the first time, and at most.
  static constexpr Duration kFirstDelay = std::chrono::milliseconds(500);
  static constexpr Duration kMaxDelay = std::chrono::seconds(10);

  // All borrowed but `inbox`.
  struct Env {
    const Clock& clock;
    net::HttpClient& http;
    SelfMetrics& metrics;
    const ManagerOptions& options;
    Outbox& outbox;
    std::shared_ptr<Inbox> inbox;
  };

  // How it is reached.
  struct Settings {
    Duration timeout{0};
    std::shared_ptr<const net::HttpClientConfig> http;
  };

  // Queues what the outbox has for this URL.
  Sender(const Env& env, std::string url);
  // Gives up what is under way.
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void Configure(Settings settings) { settings_ = std::move(settings); }
  void Push(Notice notice);

  // Sends the next batch if it is due. Returns the monotonic nanoseconds at which there will be
  // something to do; kNever when there is nothing, or a response is waited for.
  int64_t SendDue();
  // The response to the request with this ticket; false when it is not this one's.
  bool Finish(uint64_t ticket, const net::HttpResponse& response);

  // From now on each batch is tried once, at once, by `deadline`.
  void Drain(int64_t deadline);
  // Whether there is something to deliver, or being delivered.
  bool busy() const { return in_flight_ || !queue_.empty(); }
  // Gives up what is queued and under way. Returns how many notices that were; the outbox keeps its
  // own.
  size_t Abandon();

 private:
  struct InFlight {
    uint64_t ticket;
    net::HttpRequestId request;
    std::vector<Notice> batch;
    int64_t sent_at;
  };

  void Load();
  std::vector<Notice> TakeBatch();
  void Post(std::vector<Notice> batch);
  Duration Timeout(int64_t now) const;
  void Taken(const InFlight& request);
  void NotTaken(InFlight request, const Status& why, bool refused);
  void Later();
  void CountDropped(size_t notices) { metrics_.dropped.Add(static_cast<double>(notices)); }
  void Forget(const std::vector<Notice>& notices);
  void ShowLength() { metrics_.queue_length.Set(static_cast<double>(queue_.size())); }

  const Env env_;
  const std::string url_;
  SenderMetrics metrics_;
  Settings settings_;
  Queue queue_;
  std::optional<InFlight> in_flight_;
  size_t batch_limit_;         // below batch_size while it is looked for what was refused
  int failures_ = 0;           // since something was taken
  int64_t not_before_ = 0;     // monotonic nanoseconds
  int64_t deadline_ = kNever;  // of draining
};

}  // namespace canopy::notify

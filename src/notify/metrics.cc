#include "notify/metrics.h"

namespace canopy::notify {

ManagerMetrics::ManagerMetrics(SelfMetrics& m)
    : queue_capacity(m.AddGauge("prometheus_notifications_queue_capacity",
                                "The capacity of the alert notifications queue.")),
      alertmanagers_discovered(m.AddGauge("prometheus_notifications_alertmanagers_discovered",
                                          "The number of alertmanagers discovered and active.")) {}

SenderMetrics::SenderMetrics(SelfMetrics& m, const std::string& url)
    : latency_seconds(m.AddSummary("prometheus_notifications_latency_seconds",
                                   "Latency quantiles for sending alert notifications.",
                                   {{"alertmanager", url}})),
      latency_seconds_histogram(m.AddHistogram("prometheus_notifications_latency_histogram_seconds",
                                               "Latency histogram for sending alert notifications.",
                                               {.01, .1, 1, 10}, {{"alertmanager", url}})),
      sent(m.AddCounter("prometheus_notifications_sent_total", "Total number of alerts sent.",
                        {{"alertmanager", url}})),
      errors(m.AddCounter("prometheus_notifications_errors_total",
                          "Total number of sent alerts affected by errors.",
                          {{"alertmanager", url}})),
      dropped(
          m.AddCounter("prometheus_notifications_dropped_total",
                       "Total number of alerts dropped due to errors when sending to Alertmanager.",
                       {{"alertmanager", url}})),
      queue_length(m.AddGauge("prometheus_notifications_queue_length",
                              "The number of alert notifications in the queue.",
                              {{"alertmanager", url}})),
      metrics_(m),
      labels_{{"alertmanager", url}} {}

SenderMetrics::~SenderMetrics() {
  for (const char* name :
       {"prometheus_notifications_latency_seconds",
        "prometheus_notifications_latency_histogram_seconds", "prometheus_notifications_sent_total",
        "prometheus_notifications_errors_total", "prometheus_notifications_dropped_total",
        "prometheus_notifications_queue_length"})
    metrics_.Remove(name, labels_);
}

}  // namespace canopy::notify

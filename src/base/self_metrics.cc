#include "canopy/base/self_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <variant>

#include "canopy/base/check.h"
#include "canopy/base/mutex.h"
#include "canopy/base/number.h"

namespace canopy {
namespace {

using MetricLabels = SelfMetrics::MetricLabels;
using ReadFn = std::function<double()>;

enum class Kind : unsigned char { kCounter, kGauge, kHistogram, kSummary };

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
    case Kind::kSummary:
      return "summary";
  }
  return "untyped";
}

struct Entry {
  MetricLabels labels;  // sorted by name
  std::variant<Counter, Gauge, std::unique_ptr<HistogramMetric>, std::unique_ptr<SummaryMetric>,
               ReadFn>
      metric;
};

struct Family {
  Kind kind;
  std::string help;
  std::map<MetricLabels, std::shared_ptr<Entry>> entries;
};

void AppendEscaped(std::string& out, std::string_view s, bool quotes) {
  for (const char c : s) {
    if (c == '\\') {
      out.append("\\\\");
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '"' && quotes) {
      out.append("\\\"");
    } else {
      out.push_back(c);
    }
  }
}

// One line; `extra` is a label that comes after the metric's own (le, quantile).
void AppendSample(std::string& out, std::string_view name, std::string_view suffix,
                  const MetricLabels& labels, const std::pair<std::string, std::string>* extra,
                  double v) {
  out.append(name).append(suffix);
  char separator = '{';
  const auto label = [&](const std::pair<std::string, std::string>& l) {
    out.push_back(separator);
    separator = ',';
    out.append(l.first).append("=\"");
    AppendEscaped(out, l.second, true);
    out.push_back('"');
  };
  for (const auto& l : labels) label(l);
  if (extra != nullptr) label(*extra);
  if (separator == ',') out.push_back('}');
  out.push_back(' ');
  base::AppendFloatShortest(out, v);
  out.push_back('\n');
}

void AppendHistogram(std::string& out, std::string_view name, const MetricLabels& labels,
                     const HistogramMetric& h) {
  std::pair<std::string, std::string> le{"le", ""};
  uint64_t total = 0;
  for (size_t i = 0; i <= h.bounds().size(); ++i) {
    total += h.count(i);
    le.second.clear();
    base::AppendFloatShortest(le.second, i < h.bounds().size() ? h.bounds()[i] : INFINITY);
    AppendSample(out, name, "_bucket", labels, &le, static_cast<double>(total));
  }
  AppendSample(out, name, "_sum", labels, nullptr, h.sum());
  // The sum of what was read above, so that it equals the +Inf bucket whatever happens meanwhile.
  AppendSample(out, name, "_count", labels, nullptr, static_cast<double>(total));
}

void AppendSummary(std::string& out, std::string_view name, const MetricLabels& labels,
                   const SummaryMetric& summary) {
  const SummaryMetric::Snapshot now = summary.Read();
  std::pair<std::string, std::string> quantile{"quantile", ""};
  for (const auto& [q, v] : now.quantiles) {
    quantile.second.clear();
    base::AppendFloatShortest(quantile.second, q);
    AppendSample(out, name, "", labels, &quantile, v);
  }
  AppendSample(out, name, "_sum", labels, nullptr, now.sum);
  AppendSample(out, name, "_count", labels, nullptr, static_cast<double>(now.count));
}

struct AppendEntry {
  std::string& out;
  std::string_view name;
  const MetricLabels& labels;

  void operator()(const Counter& c) const { Plain(c.value()); }
  void operator()(const Gauge& g) const { Plain(g.value()); }
  void operator()(const ReadFn& read) const { Plain(read()); }
  void operator()(const std::unique_ptr<HistogramMetric>& h) const {
    AppendHistogram(out, name, labels, *h);
  }
  void operator()(const std::unique_ptr<SummaryMetric>& s) const {
    AppendSummary(out, name, labels, *s);
  }
  void Plain(double v) const { AppendSample(out, name, "", labels, nullptr, v); }
};

}  // namespace

HistogramMetric::HistogramMetric(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  CANOPY_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void HistogramMetric::Observe(double v) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

struct SelfMetrics::Rep {
  explicit Rep(const Clock& c) : clock(c) {}

  const Clock& clock;
  Mutex mu{LockRank::kSelfMetrics};
  CondVar render_done;
  std::map<std::string, Family, std::less<>> families CANOPY_GUARDED_BY(mu);
  // Numbers of the renderings under way, which may still call a function that Remove() forgot.
  std::set<uint64_t> rendering CANOPY_GUARDED_BY(mu);
  uint64_t next_rendering CANOPY_GUARDED_BY(mu) = 0;

  Family& FamilyFor(std::string_view name, std::string_view help, Kind kind) {
    auto it = families.find(name);
    if (it == families.end())
      it = families.emplace(std::string(name), Family{kind, std::string(help), {}}).first;
    CANOPY_CHECK(it->second.kind == kind);
    return it->second;
  }

  // The entry of these labels, made by `make` when it is new.
  template <class T, class Make>
  T& Find(std::string_view name, std::string_view help, Kind kind, MetricLabels labels, Make make) {
    std::sort(labels.begin(), labels.end());
    MutexLock lock(mu);
    auto& entry = FamilyFor(name, help, kind).entries[labels];
    if (!entry) {
      entry = std::make_shared<Entry>();
      entry->labels = std::move(labels);
      make(*entry);
    }
    T* const found = std::get_if<T>(&entry->metric);
    CANOPY_CHECK(found != nullptr);
    return *found;
  }

  void AddFn(std::string_view name, std::string_view help, Kind kind, MetricLabels labels,
             ReadFn read) {
    std::sort(labels.begin(), labels.end());
    auto entry = std::make_shared<Entry>();
    entry->labels = labels;
    entry->metric = std::move(read);
    MutexLock lock(mu);
    FamilyFor(name, help, kind).entries[std::move(labels)] = std::move(entry);
  }
};

SelfMetrics::SelfMetrics(const Clock& clock) : rep_(std::make_unique<Rep>(clock)) {}
SelfMetrics::~SelfMetrics() = default;

Counter& SelfMetrics::AddCounter(std::string_view name, std::string_view help,
                                 MetricLabels labels) {
  return rep_->Find<Counter>(name, help, Kind::kCounter, std::move(labels),
                             [](Entry& e) { e.metric.emplace<Counter>(); });
}

Gauge& SelfMetrics::AddGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  return rep_->Find<Gauge>(name, help, Kind::kGauge, std::move(labels),
                           [](Entry& e) { e.metric.emplace<Gauge>(); });
}

HistogramMetric& SelfMetrics::AddHistogram(std::string_view name, std::string_view help,
                                           std::vector<double> bounds, MetricLabels labels) {
  return *rep_->Find<std::unique_ptr<HistogramMetric>>(
      name, help, Kind::kHistogram, std::move(labels),
      [&](Entry& e) { e.metric = std::make_unique<HistogramMetric>(std::move(bounds)); });
}

SummaryMetric& SelfMetrics::AddSummary(std::string_view name, std::string_view help,
                                       MetricLabels labels) {
  return *rep_->Find<std::unique_ptr<SummaryMetric>>(
      name, help, Kind::kSummary, std::move(labels),
      [&](Entry& e) { e.metric = std::make_unique<SummaryMetric>(rep_->clock); });
}

void SelfMetrics::AddGaugeFn(std::string_view name, std::string_view help, ReadFn read,
                             MetricLabels labels) {
  rep_->AddFn(name, help, Kind::kGauge, std::move(labels), std::move(read));
}

void SelfMetrics::AddCounterFn(std::string_view name, std::string_view help, ReadFn read,
                               MetricLabels labels) {
  rep_->AddFn(name, help, Kind::kCounter, std::move(labels), std::move(read));
}

void SelfMetrics::Remove(std::string_view name, const MetricLabels& labels) {
  Rep& rep = *rep_;
  MutexLock lock(rep.mu);
  const auto family = rep.families.find(name);
  if (family == rep.families.end()) return;
  std::erase_if(family->second.entries, [&](const auto& item) {
    return std::all_of(labels.begin(), labels.end(), [&](const auto& wanted) {
      return std::find(item.first.begin(), item.first.end(), wanted) != item.first.end();
    });
  });
  if (family->second.entries.empty()) rep.families.erase(family);
  const uint64_t later = rep.next_rendering;
  while (!rep.rendering.empty() && *rep.rendering.begin() < later) rep.render_done.Wait(rep.mu);
}

std::string SelfMetrics::RenderText() const {
  struct Snapshot {
    std::string name;
    Kind kind;
    std::string help;
    std::vector<std::shared_ptr<Entry>> entries;
  };
  std::vector<Snapshot> snapshots;
  uint64_t number = 0;
  {
    MutexLock lock(rep_->mu);
    number = rep_->next_rendering++;
    rep_->rendering.insert(number);
    for (const auto& [name, family] : rep_->families) {
      Snapshot& s = snapshots.emplace_back(Snapshot{name, family.kind, family.help, {}});
      for (const auto& [labels, entry] : family.entries) s.entries.push_back(entry);
    }
  }
  std::string out;
  for (const Snapshot& s : snapshots) {
    out.append("# HELP ").append(s.name).push_back(' ');
    AppendEscaped(out, s.help, false);
    out.append("\n# TYPE ").append(s.name).push_back(' ');
    out.append(KindName(s.kind)).push_back('\n');
    for (const auto& entry : s.entries)
      std::visit(AppendEntry{out, s.name, entry->labels}, entry->metric);
  }
  snapshots.clear();
  MutexLock lock(rep_->mu);
  rep_->rendering.erase(number);
  rep_->render_done.NotifyAll();
  return out;
}

}  // namespace canopy

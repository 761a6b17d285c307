#include "target.h"

#include <algorithm>
#include <array>
#include <vector>

#include "canopy/base/hash.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/net/url.h"

namespace canopy::scrape {
namespace {

// Prometheus puts these on every target, so that relabelling can ask for them, and change them.
struct HistogramSwitch {
  std::string_view label;
  bool config::HistogramScraping::*of;
};

// Targets of a slot are scraped at once: each time that the client goes to sleep and is woken costs
// as much as some hundred samples. More targets would keep each other waiting, and make a burst on
// the network.
constexpr uint64_t kTargetsPerSlot = 16;
constexpr int64_t kMinSlots = 20;
constexpr Duration kMaxSlot{500};

constexpr std::array<HistogramSwitch, 3> kHistogramSwitches = {{
    {"__convert_classic_histograms_to_nhcb__", &config::HistogramScraping::convert_classic},
    {"__always_scrape_classic_histograms__", &config::HistogramScraping::classic_as_well},
    {"__scrape_native_histograms__", &config::HistogramScraping::native},
}};

void SetDefault(model::LabelsBuilder& labels, std::string_view name, std::string_view value) {
  if (labels.Get(name).empty()) labels.Set(name, value);
}

void SetDiscovered(const config::ScrapeConfig& config, const model::Labels& target,
                   const model::Labels& group, model::LabelsBuilder& labels) {
  labels.Reset(target);
  for (const model::LabelView l : group)
    if (!target.Has(l.name)) labels.Set(l.name, l.value);
  SetDefault(labels, model::kJob, config.job_name);
  SetDefault(labels, kInterval, FormatDuration(config.scrape_interval));
  SetDefault(labels, kTimeout, FormatDuration(config.scrape_timeout));
  SetDefault(labels, kMetricsPath, config.metrics_path);
  SetDefault(labels, kScheme, config.scheme);
  for (const HistogramSwitch& s : kHistogramSwitches)
    SetDefault(labels, s.label, config.histograms.*s.of ? "true" : "false");
  for (const auto& [name, values] : config.params)
    if (!values.empty()) SetDefault(labels, std::string(kParamPrefix) + name, values[0]);
}

Result<Duration> PositiveDuration(std::string_view text, std::string_view what) {
  auto d = ParseDuration(text);
  if (!d.ok()) return d.status().In("error parsing scrape " + std::string(what));
  if (*d == Duration::zero())
    return Status::Invalid("scrape " + std::string(what) + " cannot be 0");
  return d;
}

Status CheckTimes(const model::LabelsBuilder& labels) {
  const std::string_view interval_text = labels.Get(kInterval);
  const std::string_view timeout_text = labels.Get(kTimeout);
  CANOPY_ASSIGN_OR_RETURN(const Duration interval, PositiveDuration(interval_text, "interval"));
  CANOPY_ASSIGN_OR_RETURN(const Duration timeout, PositiveDuration(timeout_text, "timeout"));
  if (timeout > interval) {
    return Status::Invalid("scrape timeout cannot be greater than scrape interval (" +
                           base::Quoted(timeout_text) + " > " + base::Quoted(interval_text) + ")");
  }
  return {};
}

// As Go's strconv.ParseBool.
bool IsTrue(std::string_view text) {
  constexpr std::string_view kTrue[] = {"1", "t", "T", "TRUE", "true", "True"};
  return std::find(std::begin(kTrue), std::end(kTrue), text) != std::end(kTrue);
}
bool IsFalse(std::string_view text) {
  constexpr std::string_view kFalse[] = {"", "0", "f", "F", "FALSE", "false", "False"};
  return std::find(std::begin(kFalse), std::end(kFalse), text) != std::end(kFalse);
}

Status CheckRelabelled(const model::LabelsBuilder& labels) {
  const std::string_view address = labels.Get(kAddress);
  if (address.empty()) return Status::Invalid("no address");
  if (address.find('/') != std::string_view::npos)
    return Status::Invalid(base::Quoted(address) + " is not a valid hostname");
  CANOPY_RETURN_IF_ERROR(CheckTimes(labels));
  for (const HistogramSwitch& s : kHistogramSwitches) {
    const std::string_view value = labels.Get(s.label);
    if (!IsTrue(value) && !IsFalse(value)) {
      return Status::Invalid("error parsing " + std::string(s.label) + ": " + base::Quoted(value) +
                             " is not a boolean");
    }
  }
  for (const auto& [name, value] : labels.items()) {
    if (!model::IsValidUtf8(value)) {
      return Status::Invalid("invalid label value for " + base::Quoted(name) + ": " +
                             base::Quoted(value));
    }
  }
  return {};
}

bool IsLocalhost(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

}  // namespace

Result<BuiltTarget> BuildTarget(const config::ScrapeConfig& config, const model::Labels& target,
                                const model::Labels& group) {
  BuiltTarget out;
  model::LabelsBuilder labels;
  SetDiscovered(config, target, group, labels);
  out.discovered = labels.Build();
  if (!config.relabel_configs.rules.Apply(labels)) return out;
  CANOPY_RETURN_IF_ERROR(CheckRelabelled(labels));
  labels.DropIf([](std::string_view name) { return name.starts_with(kMetaPrefix); });
  const std::string address(labels.Get(kAddress));
  SetDefault(labels, model::kInstance, address);
  out.labels = labels.Build();
  return out;
}

model::Labels PublicLabels(const model::Labels& labels) {
  std::vector<model::LabelView> out;
  for (const model::LabelView l : labels)
    if (!l.name.starts_with(kInternalPrefix)) out.push_back(l);
  return model::Labels::FromSorted(out);
}

std::string TargetUrl(const model::Labels& labels, const config::ScrapeConfig& config) {
  std::map<std::string, std::vector<std::string>> params = config.params;
  for (const model::LabelView l : labels) {
    if (!l.name.starts_with(kParamPrefix)) continue;
    auto& values = params[std::string(l.name.substr(kParamPrefix.size()))];
    if (values.empty()) values.emplace_back();
    values[0] = l.value;
  }
  net::Form form;
  for (const auto& [name, values] : params)
    for (const std::string& value : values) form.Add(name, value);
  const std::string_view path = labels.Get(kMetricsPath);
  std::string url(labels.Get(kScheme));
  url.append("://").append(labels.Get(kAddress));
  if (!path.starts_with('/')) url.push_back('/');
  url.append(net::EscapePath(path));
  if (!form.empty()) url.append("?").append(form.Encode());
  return url;
}

std::string GlobalUrl(std::string_view url, const Options& options) {
  auto parsed = net::ParseUrl(url);
  if (!parsed.ok() || options.external_host.empty() || !IsLocalhost(parsed->host_name()) ||
      parsed->port().empty())
    return std::string(url);
  if (parsed->port() == options.listen_port) {
    parsed->scheme = options.external_scheme;
    parsed->host = options.external_host;
  } else {
    net::Url external;
    external.host = options.external_host;
    std::string host(external.host_name());
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    parsed->host = host.append(":").append(parsed->port());
  }
  return parsed->Format();
}

Duration LabelDuration(const model::Labels& labels, std::string_view name) {
  const auto d = ParseDuration(labels.Get(name));
  CANOPY_CHECK(d.ok());
  return *d;
}

config::HistogramScraping LabelHistograms(const model::Labels& labels,
                                          const config::ScrapeConfig& config) {
  config::HistogramScraping out = config.histograms;
  for (const HistogramSwitch& s : kHistogramSwitches)
    if (const std::string_view value = labels.Get(s.label); !value.empty())
      out.*s.of = IsTrue(value);
  return out;
}

uint64_t TargetHash(const model::Labels& public_labels, std::string_view url) {
  std::string key = public_labels.bytes();
  return base::XxHash64(key.append(url));
}

int64_t ScrapeSlots(uint64_t targets) {
  int64_t slots = kMinSlots;
  while (static_cast<uint64_t>(slots) * kTargetsPerSlot < targets) slots *= 2;
  return slots;
}

Timestamp FirstScrape(Timestamp now, Duration interval, int64_t slots, uint64_t hash,
                      uint64_t seed) {
  const int64_t step = interval.count();
  const int64_t slot = std::clamp<int64_t>(step / slots, 1, kMaxSlot.count());
  auto offset = static_cast<int64_t>((hash ^ seed) % static_cast<uint64_t>(step));
  offset -= offset % slot;
  int64_t phase = now.ms() % step;
  if (phase < 0) phase += step;
  const int64_t wait = offset >= phase ? offset - phase : offset + step - phase;
  return now + Duration(wait);
}

Timestamp NextScrape(Timestamp last, Timestamp now, Duration interval) {
  const int64_t steps = std::max<int64_t>(1, (now - last).count() / interval.count());
  return last + interval * steps;
}

Timestamp ScrapeTime(Timestamp due, Timestamp now, Duration interval, Duration tolerance) {
  const Duration late = now - due;
  return late >= Duration::zero() && late <= std::min(tolerance, interval / 100) ? due : now;
}

std::string GoDuration(Duration d) {
  std::string out;
  int64_t ms = d.count();
  if (ms < 1000) {
    base::AppendInt(out, ms);
    return out.append(ms == 0 ? "s" : "ms");
  }
  const int64_t hours = ms / 3'600'000;
  const int64_t minutes = ms / 60'000 % 60;
  if (hours != 0) {
    base::AppendInt(out, hours);
    out.push_back('h');
  }
  if (hours != 0 || minutes != 0) {
    base::AppendInt(out, minutes);
    out.push_back('m');
  }
  base::AppendFloatPlain(out, static_cast<double>(ms % 60'000) / 1000);
  return out.append("s");
}

}  // namespace canopy::scrape

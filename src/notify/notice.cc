#include "notify/notice.h"

#include "canopy/base/quote.h"

namespace canopy::notify {
namespace {

// Always with three decimals, as Prometheus sends it.
void AppendTime(std::string& out, Timestamp t) {
  std::string text = FormatRfc3339(t);
  text.pop_back();  // the Z
  const size_t point = text.find('.');
  if (point == std::string::npos) {
    text.append(".000");
  } else {
    text.resize(point + 4, '0');
  }
  text.push_back('Z');
  base::AppendJsonQuoted(out, text);
}

template <class Pairs>
void AppendObject(std::string& out, const Pairs& pairs) {
  char before = '{';
  for (const auto& [name, value] : pairs) {
    out.push_back(before);
    base::AppendJsonQuoted(out, name);
    out.push_back(':');
    base::AppendJsonQuoted(out, value);
    before = ',';
  }
  out.append(before == '{' ? "{}" : "}");
}

// A postableAlert of Alertmanager's API v2, its fields in the order and with the omissions of
// Prometheus's client.
std::string PostableAlert(const model::Alert& alert) {
  std::string out = "{";
  if (!alert.annotations.empty()) {
    out.append("\"annotations\":");
    AppendObject(out, alert.annotations);
    out.push_back(',');
  }
  out.append("\"endsAt\":");
  AppendTime(out, alert.ends_at);
  out.append(",\"startsAt\":");
  AppendTime(out, alert.starts_at);
  if (!alert.generator_url.empty()) {
    out.append(",\"generatorURL\":");
    base::AppendJsonQuoted(out, alert.generator_url);
  }
  out.append(",\"labels\":");
  AppendObject(out, alert.labels);
  out.push_back('}');
  return out;
}

}  // namespace

Notice MakeNotice(const model::Alert& alert) {
  return {.alert = alert.labels.ToString(),
          .resolved = alert.resolved,
          .ends_at = alert.ends_at,
          .json = std::make_shared<const std::string>(PostableAlert(alert))};
}

}  // namespace canopy::notify

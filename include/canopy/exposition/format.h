#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "canopy/base/time.h"
#include "canopy/exposition/escape.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"

// Writes pages, appending to a caller's buffer: text 0.0.4 and OpenMetrics 1.0. Names outside the
// legacy set are quoted inside the braces: {"a.b",l="v"} 1. Nothing here checks that what is
// written is a sensible family: /federate shows what is stored.

namespace canopy::exposition {

// The text with \, " and line feed escaped, as label values are in both formats.
void AppendEscaped(std::string& out, std::string_view text);

// "# TYPE name type\n" and so on. The text format calls the unknown type "untyped" and leaves types
// that it does not know (info, stateset, gaugehistogram) untyped as well.
void AppendTextType(std::string& out, std::string_view name, model::MetricType type);
void AppendTextHelp(std::string& out, std::string_view name, std::string_view help);
void AppendOpenMetricsType(std::string& out, std::string_view name, model::MetricType type);
void AppendOpenMetricsHelp(std::string& out, std::string_view name, std::string_view help);
void AppendOpenMetricsUnit(std::string& out, std::string_view name, std::string_view unit);
inline constexpr std::string_view kOpenMetricsEnd = "# EOF\n";

// One sample line, part by part: a name, its labels in the order of the calls, then the value.
//   SampleLine line(out, "up"); line.Label("job", "a"); line.EndText(1, Timestamp::FromMs(5));
// writes `up{job="a"} 1 5\n`. Names are written as they are: escape them before. Not thread-safe;
// exactly one End.
class SampleLine {
 public:
  SampleLine(std::string& out, std::string_view name);
  void Label(std::string_view name, std::string_view value);
  // Timestamps in milliseconds.
  void EndText(double value, std::optional<Timestamp> time);
  // Timestamps in seconds.
  void EndOpenMetrics(double value, std::optional<Timestamp> time);

 private:
  void Close();

  std::string& out_;
  bool open_ = false;
};

// A double as OpenMetrics wants it in le and quantile: "1.0", "0.25", "+Inf", "1e+06".
std::string FormatOpenMetricsFloat(double v);

}  // namespace canopy::exposition

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"

// Reads pages: text 0.0.4 (and 1.0.0, which adds quoted names) and OpenMetrics 1.0, accepting what
// Prometheus 3.14 accepts and refusing the rest in its words.
// Formats: prometheus/docs content/docs/instrumenting/exposition_formats.md and
// prometheus/OpenMetrics v1.0.0 specification/OpenMetrics.md; where Prometheus takes more or less
// than these (prometheus model/textparse), Prometheus counts.

namespace canopy::exposition {

enum class Entry : uint8_t {
  kType,
  kHelp,
  kUnit,
  kComment,
  kSample,
  kEnd,    // the page was well formed to its end
  kError,  // see error(); so is every later entry
};

// One page, entry by entry. Pulls nothing apart that is not asked for and allocates nothing for a
// sample. Views point into the page. Not thread-safe.
class PageParser {
 public:
  // REQUIRES: format is kText or kOpenMetrics. The page must outlive the parser.
  PageParser(std::string_view page, PageFormat format);

  Entry Next();

  // After kType, kHelp, kUnit: the family's name without quotes, otherwise as written.
  std::string_view family() const { return family_; }
  // After kHelp, kUnit, kComment: as written.
  std::string_view text() const { return text_; }
  // After kHelp: the text with its escapes undone.
  std::string Help() const;
  // Of the last kType; kUnknown before the first. Stays in force until the next one, also for
  // samples of other families, as in Prometheus.
  model::MetricType type() const { return type_; }

  // After kSample: everything before the value: `name{...}` with the blanks around and in it.
  std::string_view series() const { return series_; }
  double value() const { return value_; }
  std::optional<Timestamp> time() const { return time_; }

  // Adds name and labels, escapes undone, empty values kept, to `labels`; le of histograms and
  // quantile of summaries in the form of OpenMetrics ("1" becomes "1.0"). kInvalid when a name
  // comes twice.
  Status AddLabels(model::LabelsBuilder& labels);

  struct Exemplar {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
    std::optional<Timestamp> time;
  };
  // After kSample of OpenMetrics.
  bool has_exemplar() const { return has_exemplar_; }
  Exemplar GetExemplar() const;

  // kInvalid: "line 3: expected value after metric, got ...".
  const Status& error() const { return error_; }

  // For callers that know lines by heart. What has not been read yet; begins at a line's start.
  std::string_view rest() const { return std::string_view(p_, static_cast<size_t>(end_ - p_)); }
  // As Next(), given that rest() begins with the `length` bytes of a series that Next() has
  // returned before: they are not looked at, series() is them, and AddLabels must not be called.
  Entry NextAfterSeries(size_t length);
  // Skips `length` bytes of rest() that are whole lines and hold no sample; `type` is what type()
  // was after them before.
  void Skip(size_t length, model::MetricType type) {
    p_ += length;
    type_ = type;
  }

 private:
  using Pair = std::pair<std::string_view, std::string_view>;  // as written, without the quotes
  enum class Token : uint8_t;
  struct Lexeme;

  Entry NextText();
  Entry NextOpenMetrics();
  // Each parses from `at` on and returns where it ended, null after an error.
  const char* TextMetadata(const char* at, Entry& entry);
  const char* OpenMetricsMetadata(const char* at, Entry& entry);
  const char* MetadataName(const char* at, std::string_view keyword);
  const char* Series(const char* at);
  const char* LabelPairs(const char* at, std::vector<Pair>& pairs, std::string_view* name);
  const char* TextTail(const char* at);
  const char* OpenMetricsTail(const char* at);
  const char* ExemplarTail(const char* at);
  const char* FloatToken(const char* at, double& value);
  const char* SecondsToken(const char* at, std::string_view what, std::optional<Timestamp>& time);
  Lexeme LexLabel(const char* at, bool value) const;
  const char* SkipBlanks(const char* at) const;
  const char* QuotedEnd(const char* at, bool newlines) const;
  const char* LineEnd(const char* at) const;

  // These make the parser fail: "line 3: <what>". The second form adds the text that was found
  // instead, one byte more than the lexeme, and the line so far.
  const char* Fail(std::string what);
  const char* Fail(std::string_view expected, const Lexeme& got);
  std::string_view SoFar(const char* until) const;

  const char* p_;
  const char* const begin_;
  const char* const end_;
  const PageFormat format_;
  model::MetricType type_ = model::MetricType::kUnknown;
  bool has_exemplar_ = false;
  std::string_view family_;
  std::string_view text_;
  std::string_view series_;
  double value_ = 0;
  std::optional<Timestamp> time_;
  std::string_view name_;
  std::vector<Pair> labels_;
  std::vector<Pair> exemplar_labels_;
  double exemplar_value_ = 0;
  std::optional<Timestamp> exemplar_time_;
  Status error_;
};

}  // namespace canopy::exposition

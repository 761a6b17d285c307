#pragma once

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/exposition/escape.h"
#include "canopy/model/labels.h"
#include "canopy/model/symbols.h"

namespace canopy::federation {

// Renders lines of one page: name{labels} value time. Looking up strings and escaping them is what
// a page of a million lines would spend its time on: neighbouring series mostly share labels, so a
// label's text is taken from the line before when the symbols are the same, and names are rendered
// once. Not thread-safe.
class SeriesLine {
 public:
  // `extras` are appended to series that have no label of that name; sorted by name.
  SeriesLine(const std::vector<model::LabelView>& extras, exposition::Escaping escaping);

  // The lines that follow belong to this metric. False, and no line may follow, when the name
  // cannot be exposed.
  bool StartFamily(std::string_view name);
  // `type`: "untyped", "histogram".
  void AppendTypeLine(std::string_view type, std::string& out) const;
  void Append(const model::SeriesLabelsView& labels, Timestamp time, double value,
              std::string& out) {
    AppendPart(labels, "", "", time, value, out);
  }
  // A series of a classic histogram: `suffix` goes behind the name, and `bound`, unless it is
  // empty, into a label `le` behind the others.
  void AppendPart(const model::SeriesLabelsView& labels, std::string_view suffix,
                  std::string_view bound, Timestamp time, double value, std::string& out);

 private:
  struct Extra {
    std::string name;
    std::string text;                     // name="value",
    std::optional<model::Symbol> symbol;  // of the name, in source_
  };
  // Texts of the labels of one line, one after the other, each ending in a comma.
  struct LabelTexts {
    std::vector<model::SymbolPair> pairs;
    std::vector<size_t> ends;  // of each pair's text
    std::string text;
  };

  void SetSource(const model::SymbolSource& source);
  void RenderLabels(model::SymbolPairs pairs);
  bool Has(const Extra& extra) const;
  // name=" as in a line, or nothing for the metric's name.
  std::string LabelStart(std::string_view name) const;

  const exposition::Escaping escaping_;
  std::vector<Extra> extras_;
  std::string name_;         // escaped, as at the start of a line; empty when it stands in braces
  std::string quoted_name_;  // "a.b", with its quotes and a comma, when it stands in braces
  const model::SymbolSource* source_ = nullptr;                   // that all symbols here belong to
  absl::flat_hash_map<model::Symbol, std::string> label_starts_;  // by name
  LabelTexts line_;
  LabelTexts previous_;
};

}  // namespace canopy::federation

#pragma once

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
// a page of a million lines would spend its time on: neighbouring series mostly share labels, so
// what stands at a label's place in the line before is kept. Not thread-safe.
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
  // A label at its place in the line.
  struct Place {
    std::optional<model::SymbolPair> pair;
    std::string text;       // name="value", or nothing for the metric's name
    size_t value_from = 0;  // in text
  };

  void SetSource(const model::SymbolSource& source);
  void AppendLabels(model::SymbolPairs pairs, std::string& out);
  void Fill(Place& place, model::SymbolPair pair);
  // Texts of the extras that series with these names lack.
  void ChooseExtras(model::SymbolPairs pairs);
  // name=" as in a line, or nothing for the metric's name.
  std::string LabelStart(std::string_view name) const;

  const exposition::Escaping escaping_;
  std::vector<Extra> extras_;
  std::string name_;         // escaped, as at the start of a line; empty when it stands in braces
  std::string quoted_name_;  // "a.b", with its quotes and a comma, when it stands in braces
  const model::SymbolSource* source_ = nullptr;  // that all symbols here belong to
  std::vector<Place> places_;
  size_t used_places_ = 0;     // in the line before
  bool names_changed_ = true;  // since the extras were chosen
  std::string chosen_extras_;
  Timestamp time_ = Timestamp::Min();
  std::string time_text_;  // of time_, with the line's end
};

}  // namespace canopy::federation

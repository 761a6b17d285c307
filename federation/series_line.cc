#include "federation/series_line.h"

#include <algorithm>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/exposition/format.h"

namespace canopy::federation {

SeriesLine::SeriesLine(const std::vector<model::LabelView>& extras, exposition::Escaping escaping)
    : escaping_(escaping) {
  for (const model::LabelView& label : extras) {
    Extra extra{std::string(label.name), LabelStart(label.name), {}};
    exposition::AppendEscaped(extra.text, label.value);
    extra.text += "\",";
    extras_.push_back(std::move(extra));
  }
}

bool SeriesLine::StartFamily(std::string_view name) {
  if (!model::IsValidUtf8(name)) return false;
  std::string escaped = exposition::EscapeName(name, escaping_);
  name_.clear();
  quoted_name_.clear();
  if (model::IsLegacyMetricName(escaped)) {
    name_ = std::move(escaped);
  } else {
    quoted_name_ = '"';
    exposition::AppendEscaped(quoted_name_, escaped);
    quoted_name_ += "\",";
  }
  return true;
}

void SeriesLine::AppendTypeLine(std::string_view type, std::string& out) const {
  out += "# TYPE ";
  out += name_;
  out.append(quoted_name_, 0, quoted_name_.empty() ? 0 : quoted_name_.size() - 1);
  out += ' ';
  out += type;
  out += '\n';
}

std::string SeriesLine::LabelStart(std::string_view name) const {
  const std::string escaped = exposition::EscapeName(name, escaping_);
  std::string out;
  if (model::IsLegacyLabelName(escaped)) {
    out = escaped;
  } else {
    out = '"';
    exposition::AppendEscaped(out, escaped);
    out += '"';
  }
  return out += "=\"";
}

void SeriesLine::SetSource(const model::SymbolSource& source) {
  source_ = &source;
  for (Place& place : places_) place.pair.reset();
  for (Extra& extra : extras_) extra.symbol = source.Find(extra.name);
}

void SeriesLine::Fill(Place& place, model::SymbolPair pair) {
  const std::string_view name = source_->Lookup(pair.name);
  if (!place.pair || place.pair->name != pair.name) {
    names_changed_ = true;
    place.text.clear();
    if (name != model::kMetricName) place.text = LabelStart(name);
    place.value_from = place.text.size();
  }
  place.pair = pair;
  if (place.value_from == 0) return;
  place.text.resize(place.value_from);
  exposition::AppendEscaped(place.text, source_->Lookup(pair.value));
  place.text += "\",";
}

void SeriesLine::ChooseExtras(model::SymbolPairs pairs) {
  names_changed_ = false;
  chosen_extras_.clear();
  for (const Extra& extra : extras_) {
    const bool has = extra.symbol && std::ranges::any_of(pairs, [&](model::SymbolPair pair) {
                       return pair.name == *extra.symbol;
                     });
    if (!has) chosen_extras_ += extra.text;
  }
}

void SeriesLine::AppendLabels(model::SymbolPairs pairs, std::string& out) {
  if (pairs.size() > places_.size()) places_.resize(pairs.size());
  names_changed_ |= pairs.size() != std::exchange(used_places_, pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    Place& place = places_[i];
    if (place.pair != pairs[i]) Fill(place, pairs[i]);
    out += place.text;
  }
  if (names_changed_) ChooseExtras(pairs);
  out += chosen_extras_;
}

void SeriesLine::AppendPart(const model::SeriesLabelsView& labels, std::string_view suffix,
                            std::string_view bound, Timestamp time, double value,
                            std::string& out) {
  if (&labels.symbols() != source_) SetSource(labels.symbols());
  if (!name_.empty()) out.append(name_).append(suffix);
  const size_t brace = out.size();
  out += '{';
  if (!quoted_name_.empty()) {
    out.append(quoted_name_, 0, quoted_name_.size() - 2);
    out.append(suffix).append("\",");
  }
  AppendLabels(labels.pairs(), out);
  if (!bound.empty()) out.append(model::kBucketBound).append("=\"").append(bound).append("\",");
  if (out.size() == brace + 1) {
    out.pop_back();
  } else {
    out.back() = '}';  // the last label's comma
  }
  out += ' ';
  // Both zeros are "0", as in every text page.
  base::AppendFloatShortest(out, value == 0 ? 0 : value);
  // Series of one target have one time.
  if (time != time_ || time_text_.empty()) {
    time_ = time;
    time_text_ = ' ';
    base::AppendInt(time_text_, time.ms());
    time_text_ += '\n';
  }
  out += time_text_;
}

}  // namespace canopy::federation

#include "federation/series_line.h"

#include <utility>

#include "canopy/base/number.h"
#include "canopy/exposition/format.h"

namespace canopy::federation {

SeriesLine::SeriesLine(const std::vector<model::LabelView>& extras, exposition::Escaping escaping)
    : escaping_(escaping) {
  for (const model::LabelView& label : extras) {
    Extra extra{std::string(label.name), {}};
    AppendLabel(label.name, label.value, extra.text);
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

void SeriesLine::AppendLabel(std::string_view name, std::string_view value,
                             std::string& out) const {
  const std::string escaped = exposition::EscapeName(name, escaping_);
  if (model::IsLegacyLabelName(escaped)) {
    out += escaped;
  } else {
    out += '"';
    exposition::AppendEscaped(out, escaped);
    out += '"';
  }
  out += "=\"";
  exposition::AppendEscaped(out, value);
  out += "\",";
}

void SeriesLine::RenderLabels(const model::SeriesLabelsView& labels) {
  std::swap(line_, previous_);
  if (&labels.symbols() != source_) {
    source_ = &labels.symbols();
    previous_.pairs.clear();
  }
  line_.pairs.assign(labels.pairs().begin(), labels.pairs().end());
  line_.ends.clear();
  line_.text.clear();
  for (size_t i = 0; i < line_.pairs.size(); ++i) {
    const model::SymbolPair pair = line_.pairs[i];
    if (i < previous_.pairs.size() && previous_.pairs[i] == pair) {
      const size_t start = i == 0 ? 0 : previous_.ends[i - 1];
      line_.text.append(previous_.text, start, previous_.ends[i] - start);
    } else if (const std::string_view name = source_->Lookup(pair.name);
               name != model::kMetricName) {
      AppendLabel(name, source_->Lookup(pair.value), line_.text);
    }
    line_.ends.push_back(line_.text.size());
  }
}

void SeriesLine::AppendPart(const model::SeriesLabelsView& labels, std::string_view suffix,
                            std::string_view bound, Timestamp time, double value,
                            std::string& out) {
  RenderLabels(labels);
  if (!name_.empty()) out.append(name_).append(suffix);
  const size_t brace = out.size();
  out += '{';
  if (!quoted_name_.empty()) {
    out.append(quoted_name_, 0, quoted_name_.size() - 2);
    out.append(suffix).append("\",");
  }
  out += line_.text;
  for (const Extra& extra : extras_) {
    if (labels.Get(extra.name).empty()) out += extra.text;
  }
  if (!bound.empty()) out.append(model::kBucketBound).append("=\"").append(bound).append("\",");
  if (out.size() == brace + 1) {
    out.pop_back();
  } else {
    out.back() = '}';  // the last label's comma
  }
  out += ' ';
  // Both zeros are "0", as in every text page.
  base::AppendFloatShortest(out, value == 0 ? 0 : value);
  out += ' ';
  base::AppendInt(out, time.ms());
  out += '\n';
}

}  // namespace canopy::federation

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
  line_.pairs.clear();
  label_starts_.clear();
  for (Extra& extra : extras_) extra.symbol = source.Find(extra.name);
}

void SeriesLine::RenderLabels(model::SymbolPairs pairs) {
  std::swap(line_, previous_);
  line_.pairs.resize(pairs.size());
  line_.ends.resize(pairs.size());
  line_.text.clear();
  for (size_t i = 0; i < pairs.size(); ++i) {
    const model::SymbolPair pair = line_.pairs[i] = pairs[i];
    if (i < previous_.pairs.size() && previous_.pairs[i] == pair) {
      const size_t start = i == 0 ? 0 : previous_.ends[i - 1];
      line_.text.append(previous_.text, start, previous_.ends[i] - start);
    } else {
      const auto [name, is_new] = label_starts_.try_emplace(pair.name);
      if (is_new && source_->Lookup(pair.name) != model::kMetricName)
        name->second = LabelStart(source_->Lookup(pair.name));
      if (!name->second.empty()) {
        line_.text += name->second;
        exposition::AppendEscaped(line_.text, source_->Lookup(pair.value));
        line_.text += "\",";
      }
    }
    line_.ends[i] = line_.text.size();
  }
}

bool SeriesLine::Has(const Extra& extra) const {
  return extra.symbol && std::ranges::any_of(line_.pairs, [&](model::SymbolPair pair) {
           return pair.name == *extra.symbol;
         });
}

void SeriesLine::AppendPart(const model::SeriesLabelsView& labels, std::string_view suffix,
                            std::string_view bound, Timestamp time, double value,
                            std::string& out) {
  if (&labels.symbols() != source_) SetSource(labels.symbols());
  RenderLabels(labels.pairs());
  if (!name_.empty()) out.append(name_).append(suffix);
  const size_t brace = out.size();
  out += '{';
  if (!quoted_name_.empty()) {
    out.append(quoted_name_, 0, quoted_name_.size() - 2);
    out.append(suffix).append("\",");
  }
  out += line_.text;
  for (const Extra& extra : extras_) {
    if (!Has(extra)) out += extra.text;
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

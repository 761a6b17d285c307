#include "series_labels.h"

#include "canopy/base/quote.h"

namespace canopy::promql {
namespace {

void AppendLength(std::string& out, size_t n) {
  const auto length = static_cast<uint32_t>(n);
  out.append(reinterpret_cast<const char*>(&length), sizeof(length));
}

}  // namespace

bool IsMetadataLabel(std::string_view name) {
  return name.starts_with("__") &&
         (name == model::kMetricName || name == model::kMetricType || name == model::kMetricUnit);
}

std::string_view SeriesLabels::Get(std::string_view name) const {
  if (Hides(name)) return {};
  if (built_) return built_->Get(name);
  return model::SeriesLabelsView(*symbols_, pairs_).Get(name);
}

model::Labels SeriesLabels::Build() const {
  if (built_ && hidden_ == Hidden::kNothing) return *built_;
  std::vector<model::LabelView> kept;
  kept.reserve(pairs_.size());
  ForEach([&](std::string_view name, std::string_view value) { kept.push_back({name, value}); });
  return model::Labels::FromSorted(kept);
}

void AppendLabelKey(std::string& key, std::string_view name, std::string_view value) {
  AppendLength(key, name.size());
  key += name;
  AppendLength(key, value.size());
  key += value;
}

std::string LabelsKey(const SeriesLabels& labels) {
  std::string key;
  labels.ForEach(
      [&](std::string_view name, std::string_view value) { AppendLabelKey(key, name, value); });
  return key;
}

std::string InBraces(const SeriesLabels& labels) {
  std::string out = "{";
  labels.ForEach([&](std::string_view name, std::string_view value) {
    if (out.size() > 1) out += ", ";
    if (model::IsLegacyLabelName(name)) {
      out += name;
    } else {
      base::AppendQuoted(out, name);
    }
    out += '=';
    base::AppendQuoted(out, value);
  });
  return out += "}";
}

}  // namespace canopy::promql

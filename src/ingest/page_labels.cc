#include "page_labels.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::ingest {
namespace {

constexpr std::string_view kExported = "exported_";

void AttachHonoring(const model::Labels& target, model::LabelsBuilder& labels) {
  // An explicit empty value counts as present: a federated aggregate without instance stays so.
  for (const model::LabelView l : target)
    if (!labels.Has(l.name)) labels.Set(l.name, l.value);
}

void AttachOverriding(const model::Labels& target, model::LabelsBuilder& labels) {
  std::vector<std::pair<std::string, std::string>> displaced;
  for (const model::LabelView l : target) {
    const std::string_view theirs = labels.Get(l.name);
    if (!theirs.empty()) displaced.emplace_back(l.name, theirs);
    labels.Set(l.name, l.value);
  }
  // Shorter names first: exported_job must not take the place of an exposed exported_job.
  std::stable_sort(displaced.begin(), displaced.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (auto& [name, value] : displaced) {
    do name.insert(0, kExported);
    while (!labels.Get(name).empty());
    labels.Set(name, value);
  }
}

std::vector<std::string> EmptyNames(const model::LabelsBuilder& labels) {
  std::vector<std::string> names;
  for (const auto& [name, value] : labels.items())
    if (value.empty()) names.push_back(name);
  return names;
}

// Values are UTF-8 already: the parser and the target's labels see to it, and relabelling keeps it.
bool HasValidNames(const model::Labels& labels, model::NameValidation scheme) {
  for (const model::LabelView l : labels) {
    if (!model::IsValidLabelName(l.name, scheme)) return false;
    if (l.name == model::kMetricName && !model::IsValidMetricName(l.value, scheme)) return false;
  }
  return true;
}

// As Go's %.50s: at most 50 code points.
std::string_view First50(std::string_view text) {
  size_t at = 0;
  for (int runes = 0; runes < 50 && at < text.size(); ++runes) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return text.substr(0, at);
}

void AppendField(std::string& out, std::string_view key, uint64_t value) {
  out.append(", ").append(key).append(": ");
  base::AppendUint(out, value);
}

Status LimitError(std::string_view limit_name, const model::Labels& labels, std::string detail,
                  std::string_view unit, uint64_t found, uint64_t limit) {
  std::string m(limit_name);
  m.append(" exceeded (metric: ").append(First50(labels.metric_name())).append(detail);
  AppendField(m, unit, found);
  AppendField(m, "limit", limit);
  return Status::Limit(std::move(m.append(")")));
}

Status CheckLimits(const PageRules& rules, const model::Labels& labels) {
  if (rules.label_limit != 0) {
    const size_t count = labels.size();
    if (count > rules.label_limit)
      return LimitError("label_limit", labels, "", "number of labels", count, rules.label_limit);
  }
  const uint64_t max_name = rules.label_name_length_limit;
  const uint64_t max_value = rules.label_value_length_limit;
  if (max_name == 0 && max_value == 0) return {};
  for (const model::LabelView l : labels) {
    std::string detail = ", label name: ";
    if (max_name != 0 && l.name.size() > max_name) {
      return LimitError("label_name_length_limit", labels,
                        std::move(detail.append(First50(l.name))), "length", l.name.size(),
                        max_name);
    }
    if (max_value != 0 && l.value.size() > max_value) {
      detail.append(First50(l.name)).append(", value: ");
      base::AppendQuoted(detail, First50(l.value));
      return LimitError("label_value_length_limit", labels, std::move(detail), "length",
                        l.value.size(), max_value);
    }
  }
  return {};
}

}  // namespace

LabelFate FinishLabels(const PageRules& rules, const model::Labels& target,
                       model::LabelsBuilder& labels, model::Labels& out, Status& error) {
  const std::vector<std::string> empty = EmptyNames(labels);
  if (rules.honor_labels) {
    AttachHonoring(target, labels);
  } else {
    AttachOverriding(target, labels);
  }
  // From here on an empty value is no label.
  for (const std::string& name : empty)
    if (labels.Get(name).empty()) labels.Del(name);
  if (!rules.metric_relabel.Apply(labels)) return LabelFate::kDropped;
  out = labels.Build();
  if (out.empty()) return LabelFate::kDropped;
  if (out.metric_name().empty()) {
    error = Status::Invalid("missing metric name (__name__ label)");
    return LabelFate::kInvalid;
  }
  if (!HasValidNames(out, rules.names)) {
    error = Status::Invalid("invalid metric name or label names: " + out.ToString());
    return LabelFate::kInvalid;
  }
  error = CheckLimits(rules, out);
  return error.ok() ? LabelFate::kKept : LabelFate::kLimitExceeded;
}

void SetTypeAndUnit(model::MetricType type, std::string_view unit, model::LabelsBuilder& labels) {
  if (type != model::MetricType::kUnknown)
    labels.Set(model::kMetricType, model::MetricTypeText(type));
  if (!unit.empty()) labels.Set(model::kMetricUnit, unit);
}

model::Labels ReportLabels(std::string_view name, const model::Labels& target) {
  model::LabelsBuilder labels(target);
  labels.Set(model::kMetricName, name);
  return labels.Build();
}

}  // namespace canopy::ingest

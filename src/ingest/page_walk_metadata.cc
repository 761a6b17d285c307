// What the lines of a text page say of families, as far as it decides what becomes of their series.

#include "page_labels.h"
#include "page_walk.h"

namespace canopy::ingest {
namespace {

// Prometheus takes what was said last for whatever comes next, of other families as well. That is a
// wrong label then: here names decide.
bool IsLineOf(std::string_view name, std::string_view family, model::MetricType type) {
  if (IsOfFamily(name, family, type)) return true;
  constexpr std::string_view kCreated = "_created";
  return StartTimes::IsCreated(name, type) &&
         name.substr(0, name.size() - kCreated.size()) == family;
}

}  // namespace

void PageWalk::NoteType(std::string_view family, model::MetricType type, uint64_t family_tag) {
  type_family_ = family;
  type_lines_ = {};
  type_tag_ = family_tag;
  const bool matters = takes_created_ ||
                       (rules_.type_and_unit_labels && type != model::MetricType::kUnknown) ||
                       (rules_.convert_classic_histograms && type == model::MetricType::kHistogram);
  type_salt_ = matters ? (family_tag << 4 | static_cast<uint64_t>(type)) * kHashFactor : 0;
  SetSalt();
}

void PageWalk::NoteUnit(std::string_view family, std::string_view unit) {
  unit_ = unit;
  unit_family_ = family;
  unit_tag_ = Entry::FamilyTag(HashLines(family));
  unit_is_last_ = true;
}

// Lines that have been known by heart. Few families have a unit.
void PageWalk::RereadUnit(std::string_view lines) {
  exposition::PageParser parser(lines, format_);
  for (auto line = parser.Next();
       line != exposition::Entry::kEnd && line != exposition::Entry::kError; line = parser.Next()) {
    if (line == exposition::Entry::kType) unit_is_last_ = false;
    if (line == exposition::Entry::kUnit) NoteUnit(parser.family(), parser.text());
  }
  SetSalt();
}

void PageWalk::SetSalt() {
  salt_ = type_salt_;
  if (HasUnit()) salt_ ^= HashLines(unit_) + unit_tag_ * kHashFactor;
}

// Of the last TYPE. Lines that have been known by heart are read for a new line only.
std::string_view PageWalk::TypeFamily() {
  if (type_lines_.empty()) return type_family_;
  exposition::PageParser lines(type_lines_, format_);
  for (auto line = lines.Next();
       line != exposition::Entry::kEnd && line != exposition::Entry::kError; line = lines.Next())
    if (line == exposition::Entry::kType) type_family_ = lines.family();
  type_lines_ = {};
  return type_family_;
}

void PageWalk::AddTypeAndUnit() {
  if (!rules_.type_and_unit_labels) return;
  const std::string name(memory_.labels.Get(model::kMetricName));
  model::MetricType type = parser_.type();
  if (type != model::MetricType::kUnknown && !IsLineOf(name, TypeFamily(), type))
    type = model::MetricType::kUnknown;
  const bool same_family = unit_tag_ == type_tag_;
  const bool with_unit =
      HasUnit() &&
      IsLineOf(name, unit_family_, same_family ? parser_.type() : model::MetricType::kUnknown);
  SetTypeAndUnit(type, with_unit ? unit_ : "", memory_.labels);
}

}  // namespace canopy::ingest

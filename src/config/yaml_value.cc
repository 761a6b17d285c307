#include "config/yaml_value.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "canopy/base/fs.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/base/size.h"

namespace canopy::config {
namespace {

std::optional<bool> ParseBool(std::string_view text) {
  // YAML 1.1's words, which Prometheus's reader takes.
  constexpr std::array<std::string_view, 11> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                                      "on",   "On",   "ON",   "y",   "Y"};
  constexpr std::array<std::string_view, 11> kFalse = {"false", "False", "FALSE", "no", "No", "NO",
                                                       "off",   "Off",   "OFF",   "n",  "N"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

std::string_view KindText(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kScalar:
      break;
  }
  if (!node.plain) return "a string";
  if (ParseBool(node.text)) return "a boolean";
  return base::ParseFloat(node.text) ? "a number" : "a string";
}

// An integer as YAML writes it: decimal, 0x, 0o, 0b, with "_" between digits, or a float without a
// fraction.
std::optional<double> ParseWhole(std::string text) {
  std::erase(text, '_');
  const bool octal = text.starts_with("0o");
  if (octal || text.starts_with("0b")) {
    double out = 0;
    for (const char c : text.substr(2)) {
      if (c < '0' || c > (octal ? '7' : '1')) return std::nullopt;
      out = out * (octal ? 8 : 2) + (c - '0');
    }
    return text.size() > 2 ? std::optional(out) : std::nullopt;
  }
  if (text.starts_with("0x")) text += "p0";
  const std::optional<double> number = base::ParseFloat(text);
  return number && std::isfinite(*number) && std::trunc(*number) == *number ? number : std::nullopt;
}

std::optional<std::string> PlainText(const Value& from, std::string_view expected) {
  std::optional<std::string> text = from.Text(expected);
  if (text && !from.node().plain) {
    from.Mismatch(expected);
    return std::nullopt;
  }
  return text;
}

// Exact beyond 2^53 where the text is plain decimal.
template <class T, class Parse>
void ReadInteger(const Value& from, std::string_view expected, Parse parse, T& to) {
  if (from.is_null()) {
    to = 0;
    return;
  }
  const std::optional<std::string> text = PlainText(from, expected);
  if (!text) return;
  if (const std::optional<T> exact = parse(*text)) {
    to = *exact;
    return;
  }
  const std::optional<double> whole = ParseWhole(*text);
  // 2^53: up to there every integer is a double.
  if (!whole || std::abs(*whole) > 0x1p53 || (!std::is_signed_v<T> && *whole < 0)) {
    from.Error("expected " + std::string(expected) + ", got " + base::Quoted(*text));
    return;
  }
  to = static_cast<T>(*whole);
}

}  // namespace

bool MeansSomethingElse(const std::string& text) {
  return IsNullText(text) || ParseBool(text) || ParseWhole(text) || base::ParseFloat(text);
}

bool Value::asks_for_nothing() const {
  return node_->text.empty() && node_->items.empty() && node_->entries.empty();
}

const YamlEntry* Value::Find(std::string_view key) const {
  const auto it = std::find_if(node_->entries.begin(), node_->entries.end(),
                               [&](const YamlEntry& e) { return e.key == key; });
  return it == node_->entries.end() ? nullptr : &*it;
}

Value Value::ValueOf(const YamlEntry& entry) const {
  return Value(entry.value, JoinKey(path_, entry.key), entry.line, *source_);
}

Value Value::At(std::string_view key) const {
  const YamlEntry* entry = Find(key);
  return entry != nullptr ? ValueOf(*entry) : *this;
}

std::vector<Value> Value::Items() const {
  std::vector<Value> out;
  if (kind() != YamlNode::Kind::kList && !is_null()) Mismatch("a list");
  for (const YamlNode& item : node_->items) {
    out.emplace_back(item, IndexKey(path_, out.size()), item.line, *source_);
  }
  return out;
}

std::vector<std::pair<std::string, Value>> Value::Entries() const {
  std::vector<std::pair<std::string, Value>> out;
  if (kind() != YamlNode::Kind::kMap && !is_null()) Mismatch("a map");
  for (const YamlEntry& entry : node_->entries) out.emplace_back(entry.key, ValueOf(entry));
  return out;
}

std::optional<std::string> Value::Text(std::string_view expected) const {
  if (kind() == YamlNode::Kind::kScalar) return node_->text;
  Mismatch(expected);
  return std::nullopt;
}

void Value::Error(std::string message) const {
  source_->findings->errors.push_back({source_->file, line_, path_, std::move(message), false});
}

void Value::Mismatch(std::string_view expected) const {
  Error("expected " + std::string(expected) + ", got " + std::string(KindText(*node_)));
}

void Value::Unsupported(std::string_view what) const {
  std::string message(what);
  message += what.empty() ? "not supported yet" : " is not supported yet";
  source_->findings->errors.push_back({source_->file, line_, path_, std::move(message), true});
}

void Value::Notice(std::string message) const {
  source_->findings->notices.push_back({source_->file, line_, path_, std::move(message), false});
}

void Read(const Value& from, std::string& to) {
  if (from.is_null()) {
    to.clear();
  } else if (std::optional<std::string> text = from.Text("a string")) {
    to = std::move(*text);
  }
}

void Read(const Value& from, bool& to) {
  if (from.is_null()) {
    to = false;
    return;
  }
  const std::optional<std::string> text = PlainText(from, "true or false");
  if (!text) return;
  if (const std::optional<bool> parsed = ParseBool(*text)) {
    to = *parsed;
  } else {
    from.Mismatch("true or false");
  }
}

void Read(const Value& from, int64_t& to) {
  ReadInteger(from, "a whole number", base::ParseInt, to);
}

void Read(const Value& from, uint64_t& to) {
  ReadInteger(from, "a whole number that is not negative", base::ParseUint, to);
}

void Read(const Value& from, double& to) {
  if (from.is_null()) {
    to = 0;
    return;
  }
  const std::optional<std::string> text = PlainText(from, "a number");
  if (!text) return;
  if (const std::optional<double> number = base::ParseFloat(*text)) {
    to = *number;
  } else {
    from.Mismatch("a number");
  }
}

void Read(const Value& from, Duration& to) {
  if (from.is_null()) {
    to = Duration(0);
    return;
  }
  const std::optional<std::string> text = from.Text("a duration such as 15s");
  if (!text) return;
  Result<Duration> parsed = ParseDuration(*text);
  if (parsed.ok()) {
    to = *parsed;
  } else {
    from.Error(parsed.status().message());
  }
}

void ReadSize(const Value& from, uint64_t& to) {
  if (from.is_null()) {
    to = 0;
    return;
  }
  const std::optional<std::string> text = from.Text("a size such as 512MB");
  if (!text) return;
  // A number without a unit is most likely a mistake, and Prometheus takes it for one.
  if (*text != "0" && !text->empty() && !text->ends_with('B')) {
    from.Error("units: unknown unit in " + *text);
    return;
  }
  Result<uint64_t> parsed = base::ParseSize(*text);
  if (parsed.ok()) {
    to = *parsed;
  } else {
    from.Error(parsed.status().message());
  }
}

void ReadPath(const Value& from, std::string& to) {
  Read(from, to);
  if (!to.empty() && from.source().dir != ".") to = JoinPath(from.source().dir, to);
}

void ReadPaths(const Value& from, std::vector<std::string>& to) {
  to.clear();
  for (const Value& item : from.Items()) ReadPath(item, to.emplace_back());
}

}  // namespace canopy::config

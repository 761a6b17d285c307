#include "canopy/app/flags.h"

#include <algorithm>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/size.h"

namespace canopy::app {
namespace {

std::string_view Expected(FlagKind kind) {
  switch (kind) {
    case FlagKind::kBool:
      return "true or false";
    case FlagKind::kInt:
      return "a whole number";
    case FlagKind::kFloat:
      return "a number";
    case FlagKind::kDuration:
      return "a duration such as 30s or 1h30m";
    case FlagKind::kSize:
      return "a size such as 512MB";
    case FlagKind::kText:
    case FlagKind::kList:
      return "a text";
  }
  return "";
}

bool Fits(FlagKind kind, const std::string& text) {
  switch (kind) {
    case FlagKind::kBool:
      return text == "true" || text == "false";
    case FlagKind::kInt:
      return base::ParseInt(text).has_value();
    case FlagKind::kFloat:
      return base::ParseFloat(text).has_value();
    case FlagKind::kDuration:
      return ParseDuration(text).ok();
    case FlagKind::kSize:
      return text.empty() || base::ParseSize(text).ok();
    case FlagKind::kText:
    case FlagKind::kList:
      return true;
  }
  return false;
}

}  // namespace

FlagSet::FlagSet(std::span<const FlagSpec> specs) {
  for (const FlagSpec& spec : specs) {
    Value value{.spec = &spec, .text = std::string(spec.default_text), .list = {}};
    if (spec.kind == FlagKind::kList && !spec.default_text.empty()) {
      value.list.emplace_back(spec.default_text);
    }
    values_.emplace(spec.name, std::move(value));
  }
}

Status FlagSet::Set(Value& value, const std::string& text) {
  const FlagSpec& spec = *value.spec;
  const std::string flag = "--" + std::string(spec.name);
  if (spec.role == FlagRole::kNotSupported) {
    return Status::Unsupported(flag + ": not supported yet");
  }
  if (!Fits(spec.kind, text)) {
    return Status::Invalid(flag + ": expected " + std::string(Expected(spec.kind)) + ", got \"" +
                           text + "\"");
  }
  if (spec.kind == FlagKind::kList) {
    if (!value.given) value.list.clear();
    value.list.push_back(text);
  } else if (value.given) {
    return Status::Invalid("flag '" + std::string(spec.name) + "' cannot be repeated");
  } else {
    value.text = text;
  }
  value.given = true;
  return {};
}

Status FlagSet::Parse(std::span<const std::string> args, std::vector<std::string>* rest) {
  bool only_rest = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (only_rest || !arg.starts_with("--")) {
      if (rest == nullptr) return Status::Invalid("unexpected argument \"" + arg + "\"");
      rest->push_back(arg);
      continue;
    }
    if (arg == "--" && rest != nullptr) {
      only_rest = true;
      continue;
    }
    const size_t equals = arg.find('=');
    const std::string name = arg.substr(2, equals == std::string::npos ? equals : equals - 2);
    auto it = values_.find(name);
    std::string text;
    if (it != values_.end() && it->second.spec->kind == FlagKind::kBool) {
      text = equals == std::string::npos ? "true" : arg.substr(equals + 1);
    } else if (it == values_.end() && name.starts_with("no-") &&
               (it = values_.find(std::string_view(name).substr(3))) != values_.end() &&
               it->second.spec->kind == FlagKind::kBool && equals == std::string::npos) {
      text = "false";
    } else if (it == values_.end() || name.starts_with("no-")) {
      return Status::Invalid("unknown long flag '--" + name + "'");
    } else if (equals != std::string::npos) {
      text = arg.substr(equals + 1);
    } else if (i + 1 < args.size()) {
      text = args[++i];
    } else {
      return Status::Invalid("expected argument for flag '--" + name + "'");
    }
    CANOPY_RETURN_IF_ERROR(Set(it->second, text));
  }
  return {};
}

const FlagSet::Value& FlagSet::Get(std::string_view name, FlagKind kind) const {
  const auto it = values_.find(name);
  CANOPY_CHECK(it != values_.end() && it->second.spec->kind == kind);
  return it->second;
}

bool FlagSet::Bool(std::string_view name) const {
  return Get(name, FlagKind::kBool).text == "true";
}

const std::string& FlagSet::Text(std::string_view name) const {
  return Get(name, FlagKind::kText).text;
}

int64_t FlagSet::Int(std::string_view name) const {
  return *base::ParseInt(Get(name, FlagKind::kInt).text);
}

double FlagSet::Float(std::string_view name) const {
  return *base::ParseFloat(Get(name, FlagKind::kFloat).text);
}

Duration FlagSet::Time(std::string_view name) const {
  return *ParseDuration(Get(name, FlagKind::kDuration).text);
}

uint64_t FlagSet::Size(std::string_view name) const {
  const std::string& text = Get(name, FlagKind::kSize).text;
  return text.empty() ? 0 : *base::ParseSize(text);
}

const std::vector<std::string>& FlagSet::List(std::string_view name) const {
  return Get(name, FlagKind::kList).list;
}

bool FlagSet::given(std::string_view name) const {
  const auto it = values_.find(name);
  return it != values_.end() && it->second.given;
}

std::vector<std::string> FlagSet::WithoutMeaning() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) {
    if (value.given && value.spec->role == FlagRole::kNoMeaning) names.emplace_back(name);
  }
  return names;
}

std::map<std::string, std::string> FlagSet::All() const {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : values_) {
    std::string text = value.text;
    if (value.spec->kind == FlagKind::kList) {
      text.clear();
      for (const std::string& item : value.list) text += (text.empty() ? "" : ",") + item;
    }
    all.emplace(name, std::move(text));
  }
  return all;
}

std::string FlagSet::Help() const {
  std::string out;
  for (const auto& [name, value] : values_) {
    const FlagSpec& spec = *value.spec;
    if (spec.hidden || spec.role != FlagRole::kActive) continue;
    std::string left = "  --";
    if (spec.kind == FlagKind::kBool) left += "[no-]";
    left += name;
    if (spec.kind != FlagKind::kBool) {
      left += '=';
      left += spec.default_text.empty() ? std::string_view("VALUE") : spec.default_text;
      if (spec.kind == FlagKind::kList) left += " ...";
    }
    out += left;
    if (left.size() >= 48) {
      out += "\n" + std::string(48, ' ');
    } else {
      out += std::string(48 - left.size(), ' ');
    }
    out += spec.help;
    out += '\n';
  }
  return out;
}

}  // namespace canopy::app

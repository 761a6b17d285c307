#include "canopy/model/expansion.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::model {
namespace {

// Out of every regex's reach: what Go gives an unknown name.
constexpr size_t kNoGroup = std::numeric_limits<size_t>::max();

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The reference at the front of `text`, which follows a "$"; "" when there is none. Captures have
// ASCII names, so other letters, which Go would read on over, cannot name one.
struct Reference {
  std::string name;
  size_t length = 0;  // with braces
};
Reference TakeReference(std::string_view text) {
  const bool braces = text.starts_with('{');
  if (braces) text.remove_prefix(1);
  const auto end = std::find_if_not(text.begin(), text.end(), IsWordChar);
  const auto length = static_cast<size_t>(end - text.begin());
  if (length == 0 || (braces && (end == text.end() || *end != '}'))) return {};
  return {std::string(text.substr(0, length)), length + (braces ? 2 : 0)};
}

size_t GroupOf(const std::string& name, const AnchoredRegex& regex) {
  const bool digits =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  // "$01" is a name in Go, not a number, and no name begins with a digit.
  if (digits && (name.size() == 1 || name[0] != '0')) {
    const std::optional<uint64_t> number = base::ParseUint(name);
    return number ? static_cast<size_t>(*number) : kNoGroup;
  }
  return regex.GroupNumber(name).value_or(kNoGroup);
}

}  // namespace

Expansion::Expansion(std::string_view text, const AnchoredRegex& regex) {
  std::string* literal = &head_;
  for (;;) {
    const size_t dollar = text.find('$');
    literal->append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      literal->push_back('$');
      text.remove_prefix(1);
      continue;
    }
    const Reference reference = TakeReference(text);
    if (reference.length == 0) {
      literal->push_back('$');
      continue;
    }
    text.remove_prefix(reference.length);
    parts_.push_back({GroupOf(reference.name, regex), ""});
    literal = &parts_.back().tail;
  }
}

std::string Expansion::Apply(const std::vector<std::string_view>& groups) const {
  std::string out = head_;
  for (const Part& part : parts_) {
    if (part.group < groups.size()) out.append(groups[part.group]);
    out.append(part.tail);
  }
  return out;
}

}  // namespace canopy::model

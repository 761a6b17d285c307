#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"

namespace canopy::app {

enum class FlagKind : unsigned char { kBool, kText, kInt, kFloat, kDuration, kSize, kList };

// What a flag does here. Every flag of Prometheus has a row, so that nothing is silently ignored.
enum class FlagRole : unsigned char {
  kActive,
  kNoMeaning,     // tunes a machinery that Canopy does not have: accepted, with a notice when given
  kNotSupported,  // asks for something that Canopy does not do yet: refused when given
};

struct FlagSpec {
  std::string_view name;  // without the leading dashes
  FlagKind kind;
  std::string_view default_text;
  FlagRole role;
  bool hidden;  // not shown by --help
  std::string_view help;
};

// Flags with Prometheus's names and kingpin's forms: --x=v, --x v, --x and --no-x for switches; a
// flag may be given twice only when it is a list. Not thread-safe while parsing, immutable after.
class FlagSet {
 public:
  // `specs` must outlive the set.
  explicit FlagSet(std::span<const FlagSpec> specs);

  // Takes all of `args` (without the program's name). kInvalid names the flag and what was
  // expected; kUnsupported a flag that Canopy does not support yet. What is no flag goes to `rest`,
  // and is refused when there is none; so does everything after "--".
  Status Parse(std::span<const std::string> args, std::vector<std::string>* rest = nullptr);

  // REQUIRES: the flag exists and has that kind.
  bool Bool(std::string_view name) const;
  const std::string& Text(std::string_view name) const;
  int64_t Int(std::string_view name) const;
  double Float(std::string_view name) const;
  Duration Time(std::string_view name) const;
  uint64_t Size(std::string_view name) const;  // bytes; units are powers of 1024
  const std::vector<std::string>& List(std::string_view name) const;

  bool given(std::string_view name) const;
  // Flags that were given and have no meaning here.
  std::vector<std::string> WithoutMeaning() const;
  // Name and value of every flag, for /api/v1/status/flags.
  std::map<std::string, std::string> All() const;
  // The table for --help.
  std::string Help() const;

 private:
  struct Value {
    const FlagSpec* spec;
    std::string text;
    std::vector<std::string> list;
    bool given = false;
  };
  const Value& Get(std::string_view name, FlagKind kind) const;
  Status Set(Value& value, const std::string& text);

  std::map<std::string_view, Value> values_;
};

// Every flag of Prometheus 3.14, visible and hidden, and what it does here.
std::span<const FlagSpec> ServerFlags();

}  // namespace canopy::app

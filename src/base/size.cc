#include "canopy/base/size.h"

#include <cmath>
#include <optional>

#include "canopy/base/number.h"

namespace canopy::base {
namespace {

constexpr std::string_view kUnitLetters = "KMGTPE";

// The power of two that a unit stands for: "" and "B" 0, "KB" and "KiB" 10, "MB" 20, ...
std::optional<int> UnitShift(std::string_view unit) {
  if (unit.empty() || unit == "B") return 0;
  if (unit.back() != 'B') return std::nullopt;
  unit.remove_suffix(1);
  if (unit.size() == 2 && unit.back() == 'i') unit.remove_suffix(1);
  const size_t letter = unit.size() == 1 ? kUnitLetters.find(unit.front()) : std::string_view::npos;
  if (letter == std::string_view::npos) return std::nullopt;
  return 10 * static_cast<int>(letter + 1);
}

}  // namespace

Result<uint64_t> ParseSize(std::string_view text) {
  const size_t unit_at = text.find_first_not_of("0123456789.");
  const std::string_view digits = text.substr(0, unit_at);
  const std::optional<double> number = ParseFloat(digits);
  const std::optional<int> shift =
      UnitShift(unit_at == std::string_view::npos ? std::string_view() : text.substr(unit_at));
  const double bytes = number && shift ? std::ldexp(*number, *shift) : -1;
  if (!(bytes >= 0 && bytes < 0x1p63)) {
    return Status::Invalid("not a valid size: \"" + std::string(text) +
                           "\" (a number and one of B, KB, MB, GB, TB, PB, EB)");
  }
  return static_cast<uint64_t>(bytes);
}

std::string FormatSize(uint64_t bytes) {
  size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit < kUnitLetters.size()) {
    bytes /= 1024;
    ++unit;
  }
  std::string out = std::to_string(bytes);
  if (unit != 0) {
    out += kUnitLetters[unit - 1];
    out += 'i';
  }
  out += 'B';
  return out;
}

}  // namespace canopy::base

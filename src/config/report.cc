#include <algorithm>

#include "canopy/config/load.h"

namespace canopy::config {

std::string LoadError::ToString() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line);
  if (!out.empty()) out += ": ";
  if (!key.empty()) out += key + ": ";
  return out + message;
}

std::string FormatErrors(const std::vector<LoadError>& errors) {
  std::string out;
  for (const LoadError& error : errors) {
    if (!out.empty()) out += '\n';
    out += error.ToString();
  }
  return out;
}

Status ToStatus(const std::vector<LoadError>& errors) {
  if (errors.empty()) return {};
  const bool unsupported =
      std::all_of(errors.begin(), errors.end(), [](const LoadError& e) { return e.unsupported; });
  return {unsupported ? Code::kUnsupported : Code::kInvalid, FormatErrors(errors)};
}

}  // namespace canopy::config

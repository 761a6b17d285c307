#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/config/load.h"

namespace canopy::config {

inline LoadReport LoadString(const std::string& text, const LoadOptions& options = {}) {
  return LoadText(PosixFs(), text, "/etc/leaf.yml", options);
}

// Errors without the file's name.
inline std::string Errors(const std::string& text, const LoadOptions& options = {}) {
  std::string out = FormatErrors(LoadString(text, options).errors);
  const std::string file = "/etc/leaf.yml:";
  for (size_t at = out.find(file); at != std::string::npos; at = out.find(file)) {
    out.erase(at, file.size());
  }
  return out;
}

inline Config Good(const std::string& text) {
  LoadReport report = LoadString(text);
  BOOST_TEST(FormatErrors(report.errors) == "");
  return report.config.value_or(Config());
}

}  // namespace canopy::config

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/config/config.h"

namespace canopy::config {

// One thing that is wrong in a file, and where.
struct LoadError {
  std::string file;
  int line = 0;     // from 1; 0 when the file as a whole is meant
  std::string key;  // "scrape_configs[0].scrape_interval"; "" for the document itself
  std::string message;
  bool unsupported = false;  // known to Prometheus, not supported here

  // "configs/leaf.yml:12: scrape_configs[0].scrape_intervall: unknown key"
  std::string ToString() const;
  friend bool operator==(const LoadError&, const LoadError&) = default;
};

// Errors by file and line, one a line.
std::string FormatErrors(const std::vector<LoadError>& errors);
// FormatErrors as a Status: kUnsupported when nothing else is wrong, else kInvalid.
Status ToStatus(const std::vector<LoadError>& errors);

struct LoadOptions {
  // The value of an environment variable, for ${NAME} and $NAME in external_labels; the process's
  // own environment when empty.
  std::function<std::optional<std::string>(const std::string& name)> env;
  // Jobs that name no formats ask for protobuf first, which alone tells without effort when
  // counters started.
  bool prefer_protobuf = false;
  // What floats are written as where the file does not say it; and whether that must be something
  // else than XOR, which has no place for start timestamps.
  chunk::FloatEncoding float_encoding = chunk::FloatEncoding::kXor;
  bool start_times = false;
  // What jobs do that do not say whether they want extra_scrape_metrics, nor does `global`.
  bool extra_scrape_metrics = false;
};

struct LoadReport {
  std::optional<Config> config;    // present when there are no errors
  std::vector<LoadError> errors;   // all of them, in the order of the file
  std::vector<LoadError> notices;  // accepted, but without meaning here
};

// Reads a prometheus.yml, and the scrape_config_files that it names, strictly: a key that nobody
// knows, a key given twice and a value of the wrong type are errors; so is a key of Prometheus that
// is not supported here, unless its value asks for nothing.
LoadReport LoadAll(Fs& fs, const std::string& path, const LoadOptions& options = {});

// LoadAll for who only needs one Status; notices are logged.
Result<Config> Load(Fs& fs, const std::string& path, const LoadOptions& options = {});

// The same on text; `path` names it in errors, and relative file names are joined to its directory.
LoadReport LoadText(Fs& fs, const std::string& text, const std::string& path,
                    const LoadOptions& options = {});

}  // namespace canopy::config

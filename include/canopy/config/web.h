#pragma once

#include <map>
#include <optional>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/config/load.h"
#include "canopy/net/headers.h"
#include "canopy/net/server.h"

namespace canopy::config {

// What --web.config.file says: how the HTTP server shows itself, and to whom. Format:
// https://prometheus.io/docs/prometheus/latest/configuration/https/.
struct WebConfig {
  std::optional<net::TlsServerOptions> tls;             // none: plain HTTP
  std::map<std::string, std::string> basic_auth_users;  // bcrypt hashes by name
  net::Headers response_headers;
};

struct WebReport {
  std::optional<WebConfig> config;  // present when there are no errors
  std::vector<LoadError> errors;
  std::vector<LoadError> notices;
};

// As strict as LoadAll. File names are joined to the directory of the file.
WebReport LoadWebAll(Fs& fs, const std::string& path);
// The same on text; `path` names it in errors.
WebReport LoadWebText(const std::string& text, const std::string& path);

// LoadWebAll for who only needs one Status; notices are logged.
Result<WebConfig> LoadWebConfig(Fs& fs, const std::string& path);

}  // namespace canopy::config

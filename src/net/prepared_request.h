#pragma once

#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/net/client.h"
#include "canopy/net/url.h"

namespace canopy::net {

// Proxies as the environment names them: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in either case.
struct EnvironmentProxies {
  std::string http, https, no_proxy;
  static EnvironmentProxies Read();
};

// A request with all that its configuration adds, ready to be sent.
struct PreparedRequest {
  Url url;                   // as the caller gave it
  std::string headers_host;  // Host, when it is not the one of `send_url`
  std::string send_url;      // with the TLS server name as its host, when one is configured
  std::string connect_to;    // libcurl's HOST:PORT:HOST:PORT, in that case
  std::vector<std::string> header_lines;  // libcurl's form: "Name: value", "Name;" for an empty one
  bool has_basic_auth = false;
  std::string username, password;
  bool reads_files = false;  // of credentials: to be prepared anew each time
  std::string proxy;         // empty: none
  std::string no_proxy;
  std::vector<std::string> proxy_header_lines;
};

// Reads the files of credentials. kInvalid: the URL, a header or a file is wrong.
Result<PreparedRequest> PrepareRequest(const HttpRequest& request, const HttpOptions& options,
                                       Fs& fs, const EnvironmentProxies& environment);

}  // namespace canopy::net

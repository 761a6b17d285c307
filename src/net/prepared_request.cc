#include "prepared_request.h"

#include <algorithm>
#include <cstdlib>

#include "canopy/base/quote.h"

namespace canopy::net {
namespace {

std::string Environment(const char* upper, const char* lower) {
  const char* value = std::getenv(upper);
  if (value == nullptr || *value == '\0') value = std::getenv(lower);
  return value == nullptr ? "" : value;
}

std::string_view TrimSpace(std::string_view s) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  s.remove_prefix(std::min(s.find_first_not_of(kSpace), s.size()));
  return s.substr(0, s.find_last_not_of(kSpace) + 1);
}

// The text itself, or the content of the file when one is named.
Result<std::string> Secret(Fs& fs, const std::string& text, const std::string& file,
                           std::string_view what) {
  if (file.empty()) return text;
  const auto content = fs.ReadFile(file);
  if (!content.ok())
    return Status::Invalid("unable to read " + std::string(what) + ": " +
                           content.status().message());
  return std::string(TrimSpace(*content));
}

Status AddHeader(std::vector<std::string>& lines, std::string_view name, std::string_view value) {
  if (!ValidHeaderName(name))
    return Status::Invalid("net/http: invalid header field name " + base::Quoted(name));
  if (!ValidHeader(name, value))
    return Status::Invalid("net/http: invalid header field value for " + base::Quoted(name));
  std::string line(name);
  if (value.empty())
    line += ';';
  else
    line.append(": ").append(value);
  lines.push_back(std::move(line));
  return {};
}

bool ReadsFiles(const HttpClientConfig& config) {
  if (config.basic_auth &&
      !(config.basic_auth->username_file.empty() && config.basic_auth->password_file.empty()))
    return true;
  if (config.authorization && !config.authorization->credentials_file.empty()) return true;
  return std::ranges::any_of(config.http_headers,
                             [](const ExtraHeader& header) { return !header.files.empty(); });
}

Status AddCredentials(const HttpClientConfig& config, Fs& fs, PreparedRequest& out) {
  if (config.basic_auth) {
    const BasicAuth& auth = *config.basic_auth;
    out.has_basic_auth = true;
    CANOPY_ASSIGN_OR_RETURN(out.username,
                            Secret(fs, auth.username, auth.username_file, "basic auth username"));
    CANOPY_ASSIGN_OR_RETURN(out.password,
                            Secret(fs, auth.password, auth.password_file, "basic auth password"));
  }
  if (config.authorization) {
    const Authorization& auth = *config.authorization;
    CANOPY_ASSIGN_OR_RETURN(
        const std::string credentials,
        Secret(fs, auth.credentials, auth.credentials_file, "authorization credentials"));
    CANOPY_RETURN_IF_ERROR(
        AddHeader(out.header_lines, "Authorization", auth.type + " " + credentials));
  }
  return {};
}

Status AddExtraHeaders(const HttpClientConfig& config, Fs& fs, PreparedRequest& out) {
  for (const ExtraHeader& header : config.http_headers) {
    for (const std::string& value : header.values)
      CANOPY_RETURN_IF_ERROR(AddHeader(out.header_lines, header.name, value));
    for (const std::string& value : header.secrets)
      CANOPY_RETURN_IF_ERROR(AddHeader(out.header_lines, header.name, value));
    for (const std::string& file : header.files) {
      CANOPY_ASSIGN_OR_RETURN(const std::string value,
                              Secret(fs, "", file, "http header " + header.name));
      CANOPY_RETURN_IF_ERROR(AddHeader(out.header_lines, header.name, value));
    }
  }
  return {};
}

// As Go's ProxyFromEnvironment: this machine is never asked for through a proxy.
bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Status AddProxy(const HttpClientConfig& config, const EnvironmentProxies& environment,
                PreparedRequest& out) {
  if (!config.proxy_url.empty()) {
    out.proxy = config.proxy_url;
    out.no_proxy = config.no_proxy;
  } else if (config.proxy_from_environment && !IsLoopback(out.url.host_name())) {
    out.proxy = out.url.scheme == "https" ? environment.https : environment.http;
    out.no_proxy = environment.no_proxy;
  }
  for (const auto& [name, value] : config.proxy_connect_headers)
    CANOPY_RETURN_IF_ERROR(AddHeader(out.proxy_header_lines, name, value));
  return {};
}

// libcurl takes the name for SNI and for the certificate from the URL: so the URL gets the
// configured name, and the connection is told where to go instead.
void ApplyServerName(const std::string& server_name, PreparedRequest& out) {
  out.send_url = out.url.Format();
  if (server_name.empty() || out.url.scheme != "https") return;
  const std::string port(out.url.port().empty() ? "443" : out.url.port());
  const std::string real_host = out.url.host.substr(
      0, out.url.host.size() - (out.url.port().empty() ? 0 : out.url.port().size() + 1));
  Url url = out.url;
  url.host = server_name + ":" + port;
  out.send_url = url.Format();
  out.connect_to = server_name + ":" + port + ":" + real_host + ":" + port;
  out.headers_host = out.url.host;
}

}  // namespace

EnvironmentProxies EnvironmentProxies::Read() {
  return {Environment("HTTP_PROXY", "http_proxy"), Environment("HTTPS_PROXY", "https_proxy"),
          Environment("NO_PROXY", "no_proxy")};
}

Result<PreparedRequest> PrepareRequest(const HttpRequest& request, const HttpOptions& options,
                                       Fs& fs, const EnvironmentProxies& environment) {
  static const HttpClientConfig kDefaults;
  const HttpClientConfig& config = options.config ? *options.config : kDefaults;
  PreparedRequest out;
  if (!ValidHeaderName(request.method))
    return Status::Invalid("net/http: invalid method " + base::Quoted(request.method));
  CANOPY_ASSIGN_OR_RETURN(out.url, ParseUrl(request.url));
  if (out.url.scheme != "http" && out.url.scheme != "https")
    return Status::Invalid("unsupported protocol scheme " + base::Quoted(out.url.scheme));
  if (out.url.host_name().empty()) return Status::Invalid("http: no Host in request URL");
  for (const auto& [name, value] : request.headers)
    CANOPY_RETURN_IF_ERROR(AddHeader(out.header_lines, name, value));
  out.reads_files = ReadsFiles(config);
  CANOPY_RETURN_IF_ERROR(AddCredentials(config, fs, out));
  CANOPY_RETURN_IF_ERROR(AddExtraHeaders(config, fs, out));
  CANOPY_RETURN_IF_ERROR(AddProxy(config, environment, out));
  ApplyServerName(config.tls.server_name, out);
  return out;
}

}  // namespace canopy::net

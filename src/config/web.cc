#include "canopy/config/web.h"

#include <algorithm>
#include <array>
#include <utility>

#include "canopy/base/log.h"
#include "canopy/base/quote.h"
#include "config/fields.h"

namespace canopy::config {
namespace {

using net::ClientAuth;
using net::TlsServerOptions;

constexpr std::pair<std::string_view, ClientAuth> kClientAuths[] = {
    {"", ClientAuth::kNone},
    {"NoClientCert", ClientAuth::kNone},
    {"RequestClientCert", ClientAuth::kRequest},
    {"RequireAnyClientCert", ClientAuth::kRequireAny},
    {"RequireClientCert", ClientAuth::kRequireAny},
    {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
    {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify},
};

// Go's names, and OpenSSL's. Those of TLS 1.3 cannot be chosen, in Go as here.
constexpr std::pair<std::string_view, std::string_view> kCiphers[] = {
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

constexpr std::array<std::string_view, 5> kHeaders = {"Content-Security-Policy", "X-Frame-Options",
                                                      "X-Content-Type-Options", "X-XSS-Protection",
                                                      "Strict-Transport-Security"};

void ReadClientAuth(const Value& from, ClientAuth& to) {
  std::string text;
  Read(from, text);
  const auto* const found = std::find_if(std::begin(kClientAuths), std::end(kClientAuths),
                                         [&](const auto& entry) { return entry.first == text; });
  if (found == std::end(kClientAuths)) return from.Error("invalid ClientAuth: " + text);
  to = found->second;
}

// Whether TLS 1.2 is within the bounds.
void ReadMinVersion(const Value& from, bool& allow_tls12) {
  std::string text;
  Read(from, text);
  if (text == "TLS10" || text == "TLS11") return from.Unsupported(text);
  if (!text.empty() && text != "TLS12" && text != "TLS13") {
    return from.Error("unknown TLS version: " + text);
  }
  allow_tls12 = text != "TLS13";
}

void ReadMaxVersion(const Value& from, bool& allow_tls13) {
  std::string text;
  Read(from, text);
  if (text == "TLS10" || text == "TLS11") return from.Unsupported(text);
  if (!text.empty() && text != "TLS12" && text != "TLS13") {
    return from.Error("unknown TLS version: " + text);
  }
  allow_tls13 = text != "TLS12";
}

void ReadCiphers(const Value& from, std::string& to) {
  for (const Value& item : from.Items()) {
    std::string name;
    Read(item, name);
    const auto* const found = std::find_if(std::begin(kCiphers), std::end(kCiphers),
                                           [&](const auto& entry) { return entry.first == name; });
    if (found == std::end(kCiphers)) {
      item.Error("unknown cipher: " + name);
    } else if (!found->second.empty()) {
      to.append(to.empty() ? "" : ":").append(found->second);
    }
  }
}

void ReadTlsServer(const Value& from, WebConfig& config) {
  using T = TlsServerOptions;
  static const Fields<T> kFields = {
      {"cert_file", &T::cert_file, ReadPath},
      {"key_file", &T::key_file, ReadPath},
      Unsupported<T>("cert"),
      Unsupported<T>("key"),
      {"client_auth_type", &T::client_auth, ReadClientAuth},
      {"client_ca_file", &T::client_ca_file, ReadPath},
      Unsupported<T>("client_ca"),
      Unsupported<T>("client_allowed_sans"),
      {"min_version", &T::allow_tls12, ReadMinVersion},
      {"max_version", &T::allow_tls13, ReadMaxVersion},
      {"cipher_suites", &T::cipher_suites, ReadCiphers},
      {"prefer_server_cipher_suites",
       [](const Value& value, T&) {
         bool prefer = true;
         Read(value, prefer);
         value.Notice("has no meaning here, nor in Prometheus");
       }},
      Unsupported<T>("curve_preferences"),
  };
  if (from.asks_for_nothing()) return;
  T& tls = config.tls.emplace();
  ReadMap(from, Bind(kFields, tls));
  if (tls.cert_file.empty()) from.Error("missing cert_file");
  if (tls.key_file.empty()) from.Error("missing key_file");
  if (!tls.client_ca_file.empty() && tls.client_auth == ClientAuth::kNone) {
    from.At("client_ca_file")
        .Error("client CA's have been configured without a Client Auth Policy");
  }
  if (!tls.allow_tls12 && !tls.allow_tls13) {
    from.At("max_version").Error("must not be below min_version");
  }
}

void ReadHeaders(const Value& from, net::Headers& to) {
  for (const auto& [name, value] : from.Entries()) {
    std::string text;
    Read(value, text);
    const bool known = std::find(kHeaders.begin(), kHeaders.end(), name) != kHeaders.end();
    if (!known) {
      value.Error("HTTP header " + base::Quoted(name) + " can not be configured");
    } else if (!net::ValidHeader(name, text)) {
      value.Error("invalid value of an HTTP header");
    } else if (!text.empty()) {
      to.emplace_back(name, text);
    }
  }
}

void ReadHttpServer(const Value& from, WebConfig& config) {
  static const Fields<WebConfig> kFields = {
      {"http2",
       [](const Value& value, WebConfig&) {
         bool http2 = false;
         Read(value, http2);
         if (http2) value.Notice("has no meaning here: HTTP/1.1 is served");
       }},
      {"headers", &WebConfig::response_headers, ReadHeaders},
  };
  ReadMap(from, Bind(kFields, config));
}

// "$2y$10$" and 53 characters; the letter differs from tool to tool.
bool IsBcrypt(const std::string& hash) {
  constexpr size_t kLength = 60;
  return hash.size() == kLength && hash.starts_with("$2") && hash[3] == '$' && hash[6] == '$';
}

void ReadUsers(const Value& from, std::map<std::string, std::string>& to) {
  Read(from, to);
  for (const auto& [name, value] : from.Entries()) {
    if (!IsBcrypt(to[name])) value.Error("not a bcrypt hash");
  }
}

}  // namespace

WebReport LoadWebText(const std::string& text, const std::string& path) {
  static const Fields<WebConfig> kFields = {
      {"tls_server_config", ReadTlsServer},
      {"http_server_config", ReadHttpServer},
      {"basic_auth_users", &WebConfig::basic_auth_users, ReadUsers},
      Unsupported<WebConfig>("rate_limit"),
  };
  YamlDocument document = ParseYaml(text, path);
  Findings findings{std::move(document.errors), {}};
  const Source source{path, std::string(DirName(path)), &findings};
  const Value root(document.root, "", 1, source);
  if (document.documents > 1) root.Notice("only the first of several YAML documents is read");
  WebConfig config;
  if (document.complete) ReadMap(root, Bind(kFields, config));
  std::stable_sort(findings.errors.begin(), findings.errors.end(),
                   [](const LoadError& a, const LoadError& b) { return a.line < b.line; });
  WebReport report{std::nullopt, std::move(findings.errors), std::move(findings.notices)};
  if (report.errors.empty()) report.config = std::move(config);
  return report;
}

WebReport LoadWebAll(Fs& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadFile(path);
  if (text.ok()) return LoadWebText(*text, path);
  return {std::nullopt, {{"", 0, "", text.status().message(), false}}, {}};
}

Result<WebConfig> LoadWebConfig(Fs& fs, const std::string& path) {
  WebReport report = LoadWebAll(fs, path);
  for (const LoadError& notice : report.notices) {
    LOG_WARN("Web configuration", {"notice", notice.ToString()});
  }
  if (!report.config) return ToStatus(report.errors);
  return std::move(*report.config);
}

}  // namespace canopy::config

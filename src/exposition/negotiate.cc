#include "canopy/exposition/negotiate.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::exposition {
namespace {

constexpr std::array<std::string_view, 5> kProtocolTypes = {
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "text/plain;version=0.0.4",
    "text/plain;version=1.0.0",
    "application/openmetrics-text;version=0.0.1",
    "application/openmetrics-text;version=1.0.0",
};

constexpr std::string_view kProtoType = "application/vnd.google.protobuf";
constexpr std::string_view kProtoMessage = "io.prometheus.client.MetricFamily";
constexpr std::string_view kTextType = "text/plain";
constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";

constexpr std::array<std::string_view, 4> kWireTypes = {
    "text/plain; version=0.0.4; charset=utf-8",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
    "encoding=compact-text",
};

std::string_view Trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Calls `fn` with each part of `s` between separators.
template <class Fn>
void Split(std::string_view s, char separator, Fn fn) {
  while (true) {
    const size_t at = s.find(separator);
    fn(s.substr(0, at));
    if (at == std::string_view::npos) return;
    s.remove_prefix(at + 1);
  }
}

// One part of an Accept header.
struct Clause {
  std::string_view type;  // "text/plain"
  std::vector<std::pair<std::string_view, std::string_view>> params;
  double q = 1;

  std::string_view Param(std::string_view name) const {
    for (const auto& [n, v] : params)
      if (n == name) return v;
    return {};
  }
  bool wildcard() const { return type.find('*') != std::string_view::npos; }
};

Clause ParseClause(std::string_view text) {
  Clause clause;
  bool first = true;
  Split(text, ';', [&](std::string_view part) {
    if (std::exchange(first, false)) {
      clause.type = Trim(part);
      return;
    }
    const size_t equal = part.find('=');
    if (equal == std::string_view::npos) return;
    const std::string_view name = Trim(part.substr(0, equal));
    const std::string_view value = Trim(part.substr(equal + 1));
    if (name == "q") {
      clause.q = base::ParseFloat(value).value_or(0);
    } else {
      clause.params.emplace_back(name, value);
    }
  });
  return clause;
}

std::vector<Clause> ParseAccept(std::string_view accept) {
  std::vector<Clause> clauses;
  Split(accept, ',', [&](std::string_view part) { clauses.push_back(ParseClause(part)); });
  std::stable_sort(clauses.begin(), clauses.end(), [](const Clause& a, const Clause& b) {
    if (a.q != b.q) return a.q > b.q;
    return !a.wildcard() && b.wildcard();
  });
  return clauses;
}

std::optional<Wire> WireOf(const Clause& clause) {
  if (clause.type == kProtoType && clause.Param("proto") == kProtoMessage) {
    const std::string_view encoding = clause.Param("encoding");
    if (encoding == "delimited") return Wire::kProtoDelimited;
    if (encoding == "text") return Wire::kProtoText;
    if (encoding == "compact-text") return Wire::kProtoCompact;
  }
  if (clause.type == kTextType) {
    const std::string_view version = clause.Param("version");
    if (version == "0.0.4" || version.empty()) return Wire::kText;
  }
  return std::nullopt;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

PageFormat FormatOfProtocol(Protocol protocol) {
  switch (protocol) {
    case Protocol::kProto:
      return PageFormat::kProto;
    case Protocol::kOpenMetrics001:
    case Protocol::kOpenMetrics100:
      return PageFormat::kOpenMetrics;
    case Protocol::kText004:
    case Protocol::kText100:
      break;
  }
  return PageFormat::kText;
}

}  // namespace

std::string AcceptHeader(std::span<const Protocol> protocols, Escaping escaping) {
  std::string out;
  size_t weight = kProtocolTypes.size() + 1;
  const auto append_weight = [&] {
    out.append(";q=0.");
    base::AppendUint(out, weight--);
  };
  for (const Protocol protocol : protocols) {
    out.append(kProtocolTypes[static_cast<size_t>(protocol)]);
    if (protocol == Protocol::kText100 || protocol == Protocol::kOpenMetrics100)
      out.append(";escaping=").append(EscapingText(escaping));
    append_weight();
    out.push_back(',');
  }
  out.append("*/*");
  append_weight();
  return out;
}

Result<PageFormat> FormatOf(std::string_view content_type, std::optional<Protocol> fallback) {
  const std::string type = Lower(Trim(content_type.substr(0, content_type.find(';'))));
  if (type == kTextType) return PageFormat::kText;
  if (type == kOpenMetricsType) return PageFormat::kOpenMetrics;
  if (type == kProtoType) return PageFormat::kProto;
  if (fallback) return FormatOfProtocol(*fallback);
  if (content_type.empty()) {
    return Status::Invalid(
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
        "specified for target");
  }
  return Status::Invalid("received unsupported Content-Type " + base::Quoted(content_type) +
                         " and no fallback_scrape_protocol specified for target");
}

Negotiated Negotiate(std::string_view accept, std::span<const Wire> offered) {
  Negotiated out;
  for (const Clause& clause : ParseAccept(accept)) {
    if (const auto escaping = ParseEscaping(clause.Param("escaping"))) out.escaping = *escaping;
    const auto wire = WireOf(clause);
    if (wire && std::find(offered.begin(), offered.end(), *wire) != offered.end()) {
      out.wire = *wire;
      break;
    }
  }
  out.content_type.append(kWireTypes[static_cast<size_t>(out.wire)])
      .append("; escaping=")
      .append(EscapingText(out.escaping));
  return out;
}

}  // namespace canopy::exposition

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "canopy/base/status.h"
#include "canopy/exposition/escape.h"

// Which format a page travels in: asked for by Accept, named by Content-Type.
// Source: prometheus/common v0.70.1 expfmt (server), prometheus 3.14 scrape.acceptHeader and
// textparse.extractMediaType (client).

namespace canopy::exposition {

// A page format as prometheus.yml names it in scrape_protocols.
enum class Protocol : unsigned char {
  kProto,           // delimited protobuf
  kText004,         // text/plain;version=0.0.4
  kText100,         // text/plain;version=1.0.0
  kOpenMetrics001,  // application/openmetrics-text;version=0.0.1
  kOpenMetrics100,  // application/openmetrics-text;version=1.0.0
};

// The Accept header of a scrape: the protocols, best first, with q-values descending from 0.6, then
// anything. The newer text formats carry the escaping scheme.
std::string AcceptHeader(std::span<const Protocol> protocols, Escaping escaping);

// How the bytes of a page are to be parsed.
enum class PageFormat : unsigned char { kText, kOpenMetrics, kProto };

// From the Content-Type of a response. With a missing or unknown type the fallback counts; without
// one the result is kInvalid in Prometheus's words.
Result<PageFormat> FormatOf(std::string_view content_type, std::optional<Protocol> fallback);

// What a server can write.
enum class Wire : unsigned char { kText, kProtoDelimited, kProtoText, kProtoCompact };

struct Negotiated {
  Wire wire = Wire::kText;
  Escaping escaping = Escaping::kUnderscores;
  std::string content_type;
};

// A server's answer to a client's Accept header (several headers joined by ","). Clauses are tried
// by descending q; the first that names an offered format wins, text 0.0.4 when none does. The
// escaping is the last valid one that was named up to the winning clause. OpenMetrics and
// wildcards match nothing, so browsers and curl get text.
Negotiated Negotiate(std::string_view accept, std::span<const Wire> offered);

}  // namespace canopy::exposition

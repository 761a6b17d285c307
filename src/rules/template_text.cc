#include "rules/template_text.h"

#include <Poco/UTF8String.h>
#include <Poco/Unicode.h>
#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "canopy/base/quote.h"
#include "canopy/model/expansion.h"
#include "canopy/model/regex.h"
#include "rules/go_quote.h"

namespace canopy::rules {

namespace {

struct HostPort {
  std::string_view host;
  std::string_view port;
};

// As Go's net.SplitHostPort, which wants a port.
std::optional<HostPort> SplitHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  HostPort out{text.substr(0, colon), text.substr(colon + 1)};
  size_t checked = 0;  // no bracket may stand behind this
  if (text[0] == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || close + 1 != colon) return std::nullopt;
    out.host = text.substr(1, close - 1);
    checked = close + 1;
    if (out.host.find('[') != std::string_view::npos) return std::nullopt;
  } else if (out.host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (text.find_first_of("[]", checked) != std::string_view::npos) return std::nullopt;
  return out;
}

bool IsIpAddress(std::string_view host) {
  const std::string text(host);
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

RE2::Options QuietOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

// Go's words come from the compiler in model, which has them from RE2 as well.
Status RegexError(std::string_view regex, const RE2& re2) {
  const auto compiled = model::AnchoredRegex::Compile(regex);
  if (!compiled.ok()) return compiled.status();
  return Status::Invalid("error parsing regexp: " + re2.error());
}

bool IsLetter(uint32_t code) {
  return code < 0x80 ? (code | 0x20) >= 'a' && (code | 0x20) <= 'z'
                     : Poco::Unicode::isAlpha(static_cast<int>(code));
}

// Marks that do not end a word when they stand between two letters: it's, a.b, a:b.
bool JoinsLetters(uint32_t code) {
  return code == '\'' || code == '.' || code == ':' || code == 0x2019 || code == 0xb7;
}

}  // namespace

std::string ToUpperText(std::string_view text) { return Poco::UTF8::toUpper(std::string(text)); }
std::string ToLowerText(std::string_view text) { return Poco::UTF8::toLower(std::string(text)); }

std::string TitleText(std::string_view text) {
  std::string out;
  bool in_word = false;
  uint32_t before = 0;
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    const auto size = static_cast<size_t>(rune.size);
    const bool part = rune.valid && IsIdentifierRune(rune.code);
    if (IsLetter(rune.code) && !in_word) {
      base::AppendRune(out,
                       static_cast<uint32_t>(Poco::Unicode::toUpper(static_cast<int>(rune.code))));
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
    const bool joins = JoinsLetters(rune.code) && IsLetter(before) && !text.empty() &&
                       IsLetter(DecodeRune(text).code);
    in_word = part || joins;
    before = rune.code;
  }
  return out;
}

std::string StripPort(std::string_view host_port) {
  const auto split = SplitHostPort(host_port);
  return std::string(split ? split->host : host_port);
}

std::string StripDomain(std::string_view host_port) {
  const auto split = SplitHostPort(host_port);
  const std::string_view host = split ? split->host : host_port;
  if (IsIpAddress(host)) return std::string(host_port);
  std::string out(host.substr(0, host.find('.')));
  if (!split || split->port.empty()) return out;
  if (out.find(':') != std::string::npos) out = "[" + out + "]";
  return out + ":" + std::string(split->port);
}

Result<std::string> ReplaceAllMatches(std::string_view regex, std::string_view with,
                                      std::string_view text, size_t max_bytes) {
  const RE2 re2(re2::StringPiece(regex.data(), regex.size()), QuietOptions());
  if (!re2.ok()) return RegexError(regex, re2);
  CANOPY_ASSIGN_OR_RETURN(const auto captures, model::AnchoredRegex::CompileForCaptures(regex));
  const model::Expansion expansion(with, *captures);
  const re2::StringPiece input(text.data(), text.size());
  std::vector<re2::StringPiece> match(static_cast<size_t>(re2.NumberOfCapturingGroups()) + 1);
  std::vector<std::string_view> groups(match.size());
  std::string out;
  size_t copied = 0;  // up to here the text is in `out`
  size_t at = 0;
  bool first = true;
  while (at <= text.size() && re2.Match(input, at, text.size(), RE2::UNANCHORED, match.data(),
                                        static_cast<int>(match.size()))) {
    const auto begin = static_cast<size_t>(match[0].data() - text.data());
    const size_t end = begin + match[0].size();
    // An empty match right behind the previous match does not count.
    if (end > copied || begin == 0 || first) {
      out += text.substr(copied, begin - copied);
      for (size_t i = 0; i < match.size(); ++i) {
        groups[i] = std::string_view(match[i].data(), match[i].size());
      }
      out += expansion.Apply(groups);
      copied = end;
      first = false;
    }
    if (out.size() > max_bytes) {
      return Status::Limit("result exceeds the limit of " + std::to_string(max_bytes) + " bytes");
    }
    const size_t step =
        at < text.size() ? static_cast<size_t>(DecodeRune(text.substr(at)).size) : 1;
    at = std::max(end, at + (end > at ? 0 : step));
  }
  out += text.substr(std::min(copied, text.size()));
  return out;
}

Result<bool> MatchesAnywhere(std::string_view regex, std::string_view text) {
  const RE2 re2(re2::StringPiece(regex.data(), regex.size()), QuietOptions());
  if (!re2.ok()) return RegexError(regex, re2);
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), re2);
}

}  // namespace canopy::rules

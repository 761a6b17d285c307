#include "http_head.h"

#include <algorithm>

#include "canopy/base/number.h"
#include "canopy/net/url.h"

namespace canopy::net {
namespace {

constexpr size_t kMaxFields = 1000;
constexpr HeadError kFine{};
constexpr HeadError kBadRequest{400, "400 Bad Request"};

// The next line without its end. A head has at least one.
std::string_view NextLine(std::string_view& rest) {
  const size_t newline = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, newline);
  rest.remove_prefix(std::min(newline + 1, rest.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::string_view Trim(std::string_view s) {
  s.remove_prefix(std::min(s.find_first_not_of(" \t"), s.size()));
  return s.substr(0, s.find_last_not_of(" \t") + 1);
}

// Whether a comma-separated list has the word, in any case.
bool HasWord(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (SameHeader(Trim(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// "/path?query", or "http://host/path?query" as a proxy would get it, or "*" of OPTIONS.
HeadError ParseTarget(std::string_view target, RequestHead& head) {
  if (target.empty()) return kBadRequest;
  if (target != "*" && target[0] != '/') {
    const auto url = ParseUrl(target);
    if (!url.ok() || url->scheme.empty() || url->host.empty()) return kBadRequest;
    target.remove_prefix(target.find("//") + 2);
    const size_t slash = target.find_first_of("/?");
    if (slash == std::string_view::npos) {
      head.path = "/";
      return kFine;
    }
    target.remove_prefix(slash);
  }
  for (const char c : target)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return kBadRequest;
  const size_t mark = std::min(target.find('?'), target.size());
  if (mark < target.size()) head.raw_query = std::string(target.substr(mark + 1));
  auto path = PathUnescape(target.substr(0, mark));
  if (!path.ok()) return kBadRequest;
  head.path = std::move(path).value();
  if (head.path.empty()) head.path = "/";
  return kFine;
}

HeadError ParseRequestLine(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return kBadRequest;
  head.method = std::string(line.substr(0, first));
  if (!ValidHeaderName(head.method)) return kBadRequest;
  const std::string_view version = line.substr(last + 1);
  if (!version.starts_with("HTTP/")) return kBadRequest;
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return {505, "505 HTTP Version Not Supported"};
  head.minor_version = version.back() - '0';
  return ParseTarget(line.substr(first + 1, last - first - 1), head);
}

HeadError ParseFields(std::string_view rest, Headers& headers) {
  for (;;) {
    const std::string_view line = NextLine(rest);
    if (line.empty()) return kFine;
    if (headers.size() == kMaxFields) return {431, "431 Request Header Fields Too Large"};
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return kBadRequest;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = Trim(line.substr(colon + 1));
    // A folded line begins with a space, which no name has.
    if (!ValidHeader(name, value)) return kBadRequest;
    headers.emplace_back(name, value);
  }
}

// "HTTP/1.1 200 OK"
bool ParseStatusLine(std::string_view line, ResponseHead& head) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
  if (line[7] != '0' && line[7] != '1') return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  const auto code = base::ParseUint(line.substr(9, 3));
  if (!code || *code < 100) return false;
  head.code = static_cast<int>(*code);
  head.minor_version = line[7] - '0';
  return true;
}

// What the fields say about the body and the connection.
HeadError ReadFraming(RequestHead& head) {
  int hosts = 0;
  head.keep_alive = head.minor_version >= 1;
  for (const auto& [name, value] : head.headers) {
    if (SameHeader(name, "Host")) {
      ++hosts;
    } else if (SameHeader(name, "Content-Length")) {
      const auto length = base::ParseUint(value);
      if (!length || (head.content_length && head.content_length != length)) return kBadRequest;
      head.content_length = length;
    } else if (SameHeader(name, "Transfer-Encoding")) {
      if (head.chunked || head.minor_version == 0) return kBadRequest;
      if (!SameHeader(value, "chunked")) return {501, "501 Not Implemented"};
      head.chunked = true;
    } else if (SameHeader(name, "Connection")) {
      if (HasWord(value, "close"))
        head.keep_alive = false;
      else if (head.minor_version == 0 && HasWord(value, "keep-alive"))
        head.keep_alive = true;
    } else if (SameHeader(name, "Expect")) {
      if (!SameHeader(value, "100-continue")) return {417, "417 Expectation Failed"};
      head.expects_continue = head.minor_version >= 1;
    }
  }
  if (head.chunked && head.content_length) return kBadRequest;
  if (hosts > 1) return kBadRequest;
  if (hosts == 0 && head.minor_version >= 1)
    return {400, "400 Bad Request: missing required Host header"};
  return kFine;
}

}  // namespace

size_t FindHeadEnd(std::string_view bytes, size_t from) {
  // The end may have begun up to three bytes before what is new.
  size_t at = from < 3 ? 0 : from - 3;
  while ((at = bytes.find('\n', at)) != std::string_view::npos) {
    ++at;
    if (at < bytes.size() && bytes[at] == '\n') return at + 1;
    if (at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n') return at + 2;
  }
  return 0;
}

HeadError ParseHead(std::string_view text, RequestHead& head) {
  head = RequestHead();
  if (const HeadError error = ParseRequestLine(NextLine(text), head)) return error;
  if (const HeadError error = ParseFields(text, head.headers)) return error;
  return ReadFraming(head);
}

bool ParseResponseHead(std::string_view text, ResponseHead& head) {
  head = ResponseHead();
  if (!ParseStatusLine(NextLine(text), head) || ParseFields(text, head.headers)) return false;
  head.keep_alive = head.minor_version >= 1;
  for (const auto& [name, value] : head.headers) {
    if (SameHeader(name, "Content-Length")) {
      const auto length = base::ParseUint(value);
      if (!length || head.content_length) return false;
      head.content_length = length;
    } else if (SameHeader(name, "Transfer-Encoding")) {
      if (head.chunked || !SameHeader(value, "chunked")) return false;
      head.chunked = true;
    } else if (SameHeader(name, "Connection") && HasWord(value, "close")) {
      head.keep_alive = false;
    }
  }
  return !(head.chunked && head.content_length);
}

}  // namespace canopy::net

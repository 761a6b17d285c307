#include "canopy/net/url.h"

#include <algorithm>

#include "canopy/base/quote.h"

namespace canopy::net {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";

bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUnreserved(char c) {
  return IsLetter(c) || IsDigit(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

template <class Keep>
void AppendEscaped(std::string& out, std::string_view s, Keep keep) {
  for (const char c : s) {
    if (keep(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kUpperHex[byte >> 4]);
      out.push_back(kUpperHex[byte & 0xf]);
    }
  }
}

Result<std::string> Unescape(std::string_view s, bool plus_is_space) {
  std::string out;
  out.reserve(s.size());
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%') {
      if (i + 2 >= s.size() || HexValue(s[i + 1]) < 0 || HexValue(s[i + 2]) < 0)
        return Status::Invalid("invalid URL escape " + base::Quoted(s.substr(i, 3)));
      out.push_back(static_cast<char>(HexValue(s[i + 1]) << 4 | HexValue(s[i + 2])));
      i += 2;
    } else {
      out.push_back(s[i] == '+' && plus_is_space ? ' ' : s[i]);
    }
  }
  return out;
}

// What stands before the first `c`, which goes with it; all of `rest` when there is no `c`.
std::string_view Cut(std::string_view& rest, char c, bool& found) {
  const size_t at = rest.find(c);
  found = at != std::string_view::npos;
  const std::string_view before = rest.substr(0, at);
  rest = found ? rest.substr(at + 1) : std::string_view();
  return before;
}

// Takes "http:" from the front. A text without scheme stays as it is.
Status TakeScheme(std::string_view& rest, std::string& scheme) {
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (IsLetter(c)) continue;
    if (IsDigit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return {};
      continue;
    }
    if (c != ':') return {};
    if (i == 0) return Status::Invalid("missing protocol scheme");
    scheme = std::string(rest.substr(0, i));
    for (char& s : scheme) s = static_cast<char>(s | (IsLetter(s) ? 0x20 : 0));
    rest.remove_prefix(i + 1);
    return {};
  }
  return {};
}

Status CheckPort(std::string_view colon_port) {
  if (colon_port.empty()) return {};
  if (colon_port[0] != ':' ||
      !std::all_of(colon_port.begin() + 1, colon_port.end(), [](char c) { return IsDigit(c); }))
    return Status::Invalid("invalid port " + base::Quoted(colon_port) + " after host");
  return {};
}

Status CheckHost(std::string_view host) {
  if (!host.empty() && host[0] == '[') {
    const size_t end = host.rfind(']');
    if (end == std::string_view::npos) return Status::Invalid("missing ']' in host");
    return CheckPort(host.substr(end + 1));
  }
  if (const size_t colon = host.rfind(':'); colon != std::string_view::npos)
    CANOPY_RETURN_IF_ERROR(CheckPort(host.substr(colon)));
  // What can stand in a registered name, and escapes of anything beyond ASCII.
  constexpr std::string_view kAllowed = "!$&'()*+,;=:[]<>\"%";
  for (const char c : host) {
    if (IsUnreserved(c) || static_cast<unsigned char>(c) >= 0x80) continue;
    if (kAllowed.find(c) == std::string_view::npos)
      return Status::Invalid("invalid character " + base::Quoted(std::string_view(&c, 1)) +
                             " in host name");
  }
  return {};
}

// "user:pw@host:port" into its two parts.
Status TakeAuthority(std::string_view authority, Url& url) {
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    constexpr std::string_view kAllowed = "-._:~!$&'()*+,;=%@";
    for (const char c : user) {
      if (!IsLetter(c) && !IsDigit(c) && kAllowed.find(c) == std::string_view::npos)
        return Status::Invalid("net/url: invalid userinfo");
    }
    if (const auto plain = Unescape(user, false); !plain.ok()) return plain.status();
    url.user_info = std::string(user);
    authority.remove_prefix(at + 1);
  }
  CANOPY_RETURN_IF_ERROR(CheckHost(authority));
  url.host = std::string(authority);
  return {};
}

Status ParseInto(std::string_view rest, Url& url) {
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return Status::Invalid("net/url: invalid control character in URL");
  }
  bool found = false;
  std::string_view fragment = rest;
  rest = Cut(fragment, '#', found);
  url.fragment = std::string(fragment);
  CANOPY_RETURN_IF_ERROR(TakeScheme(rest, url.scheme));
  std::string_view query = rest;
  rest = Cut(query, '?', found);
  url.raw_query = std::string(query);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const size_t slash = std::min(rest.find('/'), rest.size());
    CANOPY_RETURN_IF_ERROR(TakeAuthority(rest.substr(0, slash), url));
    rest.remove_prefix(slash);
  } else if (url.scheme.empty()) {
    const std::string_view first = rest.substr(0, rest.find('/'));
    if (first.find(':') != std::string_view::npos)
      return Status::Invalid("first path segment in URL cannot contain colon");
  }
  if (const auto plain = Unescape(rest, false); !plain.ok()) return plain.status();
  url.path = std::string(rest);
  return {};
}

std::string FormatWith(const Url& url, std::string_view user_info) {
  std::string out;
  if (!url.scheme.empty()) out.append(url.scheme).push_back(':');
  // A host that is empty is shown too where a path follows, "file:///x", and where the path would
  // be taken for a host.
  if (!url.host.empty() || !user_info.empty() || url.path.starts_with("//") ||
      (!url.scheme.empty() && url.path.starts_with('/'))) {
    out.append("//");
    if (!user_info.empty()) out.append(user_info).push_back('@');
    out.append(url.host);
  }
  out.append(url.path);
  if (!url.raw_query.empty()) out.append("?").append(url.raw_query);
  if (!url.fragment.empty()) out.append("#").append(url.fragment);
  return out;
}

// The colon before the port of "host:9090" and "[::1]:9090"; npos without one.
size_t PortColon(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return colon;
  const size_t bracket = host.rfind(']');
  return bracket != std::string_view::npos && bracket > colon ? std::string_view::npos : colon;
}

}  // namespace

std::string_view Url::host_name() const {
  std::string_view name = std::string_view(host).substr(0, PortColon(host));
  if (name.size() >= 2 && name.front() == '[' && name.back() == ']') {
    name.remove_prefix(1);
    name.remove_suffix(1);
  }
  return name;
}

std::string_view Url::port() const {
  const size_t colon = PortColon(host);
  return colon == std::string::npos ? std::string_view() : std::string_view(host).substr(colon + 1);
}

std::string Url::Format() const { return FormatWith(*this, user_info); }

std::string Url::Redacted() const {
  const size_t colon = user_info.find(':');
  if (colon == std::string::npos) return Format();
  return FormatWith(*this, user_info.substr(0, colon) + ":xxxxx");
}

Result<Url> ParseUrl(std::string_view text) {
  Url url;
  if (Status status = ParseInto(text, url); !status.ok())
    return status.In("parse " + base::Quoted(text));
  return url;
}

void AppendQueryEscaped(std::string& out, std::string_view s) {
  const size_t from = out.size();
  AppendEscaped(out, s, [](char c) { return IsUnreserved(c) || c == ' '; });
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), ' ', '+');
}

std::string QueryEscape(std::string_view s) {
  std::string out;
  AppendQueryEscaped(out, s);
  return out;
}

std::string PathEscape(std::string_view s) {
  std::string out;
  AppendEscaped(out, s, [](char c) {
    return IsUnreserved(c) || std::string_view("$&+=:@").find(c) != std::string_view::npos;
  });
  return out;
}

std::string EscapePath(std::string_view path) {
  std::string out;
  AppendEscaped(out, path, [](char c) {
    return IsUnreserved(c) || std::string_view("$&+,/:;=@").find(c) != std::string_view::npos;
  });
  return out;
}

Result<std::string> QueryUnescape(std::string_view s) { return Unescape(s, true); }
Result<std::string> PathUnescape(std::string_view s) { return Unescape(s, false); }

const std::string* Form::Find(std::string_view name) const {
  for (const auto& [n, value] : items_)
    if (n == name) return &value;
  return nullptr;
}

std::optional<std::string_view> Form::Get(std::string_view name) const {
  const std::string* value = Find(name);
  if (value == nullptr) return std::nullopt;
  return *value;
}

std::vector<std::string_view> Form::All(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [n, value] : items_)
    if (n == name) out.emplace_back(value);
  return out;
}

void Form::Set(std::string_view name, std::string value) {
  for (auto& [n, old] : items_) {
    if (n == name) {
      old = std::move(value);
      return;
    }
  }
  items_.emplace_back(name, std::move(value));
}

std::string Form::Encode() const {
  std::vector<const Items::value_type*> sorted;
  sorted.reserve(items_.size());
  for (const auto& item : items_) sorted.push_back(&item);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  std::string out;
  for (const auto* item : sorted) {
    if (!out.empty()) out.push_back('&');
    AppendQueryEscaped(out, item->first);
    out.push_back('=');
    AppendQueryEscaped(out, item->second);
  }
  return out;
}

Result<Form> ParseForm(std::string_view text, size_t max_items) {
  Form form;
  bool found = false;
  while (!text.empty()) {
    std::string_view value = Cut(text, '&', found);
    if (value.empty()) continue;
    if (value.find(';') != std::string_view::npos)
      return Status::Invalid("invalid semicolon separator in query");
    if (form.items().size() == max_items)
      return Status::Limit("number of URL query parameters exceeded limit of " +
                           std::to_string(max_items));
    const std::string_view name = Cut(value, '=', found);
    CANOPY_ASSIGN_OR_RETURN(std::string plain_name, QueryUnescape(name));
    CANOPY_ASSIGN_OR_RETURN(std::string plain_value, QueryUnescape(value));
    form.Add(std::move(plain_name), std::move(plain_value));
  }
  return form;
}

}  // namespace canopy::net

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/status.h"

// URLs and forms, with the rules and the error texts of Go's net/url, which configuration files and
// clients of Prometheus were written against.

namespace canopy::net {

// "https://user:pw@host:9090/path%20x?a=b#frag". Each part is kept as it was written, so that
// Format() gives back what ParseUrl() was given.
struct Url {
  std::string scheme;     // lower case; empty for a relative reference
  std::string user_info;  // "user:pw", still escaped; without the @
  std::string host;       // "host", "host:9090", "[::1]:9090"
  std::string path;       // still escaped
  std::string raw_query;  // without the ?
  std::string fragment;   // without the #

  // Without port and brackets.
  std::string_view host_name() const;
  // Digits, or empty.
  std::string_view port() const;
  std::string Format() const;
  // As Format(), with the password replaced: what errors, logs and the API show.
  std::string Redacted() const;
};

// kInvalid: `parse "http://[::1": missing ']' in host`.
Result<Url> ParseUrl(std::string_view text);

// Go's url.QueryEscape: everything but letters, digits and "-_.~" becomes %XX, a space "+".
void AppendQueryEscaped(std::string& out, std::string_view s);
std::string QueryEscape(std::string_view s);
// Go's url.PathEscape, for one segment of a path: a space is %20, and "$&+=:@" stay.
std::string PathEscape(std::string_view s);
// Go's url.URL.EscapedPath of a whole path: slashes stay, and so do ",;".
std::string EscapePath(std::string_view path);
// kInvalid: `invalid URL escape "%zz"`. A "+" is a space in a query, and itself in a path.
Result<std::string> QueryUnescape(std::string_view s);
Result<std::string> PathUnescape(std::string_view s);

// Names and values of a query or form, in order, each name as often as it was given.
class Form {
 public:
  using Items = std::vector<std::pair<std::string, std::string>>;

  Form() = default;
  Form(Items items) : items_(std::move(items)) {}  // NOLINT: implicit, for literals in calls

  const Items& items() const { return items_; }
  bool empty() const { return items_.empty(); }
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  // The first value; nullopt when the name is absent. The view lives as long as the form.
  std::optional<std::string_view> Get(std::string_view name) const;
  // The first value; empty when the name is absent, as Go's FormValue.
  std::string_view Value(std::string_view name) const { return Get(name).value_or(""); }
  std::vector<std::string_view> All(std::string_view name) const;

  void Add(std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  }
  // Replaces the first value or adds one.
  void Set(std::string_view name, std::string value);
  // "a=1&b=2", names sorted, values of one name in their order: Go's url.Values.Encode.
  std::string Encode() const;

 private:
  const std::string* Find(std::string_view name) const;

  Items items_;
};

// "a=1&b=2&b=3". kInvalid on a broken escape or a semicolon; a form of at most `max_items` items,
// more is kLimit.
Result<Form> ParseForm(std::string_view text, size_t max_items = 100'000);

}  // namespace canopy::net

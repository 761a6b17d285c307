#include "plain_request.h"

#include <openssl/evp.h>

#include <algorithm>

namespace canopy::net {
namespace {

bool IsPlain(const HttpRequest& request, const HttpOptions& options,
             const PreparedRequest& prepared) {
  return prepared.url.scheme == "http" && prepared.url.user_info.empty() &&
         request.method == "GET" && request.body.empty() && prepared.proxy.empty() &&
         prepared.connect_to.empty() && !prepared.reads_files && options.unix_socket.empty();
}

std::string Base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3), '\0');
  // Writes a zero byte behind, where a string has one of its own.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  return out;
}

class Lines {
 public:
  void Add(std::string_view name, std::string_view value) {
    text_.append(name).append(value.empty() ? ":" : ": ").append(value).append("\r\n");
  }
  void AddMissing(const std::vector<std::string>& given, std::string_view name,
                  std::string_view value) {
    const auto is_it = [&](const std::string& line) {
      return SameHeader(std::string_view(line).substr(0, line.find_first_of(":;")), name);
    };
    if (std::ranges::none_of(given, is_it)) Add(name, value);
  }
  std::string& text() { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string PlainRequest(const HttpRequest& request, const HttpOptions& options,
                         const PreparedRequest& prepared, std::string_view user_agent) {
  if (!IsPlain(request, options, prepared)) return {};
  const Url& url = prepared.url;
  const std::vector<std::string>& given = prepared.header_lines;
  Lines lines;
  lines.text() = "GET ";
  if (!url.path.starts_with('/')) lines.text() += '/';
  lines.text() += url.path;
  if (!url.raw_query.empty()) lines.text().append("?").append(url.raw_query);
  lines.text() += " HTTP/1.1\r\n";
  lines.AddMissing(given, "Host", url.host);
  if (prepared.has_basic_auth)
    lines.Add("Authorization", "Basic " + Base64(prepared.username + ":" + prepared.password));
  lines.AddMissing(given, "User-Agent", user_agent);
  lines.AddMissing(given, "Accept", "*/*");
  for (const std::string& line : given) {
    const size_t end = line.find_first_of(":;");
    const std::string_view value = std::string_view(line).substr(end + 1);
    // "Name:" tells libcurl to leave out what it would add.
    if (line[end] == ':' && value.empty()) continue;
    lines.Add(line.substr(0, end),
              value.substr(std::min(value.find_first_not_of(' '), value.size())));
  }
  return std::move(lines.text()) + "\r\n";
}

}  // namespace canopy::net

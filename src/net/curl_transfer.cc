#include "curl_transfer.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "errno_text.h"
#include "plain_request.h"

namespace canopy::net {
namespace {

// Allocated for each transfer: short enough that the allocator keeps it at hand, and its pages in
// memory.
constexpr long kReceiveBuffer = 31L << 10;

constexpr long kMaxRedirects = 10;  // Go's

// Of a body whose length is announced so much is made room for at once; what is beyond grows as it
// arrives.
constexpr size_t kMostReserved = size_t{16} << 20;

curl_slist* MakeList(const std::vector<std::string>& lines) {
  curl_slist* list = nullptr;
  for (const std::string& line : lines) list = curl_slist_append(list, line.c_str());
  return list;
}

bool HasHeader(const std::vector<std::string>& lines, std::string_view name) {
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) {
    return line.size() > name.size() && SameHeader(line.substr(0, name.size()), name) &&
           (line[name.size()] == ':' || line[name.size()] == ';');
  });
}

long MinVersion(TlsVersion v) {
  switch (v) {
    case TlsVersion::kTls10:
      return CURL_SSLVERSION_TLSv1_0;
    case TlsVersion::kTls11:
      return CURL_SSLVERSION_TLSv1_1;
    case TlsVersion::kDefault:  // Go's
    case TlsVersion::kTls12:
      return CURL_SSLVERSION_TLSv1_2;
    case TlsVersion::kTls13:
      return CURL_SSLVERSION_TLSv1_3;
  }
  return CURL_SSLVERSION_TLSv1_2;
}

long MaxVersion(TlsVersion v) {
  switch (v) {
    case TlsVersion::kDefault:
      return CURL_SSLVERSION_MAX_DEFAULT;
    case TlsVersion::kTls10:
      return CURL_SSLVERSION_MAX_TLSv1_0;
    case TlsVersion::kTls11:
      return CURL_SSLVERSION_MAX_TLSv1_1;
    case TlsVersion::kTls12:
      return CURL_SSLVERSION_MAX_TLSv1_2;
    case TlsVersion::kTls13:
      return CURL_SSLVERSION_MAX_TLSv1_3;
  }
  return CURL_SSLVERSION_MAX_DEFAULT;
}

// A file by its name, or a text in its place.
void SetPem(CURL* handle, CURLoption file_option, CURLoption text_option, const std::string& file,
            const std::string& text) {
  if (!file.empty()) {
    curl_easy_setopt(handle, file_option, file.c_str());
  } else if (!text.empty()) {
    curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
    curl_easy_setopt(handle, text_option, &blob);
  }
}

// "Get" of "GET", as Go begins its errors.
std::string Verb(const std::string& method) {
  std::string out = method;
  for (size_t i = 1; i < out.size(); ++i)
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] | 0x20);
  return out;
}

}  // namespace

CurlTransfer::~CurlTransfer() {
  if (handle_ != nullptr) curl_easy_cleanup(handle_);
  if (closed_by_curl_ >= 0) ::close(closed_by_curl_);
  FreeLists();
}

const HttpClientConfig& CurlTransfer::config() const {
  static const HttpClientConfig kDefaults;
  return options_.config ? *options_.config : kDefaults;
}

void CurlTransfer::FreeLists() {
  for (curl_slist** const list : {&header_list_, &proxy_header_list_, &connect_to_}) {
    curl_slist_free_all(*list);
    *list = nullptr;
  }
}

void CurlTransfer::Begin(HttpRequestId id, HttpClient::Callback done) {
  id_ = id;
  done_ = std::move(done);
  status_ = {};
  response_ = {};
  encoding_ = Encoding::kIdentity;
  body_begun_ = false;
  too_long_ = false;
}

void CurlTransfer::Prepare(Fs& fs, const EnvironmentProxies& environment,
                           const std::string& user_agent) {
  if (is_prepared_ && !prepared_.reads_files) return;
  started_ = false;
  auto prepared = PrepareRequest(request_, options_, fs, environment);
  is_prepared_ = prepared.ok();
  if (!is_prepared_) {
    status_ = prepared.status();
    return;
  }
  prepared_ = std::move(prepared).value();
  std::vector<std::string>& lines = prepared_.header_lines;
  if (!prepared_.headers_host.empty() && !HasHeader(lines, "Host"))
    lines.push_back("Host: " + prepared_.headers_host);
  if (!HasHeader(lines, "Accept-Encoding"))
    lines.push_back(options_.accept_gzip ? "Accept-Encoding: gzip" : "Accept-Encoding: identity");
  // What libcurl would add by itself: a question before a long body, which costs a round trip, and
  // a type that the body does not have.
  lines.push_back("Expect:");
  if (!HasHeader(lines, "Content-Type")) lines.push_back("Content-Type:");
  if (keeps_ == Keeps::kConnection)
    plain_request_ = PlainRequest(request_, options_, prepared_, user_agent);
}

void CurlTransfer::Start(CURL* handle, const std::string& user_agent, Duration idle_timeout) {
  const HttpClientConfig& config = this->config();
  handle_ = handle;
  started_ = true;
  FreeLists();
  header_list_ = MakeList(prepared_.header_lines);
  curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(handle, CURLOPT_URL, prepared_.send_url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, header_list_);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, user_agent.c_str());
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, config.follow_redirects ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, HeaderCallback);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, BodyCallback);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  const auto milliseconds = [](Duration d) { return static_cast<long>(d.count()); };
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, milliseconds(options_.timeout));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options_.connect_timeout));
  if (prepared_.has_basic_auth) {
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(handle, CURLOPT_USERNAME, prepared_.username.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, prepared_.password.c_str());
  }
  SetMethod();
  SetTls(config.tls);
  SetConnection(config, idle_timeout);
}

void CurlTransfer::SetMethod() {
  const std::string& method = request_.method;
  if (method == "HEAD") {
    curl_easy_setopt(handle_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (method == "GET" && request_.body.empty()) {
    curl_easy_setopt(handle_, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (method == "POST" || !request_.body.empty()) {
    curl_easy_setopt(handle_, CURLOPT_POST, 1L);
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
  }
  // Only for the others: a method set this way would also stay after a redirect that asks for GET.
  if (method != "POST") curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void CurlTransfer::SetTls(const TlsConfig& tls) {
  SetPem(handle_, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, tls.ca_file, tls.ca);
  SetPem(handle_, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, tls.cert_file, tls.cert);
  SetPem(handle_, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, tls.key_file, tls.key);
  // Parsed authorities are kept for so long; a file that was replaced is seen after it.
  curl_easy_setopt(handle_, CURLOPT_CA_CACHE_TIMEOUT, 60L);
  curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYPEER, tls.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYHOST, tls.insecure_skip_verify ? 0L : 2L);
  curl_easy_setopt(handle_, CURLOPT_SSLVERSION,
                   MinVersion(tls.min_version) | MaxVersion(tls.max_version));
}

void CurlTransfer::SetConnection(const HttpClientConfig& config, Duration idle_timeout) {
  curl_easy_setopt(
      handle_, CURLOPT_HTTP_VERSION,
      static_cast<long>(config.enable_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle_, CURLOPT_MAXAGE_CONN, static_cast<long>(idle_timeout.count() / 1000));
  if (!plain_request_.empty()) {
    // A connection of its own, which libcurl gives up when it is done.
    curl_easy_setopt(handle_, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle_, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(handle_, CURLOPT_CLOSESOCKETFUNCTION, CloseSocket);
    curl_easy_setopt(handle_, CURLOPT_CLOSESOCKETDATA, this);
  }
  // An empty proxy means none; a null one would ask the environment.
  curl_easy_setopt(handle_, CURLOPT_PROXY, prepared_.proxy.c_str());
  if (!prepared_.no_proxy.empty())
    curl_easy_setopt(handle_, CURLOPT_NOPROXY, prepared_.no_proxy.c_str());
  curl_easy_setopt(handle_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!prepared_.proxy_header_lines.empty()) {
    proxy_header_list_ = MakeList(prepared_.proxy_header_lines);
    curl_easy_setopt(handle_, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    curl_easy_setopt(handle_, CURLOPT_PROXYHEADER, proxy_header_list_);
  }
  if (!prepared_.connect_to.empty()) {
    connect_to_ = MakeList({prepared_.connect_to});
    curl_easy_setopt(handle_, CURLOPT_CONNECT_TO, connect_to_);
  }
  if (!options_.unix_socket.empty())
    curl_easy_setopt(handle_, CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket.c_str());
}

size_t CurlTransfer::HeaderCallback(char* data, size_t size, size_t n, void* self) {
  return static_cast<CurlTransfer*>(self)->OnHeader({data, size * n});
}

size_t CurlTransfer::BodyCallback(char* data, size_t size, size_t n, void* self) {
  return static_cast<CurlTransfer*>(self)->OnBody({data, size * n});
}

size_t CurlTransfer::OnHeader(std::string_view line) {
  const size_t taken = line.size();
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();  // of a response before a redirect
    return taken;
  }
  // After the body come trailers, which are not told apart from fields; nobody asks for them.
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || body_begun_) return taken;
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  response_.headers.emplace_back(line.substr(0, colon), value);
  return taken;
}

size_t CurlTransfer::OnBody(std::string_view bytes) {
  if (!body_begun_) {
    body_begun_ = true;
    const auto encoding = ParseEncoding(response_.header("Content-Encoding"));
    if (!encoding.ok()) {
      status_ = encoding.status();
      return CURL_WRITEFUNC_ERROR;
    }
    encoding_ = *encoding;
    response_.body = std::move(options_.body_buffer);
    // What is decompressed replaces the buffer's content, and is quicker with the old one in it.
    if (encoding_ == Encoding::kIdentity) response_.body.clear();
    const auto length = base::ParseUint(response_.header("Content-Length")).value_or(0);
    (encoding_ == Encoding::kIdentity ? response_.body : raw_)
        .reserve(std::min<size_t>(length, kMostReserved));
  }
  std::string& to = encoding_ == Encoding::kIdentity ? response_.body : raw_;
  // Compressed bytes may be a little more than what they stand for.
  const size_t slack = encoding_ == Encoding::kIdentity ? 0 : options_.max_body_bytes / 64 + 1024;
  if (options_.max_body_bytes > 0 && to.size() + bytes.size() > options_.max_body_bytes + slack) {
    too_long_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  to.append(bytes);
  return bytes.size();
}

void CurlTransfer::End(CURLcode code) {
  long number = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &number);
  response_.code = static_cast<int>(number);
  curl_off_t microseconds = 0;
  curl_easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &microseconds);
  response_.duration = Duration(microseconds / 1000);
  const char* url = nullptr;
  curl_easy_getinfo(handle_, CURLINFO_EFFECTIVE_URL, &url);
  long redirects = 0;
  curl_easy_getinfo(handle_, CURLINFO_REDIRECT_COUNT, &redirects);
  response_.url = redirects > 0 && url != nullptr ? url : request_.url;
  if (code != CURLE_OK && status_.ok()) status_ = ErrorOf(code);
  KeepConnection(code);
}

CURL* CurlTransfer::TakeHandle() {
  if (keeps_ != Keeps::kNothing && plain_request_.empty() && started_) return nullptr;
  started_ = false;
  return std::exchange(handle_, nullptr);
}

// Where the connection was to go: the address if one was reached, the URL's host otherwise.
std::string CurlTransfer::Dialled() const {
  const char* ip = nullptr;
  long port = 0;
  curl_easy_getinfo(handle_, CURLINFO_PRIMARY_IP, &ip);
  curl_easy_getinfo(handle_, CURLINFO_PRIMARY_PORT, &port);
  if (!options_.unix_socket.empty()) return "unix " + options_.unix_socket;
  if (ip != nullptr && *ip != '\0' && port > 0) {
    const std::string host(ip);
    return "tcp " + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
           std::to_string(port);
  }
  std::string host = prepared_.url.host;
  if (prepared_.url.port().empty()) host += prepared_.url.scheme == "https" ? ":443" : ":80";
  return "tcp " + host;
}

Status CurlTransfer::TooLong() const {
  return Status::Limit("body size limit of " + std::to_string(options_.max_body_bytes) +
                       " bytes exceeded");
}

Status CurlTransfer::ErrorOf(CURLcode code) const {
  const std::string text = *error_text_ != '\0' ? error_text_ : curl_easy_strerror(code);
  long system_error = 0;
  curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &system_error);
  const std::string reason = system_error != 0 ? ErrnoText(static_cast<int>(system_error)) : text;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_off_t total = 0;
      curl_easy_getinfo(handle_, CURLINFO_CONNECT_TIME_T, &connected);
      curl_easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &total);
      const bool whole = options_.timeout > Duration(0) && total / 1000 >= options_.timeout.count();
      if (connected == 0 && !whole) return Status::Timeout("dial " + Dialled() + ": i/o timeout");
      return Status::Timeout("context deadline exceeded");
    }
    case CURLE_WRITE_ERROR:
      return too_long_ ? TooLong() : Status::Internal(text);
    case CURLE_COULDNT_RESOLVE_HOST:
      return Status::Unavailable("dial tcp: lookup " + std::string(prepared_.url.host_name()) +
                                 ": no such host");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Status::Unavailable("proxyconnect tcp: lookup: " + text);
    case CURLE_COULDNT_CONNECT:
      return Status::Unavailable("dial " + Dialled() + ": connect: " + reason);
    case CURLE_GOT_NOTHING:
      return Status::Unavailable("EOF");
    case CURLE_PARTIAL_FILE:
      return Status::Unavailable("unexpected EOF");
    case CURLE_RECV_ERROR:
      return Status::Unavailable("read: " + reason);
    case CURLE_SEND_ERROR:
      return Status::Unavailable("write: " + reason);
    case CURLE_TOO_MANY_REDIRECTS:
      return Status::Unavailable("stopped after " + std::to_string(kMaxRedirects) + " redirects");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Status::Invalid("invalid URL: " + text);
    case CURLE_PEER_FAILED_VERIFICATION:
      return Status::Unavailable("tls: failed to verify certificate: " + text);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
      return Status::Unavailable("tls: " + text);
    default:
      return Status::Unavailable(text);
  }
}

Status CurlTransfer::Decode() {
  if (encoding_ == Encoding::kIdentity) return {};
  const size_t limit =
      options_.max_body_bytes > 0 ? options_.max_body_bytes : std::numeric_limits<size_t>::max();
  const Status status = Decompress(encoding_, raw_, limit, response_.body);
  return status.code() == Code::kLimit ? TooLong() : status;
}

void CurlTransfer::Deliver() {
  response_.wire_body_bytes =
      encoding_ == Encoding::kIdentity ? response_.body.size() : raw_.size();
  if (status_.ok()) status_ = Decode();
  if (!body_begun_) {
    response_.body = std::move(options_.body_buffer);
    response_.body.clear();
  }
  if (!status_.ok()) {
    // The user sees which request failed, and no password.
    const auto url = ParseUrl(request_.url);
    response_.status = status_.In(Verb(request_.method) + " " +
                                  base::Quoted(url.ok() ? url->Redacted() : request_.url));
    response_.body.clear();
  }
  raw_ = std::string();
  // From here on it may be sent again.
  const HttpClient::Callback done = std::exchange(done_, nullptr);
  HttpResponse response = std::move(response_);
  done(std::move(response));
}

}  // namespace canopy::net

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/net/headers.h"
#include "canopy/net/url.h"

// HTTP/1.1 server: one thread per open connection (Poco's TCP server), blocking reads and writes,
// so that a slow client slows its own response down and nothing else.

namespace canopy::net {

// A request whose head has been read. Not thread-safe, but for disconnected(). Valid while its
// handler runs.
class Request {
 public:
  virtual ~Request() = default;

  virtual const std::string& method() const = 0;     // "GET"
  virtual const std::string& path() const = 0;       // unescaped, without the query
  virtual const std::string& raw_query() const = 0;  // without the ?
  virtual const Headers& headers() const = 0;
  virtual const std::string& client_address() const = 0;  // "127.0.0.1:4711"
  // The body as it came, undecoded. kLimit when it is longer than `limit`; kUnavailable or kTimeout
  // when the client does not send all of it. The second call returns the same.
  virtual Result<std::string_view> ReadBody(size_t limit) = 0;
  // Whether the client has gone: a long query asks now and then, and stops. Costs a system call.
  virtual bool disconnected() const = 0;

  std::string_view header(std::string_view name) const { return FindHeader(headers(), name); }
  // The value of "{name}" in the route's pattern, unescaped; empty when there is none.
  std::string_view path_param(std::string_view name) const;
  // The route's pattern; empty when none matched.
  const std::string& route() const { return route_; }

  // The parameters of the URL.
  Result<Form> Query() const { return ParseForm(raw_query()); }
  // As Go's Request.ParseForm: those of a form body of at most `limit` bytes (POST, PUT, PATCH),
  // then those of the URL. A broken part is kInvalid.
  Result<Form> FormValues(size_t limit = size_t{10} << 20);

 private:
  friend class Router;
  std::string route_;
  Headers path_params_;
};

// The answer. Status and headers first, then either Send() once, or Write() any number of times; a
// handler that does neither sends an empty body. Not thread-safe.
//
// The body is compressed by the request's Accept-Encoding (NegotiateEncoding), with "Vary:
// Accept-Encoding" always, unless the handler has set Content-Encoding itself.
class Response {
 public:
  virtual ~Response() = default;

  // 200 unless set.
  virtual void SetStatus(int code) = 0;
  virtual void SetHeader(std::string_view name, std::string value) = 0;
  virtual int status() const = 0;

  // The whole body with its Content-Length.
  virtual Status Send(std::string_view body) = 0;
  // The next piece, sent at once as one chunk: give it 64 KiB or more. Returns when the system has
  // taken it, so a slow client is felt. kCanceled when the client has gone: stop.
  virtual Status Write(std::string_view piece) = 0;
  // Ends a streamed body in a way that tells the client that it is not whole: the connection is
  // closed without the last chunk. For faults that come to light after the first Write().
  virtual void Abort() = 0;

  // "text/plain; charset=utf-8", the text and a newline: Go's http.Error.
  Status SendError(int code, std::string_view text);
};

using Handler = std::function<void(Request&, Response&)>;

// Which handler answers what. Built before the server starts, then only read: thread-safe then.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `pattern` is a path whose segments may be "{name}", and whose last may be "{name...}" for the
  // whole rest (also an empty one). Words win over names. A method and pattern twice is a bug.
  void Handle(std::string_view method, std::string_view pattern, Handler handler);
  // Whatever no pattern matches; without it: 404.
  void HandleRest(Handler handler);

  // Calls the handler, or answers as Prometheus's router does: "404 page not found"; 405 with Allow
  // when the path exists under other methods; OPTIONS with Allow; a path with or without a slash at
  // its end too much is redirected to the one that exists.
  void Serve(Request& request, Response& response) const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

enum class ClientAuth : unsigned char {
  kNone,
  kRequest,
  kRequireAny,
  kVerifyIfGiven,
  kRequireAndVerify,
};

// As tls_server_config of Prometheus's web configuration file.
struct TlsServerOptions {
  std::string cert_file, key_file;
  ClientAuth client_auth = ClientAuth::kNone;
  std::string client_ca_file;
  bool allow_tls12 = true;    // min_version TLS12
  bool allow_tls13 = true;    // max_version TLS13
  std::string cipher_suites;  // OpenSSL's list for TLS 1.2; empty: its default
};

// What happened to one request; for metrics and logs.
struct RequestDone {
  std::string_view method;
  std::string_view route;  // the pattern; empty when none matched
  int code = 0;
  size_t response_bytes = 0;  // of the body, as sent
  double seconds = 0;
};

struct HttpServerOptions {
  std::vector<std::string> listen_addresses;  // "0.0.0.0:9090", ":9090", "[::1]:0"
  int max_connections = 512;                  // per address; more wait to be accepted
  // For the whole head of a request, for each read of a body, and between two requests.
  Duration read_timeout = std::chrono::minutes(5);
  // A client that takes nothing for so long is dropped.
  Duration write_timeout = std::chrono::minutes(1);
  size_t max_head_bytes = size_t{1} << 20;  // Go's DefaultMaxHeaderBytes; beyond: 431

  std::optional<TlsServerOptions> tls;
  // name -> bcrypt hash ("$2y$10$..."). Empty: nobody is asked.
  std::map<std::string, std::string> basic_auth_users;
  Headers response_headers;  // added to every response
  // Called on the connection's thread after each response; must not block.
  std::function<void(const RequestDone&)> on_done;
};

// Thread-safe.
class HttpServer {
 public:
  virtual ~HttpServer() = default;

  // "127.0.0.1:43121" for each listen address, with the port that a 0 became.
  virtual std::vector<std::string> addresses() const = 0;
  // Accepts no more, lets running requests end for at most `grace`, then cuts their connections
  // off, which handlers see as disconnected(), and waits for them. Not from a handler. Idempotent;
  // the destructor calls it without grace.
  virtual void Stop(Duration grace) = 0;
};

// Binds and starts to serve. kExists when an address is taken ("listen tcp 127.0.0.1:9090: bind:
// address already in use"), kInvalid for options that cannot be.
Result<std::unique_ptr<HttpServer>> StartHttpServer(HttpServerOptions options, Router router);

}  // namespace canopy::net

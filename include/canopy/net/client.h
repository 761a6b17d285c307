#pragma once

#include <functional>
#include <memory>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/base/workers.h"
#include "canopy/net/headers.h"
#include "canopy/net/http_config.h"

// HTTP requests to targets, children, Alertmanagers and storages: thousands at once on one thread.

namespace canopy::net {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
};

struct HttpOptions {
  Duration timeout{0};          // the whole request with redirects and body; 0: none
  Duration connect_timeout{0};  // 0: as `timeout`
  // A longer body, counted as decompressed, ends the request with kLimit. 0: no limit.
  size_t max_body_bytes = 0;
  // Asks for gzip. A body comes decompressed whatever is asked for.
  bool accept_gzip = true;
  std::string unix_socket;                         // connects there instead of to the URL's host
  std::shared_ptr<const HttpClientConfig> config;  // none: the defaults
  // Where the body is decompressed and the callback runs; must live until it has run. None: on the
  // client's own thread, which then must not be held up: decide, enqueue, return.
  Workers* run_on = nullptr;
  // A response with a body up to this, as it comes over the wire, does not go to `run_on` unless
  // many others wait: the client's thread has it in its cache, and to wake another one can cost
  // more than to read it.
  size_t run_here_up_to_bytes = 0;
  // Given back as HttpResponse::body: a caller that passes its last one spares the allocation.
  std::string body_buffer;
};

struct HttpResponse {
  // Whether a whole response arrived; the code of the response plays no part. The message reads as
  // Go's: `Get "http://h:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused`, `Get
  // "...": context deadline exceeded`. kTimeout, kLimit, kCanceled, kInvalid (URL, headers, files),
  // kUnavailable for the rest.
  Status status;
  int code = 0;
  Headers headers;  // of the last response of a chain of redirects; none repeated are merged
  std::string body;
  std::string url;             // the last one of a chain of redirects
  size_t wire_body_bytes = 0;  // before decompression
  Duration duration{0};

  std::string_view header(std::string_view name) const { return FindHeader(headers, name); }
};

using HttpRequestId = Id<struct HttpRequestTag>;

// Thread-safe.
class HttpClient {
 public:
  using Callback = std::function<void(HttpResponse)>;

  virtual ~HttpClient() = default;

  // Returns at once. `done` runs exactly once, whatever happens: see HttpOptions::run_on for where.
  virtual HttpRequestId Send(HttpRequest request, HttpOptions options, Callback done) = 0;
  // `done` runs soon with kCanceled, unless the response came first. Unknown ids are fine.
  virtual void Cancel(HttpRequestId id) = 0;

  // A request that is sent again and again, one at a time: what stays the same is prepared once,
  // and a plain one keeps a connection of its own. Files of credentials are read for each. Must not
  // outlive the client.
  class StandingRequest {
   public:
    virtual ~StandingRequest() = default;
  };
  virtual std::unique_ptr<StandingRequest> Prepare(HttpRequest request, HttpOptions options) = 0;
  // REQUIRES: when it was sent before, that callback has run, or is about to return. `body_buffer`
  // is as in HttpOptions.
  virtual HttpRequestId Send(StandingRequest& request, std::string body_buffer, Callback done) = 0;

  // A task that is due again and again; see NewTimer().
  class Timer {
   public:
    // Waits for the task when it is running; it does not run after this. Not from the task itself.
    virtual ~Timer() = default;
    // Thread-safe, and fine from the task itself.
    virtual void RunSoon() = 0;
  };
  // Calls `task` on the client's own thread: soon, and then always after the time that it asked for
  // last. For what sends requests by a schedule: a thread of its own would have to be woken for
  // each of them, and then to wake the client's. Must not outlive the client.
  virtual std::unique_ptr<Timer> NewTimer(std::function<Duration()> task) = 0;

  // Sends and waits. Not from a callback on the client's own thread. `options.run_on` is not used.
  HttpResponse Fetch(HttpRequest request, HttpOptions options = {});
};

struct CurlClientOptions {
  std::string user_agent = "canopy";
  // Connections kept open for the next request, to all hosts together; at most half of the files
  // that the process may open when the client is made.
  long max_idle_connections = 10'000;
  Duration idle_timeout = std::chrono::minutes(5);
  // For credential files. libcurl itself reads the files of TlsConfig.
  Fs* fs = nullptr;  // PosixFs()
};

// One libcurl multi handle on one thread, with the kept connections of standing requests beside it.
// Destruction cancels what is under way and returns when every callback has run or has been handed
// to its workers.
std::unique_ptr<HttpClient> NewCurlHttpClient(CurlClientOptions options = {});

}  // namespace canopy::net

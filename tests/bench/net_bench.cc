#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "canopy/net/client.h"
#include "canopy/net/compress.h"
#include "canopy/net/server.h"

// HTTP on loopback, our client against our server: what a request costs by itself, what a long
// answer costs a megabyte, and how fast many targets are asked.

namespace canopy::net {
namespace {

using Steady = std::chrono::steady_clock;

double SecondsSince(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::string Page(int lines) {
  std::string out;
  for (int i = 0; i < lines; ++i) {
    out +=
        "http_request_duration_seconds_bucket{code=\"200\",handler=\"/api/v1/query_range\",le=\"" +
        std::to_string(i % 13) + "\",instance=\"10.0." + std::to_string(i / 250 % 250) + "." +
        std::to_string(i % 250) + ":9100\"} " + std::to_string(i * 7919L) + " 1767369845678\n";
  }
  return out;
}

struct Bench {
  std::string page = Page(1000);
  std::string packed_page;
  std::string piece = Page(800).substr(0, 128 << 10);
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client = NewCurlHttpClient();

  Bench() {
    Compress(Encoding::kGzip, page, packed_page);
    Router router;
    router.Handle("GET", "/small", [](Request&, Response& r) { (void)r.Send("ok"); });
    router.Handle("GET", "/metrics", [this](Request& request, Response& r) {
      if (request.header("Accept-Encoding") == "gzip") r.SetHeader("Content-Encoding", "gzip");
      (void)r.Send(request.header("Accept-Encoding") == "gzip" ? packed_page : page);
    });
    router.Handle("GET", "/federate", [this](Request&, Response& r) {
      for (size_t sent = 0; sent < (size_t{100} << 20); sent += piece.size())
        if (!r.Write(piece).ok()) return;
    });
    HttpServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    server = std::move(StartHttpServer(std::move(options), std::move(router))).value();
  }
  std::string Url(std::string_view path) const {
    return "http://" + server->addresses()[0] + std::string(path);
  }

  void OneAfterTheOther() {
    constexpr int kRequests = 5000;
    const auto start = Steady::now();
    for (int i = 0; i < kRequests; ++i) (void)client->Fetch({"GET", Url("/small"), {}, ""});
    std::printf("net: request over a kept connection      %8.1f us\n",
                SecondsSince(start) / kRequests * 1e6);
  }

  void LongAnswer(bool gzip) {
    HttpOptions options;
    options.accept_gzip = gzip;
    const auto start = Steady::now();
    const double cpu = CpuSeconds();
    const HttpResponse r = client->Fetch({"GET", Url("/federate"), {}, ""}, options);
    const double megabytes = static_cast<double>(r.body.size()) / (1 << 20);
    std::printf("net: streamed answer, %-8s           %8.0f MB/s  %6.2f ms CPU/MB (both ends)\n",
                gzip ? "gzip" : "identity", megabytes / SecondsSince(start),
                (CpuSeconds() - cpu) / megabytes * 1e3);
  }

  void ManyTargets(bool gzip) {
    constexpr int kRequests = 20'000;
    constexpr int kAtOnce = 200;
    std::mutex mu;
    std::condition_variable done;
    int left = kRequests;
    int to_send = kRequests - kAtOnce;
    std::function<void(HttpResponse)> next;
    const auto send = [&](std::string buffer) {
      HttpOptions options;
      options.accept_gzip = gzip;
      options.body_buffer = std::move(buffer);
      client->Send({"GET", Url("/metrics"), {}, ""}, std::move(options), next);
    };
    next = [&](HttpResponse r) {
      const std::lock_guard<std::mutex> lock(mu);
      if (--left == 0) done.notify_all();
      if (to_send > 0) {
        --to_send;
        send(std::move(r.body));
      }
    };
    const auto start = Steady::now();
    const double cpu = CpuSeconds();
    for (int i = 0; i < kAtOnce; ++i) send({});
    std::unique_lock<std::mutex> lock(mu);
    done.wait(lock, [&] { return left == 0; });
    std::printf("net: pages of %zu KB, %d at once, %-8s %8.0f /s  %6.1f us CPU (both ends)\n",
                page.size() >> 10, kAtOnce, gzip ? "gzip" : "identity",
                kRequests / SecondsSince(start), (CpuSeconds() - cpu) / kRequests * 1e6);
  }
};

}  // namespace
}  // namespace canopy::net

int main() {
  canopy::net::Bench bench;
  bench.OneAfterTheOther();
  for (const bool gzip : {false, true}) bench.LongAnswer(gzip);
  for (const bool gzip : {false, true}) bench.ManyTargets(gzip);
}

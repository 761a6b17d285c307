#pragma once

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "canopy/net/server.h"

namespace canopy::net {

// On a free port, unless the options say where.
inline std::unique_ptr<HttpServer> Serve(Router router, HttpServerOptions options = {}) {
  if (options.listen_addresses.empty()) options.listen_addresses = {"127.0.0.1:0"};
  auto server = StartHttpServer(std::move(options), std::move(router));
  BOOST_REQUIRE_MESSAGE(server.ok(), server.status().message());
  return std::move(server).value();
}

// Answers every request with its own method, target, chosen headers and body.
inline std::unique_ptr<HttpServer> ServeEcho() {
  Router router;
  router.HandleRest([](Request& request, Response& response) {
    std::string out = request.method() + " " + request.path();
    if (!request.raw_query().empty()) out += "?" + request.raw_query();
    for (const char* name :
         {"Accept-Encoding", "User-Agent", "Authorization", "Content-Type", "Expect", "X-A"})
      for (const auto& [n, value] : request.headers())
        if (SameHeader(n, name)) out += "\n" + std::string(name) + ": " + value;
    const auto body = request.ReadBody(size_t{100} << 20);
    if (body.ok() && !body->empty()) out += "\n\n" + std::string(*body);
    (void)response.Send(out);
  });
  return Serve(std::move(router));
}

inline std::string UrlOf(const HttpServer& server, std::string_view path) {
  return "http://" + server.addresses()[0] + std::string(path);
}

}  // namespace canopy::net

#pragma once

#include <Poco/Net/Context.h>
#include <Poco/Net/ServerSocket.h>

#include <string>

#include "canopy/base/status.h"
#include "canopy/net/server.h"

namespace canopy::net {

// Certificates and keys are read again at each handshake, the authorities of clients only here.
// kInvalid names the file.
Result<Poco::Net::Context::Ptr> MakeTlsContext(const TlsServerOptions& options);

// Binds and listens; `tls` may be null. Errors as StartHttpServer(). Whoever waits for connections
// does so until there is one or `stop`, a file, is readable.
Result<Poco::Net::ServerSocket> Listen(const std::string& address, Poco::Net::Context::Ptr tls,
                                       int stop);

}  // namespace canopy::net

#pragma once

#include <string>
#include <string_view>

#include "prepared_request.h"

namespace canopy::net {

// The bytes of a request that needs no more than to be sent over a connection to its host, as
// libcurl would send them. Empty for all others: of TLS, by a proxy, with a body, and what is
// prepared anew each time.
std::string PlainRequest(const HttpRequest& request, const HttpOptions& options,
                         const PreparedRequest& prepared, std::string_view user_agent);

}  // namespace canopy::net

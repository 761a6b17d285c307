#pragma once

#include "app/server_options.h"

namespace canopy::app {

// Serves until it is told to end. Returns the exit status; what went wrong has been said.
int RunServer(ServerOptions options);

}  // namespace canopy::app

#pragma once

#include <optional>
#include <string_view>

#include "canopy/config/config.h"

namespace canopy::config {

// "OpenMetricsText1.0.0", ...
std::string_view ProtocolText(Protocol protocol);
std::optional<Protocol> ParseProtocol(std::string_view text);

// "utf8", "legacy"
std::string_view NameValidationText(NameValidation validation);

// What goes with a scheme of valid names when nothing else is asked for.
Escaping DefaultEscaping(NameValidation validation);

}  // namespace canopy::config

#pragma once

#include <string>
#include <string_view>

namespace canopy::app {

// Canopy's own version.
inline constexpr std::string_view kVersion = "0.1.0";
// The version of Prometheus whose behaviour, API and configuration are offered: clients that judge
// by version see this one.
inline constexpr std::string_view kPrometheusVersion = "3.14.0";

// "canopy, version 0.1.0 (as Prometheus 3.14.0), built with g++ 12.2.0"
std::string VersionLine();

}  // namespace canopy::app

#include "canopy/app/version.h"

namespace canopy::app {

std::string VersionLine() {
  std::string line = "canopy, version ";
  line += kVersion;
  line += " (as Prometheus ";
  line += kPrometheusVersion;
  line += "), built with g++ " __VERSION__;
  return line;
}

}  // namespace canopy::app

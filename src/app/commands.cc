#include "app/commands.h"

#include <cstdio>

namespace canopy::app {
namespace {

constexpr Command kCommands[] = {
    {"check", "config FILE ...", "Check configurations.", RunCheck},
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }

int Fail(int status, std::string_view message) {
  std::fprintf(stderr, "canopy: %.*s\n", static_cast<int>(message.size()), message.data());
  return status;
}

}  // namespace canopy::app

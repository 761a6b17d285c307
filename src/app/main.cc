#include <cstdio>
#include <string>
#include <vector>

#include "app/commands.h"

int main(int argc, char** argv) {
  using namespace canopy::app;
  const std::vector<std::string> args(argv + 1, argv + argc);
  // Without a command's word first, the program is the server, as Prometheus is.
  if (args.empty() || args[0].starts_with("-")) return Serve(args);
  const Args rest(args.begin() + 1, args.end());
  for (const Command& command : Commands()) {
    if (command.name != args[0]) continue;
    if (!AsksForHelp(rest)) return command.run(rest);
    std::fputs(std::string(command.usage).c_str(), stdout);
    return kExitOk;
  }
  return Fail(kExitUsage, "unknown command \"" + args[0] + "\"; see canopy --help");
}

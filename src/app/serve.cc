// The server's command line: what Prometheus's program takes.

#include <algorithm>
#include <cstdio>

#include "app/commands.h"
#include "app/run.h"
#include "canopy/app/flags.h"
#include "canopy/app/version.h"

namespace canopy::app {
namespace {

void PrintHelp(const FlagSet& flags) {
  std::printf("usage: canopy [FLAGS]\n           Serve.\n");
  for (const Command& command : Commands()) {
    std::printf("       canopy %s %s\n           %s\n", std::string(command.name).c_str(),
                std::string(command.arguments).c_str(), std::string(command.help).c_str());
  }
  std::printf("       canopy COMMAND --help\n       canopy --version\n\nFlags:\n%s",
              flags.Help().c_str());
}

}  // namespace

int Serve(const Args& args) {
  FlagSet flags(ServerFlags());
  if (AsksForHelp(args)) {
    PrintHelp(flags);
    return kExitOk;
  }
  if (std::find(args.begin(), args.end(), "--version") != args.end()) {
    std::printf("%s\n", VersionLine().c_str());
    return kExitOk;
  }
  if (const Status status = flags.Parse(args); !status.ok()) {
    return Fail(kExitUsage, status.message());
  }
  Result<ServerOptions> options = ReadServerFlags(flags);
  if (!options.ok()) return Fail(kExitUsage, options.status().message());
  return RunServer(std::move(options).value());
}

}  // namespace canopy::app

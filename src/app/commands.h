#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

// The commands of the program. Each takes its arguments (without its own name), writes to stdout
// and stderr, and returns the exit status.

namespace canopy::app {

using Args = std::vector<std::string>;

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // the answer is no: a bad configuration, a failed query
inline constexpr int kExitUsage = 2;   // the command line cannot be understood
inline constexpr int kExitLint = 3;    // nothing is wrong, but something is badly named

struct Command {
  std::string_view name;
  std::string_view arguments;  // as --help shows them
  std::string_view help;       // one line
  std::string_view usage;      // what its own --help shows
  int (*run)(const Args& args);
};

// All but the server.
std::span<const Command> Commands();

// Whether --help or -h is among the arguments.
bool AsksForHelp(const Args& args);

// The server, also --help and --version.
int Serve(const Args& args);

int RunCheck(const Args& args);
int RunQuery(const Args& args);
int RunTsdb(const Args& args);
int RunPromql(const Args& args);
int RunTest(const Args& args);

// Prints "canopy: MESSAGE" to stderr and returns `status`.
int Fail(int status, std::string_view message);

}  // namespace canopy::app

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace canopy::testing {

// Whether a program of this name is in the PATH: Debian's prometheus and promtool need not be.
bool HasProgram(const std::string& name);

// A program that runs beside the test and dies with this object.
class PeerProcess {
 public:
  // argv[0] is looked for in the PATH. What it prints goes to `log`.
  PeerProcess(std::vector<std::string> argv, const std::string& log);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  // As a power cut would, but for what the system has taken already.
  void Kill();
  // Asks it to end, and waits; its exit status, or -1 when a signal ended it.
  int Terminate();
  // Waits for its end.
  int Wait();

 private:
  pid_t pid_ = -1;
};

struct ProgramResult {
  int exit_status = -1;
  std::string out;  // stdout
  std::string err;  // stderr
};
// Runs a program to its end.
ProgramResult RunProgram(const std::vector<std::string>& argv);

}  // namespace canopy::testing

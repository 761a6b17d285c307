#include "tests/support/peer_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "canopy/base/check.h"
#include "canopy/base/fs.h"
#include "tests/support/temp_dir.h"

extern char** environ;

namespace canopy::testing {
namespace {

pid_t Spawn(const std::vector<std::string>& argv, const std::string& out, const std::string& err) {
  std::vector<char*> args;
  for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  CANOPY_CHECK(posix_spawn_file_actions_init(&actions) == 0);
  const int flags = O_WRONLY | O_CREAT | O_APPEND;
  CANOPY_CHECK(posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), flags, 0644) == 0);
  CANOPY_CHECK(posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), flags, 0644) == 0);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, args[0], &actions, nullptr, args.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

int WaitFor(pid_t pid) {
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

bool HasProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    if (::access(JoinPath(rest.substr(0, colon), name).c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return false;
}

PeerProcess::PeerProcess(std::vector<std::string> argv, const std::string& log)
    : pid_(Spawn(argv, log, log)) {}

PeerProcess::~PeerProcess() { Kill(); }

void PeerProcess::Kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  (void)Wait();
}

int PeerProcess::Terminate() {
  if (pid_ < 0) return -1;
  ::kill(pid_, SIGTERM);
  return Wait();
}

int PeerProcess::Wait() {
  const int status = WaitFor(pid_);
  pid_ = -1;
  return status;
}

ProgramResult RunProgram(const std::vector<std::string>& argv) {
  const TempDir dir;
  const std::string out = JoinPath(dir.path(), "out");
  const std::string err = JoinPath(dir.path(), "err");
  ProgramResult result;
  result.exit_status = WaitFor(Spawn(argv, out, err));
  if (auto text = PosixFs().ReadFile(out); text.ok()) result.out = std::move(*text);
  if (auto text = PosixFs().ReadFile(err); text.ok()) result.err = std::move(*text);
  return result;
}

}  // namespace canopy::testing

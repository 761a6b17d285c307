// canopy tsdb: what is in a data directory. The commands that promtool has take the same arguments
// and print the same lines.

#include "app/command_tsdb.h"

#include <cstdio>

#include "app/progress.h"
#include "app/tsdb_text.h"
#include "canopy/tsdb/read_only_db.h"
#include "canopy/tsdb/verify_dir.h"

namespace canopy::app {

using enum FlagKind;

namespace {

constexpr FlagSpec kListFlags[] = {
    {"human-readable", kBool, "false", FlagRole::kActive, false, ""},
};
constexpr FlagSpec kVerifyFlags[] = {
    {"max-faults", kInt, "100", FlagRole::kActive, false, ""},
};

struct Tool {
  std::string_view name;
  int (*run)(const Args& args);
};
constexpr Tool kTools[] = {
    {"list", TsdbList},
    {"analyze", TsdbAnalyze},
    {"dump", TsdbDump},
    {"dump-openmetrics", TsdbDumpOpenMetrics},
    {"create-blocks-from", TsdbCreateBlocks},
    {"verify", TsdbVerify},
    {"bench", TsdbBench},
};

}  // namespace

Result<TsdbArgs> ParseTsdbArgs(std::span<const FlagSpec> specs, const Args& args, size_t least,
                               size_t most) {
  Args spelled_out = args;
  for (std::string& arg : spelled_out) {
    if (arg == "-r") arg = "--human-readable";
    if (arg == "-q") arg = "--quiet";
  }
  TsdbArgs out{FlagSet(specs), {}};
  CANOPY_RETURN_IF_ERROR(out.flags.Parse(spelled_out, &out.rest));
  for (const std::string& word : out.rest)
    if (word.starts_with('-') && word != "-") return Status::Invalid("unknown flag '" + word + "'");
  if (out.rest.size() < least || out.rest.size() > most)
    return Status::Invalid("wrong number of arguments");
  return out;
}

Status Output::Flush() {
  const size_t size = text_.size();
  const bool written = std::fwrite(text_.data(), 1, size, stdout) == size;
  text_.clear();
  if (!written || std::fflush(stdout) != 0) return Status::Io("standard output takes no more");
  return {};
}

void Notice(std::string_view message) {
  std::fprintf(stderr, "canopy: notice: %.*s\n", static_cast<int>(message.size()), message.data());
}

int TsdbList(const Args& args) {
  const auto parsed = ParseTsdbArgs(kListFlags, args, 0, 1);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  std::vector<std::string> faults;
  const auto blocks = tsdb::ListBlocks(PosixFs(), parsed->At(0), faults);
  if (!blocks.ok()) return Fail(kExitFailed, blocks.status().message());
  const std::string text = FormatBlocks(*blocks, true, parsed->flags.Bool("human-readable"));
  std::fputs(text.c_str(), stdout);
  for (const std::string& fault : faults) (void)Fail(kExitFailed, fault);
  return faults.empty() ? kExitOk : kExitFailed;
}

int TsdbVerify(const Args& args) {
  const auto parsed = ParseTsdbArgs(kVerifyFlags, args, 0, 1);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  const std::string dir = parsed->At(0);
  Progress progress("verify");
  tsdb::VerifyDirOptions options;
  options.max_faults = static_cast<size_t>(std::max<int64_t>(0, parsed->flags.Int("max-faults")));
  options.progress = [&](const std::string&, uint64_t done, uint64_t total) {
    progress.Show(done, total);
  };
  options.part = [&](const tsdb::VerifiedPart& part) {
    progress.Clear();
    std::printf("  %s: %s\n", part.name.c_str(), part.content.c_str());
    for (const std::string& fault : part.faults) std::printf("    FAILED: %s\n", fault.c_str());
    if (part.fault_count > part.faults.size()) {
      std::printf("    FAILED: and %llu more\n",
                  static_cast<unsigned long long>(part.fault_count - part.faults.size()));
    }
    for (const std::string& notice : part.notices) std::printf("    NOTICE: %s\n", notice.c_str());
  };
  std::printf("Checking %s\n", dir.c_str());
  const auto faults = tsdb::VerifyDir(PosixFs(), dir, options);
  progress.Clear();
  if (!faults.ok()) return Fail(kExitFailed, faults.status().message());
  if (*faults == 0) std::printf("  SUCCESS: nothing is wrong\n");
  return *faults == 0 ? kExitOk : kExitFailed;
}

int RunTsdb(const Args& args) {
  if (args.empty()) return Fail(kExitUsage, "what to do is missing; see canopy tsdb --help");
  for (const Tool& tool : kTools)
    if (tool.name == args[0]) return tool.run(Args(args.begin() + 1, args.end()));
  return Fail(kExitUsage, "unknown command \"" + args[0] + "\"; see canopy tsdb --help");
}

}  // namespace canopy::app

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/commands.h"
#include "canopy/app/flags.h"
#include "canopy/base/status.h"

// What the commands of `canopy tsdb` share, and the commands.

namespace canopy::app {

// The arguments of one command: flags as promtool has them, then `least` to `most` words.
struct TsdbArgs {
  FlagSet flags;
  Args rest;
  // The word at `i`, or what promtool takes when it is not there.
  std::string At(size_t i, std::string_view otherwise = "data/") const {
    return i < rest.size() ? rest[i] : std::string(otherwise);
  }
};
// -r is --human-readable, -q is --quiet. kInvalid when the command line is wrong.
Result<TsdbArgs> ParseTsdbArgs(std::span<const FlagSpec> specs, const Args& args, size_t least,
                               size_t most);

// Text on its way to stdout, in large pieces. Not thread-safe.
class Output {
 public:
  ~Output() { (void)Flush(); }
  std::string& text() { return text_; }
  // Writes when enough has gathered. kIo when nobody takes it.
  Status Next() { return text_.size() < kBytes ? Status() : Flush(); }
  Status Flush();

 private:
  static constexpr size_t kBytes = 256 << 10;
  std::string text_;
};

// Prints "canopy: notice: MESSAGE" to stderr.
void Notice(std::string_view message);

int TsdbList(const Args& args);
int TsdbAnalyze(const Args& args);
int TsdbDump(const Args& args);
int TsdbDumpOpenMetrics(const Args& args);
int TsdbCreateBlocks(const Args& args);
int TsdbVerify(const Args& args);
int TsdbBench(const Args& args);

}  // namespace canopy::app

// canopy tsdb create-blocks-from openmetrics: a page with timestamps becomes blocks.

#include <cstdio>

#include "app/command_tsdb.h"
#include "app/openmetrics_import.h"
#include "app/progress.h"
#include "app/tsdb_text.h"
#include "canopy/model/labels.h"

namespace canopy::app {
namespace {

using enum FlagKind;

constexpr FlagSpec kFlags[] = {
    {"human-readable", kBool, "false", FlagRole::kActive, false, ""},
    {"quiet", kBool, "false", FlagRole::kActive, false, ""},
    {"max-block-duration", kDuration, "2h", FlagRole::kActive, false, ""},
    {"label", kList, "", FlagRole::kActive, false, ""},
};

Result<std::pair<std::string, std::string>> ParseLabel(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    return Status::Invalid("--label: expected NAME=VALUE, got \"" + text + "\"");
  std::pair<std::string, std::string> label(text.substr(0, equals), text.substr(equals + 1));
  if (!model::IsValidLabelName(label.first, model::NameValidation::kUtf8) ||
      !model::IsValidUtf8(label.second))
    return Status::Invalid("--label: \"" + text + "\" is no label");
  return label;
}

// The page, mapped, or read when it is a pipe.
struct Page {
  std::unique_ptr<MappedFile> mapped;
  std::string read;
  std::string_view text() const { return mapped ? mapped->bytes() : read; }
};
Result<Page> OpenPage(const std::string& path) {
  Page page;
  CANOPY_ASSIGN_OR_RETURN(const uint64_t size, PosixFs().Size(path));
  if (size > 0) {
    CANOPY_ASSIGN_OR_RETURN(page.mapped, PosixFs().Map(path));
  } else {
    CANOPY_ASSIGN_OR_RETURN(page.read, PosixFs().ReadFile(path));
  }
  return page;
}

Status Create(const TsdbArgs& args) {
  ImportOptions options;
  options.block_range = CompatibleBlockRange(args.flags.Time("max-block-duration"));
  for (const std::string& text : args.flags.List("label")) {
    CANOPY_ASSIGN_OR_RETURN(auto label, ParseLabel(text));
    options.labels.push_back(std::move(label));
  }
  Progress progress("import");
  options.progress = [&](uint64_t done, uint64_t total) { progress.Show(done, total); };
  bool headings = true;
  options.block = [&](const tsdb::BlockInfo& block) {
    if (args.flags.Bool("quiet")) return;
    progress.Clear();
    const bool human_readable = args.flags.Bool("human-readable");
    std::fputs(FormatBlocks({&block, 1}, headings, human_readable).c_str(), stdout);
    headings = false;
  };
  CANOPY_ASSIGN_OR_RETURN(const Page page, OpenPage(args.At(0)));
  const std::string dir = args.At(1);
  CANOPY_RETURN_IF_ERROR(PosixFs().MakeDirs(dir));
  return ImportOpenMetrics(PosixFs(), SystemClock(), page.text(), dir, options).In(args.At(0));
}

}  // namespace

int TsdbCreateBlocks(const Args& args) {
  if (args.empty() || args[0] != "openmetrics")
    return Fail(kExitUsage, "blocks are created from openmetrics; see canopy tsdb --help");
  const auto parsed = ParseTsdbArgs(kFlags, Args(args.begin() + 1, args.end()), 1, 2);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  const Status status = Create(*parsed);
  return status.ok() ? kExitOk : Fail(kExitFailed, status.message());
}

}  // namespace canopy::app

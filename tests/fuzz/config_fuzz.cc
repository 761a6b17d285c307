#include <cstdint>
#include <string>

#include "canopy/base/check.h"
#include "canopy/config/load.h"
#include "canopy/config/rule_file.h"
#include "canopy/config/target_file.h"
#include "canopy/config/web.h"

// Any text either is refused with errors that have a place, or is a configuration whose printed
// form loads as the same.

namespace {

using namespace canopy;

// Refuses everything: no input makes the fuzzer read the machine's files.
class NoFs : public Fs {
 public:
  Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string&) override { return No(); }
  Result<std::unique_ptr<WritableFile>> Create(const std::string&) override { return No(); }
  Result<std::string> ReadFile(const std::string&) override { return No(); }
  Result<std::unique_ptr<MappedFile>> Map(const std::string&) override { return No(); }
  Result<std::unique_ptr<WritableMapping>> CreateMapped(const std::string&, size_t) override {
    return No();
  }
  Result<uint64_t> Size(const std::string&) override { return No(); }
  Result<int64_t> ModifiedMs(const std::string&) override { return No(); }
  bool Exists(const std::string&) override { return false; }
  bool IsDirectory(const std::string&) override { return false; }
  Result<std::vector<std::string>> List(const std::string&) override { return No(); }
  Status MakeDirs(const std::string&) override { return No(); }
  Status Rename(const std::string&, const std::string&) override { return No(); }
  Status Link(const std::string&, const std::string&) override { return No(); }
  Status Remove(const std::string&) override { return No(); }
  Status RemoveAll(const std::string&) override { return No(); }
  Status SyncDir(const std::string&) override { return No(); }
  Result<std::unique_ptr<DirLock>> LockDir(const std::string&) override { return No(); }

 private:
  static Status No() { return Status::Io("no files here"); }
};

void CheckErrors(const std::vector<config::LoadError>& errors) {
  for (const config::LoadError& error : errors) {
    CANOPY_CHECK(!error.message.empty());
    CANOPY_CHECK(error.line >= 0);
  }
}

// What is printed of external labels is what the environment made of them; a "$" that is left
// would be expanded again.
bool HasDollar(const config::Config& config) {
  for (const model::LabelView label : config.global.external_labels) {
    if (label.value.find('$') != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  NoFs fs;
  const config::LoadReport report = config::LoadText(fs, text, "/fuzz.yml");
  CheckErrors(report.errors);
  CANOPY_CHECK(report.config.has_value() == report.errors.empty());
  if (report.config && !HasDollar(*report.config)) {
    const std::string printed = ToYaml(*report.config);
    const config::LoadReport again = config::LoadText(fs, printed, "/fuzz.yml");
    CANOPY_CHECK(again.config.has_value());
    CANOPY_CHECK(ToYaml(*again.config) == printed);
  }
  CheckErrors(config::LoadRuleText(text, "/rules.yml", model::NameValidation::kUtf8).errors);
  CheckErrors(config::LoadWebText(text, "/web.yml").errors);
  (void)config::ParseTargetFile("/targets.yml", text);
  return 0;
}

#include "canopy/tsdb/verify_dir.h"

#include <algorithm>
#include <utility>

#include "tsdb/block_meta.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_chunk_format.h"
#include "tsdb/verify.h"
#include "tsdb/verify_log.h"

namespace canopy::tsdb {
namespace {

constexpr std::string_view kLeftOver = " is left over, and goes at the next start of a server";

class DirVerifier {
 public:
  DirVerifier(Fs& fs, const std::string& dir, const VerifyDirOptions& options)
      : fs_(fs), dir_(dir), options_(options) {}

  Result<uint64_t> Run() {
    CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
    for (const std::string& name : names)
      if (Ulid::Parse(name)) CheckBlock(name);
    CheckLeftOvers(names);
    LogRefs refs;
    CANOPY_RETURN_IF_ERROR(CheckLog("wal", [&](const std::string& path, auto& part, auto& faults) {
      refs.clear();
      return VerifyLog(fs_, path, min_time_, ProgressOf("wal"), refs, part, faults);
    }));
    CANOPY_RETURN_IF_ERROR(CheckLog("wbl", [&](const std::string& path, auto& part, auto& faults) {
      return VerifyOutOfOrderLog(fs_, path, ProgressOf("wbl"), refs, part, faults);
    }));
    CANOPY_RETURN_IF_ERROR(CheckLog(std::string(kHeadChunksDir),
                                    [&](const std::string& path, auto& part, auto& faults) {
                                      return VerifyHeadChunks(fs_, path, part, faults);
                                    }));
    return faults_;
  }

 private:
  void Done(const VerifiedPart& part) {
    faults_ += part.fault_count;
    if (options_.part) options_.part(part);
  }
  ProgressFn ProgressOf(const std::string& name) const {
    if (!options_.progress) return {};
    return [this, name](uint64_t done, uint64_t total) { options_.progress(name, done, total); };
  }

  void CheckBlock(const std::string& name) {
    VerifiedPart part;
    part.name = "block " + name;
    const std::string path = JoinPath(dir_, name);
    VerifyOptions options;
    options.max_faults = options_.max_faults;
    options.progress = ProgressOf(part.name);
    VerifyReport report = VerifyBlock(fs_, path, options);
    if (!fs_.IsDirectory(path)) {
      part.notices.push_back("went away meanwhile");
      return Done(part);
    }
    part.faults = std::move(report.faults);
    part.fault_count = report.fault_count;
    part.content = std::to_string(report.found.num_series) + " series, " +
                   std::to_string(report.found.num_chunks) + " chunks, " +
                   std::to_string(report.found.num_samples) + " samples";
    if (report.undecoded_chunks > 0) {
      part.notices.push_back(
          std::to_string(report.undecoded_chunks) +
          " chunks have the right checksum, but what is in them was not looked at");
    }
    if (const auto meta = ReadBlockMeta(fs_, path); meta.ok()) {
      if (meta->EndsHead()) min_time_ = std::max(min_time_, meta->max_time);
      if (meta->compaction.failed)
        part.notices.push_back("a compaction of it has failed: it is not tried again");
    }
    Done(part);
  }

  void CheckLeftOvers(const std::vector<std::string>& names) {
    VerifiedPart part;
    part.name = "directory";
    for (const std::string& name : names)
      if (name.ends_with(kTmpForCreation) || name.ends_with(kTmpForDeletion))
        part.notices.push_back(JoinPath(dir_, name) + std::string(kLeftOver));
    const auto logs = fs_.List(JoinPath(dir_, "wal"));
    if (logs.ok())
      for (const std::string& name : *logs)
        if (name.starts_with("checkpoint.") && name.ends_with(".tmp"))
          part.notices.push_back(JoinPath(JoinPath(dir_, "wal"), name) + std::string(kLeftOver));
    if (!part.notices.empty()) Done(part);
  }

  // One that is cut short meanwhile is looked at once more.
  template <class Verify>
  Status CheckLog(const std::string& name, Verify verify) {
    const std::string path = JoinPath(dir_, name);
    if (!fs_.IsDirectory(path)) return {};
    Status status;
    for (int i = 0; i < 5; ++i) {
      VerifiedPart part;
      part.name = name;
      FaultList faults(part, options_.max_faults);
      status = verify(path, part, faults);
      if (status.ok()) Done(part);
      if (status.code() != Code::kNotFound) break;
    }
    return status;
  }

  Fs& fs_;
  const std::string& dir_;
  const VerifyDirOptions& options_;
  Timestamp min_time_ = Timestamp::Min();  // where blocks end
  uint64_t faults_ = 0;
};

}  // namespace

Result<uint64_t> VerifyDir(Fs& fs, const std::string& dir, const VerifyDirOptions& options) {
  if (!fs.IsDirectory(dir)) return Status::NotFound("there is no directory " + dir);
  return DirVerifier(fs, dir, options).Run();
}

}  // namespace canopy::tsdb

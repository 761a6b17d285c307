#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"

namespace canopy::testing {

// A disk in memory that behaves as badly as a real one may. What was written survives Crash() only
// if the file was synced, and a new, renamed or removed name only if its directory was; new
// directories survive by themselves, since nobody loses data by one that is empty. Thread-safe.
class MemFs : public Fs {
 public:
  explicit MemFs(const Clock& clock = SystemClock());
  ~MemFs() override;

  // Power fails: all that was not synced is forgotten and locks are gone. Open files of before
  // fail from now on, mappings stay.
  void Crash();
  // As Crash(), but of each file's unsynced bytes `keep(path, unsynced)` many survive, as a disk
  // may have written some of them: what makes torn tails.
  void Crash(const std::function<size_t(const std::string& path, size_t unsynced)>& keep);

  // The disk has room for so many bytes of files altogether; an append beyond fails with "No space
  // left on device" after having written what fits. nullopt: no limit.
  void SetCapacity(std::optional<uint64_t> bytes);
  // From now on every call for which `fault` returns an error fails with it and does nothing. The
  // call reads as in calls().
  void SetFault(std::function<Status(std::string_view call)> fault);

  // All calls that changed something or made it durable, in order: "create /d/a", "append /d/a 12",
  // "sync /d/a", "truncate /d/a 5", "rename /d/a /d/b", "remove /d/b", "syncdir /d", "mkdir /d".
  std::vector<std::string> calls() const;
  void ClearCalls();

  // Overwrites a file's bytes as they are on the disk, synced: for corruption.
  void Corrupt(const std::string& path, const std::function<void(std::string& bytes)>& change);

  Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::string> ReadFile(const std::string& path) override;
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override;
  // Is not part of what Crash() is about: its bytes count as synced.
  Result<std::unique_ptr<WritableMapping>> CreateMapped(const std::string& path,
                                                        size_t size) override;
  Result<uint64_t> Size(const std::string& path) override;
  Result<int64_t> ModifiedMs(const std::string& path) override;
  bool Exists(const std::string& path) override;
  bool IsDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& dir) override;
  Status MakeDirs(const std::string& dir) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& dir) override;
  Status SyncDir(const std::string& dir) override;
  Result<std::unique_ptr<DirLock>> LockDir(const std::string& dir) override;

 private:
  struct Node;
  class File;
  class Lock;
  using NodePtr = std::shared_ptr<Node>;
  using KeepFn = std::function<size_t(const std::string&, size_t)>;

  Status Record(std::string call) CANOPY_REQUIRES(mu_);
  NodePtr Find(std::string_view path) const CANOPY_REQUIRES(mu_);
  Result<NodePtr> Parent(std::string_view path) const CANOPY_REQUIRES(mu_);
  Result<NodePtr> FindFile(std::string_view op, const std::string& path) const CANOPY_REQUIRES(mu_);
  Result<std::unique_ptr<WritableFile>> Open(const std::string& path, bool empty);
  Status AppendTo(Node& node, const std::string& path, std::string_view bytes, uint64_t epoch);
  Status SyncFile(Node& node, const std::string& path, uint64_t epoch);
  Status TruncateFile(Node& node, const std::string& path, uint64_t size, uint64_t epoch);
  uint64_t UsedBytes(const Node& dir) const CANOPY_REQUIRES(mu_);
  void CrashUnder(Node& dir, const std::string& path, const KeepFn& keep) CANOPY_REQUIRES(mu_);

  const Clock& clock_;
  mutable Mutex mu_;
  NodePtr root_ CANOPY_GUARDED_BY(mu_);
  uint64_t epoch_ CANOPY_GUARDED_BY(mu_) = 0;  // counts crashes
  std::optional<uint64_t> capacity_ CANOPY_GUARDED_BY(mu_);
  std::function<Status(std::string_view)> fault_ CANOPY_GUARDED_BY(mu_);
  std::vector<std::string> calls_ CANOPY_GUARDED_BY(mu_);
  std::set<std::string> locks_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::testing

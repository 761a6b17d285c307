#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"

// The only way to the disk: so that tests can put a disk in its place that forgets what was not
// synced, fills up, or records each call. Errors carry the path and the system's reason.

namespace canopy {

// A file that grows at its end. Not thread-safe. Destruction closes without syncing.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // After an error the file holds an unknown prefix of the bytes; nothing else was changed.
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status Sync() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  virtual uint64_t size() const = 0;
};

// The bytes of a file, mapped read-only; valid while it lives, also after the file is unlinked.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::string_view bytes() const = 0;
  // `part` of bytes() will not be read soon: its pages need no memory until then. A hint.
  virtual void Release(std::string_view) const {}
};

// The bytes of a file, written in place: a write is in the file at once, so that it outlives the
// process, though not the machine. Not thread-safe where writers overlap.
class WritableMapping {
 public:
  virtual ~WritableMapping() = default;
  virtual std::span<char> bytes() = 0;
};

// Holds a directory for one process; released when destroyed or when the process dies.
class DirLock {
 public:
  virtual ~DirLock() = default;
};

// Thread-safe.
class Fs {
 public:
  virtual ~Fs() = default;

  // Creates the file, or opens it to go on at its end.
  virtual Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) = 0;
  // Creates the file empty, replacing what was there.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  virtual Result<std::string> ReadFile(const std::string& path) = 0;
  virtual Result<std::unique_ptr<MappedFile>> Map(const std::string& path) = 0;
  // Creates the file with `size` zero bytes, replacing what was there. Its room on the disk is
  // taken at once, so that no write to it can fail.
  virtual Result<std::unique_ptr<WritableMapping>> CreateMapped(const std::string& path,
                                                                size_t size) = 0;
  virtual Result<uint64_t> Size(const std::string& path) = 0;
  // Modification time in Unix milliseconds.
  virtual Result<int64_t> ModifiedMs(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  virtual bool IsDirectory(const std::string& path) = 0;
  // Names in the directory, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> List(const std::string& dir) = 0;
  // Creates the directory and its parents; one that exists already is fine.
  virtual Status MakeDirs(const std::string& dir) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // `to`, a name that must be free, becomes another one of the file, which lives until it has none.
  // On one file system only.
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  // A missing directory is fine.
  virtual Status RemoveAll(const std::string& dir) = 0;
  // Makes names that were created, renamed or removed in the directory durable.
  virtual Status SyncDir(const std::string& dir) = 0;
  // kExists with the holder's pid when another process has it. The file holds our pid.
  virtual Result<std::unique_ptr<DirLock>> LockDir(const std::string& dir) = 0;

  // Writes aside, syncs, renames over `path` and syncs the directory: readers see the old bytes or
  // the new ones.
  Status ReplaceFile(const std::string& path, std::string_view bytes);
};

// The machine's disk; lives as long as the program.
Fs& PosixFs();

// "a/b" from "a" and "b"; an absolute `name` replaces `dir`.
std::string JoinPath(std::string_view dir, std::string_view name);
std::string_view DirName(std::string_view path);
std::string_view BaseName(std::string_view path);
// Paths that match a shell pattern, sorted. No match is no error.
std::vector<std::string> Glob(const std::string& pattern);

}  // namespace canopy

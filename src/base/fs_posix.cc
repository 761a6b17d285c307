#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "canopy/base/check.h"
#include "canopy/base/fs.h"
#include "canopy/base/number.h"

// The machine's disk. The only file of the program that opens, renames or removes files.

namespace canopy {
namespace {

// "open /data/wal/00000001: No space left on device"
Status SystemError(std::string_view what, const std::string& path, int error) {
  std::string message(what);
  message += ' ';
  message += path;
  message += ": ";
  message += std::strerror(error);
  switch (error) {
    case ENOENT:
      return Status::NotFound(std::move(message));
    case EEXIST:
      return Status::Exists(std::move(message));
    default:
      return Status::Io(std::move(message));
  }
}

template <class Call>
auto Retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Fd> Open(const std::string& path, int flags) {
  const int fd = Retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (fd < 0) return SystemError("open", path, errno);
  return Fd(fd);
}

Result<struct stat> StatFd(const Fd& fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return SystemError("stat", path, errno);
  return st;
}

Result<struct stat> StatPath(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return SystemError("stat", path, errno);
  return st;
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(Fd fd, std::string path, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = Retry([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
      });
      if (n < 0) return SystemError("write", path_, errno);
      size_ += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }
  Status Sync() override {
    // The size is part of what fdatasync makes durable; the times of the file are not needed.
    if (Retry([&] { return ::fdatasync(fd_.get()); }) != 0)
      return SystemError("sync", path_, errno);
    return {};
  }
  Status Truncate(uint64_t size) override {
    if (Retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0)
      return SystemError("truncate", path_, errno);
    size_ = size;
    return {};
  }
  uint64_t size() const override { return size_; }

 private:
  const Fd fd_;
  const std::string path_;
  uint64_t size_;
};

class PosixMappedFile final : public MappedFile {
 public:
  PosixMappedFile(void* address, size_t size) : address_(address), size_(size) {}
  ~PosixMappedFile() override {
    if (size_ > 0) ::munmap(address_, size_);
  }
  PosixMappedFile(const PosixMappedFile&) = delete;
  PosixMappedFile& operator=(const PosixMappedFile&) = delete;
  std::string_view bytes() const override { return {static_cast<const char*>(address_), size_}; }
  // Whole pages only: what lies beside the part may be in use.
  void Release(std::string_view part) const override {
    static const auto kPage = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = static_cast<size_t>(part.data() - bytes().data());
    const size_t first = (begin + kPage - 1) / kPage * kPage;
    const size_t last =
        begin + part.size() == size_ ? size_ : (begin + part.size()) / kPage * kPage;
    if (first < last) ::madvise(static_cast<char*>(address_) + first, last - first, MADV_DONTNEED);
  }

 private:
  void* const address_;
  const size_t size_;
};

class PosixWritableMapping final : public WritableMapping {
 public:
  PosixWritableMapping(void* address, size_t size) : bytes_(static_cast<char*>(address), size) {}
  ~PosixWritableMapping() override { ::munmap(bytes_.data(), bytes_.size()); }
  PosixWritableMapping(const PosixWritableMapping&) = delete;
  PosixWritableMapping& operator=(const PosixWritableMapping&) = delete;
  std::span<char> bytes() override { return bytes_; }

 private:
  const std::span<char> bytes_;
};

// flock() as Prometheus does it on the same file, so that the two exclude each other as well.
class PosixDirLock final : public DirLock {
 public:
  PosixDirLock(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  // Removed while still held: whoever opened it before finds that its name is gone, and starts
  // over.
  ~PosixDirLock() override { ::unlink(path_.c_str()); }
  PosixDirLock(const PosixDirLock&) = delete;
  PosixDirLock& operator=(const PosixDirLock&) = delete;

 private:
  const Fd fd_;
  const std::string path_;
};

std::string_view NextWord(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const size_t end = std::min(line.find(' ', begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

// Who holds the flock of an inode, from /proc/locks: "1: FLOCK ADVISORY WRITE 4242 08:01:1234 0
// EOF". Zero when it cannot be told.
uint64_t LockHolder(std::string_view proc_locks, uint64_t inode) {
  while (!proc_locks.empty()) {
    const size_t newline = std::min(proc_locks.find('\n'), proc_locks.size());
    std::string_view line = proc_locks.substr(0, newline);
    proc_locks.remove_prefix(std::min(newline + 1, proc_locks.size()));
    NextWord(line);
    if (NextWord(line) != "FLOCK") continue;
    NextWord(line);
    NextWord(line);
    const std::string_view pid = NextWord(line);
    const std::string_view device_inode = NextWord(line);
    if (base::ParseUint(device_inode.substr(device_inode.rfind(':') + 1)) == inode)
      return base::ParseUint(pid).value_or(0);
  }
  return 0;
}

Result<std::string> ReadAll(const Fd& fd, const std::string& path) {
  CANOPY_ASSIGN_OR_RETURN(const struct stat st, StatFd(fd, path));
  if (S_ISDIR(st.st_mode)) return SystemError("read", path, EISDIR);
  std::string out;
  // Files of /proc say that their size is zero, so the end is where read() says it is.
  size_t room = static_cast<size_t>(st.st_size) + 1;
  for (size_t used = 0;; room = std::max(room, size_t{4096})) {
    out.resize(used + room);
    const ssize_t n = Retry([&] { return ::read(fd.get(), out.data() + used, room); });
    if (n < 0) return SystemError("read", path, errno);
    used += static_cast<size_t>(n);
    if (n == 0) {
      out.resize(used);
      return out;
    }
  }
}

class PosixFsImpl final : public Fs {
 public:
  Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override {
    return OpenForWriting(path, O_WRONLY | O_CREAT);
  }
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    return OpenForWriting(path, O_WRONLY | O_CREAT | O_TRUNC);
  }
  Result<std::string> ReadFile(const std::string& path) override {
    CANOPY_ASSIGN_OR_RETURN(const Fd fd, Open(path, O_RDONLY));
    return ReadAll(fd, path);
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    CANOPY_ASSIGN_OR_RETURN(const Fd fd, Open(path, O_RDONLY));
    CANOPY_ASSIGN_OR_RETURN(const struct stat st, StatFd(fd, path));
    const auto size = static_cast<size_t>(st.st_size);
    void* address = nullptr;
    if (size > 0) {
      address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
      if (address == MAP_FAILED) return SystemError("map", path, errno);
    }
    return std::unique_ptr<MappedFile>(std::make_unique<PosixMappedFile>(address, size));
  }
  Result<std::unique_ptr<WritableMapping>> CreateMapped(const std::string& path,
                                                        size_t size) override {
    CANOPY_DCHECK(size > 0);
    CANOPY_ASSIGN_OR_RETURN(const Fd fd, Open(path, O_RDWR | O_CREAT | O_TRUNC));
    const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size));
    if (error != 0) return SystemError("allocate", path, error);
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (address == MAP_FAILED) return SystemError("map", path, errno);
    return std::unique_ptr<WritableMapping>(std::make_unique<PosixWritableMapping>(address, size));
  }
  Result<uint64_t> Size(const std::string& path) override {
    CANOPY_ASSIGN_OR_RETURN(const struct stat st, StatPath(path));
    return static_cast<uint64_t>(st.st_size);
  }
  Result<int64_t> ModifiedMs(const std::string& path) override {
    CANOPY_ASSIGN_OR_RETURN(const struct stat st, StatPath(path));
    return int64_t{st.st_mtim.tv_sec} * 1000 + st.st_mtim.tv_nsec / 1'000'000;
  }
  bool Exists(const std::string& path) override { return StatPath(path).ok(); }
  bool IsDirectory(const std::string& path) override {
    const auto st = StatPath(path);
    return st.ok() && S_ISDIR(st->st_mode);
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    DIR* handle = ::opendir(dir.c_str());
    if (handle == nullptr) return SystemError("open directory", dir, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(handle)) {
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int error = errno;
    ::closedir(handle);
    if (error != 0) return SystemError("read directory", dir, error);
    std::sort(names.begin(), names.end());
    return names;
  }
  Status MakeDirs(const std::string& dir) override {
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    if (error) return SystemError("create directory", dir, error.value());
    return {};
  }
  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return SystemError("rename " + from + " to", to, errno);
    return {};
  }
  Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0)
      return SystemError("link " + from + " to", to, errno);
    return {};
  }
  Status Remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return SystemError("remove", path, errno);
    return {};
  }
  Status RemoveAll(const std::string& dir) override {
    std::error_code error;
    std::filesystem::remove_all(dir, error);
    if (error) return SystemError("remove directory", dir, error.value());
    return {};
  }
  Status SyncDir(const std::string& dir) override {
    CANOPY_ASSIGN_OR_RETURN(const Fd fd, Open(dir, O_RDONLY | O_DIRECTORY));
    if (Retry([&] { return ::fsync(fd.get()); }) != 0) return SystemError("sync", dir, errno);
    return {};
  }
  Result<std::unique_ptr<DirLock>> LockDir(const std::string& dir) override {
    const std::string path = JoinPath(dir, "lock");
    for (;;) {
      CANOPY_ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDWR | O_CREAT));
      CANOPY_ASSIGN_OR_RETURN(const struct stat held, StatFd(fd, path));
      if (Retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
        if (errno != EWOULDBLOCK) return SystemError("lock", path, errno);
        return HeldByAnother(dir, fd, path, held.st_ino);
      }
      // The holder before us may have removed the file between our open and our lock.
      const auto named = StatPath(path);
      if (!named.ok() || named->st_ino != held.st_ino || named->st_dev != held.st_dev) continue;
      std::string pid;
      base::AppendInt(pid, ::getpid());
      pid.push_back('\n');
      if (::ftruncate(fd.get(), 0) != 0 ||
          Retry([&] { return ::pwrite(fd.get(), pid.data(), pid.size(), 0); }) < 0)
        return SystemError("write", path, errno);
      return std::unique_ptr<DirLock>(std::make_unique<PosixDirLock>(std::move(fd), path));
    }
  }

 private:
  static Result<std::unique_ptr<WritableFile>> OpenForWriting(const std::string& path, int flags) {
    CANOPY_ASSIGN_OR_RETURN(Fd fd, Open(path, flags));
    CANOPY_ASSIGN_OR_RETURN(const struct stat st, StatFd(fd, path));
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(
        std::move(fd), path, static_cast<uint64_t>(st.st_size)));
  }

  // The kernel knows the holder, whoever it is; the file's text only when the holder is one of us,
  // but also across containers.
  Status HeldByAnother(const std::string& dir, const Fd& fd, const std::string& path,
                       uint64_t inode) {
    uint64_t pid = 0;
    if (const auto locks = ReadFile("/proc/locks"); locks.ok()) pid = LockHolder(*locks, inode);
    if (pid == 0) {
      if (const auto text = ReadAll(fd, path); text.ok())
        pid = base::ParseUint(std::string_view(*text).substr(0, text->find('\n'))).value_or(0);
    }
    std::string message = "directory " + dir + " is locked by ";
    if (pid != 0)
      message += "process " + std::to_string(pid);
    else
      message += "another process";
    return Status::Exists(std::move(message));
  }
};

}  // namespace

Fs& PosixFs() {
  static PosixFsImpl fs;
  return fs;
}

}  // namespace canopy

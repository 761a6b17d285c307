#include "tests/support/mem_fs.h"

#include <algorithm>

namespace canopy::testing {

// A file or a directory. Both keep two states: as programs see it now, and as a crash leaves it.
struct MemFs::Node {
  bool directory = false;
  int64_t modified_ms = 0;

  std::map<std::string, NodePtr, std::less<>> names;
  std::map<std::string, NodePtr, std::less<>> durable_names;

  std::string bytes;
  // The prefix of `bytes` that is durable, unless a truncation has not been synced: then the
  // content of before that would come back.
  size_t synced = 0;
  std::optional<std::string> durable_bytes;
};

namespace {

Status NotFound(std::string_view op, std::string_view path) {
  return Status::NotFound(std::string(op) + " " + std::string(path) +
                          ": No such file or directory");
}

// The parts of a path; "a" and "/a" are the same file here.
std::vector<std::string_view> Parts(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") out.push_back(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out;
}

class MemMapping final : public MappedFile {
 public:
  explicit MemMapping(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return bytes_; }

 private:
  const std::string bytes_;
};

}  // namespace

class MemFs::File final : public WritableFile {
 public:
  File(MemFs& fs, NodePtr node, std::string path, uint64_t epoch)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)), epoch_(epoch) {}
  Status Append(std::string_view bytes) override {
    return fs_.AppendTo(*node_, path_, bytes, epoch_);
  }
  Status Sync() override { return fs_.SyncFile(*node_, path_, epoch_); }
  Status Truncate(uint64_t size) override { return fs_.TruncateFile(*node_, path_, size, epoch_); }
  uint64_t size() const override {
    MutexLock lock(fs_.mu_);
    return node_->bytes.size();
  }

 private:
  MemFs& fs_;
  const NodePtr node_;
  const std::string path_;
  const uint64_t epoch_;
};

class MemFs::Lock final : public DirLock {
 public:
  Lock(MemFs& fs, std::string dir, uint64_t epoch) : fs_(fs), dir_(std::move(dir)), epoch_(epoch) {}
  ~Lock() override {
    MutexLock lock(fs_.mu_);
    if (fs_.epoch_ == epoch_) fs_.locks_.erase(dir_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  MemFs& fs_;
  const std::string dir_;
  const uint64_t epoch_;
};

MemFs::MemFs(const Clock& clock)
    : clock_(clock), mu_(LockRank::kLeaf), root_(std::make_shared<Node>()) {
  root_->directory = true;
}
MemFs::~MemFs() = default;

void MemFs::Crash() {
  Crash([](const std::string&, size_t) { return size_t{0}; });
}

void MemFs::Crash(const KeepFn& keep) {
  MutexLock lock(mu_);
  ++epoch_;
  locks_.clear();
  CrashUnder(*root_, "", keep);
}

void MemFs::CrashUnder(Node& dir, const std::string& path, const KeepFn& keep) {
  dir.names = dir.durable_names;
  for (auto& [name, node] : dir.names) {
    const std::string child = path + "/" + name;
    if (node->directory) {
      CrashUnder(*node, child, keep);
      continue;
    }
    if (node->durable_bytes) {
      node->bytes = std::move(*node->durable_bytes);
      node->durable_bytes.reset();
    } else {
      const size_t unsynced = node->bytes.size() - node->synced;
      node->bytes.resize(node->synced + std::min(unsynced, keep(child, unsynced)));
    }
    node->synced = node->bytes.size();
  }
}

void MemFs::SetCapacity(std::optional<uint64_t> bytes) {
  MutexLock lock(mu_);
  capacity_ = bytes;
}

void MemFs::SetFault(std::function<Status(std::string_view)> fault) {
  MutexLock lock(mu_);
  fault_ = std::move(fault);
}

std::vector<std::string> MemFs::calls() const {
  MutexLock lock(mu_);
  return calls_;
}

void MemFs::ClearCalls() {
  MutexLock lock(mu_);
  calls_.clear();
}

void MemFs::Corrupt(const std::string& path, const std::function<void(std::string&)>& change) {
  MutexLock lock(mu_);
  const NodePtr node = Find(path);
  CANOPY_CHECK(node && !node->directory);
  change(node->bytes);
  node->synced = node->bytes.size();
  node->durable_bytes.reset();
}

Status MemFs::Record(std::string call) {
  if (fault_) CANOPY_RETURN_IF_ERROR(fault_(call));
  calls_.push_back(std::move(call));
  return {};
}

MemFs::NodePtr MemFs::Find(std::string_view path) const {
  NodePtr node = root_;
  for (const std::string_view part : Parts(path)) {
    const auto it = node->names.find(part);
    if (it == node->names.end()) return nullptr;
    node = it->second;
  }
  return node;
}

Result<MemFs::NodePtr> MemFs::Parent(std::string_view path) const {
  NodePtr dir = Find(DirName(path));
  if (!dir || !dir->directory) return NotFound("open", path);
  return dir;
}

Result<MemFs::NodePtr> MemFs::FindFile(std::string_view op, const std::string& path) const {
  NodePtr node = Find(path);
  if (!node) return NotFound(op, path);
  if (node->directory) return Status::Io(std::string(op) + " " + path + ": Is a directory");
  return node;
}

Result<std::unique_ptr<WritableFile>> MemFs::Open(const std::string& path, bool empty) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record((empty ? "create " : "open ") + path));
  CANOPY_ASSIGN_OR_RETURN(const NodePtr dir, Parent(path));
  NodePtr& node = dir->names[std::string(BaseName(path))];
  if (!node) node = std::make_shared<Node>();
  if (node->directory) return Status::Io("open " + path + ": Is a directory");
  if (empty) {
    if (!node->durable_bytes && node->synced > 0)
      node->durable_bytes = node->bytes.substr(0, node->synced);
    node->bytes.clear();
    node->synced = 0;
  }
  node->modified_ms = clock_.Now().ms();
  return std::unique_ptr<WritableFile>(std::make_unique<File>(*this, node, path, epoch_));
}

Result<std::unique_ptr<WritableFile>> MemFs::OpenAppend(const std::string& path) {
  return Open(path, false);
}

Result<std::unique_ptr<WritableFile>> MemFs::Create(const std::string& path) {
  return Open(path, true);
}

Status MemFs::AppendTo(Node& node, const std::string& path, std::string_view bytes,
                       uint64_t epoch) {
  MutexLock lock(mu_);
  if (epoch != epoch_) return Status::Io("write " + path + ": the machine went down");
  CANOPY_RETURN_IF_ERROR(Record("append " + path + " " + std::to_string(bytes.size())));
  node.modified_ms = clock_.Now().ms();
  if (capacity_) {
    const uint64_t used = UsedBytes(*root_);
    const uint64_t room = *capacity_ > used ? *capacity_ - used : 0;
    if (bytes.size() > room) {
      node.bytes.append(bytes.substr(0, room));
      return Status::Io("write " + path + ": No space left on device");
    }
  }
  node.bytes.append(bytes);
  return {};
}

Status MemFs::SyncFile(Node& node, const std::string& path, uint64_t epoch) {
  MutexLock lock(mu_);
  if (epoch != epoch_) return Status::Io("sync " + path + ": the machine went down");
  CANOPY_RETURN_IF_ERROR(Record("sync " + path));
  node.synced = node.bytes.size();
  node.durable_bytes.reset();
  return {};
}

Status MemFs::TruncateFile(Node& node, const std::string& path, uint64_t size, uint64_t epoch) {
  MutexLock lock(mu_);
  if (epoch != epoch_) return Status::Io("truncate " + path + ": the machine went down");
  CANOPY_RETURN_IF_ERROR(Record("truncate " + path + " " + std::to_string(size)));
  if (size < node.synced) {
    if (!node.durable_bytes) node.durable_bytes = node.bytes.substr(0, node.synced);
    node.synced = size;
  }
  node.bytes.resize(size);
  return {};
}

uint64_t MemFs::UsedBytes(const Node& dir) const {
  uint64_t sum = 0;
  for (const auto& [name, node] : dir.names)
    sum += node->directory ? UsedBytes(*node) : node->bytes.size();
  return sum;
}

Result<std::string> MemFs::ReadFile(const std::string& path) {
  MutexLock lock(mu_);
  CANOPY_ASSIGN_OR_RETURN(const NodePtr node, FindFile("open", path));
  return node->bytes;
}

Result<std::unique_ptr<MappedFile>> MemFs::Map(const std::string& path) {
  MutexLock lock(mu_);
  CANOPY_ASSIGN_OR_RETURN(const NodePtr node, FindFile("open", path));
  return std::unique_ptr<MappedFile>(std::make_unique<MemMapping>(node->bytes));
}

Result<std::unique_ptr<WritableMapping>> MemFs::CreateMapped(const std::string& path, size_t size) {
  class Mapping final : public WritableMapping {
   public:
    explicit Mapping(NodePtr node) : node_(std::move(node)) {}
    std::span<char> bytes() override { return node_->bytes; }

   private:
    const NodePtr node_;
  };
  CANOPY_RETURN_IF_ERROR(Open(path, true).status());
  MutexLock lock(mu_);
  const NodePtr node = Find(path);
  node->bytes.assign(size, '\0');
  node->synced = size;
  return std::unique_ptr<WritableMapping>(std::make_unique<Mapping>(node));
}

Result<uint64_t> MemFs::Size(const std::string& path) {
  MutexLock lock(mu_);
  const NodePtr node = Find(path);
  if (!node) return NotFound("stat", path);
  return uint64_t{node->bytes.size()};
}

Result<int64_t> MemFs::ModifiedMs(const std::string& path) {
  MutexLock lock(mu_);
  const NodePtr node = Find(path);
  if (!node) return NotFound("stat", path);
  return node->modified_ms;
}

bool MemFs::Exists(const std::string& path) {
  MutexLock lock(mu_);
  return Find(path) != nullptr;
}

bool MemFs::IsDirectory(const std::string& path) {
  MutexLock lock(mu_);
  const NodePtr node = Find(path);
  return node && node->directory;
}

Result<std::vector<std::string>> MemFs::List(const std::string& dir) {
  MutexLock lock(mu_);
  const NodePtr node = Find(dir);
  if (!node || !node->directory) return NotFound("open directory", dir);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Status MemFs::MakeDirs(const std::string& dir) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record("mkdir " + dir));
  NodePtr node = root_;
  for (const std::string_view part : Parts(dir)) {
    NodePtr& child = node->names[std::string(part)];
    if (!child) {
      child = std::make_shared<Node>();
      child->directory = true;
      node->durable_names[std::string(part)] = child;
    }
    if (!child->directory) return Status::Io("create directory " + dir + ": Not a directory");
    node = child;
  }
  return {};
}

Status MemFs::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record("rename " + from + " " + to));
  CANOPY_ASSIGN_OR_RETURN(const NodePtr from_dir, Parent(from));
  CANOPY_ASSIGN_OR_RETURN(const NodePtr to_dir, Parent(to));
  const auto it = from_dir->names.find(BaseName(from));
  if (it == from_dir->names.end()) return NotFound("rename", from);
  const NodePtr node = it->second;
  if (const NodePtr old = Find(to); old && old->directory && !old->names.empty())
    return Status::Io("rename " + from + " to " + to + ": Directory not empty");
  from_dir->names.erase(it);
  to_dir->names[std::string(BaseName(to))] = node;
  return {};
}

Status MemFs::Link(const std::string& from, const std::string& to) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record("link " + from + " " + to));
  CANOPY_ASSIGN_OR_RETURN(const NodePtr node, FindFile("link", from));
  CANOPY_ASSIGN_OR_RETURN(const NodePtr to_dir, Parent(to));
  if (!to_dir->names.try_emplace(std::string(BaseName(to)), node).second)
    return Status::Exists("link " + from + " to " + to + ": File exists");
  return {};
}

Status MemFs::Remove(const std::string& path) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record("remove " + path));
  CANOPY_ASSIGN_OR_RETURN(const NodePtr dir, Parent(path));
  const auto it = dir->names.find(BaseName(path));
  if (it == dir->names.end()) return NotFound("remove", path);
  if (!it->second->names.empty()) return Status::Io("remove " + path + ": Directory not empty");
  dir->names.erase(it);
  return {};
}

Status MemFs::RemoveAll(const std::string& path) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record("removeall " + path));
  const NodePtr dir = Find(DirName(path));
  if (dir) {
    const auto it = dir->names.find(BaseName(path));
    if (it != dir->names.end()) dir->names.erase(it);
  }
  return {};
}

Status MemFs::SyncDir(const std::string& dir) {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(Record("syncdir " + dir));
  const NodePtr node = Find(dir);
  if (!node || !node->directory) return NotFound("open", dir);
  node->durable_names = node->names;
  return {};
}

Result<std::unique_ptr<DirLock>> MemFs::LockDir(const std::string& dir) {
  MutexLock lock(mu_);
  const NodePtr node = Find(dir);
  if (!node || !node->directory) return NotFound("open", JoinPath(dir, "lock"));
  if (!locks_.insert(dir).second)
    return Status::Exists("directory " + dir + " is locked by another process");
  return std::unique_ptr<DirLock>(std::make_unique<Lock>(*this, dir, epoch_));
}

}  // namespace canopy::testing

#include "snapshot.h"

#include <random>
#include <vector>

namespace canopy::tsdb {
namespace {

Status LinkFiles(Fs& fs, const std::string& from, const std::string& to,
                 const std::vector<std::string>& names) {
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(to));
  for (const std::string& name : names)
    CANOPY_RETURN_IF_ERROR(fs.Link(JoinPath(from, name), JoinPath(to, name)));
  return fs.SyncDir(to);
}

}  // namespace

std::string NewSnapshotName(Timestamp now) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const Timestamp second = Timestamp::FromMs(now.ms() - now.ms() % 1000);
  std::string name = FormatRfc3339(second);
  std::erase_if(name, [](char c) { return c == '-' || c == ':'; });
  name.push_back('-');
  std::random_device random;
  // 63 bits, as Go's rand.Int63.
  const uint64_t number = (uint64_t{random()} << 32 | random()) >> 1;
  for (int shift = 60; shift >= 0; shift -= 4) name.push_back(kDigits[number >> shift & 15]);
  return name;
}

Status LinkBlock(Fs& fs, const Block& block, const std::string& dir) {
  const std::string to = JoinPath(dir, block.meta().ulid.ToString());
  const std::string chunks = JoinPath(block.dir(), kChunksDir);
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(chunks));
  CANOPY_RETURN_IF_ERROR(LinkFiles(fs, chunks, JoinPath(to, kChunksDir), names));
  std::vector<std::string> files{std::string(kMetaFile), std::string(kIndexFile)};
  if (fs.Exists(JoinPath(block.dir(), kTombstonesFile))) files.emplace_back(kTombstonesFile);
  return LinkFiles(fs, block.dir(), to, files);
}

}  // namespace canopy::tsdb

#include "canopy/base/fs.h"

#include <glob.h>

#include <algorithm>

namespace canopy {

Status Fs::ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string aside = path + ".tmp";
  CANOPY_ASSIGN_OR_RETURN(auto file, Create(aside));
  CANOPY_RETURN_IF_ERROR(file->Append(bytes));
  CANOPY_RETURN_IF_ERROR(file->Sync());
  file.reset();
  CANOPY_RETURN_IF_ERROR(Rename(aside, path));
  return SyncDir(std::string(DirName(path)));
}

std::string JoinPath(std::string_view dir, std::string_view name) {
  if (dir.empty() || (!name.empty() && name[0] == '/')) return std::string(name);
  std::string out(dir);
  if (name.empty()) return out;
  if (out.back() != '/') out.push_back('/');
  out.append(name);
  return out;
}

namespace {

// Without the slashes at the end; "/" stays.
std::string_view Trimmed(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

std::string_view DirName(std::string_view path) {
  path = Trimmed(path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return Trimmed(path.substr(0, slash + 1));
}

std::string_view BaseName(std::string_view path) {
  path = Trimmed(path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path.size() == 1) return path;
  return path.substr(slash + 1);
}

std::vector<std::string> Glob(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  // Sorted by glob() itself, but in the order of the locale.
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace canopy

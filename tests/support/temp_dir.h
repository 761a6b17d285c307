#pragma once

#include <stdlib.h>

#include <fstream>
#include <string>
#include <string_view>

#include "canopy/base/check.h"
#include "canopy/base/fs.h"

namespace canopy::testing {

// A directory of the machine's disk that goes away with the test.
class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/canopy-test-XXXXXX";
    CANOPY_CHECK(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TempDir() { (void)PosixFs().RemoveAll(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(std::string_view name) const { return JoinPath(path_, name); }
  // Makes the file, or writes it anew in its place; returns its path.
  std::string Write(std::string_view name, std::string_view text) const {
    std::string path = Path(name);
    CANOPY_CHECK((std::ofstream(path) << text).flush().good());
    return path;
  }

 private:
  std::string path_;
};

}  // namespace canopy::testing

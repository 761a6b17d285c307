#pragma once

#include <stdlib.h>

#include <string>

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

 private:
  std::string path_;
};

}  // namespace canopy::testing

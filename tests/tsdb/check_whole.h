#pragma once

#include <boost/test/unit_test.hpp>

#include "canopy/base/fs.h"
#include "canopy/tsdb/verify_dir.h"

namespace canopy::tsdb {

// Every byte under the directory that means something is as it should be.
inline void CheckWhole(Fs& fs, const std::string& dir) {
  VerifyDirOptions verify;
  verify.part = [](const VerifiedPart& part) {
    for (const std::string& fault : part.faults) BOOST_ERROR(fault);
  };
  const auto faults = VerifyDir(fs, dir, verify);
  BOOST_REQUIRE_MESSAGE(faults.ok(), faults.status().message());
  BOOST_REQUIRE(*faults == 0u);
}

}  // namespace canopy::tsdb

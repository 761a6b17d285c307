#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "tests/support/peer_process.h"
#include "tests/support/wait_for.h"

namespace canopy::tsdb {

// Whether the peer's program is here; says so when it is not.
inline bool Have(const char* program) {
  if (testing::HasProgram(program)) return true;
  BOOST_TEST_MESSAGE("no " << program << " here: skipped");
  return false;
}

inline void WriteFile(const std::string& path, std::string_view text) {
  auto file = PosixFs().Create(path);
  BOOST_REQUIRE(file.ok());
  BOOST_REQUIRE((*file)->Append(text).ok());
}

// The lines of what `promtool tsdb dump` prints, which have no promised order.
inline std::vector<std::string> SortedLines(const std::string& text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Debian's Prometheus on a data directory, with nothing to scrape, for as long as this lives. Its
// configuration and its log lie in `dir`.
class QuietPrometheus {
 public:
  QuietPrometheus(const std::string& dir, const std::string& data)
      : log_(JoinPath(dir, "log")), peer_(Command(dir, data), log_) {}

  bool LogHas(std::string_view text) const {
    return PosixFs().ReadFile(log_)->find(text) != std::string::npos;
  }
  // Waits until it is up, and holds it against it when it has found something to complain about.
  void BecomesReadyWithoutComplaint() const {
    BOOST_TEST(testing::WaitFor([&] { return LogHas("Server is ready"); }));
    for (const char* word : {"level=error", "level=warn", "attempting repair", "corrupt"})
      BOOST_TEST(!LogHas(word), *PosixFs().ReadFile(log_));
  }
  int Terminate() { return peer_.Terminate(); }

 private:
  static std::vector<std::string> Command(const std::string& dir, const std::string& data) {
    const std::string config = JoinPath(dir, "prometheus.yml");
    WriteFile(config, "");
    return {"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + data,
            "--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0"};
  }

  const std::string log_;
  testing::PeerProcess peer_;
};

}  // namespace canopy::tsdb

// Configurations in several files.

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/config/load.h"
#include "tests/support/temp_dir.h"

namespace canopy::config {
namespace {

using namespace std::chrono_literals;
using testing::TempDir;

BOOST_AUTO_TEST_CASE(jobs_come_from_other_files_too) {
  const TempDir dir;
  dir.Write("b.yml", "scrape_configs:\n- job_name: b\n  bearer_token_file: token\n");
  dir.Write("c.yml", "scrape_configs:\n- job_name: c\n  scrape_interval: 3s\n");
  const std::string path = dir.Write("main.yml",
                                     "global: {scrape_interval: 7s}\n"
                                     "scrape_config_files: ['[bc].yml', none.yml]\n"
                                     "scrape_configs: [{job_name: a}]\n");
  const LoadReport report = LoadAll(PosixFs(), path);
  BOOST_TEST(FormatErrors(report.errors) == "");
  BOOST_REQUIRE(report.config);
  const std::vector<ScrapeConfig>& jobs = report.config->scrape_configs;
  BOOST_REQUIRE(jobs.size() == 3u);
  BOOST_TEST(jobs[0].file == "");
  BOOST_TEST(jobs[1].job_name == "b");
  BOOST_CHECK(jobs[1].scrape_interval == 7s);
  const std::string in_dir(DirName(path));
  BOOST_TEST(jobs[1].file == in_dir + "/b.yml");
  BOOST_TEST(jobs[1].http.authorization->credentials_file == in_dir + "/token");
  BOOST_CHECK(jobs[2].scrape_interval == 3s);
  BOOST_REQUIRE(report.notices.size() == 1u);
  BOOST_TEST(report.notices[0].key == "scrape_config_files[1]");
}

BOOST_AUTO_TEST_CASE(errors_in_other_files_name_them) {
  const TempDir dir;
  const std::string b =
      dir.Write("b.yml", "scrape_configs:\n- job_name: a\n- job_name: b\n  x: y\nglobal: {}\n");
  const std::string path = dir.Write("main.yml",
                                     "scrape_config_files: [b.yml, b.yml]\n"
                                     "scrape_configs: [{job_name: a}, {}]\n");
  BOOST_TEST(FormatErrors(LoadAll(PosixFs(), path).errors) ==
             path + ":2: scrape_configs[1]: job_name is empty\n" +  //
                 b +
                 ":2: scrape_configs[0].job_name: found multiple scrape configs with job name "
                 "\"a\", first found in main config file\n" +
                 b +
                 ":3: scrape_configs[1].job_name: found multiple scrape configs with job name "
                 "\"b\"\n" +
                 b + ":4: scrape_configs[1].x: unknown key\n" +  //
                 b + ":5: global: unknown key");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_says_why) {
  const Result<Config> config = Load(PosixFs(), "/nonexistent/leaf.yml");
  BOOST_REQUIRE(!config.ok());
  BOOST_TEST(config.status().message().find("/nonexistent/leaf.yml") != std::string::npos);
}

}  // namespace
}  // namespace canopy::config

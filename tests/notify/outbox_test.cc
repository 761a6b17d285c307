#include "notify/outbox.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "canopy/base/log.h"

namespace canopy::notify {
namespace {

namespace fs = std::filesystem;

constexpr char kOne[] = "http://one/api/v2/alerts";
constexpr char kTwo[] = "http://two/api/v2/alerts";

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("canopy-outbox-" + std::to_string(getpid()))) {
    log::SetLevel(log::Level::kError);
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string File(const char* name = "outbox.db") const { return path / name; }

  fs::path path;
};

Notice Ended(std::string alert, int64_t ends_at) {
  auto json = std::make_shared<const std::string>("json of " + alert);
  return {std::move(alert), true, Timestamp::FromMs(ends_at), std::move(json)};
}

std::unique_ptr<Outbox> Open(const std::string& path) {
  auto outbox = Outbox::Open(path);
  BOOST_TEST_REQUIRE(outbox.ok(), outbox.status().message());
  return std::move(*outbox);
}

void Put(Outbox& outbox, std::string_view alertmanager, const Notice& notice) {
  const Outbox::Row row{alertmanager, &notice};
  const Status status = outbox.Put({&row, 1});
  BOOST_TEST_REQUIRE(status.ok(), status.message());
}

void Remove(Outbox& outbox, std::string_view alertmanager, const Notice& notice) {
  const Outbox::Row row{alertmanager, &notice};
  const Status status = outbox.Remove({&row, 1});
  BOOST_TEST_REQUIRE(status.ok(), status.message());
}

// "a@1 b@2"
std::string Held(const Outbox& outbox, std::string_view alertmanager) {
  const auto notices = outbox.Load(alertmanager);
  BOOST_TEST_REQUIRE(notices.ok(), notices.status().message());
  std::string out;
  for (const Notice& n : *notices) {
    BOOST_TEST(n.resolved);
    BOOST_TEST(*n.json == "json of " + n.alert);
    out += (out.empty() ? "" : " ") + n.alert + "@" + std::to_string(n.ends_at.ms());
  }
  return out;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(notices_are_kept_for_each_alertmanager, Folder) {
  auto outbox = Open(File());
  Put(*outbox, kOne, Ended("b", 10));
  Put(*outbox, kTwo, Ended("b", 10));
  Put(*outbox, kOne, Ended("a", 20));
  BOOST_TEST(Held(*outbox, kOne) == "b@10 a@20");
  Remove(*outbox, kOne, Ended("b", 10));
  BOOST_TEST(Held(*outbox, kOne) == "a@20");
  BOOST_TEST(Held(*outbox, kTwo) == "b@10");
  outbox.reset();
  outbox = Open(File());
  BOOST_TEST(Held(*outbox, kOne) == "a@20");
  BOOST_TEST(Held(*outbox, kTwo) == "b@10");
  BOOST_TEST(Held(*outbox, "http://three/") == "");
}

BOOST_FIXTURE_TEST_CASE(the_later_end_of_an_alert_counts, Folder) {
  auto outbox = Open("");
  Put(*outbox, kOne, Ended("a", 10));
  Put(*outbox, kOne, Ended("a", 30));
  Put(*outbox, kOne, Ended("a", 20));
  BOOST_TEST(Held(*outbox, kOne) == "a@30");
  Remove(*outbox, kOne, Ended("a", 10));  // told late: the second end is still to be told
  BOOST_TEST(Held(*outbox, kOne) == "a@30");
  Remove(*outbox, kOne, Ended("a", 30));
  BOOST_TEST(Held(*outbox, kOne) == "");
}

BOOST_FIXTURE_TEST_CASE(old_notices_go, Folder) {
  auto outbox = Open("");
  for (const int64_t t : {-5, 0, 5, 6}) Put(*outbox, kOne, Ended(std::to_string(t), t));
  BOOST_TEST(outbox->RemoveOlder(Timestamp::FromMs(5)).ok());
  BOOST_TEST(Held(*outbox, kOne) == "5@5 6@6");
}

BOOST_FIXTURE_TEST_CASE(a_crash_after_put_loses_nothing, Folder) {
  auto outbox = Open(File());
  Put(*outbox, kOne, Ended("a", 10));
  // What is on disk now is what a crash leaves behind: the database is not closed.
  for (const char* name : {"outbox.db", "outbox.db-wal"}) {
    fs::copy_file(File(name), path / ("after-crash" + std::string(name).substr(6)));
  }
  const auto after = Open(File("after-crash.db"));
  BOOST_TEST(Held(*after, kOne) == "a@10");
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_no_database_is_moved_aside, Folder) {
  log::SetLevel(static_cast<log::Level>(static_cast<int>(log::Level::kError) + 1));
  const std::string junk(5000, 'x');
  std::ofstream(File()) << junk;
  {
    auto outbox = Open(File());
    Put(*outbox, kOne, Ended("a", 10));
  }
  BOOST_TEST(Held(*Open(File()), kOne) == "a@10");
  BOOST_TEST(fs::file_size(File("outbox.db.corrupt")) == junk.size());
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_opened_is_an_error_with_the_path, Folder) {
  const auto missing = Outbox::Open(File("no/such/folder.db"));
  BOOST_TEST_REQUIRE(!missing.ok());
  BOOST_TEST((missing.status().code() == Code::kIo));
  BOOST_TEST(missing.status().message() ==
             "outbox " + File("no/such/folder.db") + ": unable to open database file");
}

}  // namespace canopy::notify

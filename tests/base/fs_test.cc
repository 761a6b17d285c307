#include "canopy/base/fs.h"

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/support/temp_dir.h"

namespace canopy {
namespace {

using testing::MemFs;
using testing::TempDir;

// Runs a test on the real disk and on the one in memory: what one does, the other must do.
void OnEveryFs(const std::function<void(Fs&, const std::string& dir)>& test) {
  const TempDir temp;
  BOOST_TEST_CONTEXT("on the disk") { test(PosixFs(), temp.path()); }
  MemFs mem;
  BOOST_REQUIRE(mem.MakeDirs("/d").ok());
  BOOST_TEST_CONTEXT("in memory") { test(mem, "/d"); }
}

void Write(Fs& fs, const std::string& path, std::string_view bytes) {
  auto file = fs.Create(path);
  BOOST_REQUIRE(file.ok());
  BOOST_REQUIRE((*file)->Append(bytes).ok());
}

BOOST_AUTO_TEST_CASE(a_file_grows_shrinks_and_is_read) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    const std::string path = JoinPath(dir, "a");
    Write(fs, path, "hello");
    {
      auto file = fs.OpenAppend(path);
      BOOST_REQUIRE(file.ok());
      BOOST_TEST((*file)->size() == 5u);
      BOOST_TEST((*file)->Append(", world").ok());
      BOOST_TEST((*file)->size() == 12u);
      BOOST_TEST(*fs.ReadFile(path) == "hello, world");
      BOOST_TEST((*file)->Truncate(4).ok());
      BOOST_TEST((*file)->Append("!").ok());
      BOOST_TEST((*file)->Sync().ok());
      BOOST_TEST((*file)->size() == 5u);
    }
    BOOST_TEST(*fs.ReadFile(path) == "hell!");
    BOOST_TEST(*fs.Size(path) == 5u);
    const auto map = fs.Map(path);
    BOOST_REQUIRE(map.ok());
    BOOST_TEST(fs.Remove(path).ok());
    BOOST_TEST((*map)->bytes() == "hell!");
    BOOST_TEST(!fs.Exists(path));
    Write(fs, path, "");
    BOOST_TEST((*fs.Map(path))->bytes() == "");
    BOOST_TEST(*fs.ReadFile(path) == "");
    Write(fs, path, std::string(1'000'000, 'x'));
    BOOST_TEST(fs.ReadFile(path)->size() == 1'000'000u);
  });
}

BOOST_AUTO_TEST_CASE(a_mapping_writes_into_its_file) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    const std::string path = dir + "/mapped";
    Write(fs, path, "what was there before");
    const auto mapping = fs.CreateMapped(path, 5);
    BOOST_REQUIRE(mapping.ok());
    BOOST_TEST(*fs.ReadFile(path) == std::string(5, '\0'));
    (*mapping)->bytes()[1] = 'x';
    BOOST_TEST(*fs.ReadFile(path) == std::string("\0x\0\0\0", 5));
    BOOST_TEST(!fs.CreateMapped(dir + "/no/file", 5).ok());
  });
}

BOOST_AUTO_TEST_CASE(errors_name_the_path_and_the_reason) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    const std::string missing = dir + "/no/file";
    auto f = [&](const Status& status, std::string_view what) {
      BOOST_TEST((status.code() == Code::kNotFound));
      BOOST_TEST(status.message() == std::string(what) + ": No such file or directory");
    };
    f(fs.ReadFile(missing).status(), "open " + missing);
    f(fs.Map(missing).status(), "open " + missing);
    f(fs.Create(missing).status(), "open " + missing);
    f(fs.OpenAppend(missing).status(), "open " + missing);
    f(fs.Size(missing).status(), "stat " + missing);
    f(fs.List(missing).status(), "open directory " + missing);
    BOOST_TEST((fs.ReadFile(dir).status().code() == Code::kIo));
    BOOST_TEST((fs.Remove(missing).code() == Code::kNotFound));
    BOOST_TEST((fs.Rename(missing, dir + "/x").code() == Code::kNotFound));
    BOOST_TEST(fs.RemoveAll(missing).ok());
  });
}

BOOST_AUTO_TEST_CASE(a_file_lives_as_long_as_it_has_a_name) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    Write(fs, dir + "/a", "1");
    BOOST_TEST(fs.Link(dir + "/a", dir + "/b").ok());
    BOOST_TEST((fs.Link(dir + "/a", dir + "/b").code() == Code::kExists));
    BOOST_TEST((fs.Link(dir + "/c", dir + "/d").code() == Code::kNotFound));
    BOOST_TEST(fs.ReplaceFile(dir + "/a", "2").ok());
    BOOST_TEST(*fs.ReadFile(dir + "/b") == "1");
    BOOST_TEST(fs.Link(dir + "/a", dir + "/c").ok());
    BOOST_TEST(fs.Remove(dir + "/a").ok());
    BOOST_TEST(*fs.ReadFile(dir + "/c") == "2");
  });
}

BOOST_AUTO_TEST_CASE(directories) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    BOOST_TEST(fs.MakeDirs(dir + "/x/y/z").ok());
    BOOST_TEST(fs.MakeDirs(dir + "/x/y/z").ok());
    BOOST_TEST(fs.IsDirectory(dir + "/x/y"));
    Write(fs, dir + "/x/b", "1");
    Write(fs, dir + "/x/B", "2");
    BOOST_TEST(!fs.IsDirectory(dir + "/x/b"));
    const std::vector<std::string> want{"B", "b", "y"};
    BOOST_TEST(*fs.List(dir + "/x") == want, boost::test_tools::per_element());
    BOOST_TEST(!fs.MakeDirs(dir + "/x/b/c").ok());
    BOOST_TEST(!fs.Remove(dir + "/x").ok());
    BOOST_TEST(fs.Rename(dir + "/x", dir + "/w").ok());
    BOOST_TEST(*fs.ReadFile(dir + "/w/B") == "2");
    BOOST_TEST(!fs.Exists(dir + "/x"));
    BOOST_TEST(fs.SyncDir(dir).ok());
    BOOST_TEST(fs.RemoveAll(dir + "/w").ok());
    BOOST_TEST(!fs.Exists(dir + "/w"));
  });
}

BOOST_AUTO_TEST_CASE(a_replaced_file_is_the_old_or_the_new_one) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    const std::string path = dir + "/state.json";
    BOOST_TEST(fs.ReplaceFile(path, "one").ok());
    BOOST_TEST(fs.ReplaceFile(path, "two").ok());
    BOOST_TEST(*fs.ReadFile(path) == "two");
    BOOST_TEST(fs.List(dir)->size() == 1u);
  });
  MemFs fs;
  BOOST_REQUIRE(fs.MakeDirs("/d").ok());
  BOOST_REQUIRE(fs.ReplaceFile("/d/f", "old").ok());
  fs.ClearCalls();
  // The machine goes down before each call in turn: old bytes or new ones, never anything else.
  for (size_t calls = 0;; ++calls) {
    size_t left = calls;
    fs.SetFault([&](std::string_view) { return left-- == 0 ? Status::Io("down") : Status(); });
    const bool done = fs.ReplaceFile("/d/f", "new").ok();
    fs.SetFault(nullptr);
    fs.Crash();
    const auto bytes = fs.ReadFile("/d/f");
    BOOST_REQUIRE(bytes.ok());
    BOOST_TEST(*bytes == (done ? "new" : "old"));
    if (done) break;
  }
}

BOOST_AUTO_TEST_CASE(a_directory_is_held_by_one) {
  OnEveryFs([](Fs& fs, const std::string& dir) {
    auto first = fs.LockDir(dir);
    BOOST_REQUIRE(first.ok());
    const auto second = fs.LockDir(dir);
    BOOST_REQUIRE(!second.ok());
    BOOST_TEST((second.status().code() == Code::kExists));
    first.value().reset();
    BOOST_TEST(fs.LockDir(dir).ok());
    BOOST_TEST(!fs.LockDir(dir + "/missing").ok());
  });
}

BOOST_AUTO_TEST_CASE(the_lock_names_its_holder_and_dies_with_it) {
  const TempDir temp;
  int ready[2];
  int go[2];
  BOOST_REQUIRE(::pipe(ready) == 0 && ::pipe(go) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = PosixFs().LockDir(temp.path());
    char c = lock.ok() ? 'y' : 'n';
    (void)!::write(ready[1], &c, 1);
    (void)!::read(go[0], &c, 1);
    ::_exit(0);  // without releasing it
  }
  char c = 0;
  BOOST_REQUIRE(::read(ready[0], &c, 1) == 1);
  BOOST_REQUIRE(c == 'y');
  BOOST_TEST(*PosixFs().ReadFile(temp.path() + "/lock") == std::to_string(child) + "\n");
  const auto refused = PosixFs().LockDir(temp.path());
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.status().message() ==
             "directory " + temp.path() + " is locked by process " + std::to_string(child));
  BOOST_REQUIRE(::write(go[1], &c, 1) == 1);
  BOOST_REQUIRE(::waitpid(child, nullptr, 0) == child);
  const auto taken = PosixFs().LockDir(temp.path());
  BOOST_TEST(taken.ok());
  for (const int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
}

BOOST_AUTO_TEST_CASE(paths) {
  auto join = [](std::string_view dir, std::string_view name, std::string_view want) {
    BOOST_TEST(JoinPath(dir, name) == want);
  };
  join("a", "b", "a/b");
  join("a/", "b", "a/b");
  join("a", "/b", "/b");
  join("", "b", "b");
  join("a", "", "a");
  join("/", "b", "/b");
  auto split = [](std::string_view path, std::string_view dir, std::string_view base) {
    BOOST_TEST_CONTEXT(path) {
      BOOST_TEST(DirName(path) == dir);
      BOOST_TEST(BaseName(path) == base);
    }
  };
  split("/a/b", "/a", "b");
  split("/a/b/", "/a", "b");
  split("a", ".", "a");
  split("/a", "/", "a");
  split("/", "/", "/");
  split("a//b", "a", "b");
}

BOOST_AUTO_TEST_CASE(glob_finds_files_in_order) {
  const TempDir temp;
  Fs& fs = PosixFs();
  for (const char* name : {"b.yml", "a.yml", "Z.yml", "c.txt"})
    Write(fs, JoinPath(temp.path(), name), "");
  const std::string dir = temp.path();
  const std::vector<std::string> want{dir + "/Z.yml", dir + "/a.yml", dir + "/b.yml"};
  BOOST_TEST(Glob(dir + "/*.yml") == want, boost::test_tools::per_element());
  BOOST_TEST(Glob(dir + "/nothing*").empty());
}

BOOST_AUTO_TEST_CASE(times_of_modification) {
  testing::ManualClock clock(Timestamp::FromMs(1234));
  MemFs fs(clock);
  Write(fs, "/f", "x");
  BOOST_TEST(*fs.ModifiedMs("/f") == 1234);
  const TempDir temp;
  Write(PosixFs(), temp.path() + "/f", "x");
  BOOST_TEST(*PosixFs().ModifiedMs(temp.path() + "/f") > 1'600'000'000'000);
}

BOOST_AUTO_TEST_CASE(a_crash_forgets_what_was_not_synced) {
  MemFs fs;
  BOOST_REQUIRE(fs.MakeDirs("/d").ok());
  auto file = fs.Create("/d/f");
  BOOST_REQUIRE(file.ok());
  BOOST_TEST((*file)->Append("abc").ok());
  BOOST_TEST((*file)->Sync().ok());
  fs.Crash();
  BOOST_TEST(!fs.Exists("/d/f"));  // its name was not durable
  BOOST_TEST(!(*file)->Append("x").ok());

  file = fs.Create("/d/f");
  BOOST_TEST(fs.SyncDir("/d").ok());
  BOOST_TEST((*file)->Append("abc").ok());
  BOOST_TEST((*file)->Sync().ok());
  BOOST_TEST((*file)->Append("defgh").ok());
  fs.Crash([](const std::string& path, size_t unsynced) {
    BOOST_TEST(path == "/d/f");
    BOOST_TEST(unsynced == 5u);
    return size_t{2};
  });
  BOOST_TEST(*fs.ReadFile("/d/f") == "abcde");

  file = fs.OpenAppend("/d/f");
  BOOST_TEST((*file)->Truncate(1).ok());
  fs.Crash();
  BOOST_TEST(*fs.ReadFile("/d/f") == "abcde");
  BOOST_TEST(fs.Rename("/d/f", "/d/g").ok());
  fs.Crash();
  BOOST_TEST(fs.Exists("/d/f"));
  BOOST_TEST(!fs.Exists("/d/g"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_takes_what_fits) {
  MemFs fs;
  fs.SetCapacity(5);
  auto file = fs.Create("/f");
  BOOST_TEST((*file)->Append("abc").ok());
  const Status status = (*file)->Append("def");
  BOOST_TEST(status.message() == "write /f: No space left on device");
  BOOST_TEST(*fs.ReadFile("/f") == "abcde");
  fs.SetCapacity(std::nullopt);
  BOOST_TEST((*file)->Append("f").ok());
  const std::vector<std::string> want{"create /f", "append /f 3", "append /f 3", "append /f 1"};
  BOOST_TEST(fs.calls() == want, boost::test_tools::per_element());
}

}  // namespace
}  // namespace canopy

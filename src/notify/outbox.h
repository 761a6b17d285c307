#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "notice.h"

struct sqlite3;

namespace canopy::notify {

// The notices of ended alerts that some Alertmanager has not taken yet, on disk, so that neither a
// crash nor a loss of power loses one. An SQLite database in WAL mode, synced at each commit:
//
//   PRAGMA user_version = 1;
//   CREATE TABLE notices (
//     alertmanager TEXT NOT NULL,     -- who is to be told: its URL, see Sender
//     alert        TEXT NOT NULL,     -- the alert's labels
//     ends_at      INTEGER NOT NULL,  -- milliseconds since the Unix epoch
//     json         TEXT NOT NULL,     -- the object to post
//     PRIMARY KEY (alertmanager, alert)
//   ) WITHOUT ROWID;
//
// Of an alert that has ended twice, the later end counts. Not thread-safe; the manager's lock
// guards it.
class Outbox {
 public:
  struct Row {  // valid while what it was taken from lives
    std::string_view alertmanager;
    const Notice* notice;
  };

  // Creates the file when there is none; "" is a database in memory. A file that is no database is
  // moved aside ("<path>.corrupt") and logged: what it held is lost, not the server's start. kIo
  // when the file cannot be opened or written, kUnsupported for a later schema.
  static Result<std::unique_ptr<Outbox>> Open(const std::string& path);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // All or none; they are on disk when it returns ok.
  Status Put(std::span<const Row> rows);
  // Notices that were taken or given up. A later end of the same alert stays.
  Status Remove(std::span<const Row> rows);
  // Those whose alert ended before `limit`.
  Status RemoveOlder(Timestamp limit);
  // What that Alertmanager is to be told, oldest first.
  Result<std::vector<Notice>> Load(std::string_view alertmanager) const;

 private:
  explicit Outbox(sqlite3* db) : db_(db) {}
  static Result<std::unique_ptr<Outbox>> OpenDatabase(const std::string& path);
  Status Exec(const char* sql) const;
  Status CreateSchema();
  Status RunForEach(const char* sql, std::span<const Row> rows, bool with_json);
  Status StepForEach(const char* sql, std::span<const Row> rows, bool with_json);

  sqlite3* const db_;
};

}  // namespace canopy::notify

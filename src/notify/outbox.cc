#include "outbox.h"

#include <sqlite3.h>

#include <filesystem>
#include <system_error>

#include "canopy/base/log.h"

namespace canopy::notify {
namespace {

constexpr int kSchemaVersion = 1;
// An operator who looks into the file may hold it for a moment.
constexpr int kBusyTimeoutMs = 2000;

constexpr char kPut[] =
    "INSERT INTO notices (alertmanager, alert, ends_at, json) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (alertmanager, alert) DO UPDATE SET ends_at = excluded.ends_at, "
    "json = excluded.json WHERE excluded.ends_at >= notices.ends_at";
constexpr char kRemove[] =
    "DELETE FROM notices WHERE alertmanager = ?1 AND alert = ?2 AND ends_at <= ?3";

Status Error(sqlite3* db, int rc) {
  const std::string message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
  const int primary = rc & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return Status::Corrupt(message);
  return Status::Io(message);
}

// A prepared statement.
class Statement {
 public:
  Statement() = default;
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  int Prepare(sqlite3* db, const char* sql) {
    return sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr);
  }
  // What is bound must live until the statement is reset.
  int Bind(int index, std::string_view text) {
    return sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  int Bind(int index, int64_t value) { return sqlite3_bind_int64(statement_, index, value); }
  int Step() { return sqlite3_step(statement_); }
  int Reset() { return sqlite3_reset(statement_); }
  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string Text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
    return size == 0 ? std::string() : std::string(bytes, size);
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

Status MoveAside(const std::string& path) {
  std::error_code error;
  std::filesystem::rename(path, path + ".corrupt", error);
  if (error) return Status::Io("moving aside " + path + ": " + error.message());
  // They belong to the old file, and would spoil the new one.
  for (const char* suffix : {"-wal", "-shm"}) {
    std::filesystem::remove(path + suffix, error);
    if (error) return Status::Io("removing " + path + suffix + ": " + error.message());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::Open(const std::string& path) {
  auto outbox = OpenDatabase(path);
  if (!outbox.ok() && outbox.status().code() == Code::kCorrupt) {
    LOG_ERROR("Outbox of notices is no database; starting with an empty one", {"file", path},
              {"moved_to", path + ".corrupt"}, {"err", outbox.status().message()});
    CANOPY_RETURN_IF_ERROR(MoveAside(path));
    outbox = OpenDatabase(path);
  }
  if (!outbox.ok()) return outbox.status().In("outbox " + path);
  return outbox;
}

Result<std::unique_ptr<Outbox>> Outbox::OpenDatabase(const std::string& path) {
  sqlite3* db = nullptr;
  const int rc =
      sqlite3_open_v2(path.empty() ? ":memory:" : path.c_str(), &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Outbox> outbox(new Outbox(db));  // closes it, opened or not
  if (rc != SQLITE_OK) return Error(db, rc);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  CANOPY_RETURN_IF_ERROR(outbox->Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  CANOPY_RETURN_IF_ERROR(outbox->CreateSchema());
  return outbox;
}

Outbox::~Outbox() { sqlite3_close(db_); }

Status Outbox::Exec(const char* sql) const {
  const int rc = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return rc == SQLITE_OK ? Status() : Error(db_, rc);
}

Status Outbox::CreateSchema() {
  int64_t version = 0;
  {
    Statement ask;
    int rc = ask.Prepare(db_, "PRAGMA user_version");
    if (rc == SQLITE_OK) rc = ask.Step();
    if (rc != SQLITE_ROW) return Error(db_, rc);
    version = ask.Int(0);
  }
  if (version > kSchemaVersion) {
    return Status::Unsupported("written by a later version (schema " + std::to_string(version) +
                               ")");
  }
  return Exec(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE IF NOT EXISTS notices (alertmanager TEXT NOT NULL, alert TEXT NOT NULL, "
      "ends_at INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (alertmanager, alert)) "
      "WITHOUT ROWID;"
      "PRAGMA user_version = 1;"
      "COMMIT");
}

Status Outbox::StepForEach(const char* sql, std::span<const Row> rows, bool with_json) {
  Statement statement;
  int rc = statement.Prepare(db_, sql);
  for (size_t i = 0; i < rows.size() && rc == SQLITE_OK; ++i) {
    const Notice& notice = *rows[i].notice;
    rc = statement.Bind(1, rows[i].alertmanager);
    if (rc == SQLITE_OK) rc = statement.Bind(2, notice.alert);
    if (rc == SQLITE_OK) rc = statement.Bind(3, notice.ends_at.ms());
    if (rc == SQLITE_OK && with_json) rc = statement.Bind(4, *notice.json);
    if (rc == SQLITE_OK) rc = statement.Step();
    if (rc == SQLITE_DONE) rc = statement.Reset();
  }
  return rc == SQLITE_OK ? Status() : Error(db_, rc);
}

Status Outbox::RunForEach(const char* sql, std::span<const Row> rows, bool with_json) {
  if (rows.empty()) return {};
  CANOPY_RETURN_IF_ERROR(Exec("BEGIN IMMEDIATE"));
  Status status = StepForEach(sql, rows, with_json);
  if (status.ok()) status = Exec("COMMIT");
  // SQLite may have rolled back by itself, on a full disk for one; then there is nothing to do.
  if (!status.ok() && sqlite3_get_autocommit(db_) == 0) {
    const Status rollback = Exec("ROLLBACK");
    if (!rollback.ok()) return rollback.In(status.message());
  }
  return status;
}

Status Outbox::Put(std::span<const Row> rows) { return RunForEach(kPut, rows, true); }
Status Outbox::Remove(std::span<const Row> rows) { return RunForEach(kRemove, rows, false); }

Status Outbox::RemoveOlder(Timestamp limit) {
  Statement statement;
  int rc = statement.Prepare(db_, "DELETE FROM notices WHERE ends_at < ?1");
  if (rc == SQLITE_OK) rc = statement.Bind(1, limit.ms());
  if (rc == SQLITE_OK) rc = statement.Step();
  return rc == SQLITE_DONE ? Status() : Error(db_, rc);
}

Result<std::vector<Notice>> Outbox::Load(std::string_view alertmanager) const {
  Statement statement;
  int rc = statement.Prepare(db_,
                             "SELECT alert, ends_at, json FROM notices WHERE alertmanager = ?1 "
                             "ORDER BY ends_at, alert");
  if (rc == SQLITE_OK) rc = statement.Bind(1, alertmanager);
  if (rc != SQLITE_OK) return Error(db_, rc);
  std::vector<Notice> out;
  while ((rc = statement.Step()) == SQLITE_ROW) {
    out.push_back({.alert = statement.Text(0),
                   .resolved = true,
                   .ends_at = Timestamp::FromMs(statement.Int(1)),
                   .json = std::make_shared<const std::string>(statement.Text(2))});
  }
  if (rc != SQLITE_DONE) return Error(db_, rc);
  return out;
}

}  // namespace canopy::notify

#include "canopy/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "canopy/base/clock.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::log {
namespace {

std::atomic<Level> current_level{Level::kInfo};
std::atomic<Format> current_format{Format::kLogfmt};

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "DEBUG";
    case Level::kInfo:
      return "INFO";
    case Level::kWarn:
      return "WARN";
    case Level::kError:
      return "ERROR";
  }
  return "INFO";
}

// With exactly three digits of milliseconds, as Go's slog writes times.
void AppendTime(std::string& out, Timestamp now) {
  std::string text = FormatRfc3339(now);
  text.pop_back();  // 'Z'
  size_t digits = 0;
  if (const size_t dot = text.find('.'); dot == std::string::npos)
    text.push_back('.');
  else
    digits = text.size() - dot - 1;
  text.append(3 - digits, '0');
  out.append(text);
  out.push_back('Z');
}

bool NeedsQuotes(std::string_view s) {
  if (s.empty()) return true;
  while (!s.empty()) {
    const base::Rune rune = base::FirstRune(s);
    if (rune.length == 0 || rune.code < 0x20 ||
        (rune.code >= 0x80 && !base::IsPrintable(rune.code)))
      return true;
    if (rune.code == ' ' || rune.code == '=' || rune.code == '"') return true;
    s.remove_prefix(rune.length);
  }
  return false;
}

void AppendLogfmt(std::string& line, std::string_view key, std::string_view value) {
  line.push_back(' ');
  line.append(key);
  line.push_back('=');
  if (NeedsQuotes(value))
    base::AppendQuoted(line, value);
  else
    line.append(value);
}

void AppendJson(std::string& line, std::string_view key, std::string_view value, bool bare) {
  line.push_back(',');
  base::AppendJsonQuoted(line, key);
  line.push_back(':');
  if (bare)
    line.append(value);
  else
    base::AppendJsonQuoted(line, value);
}

std::string Source(const char* file, int line) {
  std::string_view name(file);
  if (const size_t slash = name.rfind('/'); slash != std::string_view::npos)
    name.remove_prefix(slash + 1);
  std::string out(name);
  out.push_back(':');
  base::AppendInt(out, line);
  return out;
}

}  // namespace

Field::Field(std::string_view k, long long v) : key(k), bare(true) { base::AppendInt(value, v); }
Field::Field(std::string_view k, unsigned long long v) : key(k), bare(true) {
  base::AppendUint(value, v);
}
Field::Field(std::string_view k, double v) : key(k) {
  base::AppendFloatShortest(value, v);
  bare = v - v == 0;  // JSON has no word for infinities and NaN
}

void SetLevel(Level level) { current_level.store(level, std::memory_order_relaxed); }
void SetFormat(Format format) { current_format.store(format, std::memory_order_relaxed); }
Level GetLevel() { return current_level.load(std::memory_order_relaxed); }

std::string FormatLine(Format format, Timestamp now, Level level, const char* file, int line,
                       std::string_view message, std::initializer_list<Field> fields) {
  std::string out;
  out.reserve(160);
  const bool json = format == Format::kJson;
  out.append(json ? "{\"time\":\"" : "time=");
  AppendTime(out, now);
  if (json) {
    out.push_back('"');
    AppendJson(out, "level", LevelName(level), false);
    AppendJson(out, "source", Source(file, line), false);
    AppendJson(out, "msg", message, false);
    for (const Field& field : fields) AppendJson(out, field.key, field.value, field.bare);
    out.push_back('}');
  } else {
    AppendLogfmt(out, "level", LevelName(level));
    AppendLogfmt(out, "source", Source(file, line));
    AppendLogfmt(out, "msg", message);
    for (const Field& field : fields) AppendLogfmt(out, field.key, field.value);
  }
  out.push_back('\n');
  return out;
}

void Write(Level level, const char* file, int line, std::string_view message,
           std::initializer_list<Field> fields) {
  const std::string text = FormatLine(current_format.load(std::memory_order_relaxed),
                                      SystemClock().Now(), level, file, line, message, fields);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody is left to tell
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace canopy::log

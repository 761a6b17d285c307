#include "canopy/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "canopy/base/clock.h"
#include "canopy/base/number.h"

namespace canopy::log {
namespace {

std::atomic<Level> current_level{Level::kInfo};
std::atomic<Format> current_format{Format::kLogfmt};

constexpr char kHex[] = "0123456789abcdef";

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

// The length of the UTF-8 sequence at the front of `s` and its code point; length 0 when invalid.
struct Rune {
  size_t length;
  uint32_t code;
};
Rune FirstRune(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || s.size() < length) return {0, 0};
  uint32_t code = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return {0, 0};
  return {length, code};
}

// Spaces and invisible characters beyond ASCII, which would make a line hard to read back.
bool Printable(uint32_t code) {
  if (code < 0x80) return code >= 0x20 && code != 0x7f;
  if (code <= 0xa0 || code == 0xad || code == 0x1680 || code == 0x3000) return false;
  if (code >= 0x2000 && code <= 0x200f) return false;
  if (code >= 0x2028 && code <= 0x202f) return false;
  if (code >= 0x205f && code <= 0x206f) return false;
  if (code >= 0xe000 && code <= 0xf8ff) return false;  // private use
  return code != 0xfeff && (code & 0xfffe) != 0xfffe && code < 0xe0000;
}

bool NeedsQuotes(std::string_view s) {
  if (s.empty()) return true;
  while (!s.empty()) {
    const Rune rune = FirstRune(s);
    if (rune.length == 0 || rune.code < 0x20 || (rune.code >= 0x80 && !Printable(rune.code)))
      return true;
    if (rune.code == ' ' || rune.code == '=' || rune.code == '"') return true;
    s.remove_prefix(rune.length);
  }
  return false;
}

void AppendHex(std::string& out, uint32_t code, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out.push_back(kHex[(code >> shift) & 0xf]);
}

// The letter of a two-character escape that Go's strconv.Quote and JSON have; 0 when none.
char EscapeLetter(uint32_t code, bool json) {
  switch (code) {
    case '"':
    case '\\':
      return static_cast<char>(code);
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\a':
      return json ? '\0' : 'a';
    case '\v':
      return json ? '\0' : 'v';
    default:
      return '\0';
  }
}

void AppendQuoted(std::string& out, std::string_view s, bool json) {
  out.push_back('"');
  while (!s.empty()) {
    const Rune rune = FirstRune(s);
    const size_t length = rune.length == 0 ? 1 : rune.length;
    if (rune.length == 0) {
      if (json) {
        out.append("\\ufffd");
      } else {
        out.append("\\x");
        AppendHex(out, static_cast<unsigned char>(s[0]), 2);
      }
    } else if (const char letter = EscapeLetter(rune.code, json)) {
      out.push_back('\\');
      out.push_back(letter);
    } else if (json ? rune.code >= 0x20 : Printable(rune.code)) {
      out.append(s.substr(0, length));
    } else if (!json && rune.code < 0x80) {
      out.append("\\x");
      AppendHex(out, rune.code, 2);
    } else if (rune.code < 0x10000) {
      out.append("\\u");
      AppendHex(out, rune.code, 4);
    } else {
      out.append("\\U");
      AppendHex(out, rune.code, 8);
    }
    s.remove_prefix(length);
  }
  out.push_back('"');
}

void AppendLogfmt(std::string& line, std::string_view key, std::string_view value) {
  line.push_back(' ');
  line.append(key);
  line.push_back('=');
  if (NeedsQuotes(value))
    AppendQuoted(line, value, false);
  else
    line.append(value);
}

void AppendJson(std::string& line, std::string_view key, std::string_view value, bool bare) {
  line.push_back(',');
  AppendQuoted(line, key, true);
  line.push_back(':');
  if (bare)
    line.append(value);
  else
    AppendQuoted(line, value, true);
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

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "canopy/base/time.h"

// Leveled key=value log on stderr, in Prometheus's two formats (logfmt, json):
//   time=2026-01-02T15:04:05.678Z level=INFO source=db.cc:42 msg="WAL replayed" segments=3
// Thread-safe: a line is written with one write.

namespace canopy::log {

enum class Level : unsigned char { kDebug, kInfo, kWarn, kError };
enum class Format : unsigned char { kLogfmt, kJson };

// One key and its value as text; numbers are formatted by the constructors.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), bare(true) {}
  Field(std::string_view k, int v) : Field(k, static_cast<long long>(v)) {}
  Field(std::string_view k, long v) : Field(k, static_cast<long long>(v)) {}
  Field(std::string_view k, unsigned v) : Field(k, static_cast<unsigned long long>(v)) {}
  Field(std::string_view k, unsigned long v) : Field(k, static_cast<unsigned long long>(v)) {}
  Field(std::string_view k, long long v);
  Field(std::string_view k, unsigned long long v);
  Field(std::string_view k, double v);

  std::string_view key;
  std::string value;
  bool bare = false;  // a number or boolean: without quotes in JSON
};

// Both may be called at any time; lines already under way keep the old setting.
void SetLevel(Level level);
void SetFormat(Format format);
Level GetLevel();

// The line that Write() writes, with its final newline.
std::string FormatLine(Format format, Timestamp now, Level level, const char* file, int line,
                       std::string_view message, std::initializer_list<Field> fields);

void Write(Level level, const char* file, int line, std::string_view message,
           std::initializer_list<Field> fields);

}  // namespace canopy::log

#define CANOPY_LOG(level, message, ...)                                            \
  do {                                                                             \
    if ((level) >= ::canopy::log::GetLevel())                                      \
      ::canopy::log::Write((level), __FILE__, __LINE__, (message), {__VA_ARGS__}); \
  } while (false)

// LOG_INFO("WAL replayed", {"segments", 3}, {"duration", "1.2s"});
#define LOG_DEBUG(...) CANOPY_LOG(::canopy::log::Level::kDebug, __VA_ARGS__)
#define LOG_INFO(...) CANOPY_LOG(::canopy::log::Level::kInfo, __VA_ARGS__)
#define LOG_WARN(...) CANOPY_LOG(::canopy::log::Level::kWarn, __VA_ARGS__)
#define LOG_ERROR(...) CANOPY_LOG(::canopy::log::Level::kError, __VA_ARGS__)

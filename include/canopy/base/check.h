#pragma once

namespace canopy::base {

// Prints "BUG: file:line: condition" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace canopy::base

// For what cannot happen unless this program is wrong. Never for input from outside.
#define CANOPY_CHECK(condition)                                    \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      ::canopy::base::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

// As CANOPY_CHECK, in debug and sanitizer builds only: for hot paths.
#ifdef CANOPY_DEBUG
#define CANOPY_DCHECK(condition) CANOPY_CHECK(condition)
#else
#define CANOPY_DCHECK(condition) \
  do {                           \
  } while (false && (condition))
#endif

#pragma once

#include <cstdint>

#include "query.h"

namespace canopy::promql {

// For loops over series or comparisons, which are short but many: looks at the clock once in
// `every` calls.
class Pace {
 public:
  explicit Pace(const Query& query, uint32_t every = 256) : query_(query), every_(every) {}
  void Step() {
    if (++count_ % every_ == 0) query_.Check();
  }

 private:
  const Query& query_;
  const uint32_t every_;
  uint32_t count_ = 0;
};

}  // namespace canopy::promql

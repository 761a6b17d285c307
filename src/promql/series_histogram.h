#pragma once

#include <cstddef>
#include <string_view>

#include "canopy/model/histogram.h"

namespace canopy::promql {

// A native histogram as test scripts write it:
//   {{schema:1 sum:4.5 count:3 z_bucket:1 z_bucket_w:0.01 offset:-1 buckets:[1 0 1] n_buckets:[]}}
struct WrittenHistogram {
  model::FloatHistogram histogram;
  bool hint_given = false;
};

// Reads one from the beginning of `rest`, which starts with "{{", and takes it off. `pos` is where
// that is in the whole text, for errors, which are thrown as ParseFailure.
WrittenHistogram TakeHistogram(std::string_view& rest, size_t pos);

}  // namespace canopy::promql

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/model/histogram.h"

namespace canopy::testing {

// What HistogramSTChunk and FloatHistogramSTChunk of Prometheus 3.14 (tsdb/chunkenc) made of five
// samples, the last one a staleness marker.
struct HistogramStChunk {
  bool floats;
  bool gauge;
  bool custom_buckets;
  std::array<int64_t, 5> starts;
  std::string_view hex;

  static constexpr std::array<int64_t, 5> kTimes = {1000, 2000, 3000, 4000, 5001};

  std::string bytes() const;
  // Of the samples but the last.
  model::Histogram Integers(size_t sample) const;
  model::FloatHistogram Floats(size_t sample) const;
};

inline constexpr HistogramStChunk kHistogramStChunks[] = {
    {false,
     false,
     false,
     {0, 0, 0, 0, 0},
     "000500ff3f50624dd2f1a9fc94a518cde3e8b0000000000000000232bf8fa26c45fff88c44b095ff"
     "c8619a86ce444c5effb6000000000004"},
    {false,
     false,
     false,
     {900, 900, 900, 1500, 1500},
     "000583ff3f50624dd2f1a9fc94a518cde3e8b0000000000000000232be400f8fa26c45fff88c44b0"
     "95ffc8619a86ce479772262f7fdb000000000003e3e8"},
    {true,
     false,
     true,
     {0, 1900, 2901, 3000, 0},
     "00050100ee5c664fbebe3e9f465f8fa1006800000000000000000000000000000000000000000000"
     "ffe000000000000100200000000000010000000000000003c7d1a86e588bfff84dfffeb0bd80fd8f"
     "8d6346c257ffac49d817ac1dda49e4b50d9ea1b3d426ea17fe3858e1460206c5effb600000000000"
     "7e03e800"},
    {true,
     true,
     false,
     {500, 500, 500, 500, 500},
     "c00580ff3f50624dd2f1a9fc94a518cde3e8401a0000000000000000000000000000000000000000"
     "00003ff800000000000040080000000000004000000000000000e807f1f46a1b9622fffe137fffac"
     "2f6036b1afc20f095ffeb127605eb06d24f67583d4367a86cf509ba85fc70a3010bc25c01c5effb6"
     "000000000004"},
};

}  // namespace canopy::testing

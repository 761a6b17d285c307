#pragma once

#include <cstdint>

namespace canopy::chunk {

// What floats are written as: xor.h, xor2.h.
enum class FloatEncoding : uint8_t { kXor, kXor2 };

// Whether chunks of histograms have room for start timestamps: histogram.h.
enum class HistogramForm : uint8_t { kPlain, kWithStarts };

// What whoever writes chunks makes of the two kinds of samples.
struct Encodings {
  FloatEncoding floats = FloatEncoding::kXor;
  HistogramForm histograms = HistogramForm::kPlain;

  friend bool operator==(const Encodings&, const Encodings&) = default;
};

}  // namespace canopy::chunk

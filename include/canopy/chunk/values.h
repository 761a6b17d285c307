#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The values of one chunk, without their times, in the cheapest of a few forms. It is what memory
// holds; nothing of it goes to disk.
//
// Why not XOR as on disk: nine of ten series are constants, counters of whole numbers, or gauges
// with few decimals. As doubles they change in most of their bits; as whole numbers times a power
// of ten they change by little. And a form of whole bytes is only ever written at its end, so that
// readers look at the bytes before it without a lock.
//
//   constant   no bytes: the one value is kept beside the chunk
//   decimal    tokens of whole numbers m, value = m / 10^scale exactly, scale 0 to 6:
//                uvarint 0: staleness marker
//                uvarint 1, byte n: the value before, n times more
//                uvarint u >= 2: m += unzigzag(u - 2)            (m starts at 0)
//   xor        tokens of a control byte and what it asks for:
//                0x00: the value before once more
//                0x10, byte n: the value before, n times more
//                0x20: staleness marker
//                hi*16 + lo, lo 1..8: bits ^= the next lo bytes (little endian) << 8*hi
//                                                                (bits start at 0)
//
// Values that repeat are counted beside the chunk (`run`) and written only when another one comes:
// to repeat costs no bytes, and touches none.

namespace canopy::chunk {

enum class ValueForm : uint8_t {
  kConstant = 0,
  kDecimal0 = 1,  // scale 0; kDecimal0 + k is scale k
  kDecimal6 = 7,
  kXor = 8,
};

// A chunk holds at most so many samples; the longest form of them fits kMaxValueBytes.
inline constexpr size_t kMaxChunkSamples = 240;
inline constexpr size_t kMaxValueBytes = kMaxChunkSamples * 10;
// EncodeNext writes at most so many bytes.
inline constexpr size_t kMaxTokenBytes = 12;

// A chunk's values as they are now. `bytes` may be null for a constant.
struct ValuesView {
  ValueForm form = ValueForm::kConstant;
  uint8_t count = 0;    // samples, `run` included
  uint8_t run = 0;      // how often the last written value repeats
  uint16_t size = 0;    // bytes
  double constant = 0;  // kConstant only
  const uint8_t* bytes = nullptr;
};

// Decodes the values numbered first .. last-1 into `out`, which has room for them.
// REQUIRES: first <= last <= view.count. The bytes are trusted.
void DecodeValues(const ValuesView& view, size_t first, size_t last, double* out);

// Writes `value`, behind `view` whose newest value is `newest`, to `out` (kMaxTokenBytes long) and
// returns the number of bytes; the caller then has count + 1 and run 0. Returns 0 when the form
// cannot hold the value: then EncodeValues is asked for another one.
// REQUIRES: value differs from newest in its bits; the form is not kConstant.
size_t EncodeNext(const ValuesView& view, double newest, double value, uint8_t* out);

struct EncodedValues {
  ValueForm form;
  uint16_t size;
};
// Encodes all values in the cheapest form that holds them, into `out` (kMaxValueBytes long). Values
// that are all the same come as kConstant with size 0. The view of the result has run 0.
// REQUIRES: 1 to kMaxChunkSamples values.
EncodedValues EncodeValues(std::span<const double> values, uint8_t* out);

// Writes the run of `value` to `out` (kMaxTokenBytes long) and returns the number of bytes: how a
// chunk that is not a constant is closed.
size_t EncodeRun(ValueForm form, double value, uint8_t run, uint8_t* out);

}  // namespace canopy::chunk

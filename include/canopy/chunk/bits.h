#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/bytes.h"

// What codecs of chunks are made of: single bits, which fill bytes from the top, and floats as the
// XOR with the float before. Not thread-safe.

namespace canopy::chunk {

class BitWriter {
 public:
  // Starts over, behind as many bytes as a header has.
  void Clear(size_t header_bytes) {
    bytes_.assign(header_bytes, '\0');
    free_ = 0;
  }
  // The low `n` bits of `bits`.
  void Put(uint64_t bits, unsigned n) {
    while (n > 0) {
      if (free_ == 0) {
        bytes_.push_back('\0');
        free_ = 8;
      }
      const unsigned put = std::min(n, free_);
      const uint64_t part = (bits >> (n - put)) & ((uint64_t{1} << put) - 1);
      free_ -= put;
      bytes_.back() = static_cast<char>(static_cast<uint8_t>(bytes_.back()) |
                                        static_cast<uint8_t>(part << free_));
      n -= put;
    }
  }
  void PutBit(bool bit) { Put(bit ? 1 : 0, 1); }
  void PutUvarint(uint64_t v) {
    while (v >= 0x80) {
      Put(v | 0x80, 8);
      v >>= 7;
    }
    Put(v, 8);
  }
  void PutVarint(int64_t v) {
    PutUvarint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
  }

  std::string& bytes() { return bytes_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  unsigned free_ = 0;  // bits in the last byte
};

// A read past the end sets ok() to false and returns zero, and so do all later reads.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  uint64_t remaining_bits() const { return left_ + 8 * uint64_t{bytes_.size()}; }

  // REQUIRES: n <= 64.
  uint64_t Get(unsigned n) {
    if (n > left_) return GetAcross(n);
    return n == 0 ? 0 : Take(n);
  }
  bool GetBit() { return Get(1) != 0; }
  // Reads ones up to the first zero, which is read as well, or up to `most` of them.
  unsigned GetOnes(unsigned most) {
    unsigned ones = 0;
    if (left_ > most) {
      ones = std::min(most, static_cast<unsigned>(std::countl_one(buffer_)));
      Take(std::min(ones + 1, most));
      return ones;
    }
    while (ones < most && GetBit()) ++ones;
    return ones;
  }
  uint64_t GetUvarint() {
    uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Get(8);
      if (shift == 63 && byte > 1) break;
      out |= (byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
    Fail();
    return 0;
  }
  int64_t GetVarint() { return static_cast<int64_t>(base::UnZigZag(GetUvarint())); }

 private:
  // REQUIRES: 0 < n <= left_.
  uint64_t Take(unsigned n) {
    const uint64_t out = buffer_ >> (64 - n);
    buffer_ = n == 64 ? 0 : buffer_ << n;
    left_ -= n;
    return out;
  }
  uint64_t GetAcross(unsigned n) {
    const unsigned low = n - left_;
    const uint64_t high = left_ > 0 ? Take(left_) : 0;
    Fill();
    if (low > left_) {
      Fail();
      return 0;
    }
    const uint64_t rest = Take(low);
    return low == 64 ? rest : high << low | rest;
  }
  // REQUIRES: left_ == 0.
  void Fill() {
    if (bytes_.size() >= 8) {
      buffer_ = base::LoadBe64(bytes_.data());
      left_ = 64;
      bytes_.remove_prefix(8);
      return;
    }
    buffer_ = 0;
    for (const char c : bytes_) {
      left_ += 8;
      buffer_ |= uint64_t{static_cast<uint8_t>(c)} << (64 - left_);
    }
    bytes_ = {};
  }
  void Fail() {
    ok_ = false;
    bytes_ = {};
    left_ = 0;
  }

  std::string_view bytes_;  // not in the buffer yet
  uint64_t buffer_ = 0;     // the next `left_` bits, at the top
  unsigned left_ = 0;
  bool ok_ = true;
};

// A float, and the window of significant bits that its last change had:
//
//   change  := 0                                  as before
//            | 10 <bits>                          XOR with the value before, in the last window
//            | 11 leading <5 bit> length <6 bit, 0 is 64> <bits>    a new window
struct XorValue {
  static constexpr uint8_t kNoWindow = 0xff;

  uint64_t bits = 0;
  uint8_t leading = kNoWindow;
  uint8_t trailing = 0;
};

// What stands before a change: codecs differ in that alone.
struct BitPrefix {
  uint8_t bits;
  uint8_t size;
};

// REQUIRES: `bits` are not the value's.
inline void PutXorChange(BitWriter& out, XorValue& value, uint64_t bits, BitPrefix in_window,
                         BitPrefix new_window) {
  const uint64_t change = bits ^ value.bits;
  value.bits = bits;
  // Five bits hold the number of leading zeros.
  const auto leading = static_cast<uint8_t>(std::min(std::countl_zero(change), 31));
  const auto trailing = static_cast<uint8_t>(std::countr_zero(change));
  if (value.leading != XorValue::kNoWindow && leading >= value.leading &&
      trailing >= value.trailing) {
    out.Put(in_window.bits, in_window.size);
    return out.Put(change >> value.trailing, 64u - value.leading - value.trailing);
  }
  value.leading = leading;
  value.trailing = trailing;
  const unsigned length = 64u - leading - trailing;
  out.Put(new_window.bits, new_window.size);
  out.Put(leading, 5);
  out.Put(length, 6);  // 64 is written as 0: no length is zero
  out.Put(change >> trailing, length);
}

inline void PutXor(BitWriter& out, XorValue& value, uint64_t bits) {
  if (bits == value.bits) return out.PutBit(false);
  PutXorChange(out, value, bits, {0b10, 2}, {0b11, 2});
}

// False when the window cannot be.
inline bool GetXorWindow(BitReader& in, XorValue& value) {
  const uint64_t window = in.Get(11);
  const auto leading = static_cast<unsigned>(window >> 6);
  auto length = static_cast<unsigned>(window & 63);
  if (length == 0) length = 64;
  if (leading + length > 64) return false;
  value.leading = static_cast<uint8_t>(leading);
  value.trailing = static_cast<uint8_t>(64 - leading - length);
  return true;
}

inline void GetXorInWindow(BitReader& in, XorValue& value) {
  // Without a window so far all bits count, as in Prometheus.
  const unsigned leading = value.leading == XorValue::kNoWindow ? 0 : value.leading;
  value.bits ^= in.Get(64u - leading - value.trailing) << value.trailing;
}

// False when the window cannot be.
inline bool GetXor(BitReader& in, XorValue& value) {
  if (!in.GetBit()) return true;
  if (in.GetBit() && !GetXorWindow(in, value)) return false;
  GetXorInWindow(in, value);
  return true;
}

}  // namespace canopy::chunk

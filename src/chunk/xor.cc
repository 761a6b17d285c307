#include "canopy/chunk/xor.h"

#include <algorithm>
#include <bit>

#include "canopy/base/check.h"

namespace canopy::chunk {
namespace {

constexpr unsigned kCountBytes = 2;

// Reads bits from the top of each byte. A read past the end sets ok() to false and returns zero.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  uint64_t Bits(unsigned n) {
    uint64_t out = 0;
    while (n > 0) {
      if (left_ == 0 && !NextByte()) return 0;
      const unsigned take = std::min(n, left_);
      left_ -= take;
      out = (out << take) | ((byte_ >> left_) & ((1u << take) - 1));
      n -= take;
    }
    return out;
  }
  bool Bit() { return Bits(1) != 0; }
  uint64_t Uvarint() {
    uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Bits(8);
      if (shift == 63 && byte > 1) break;
      out |= (byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
    ok_ = false;
    return 0;
  }
  int64_t Varint() {
    const uint64_t u = Uvarint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }

 private:
  bool NextByte() {
    if (at_ == bytes_.size()) {
      ok_ = false;
      return false;
    }
    byte_ = static_cast<uint8_t>(bytes_[at_++]);
    left_ = 8;
    return true;
  }

  std::string_view bytes_;
  size_t at_ = 0;
  unsigned byte_ = 0;
  unsigned left_ = 0;
  bool ok_ = true;
};

bool Fits(int64_t v, unsigned bits) {
  return -((int64_t{1} << (bits - 1)) - 1) <= v && v <= int64_t{1} << (bits - 1);
}

uint64_t ReadDeltaOfDelta(BitReader& in) {
  unsigned size = 0;
  if (!in.Bit()) return 0;
  if (!in.Bit())
    size = 14;
  else if (!in.Bit())
    size = 17;
  else if (!in.Bit())
    size = 20;
  else
    return in.Bits(64);
  const uint64_t bits = in.Bits(size);
  return bits > (uint64_t{1} << (size - 1)) ? bits - (uint64_t{1} << size) : bits;
}

// The window of significant bits that the last changed value had.
struct Window {
  unsigned leading = 0;
  unsigned trailing = 0;
};

// False when the window cannot be.
bool ReadValue(BitReader& in, Window& window, uint64_t& value) {
  if (!in.Bit()) return true;
  if (in.Bit()) {
    const auto leading = static_cast<unsigned>(in.Bits(5));
    auto length = static_cast<unsigned>(in.Bits(6));
    if (length == 0) length = 64;
    if (leading + length > 64) return false;
    window = {leading, 64 - leading - length};
  }
  value ^= in.Bits(64 - window.leading - window.trailing) << window.trailing;
  return true;
}

}  // namespace

void XorEncoder::Clear() {
  bytes_.assign(kCountBytes, '\0');
  free_bits_ = 0;
  size_ = 0;
  delta_ = 0;
  leading_ = kNoWindow;
  trailing_ = 0;
}

void XorEncoder::PutBits(uint64_t bits, unsigned n) {
  while (n > 0) {
    if (free_bits_ == 0) {
      bytes_.push_back('\0');
      free_bits_ = 8;
    }
    const unsigned put = std::min(n, free_bits_);
    const uint64_t part = (bits >> (n - put)) & ((uint64_t{1} << put) - 1);
    free_bits_ -= put;
    bytes_.back() = static_cast<char>(static_cast<uint8_t>(bytes_.back()) |
                                      static_cast<uint8_t>(part << free_bits_));
    n -= put;
  }
}

void XorEncoder::PutUvarint(uint64_t v) {
  while (v >= 0x80) {
    PutByte(static_cast<uint8_t>(v | 0x80));
    v >>= 7;
  }
  PutByte(static_cast<uint8_t>(v));
}

void XorEncoder::PutDeltaOfDelta(int64_t dod) {
  const auto bits = static_cast<uint64_t>(dod);
  if (dod == 0) {
    PutBit(false);
  } else if (Fits(dod, 14)) {
    PutBits(0b10, 2);
    PutBits(bits, 14);
  } else if (Fits(dod, 17)) {
    PutBits(0b110, 3);
    PutBits(bits, 17);
  } else if (Fits(dod, 20)) {
    PutBits(0b1110, 4);
    PutBits(bits, 20);
  } else {
    PutBits(0b1111, 4);
    PutBits(bits, 64);
  }
}

void XorEncoder::PutValue(uint64_t bits) {
  const uint64_t change = bits ^ value_;
  if (change == 0) {
    PutBit(false);
    return;
  }
  PutBit(true);
  // Five bits hold the number of leading zeros.
  const unsigned leading = std::min(static_cast<unsigned>(std::countl_zero(change)), 31u);
  const auto trailing = static_cast<unsigned>(std::countr_zero(change));
  if (leading_ != kNoWindow && leading >= leading_ && trailing >= trailing_) {
    PutBit(false);
    PutBits(change >> trailing_, 64 - leading_ - trailing_);
    return;
  }
  leading_ = leading;
  trailing_ = trailing;
  const unsigned length = 64 - leading - trailing;
  PutBit(true);
  PutBits(leading, 5);
  PutBits(length, 6);  // 64 is written as 0: no length is zero
  PutBits(change >> trailing, length);
}

void XorEncoder::Append(int64_t t, double v) {
  CANOPY_CHECK(size_ < kMaxSamples);
  const auto bits = std::bit_cast<uint64_t>(v);
  if (size_ == 0) {
    PutUvarint((static_cast<uint64_t>(t) << 1) ^ static_cast<uint64_t>(t >> 63));
    PutBits(bits, 64);
  } else {
    const uint64_t delta = static_cast<uint64_t>(t) - static_cast<uint64_t>(time_);
    if (size_ == 1)
      PutUvarint(delta);
    else
      PutDeltaOfDelta(static_cast<int64_t>(delta - delta_));
    delta_ = delta;
    PutValue(bits);
  }
  time_ = t;
  value_ = bits;
  ++size_;
}

const std::string& XorEncoder::bytes() {
  bytes_[0] = static_cast<char>(size_ >> 8);
  bytes_[1] = static_cast<char>(size_ & 0xff);
  return bytes_;
}

Status DecodeXor(std::string_view bytes, std::vector<int64_t>& times, std::vector<double>& values) {
  if (bytes.size() < kCountBytes) return Status::Corrupt("XOR chunk without a count");
  const size_t n =
      static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
  const size_t old_size = times.size();
  BitReader in(bytes.substr(kCountBytes));
  Window window;
  uint64_t time = 0;
  uint64_t delta = 0;
  uint64_t value = 0;
  bool valid = true;
  for (size_t i = 0; i < n && valid && in.ok(); ++i) {
    if (i == 0) {
      time = static_cast<uint64_t>(in.Varint());
      value = in.Bits(64);
    } else {
      delta = i == 1 ? in.Uvarint() : delta + ReadDeltaOfDelta(in);
      time += delta;
      valid = ReadValue(in, window, value);
    }
    times.push_back(static_cast<int64_t>(time));
    values.push_back(std::bit_cast<double>(value));
  }
  if (valid && in.ok()) return {};
  times.resize(old_size);
  values.resize(old_size);
  return Status::Corrupt(valid ? "XOR chunk ends too early"
                               : "XOR chunk with an impossible window");
}

}  // namespace canopy::chunk

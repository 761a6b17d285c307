#include "canopy/chunk/xor.h"

#include <algorithm>
#include <bit>

#include "canopy/base/check.h"

namespace canopy::chunk {
namespace {

constexpr unsigned kCountBytes = 2;

bool Fits(int64_t v, unsigned bits) {
  return -((int64_t{1} << (bits - 1)) - 1) <= v && v <= int64_t{1} << (bits - 1);
}

uint64_t ReadDeltaOfDelta(BitReader& in) {
  constexpr unsigned kSizes[] = {0, 14, 17, 20};
  const unsigned ones = in.GetOnes(4);
  if (ones == 0) return 0;
  if (ones == 4) return in.Get(64);
  const unsigned size = kSizes[ones];
  const uint64_t bits = in.Get(size);
  return bits > (uint64_t{1} << (size - 1)) ? bits - (uint64_t{1} << size) : bits;
}

}  // namespace

void XorEncoder::Clear() {
  out_.Clear(kCountBytes);
  size_ = 0;
  delta_ = 0;
  value_ = {};
}

void XorEncoder::PutDeltaOfDelta(int64_t dod) {
  const auto bits = static_cast<uint64_t>(dod);
  if (dod == 0) {
    out_.PutBit(false);
  } else if (Fits(dod, 14)) {
    out_.Put(0b10, 2);
    out_.Put(bits, 14);
  } else if (Fits(dod, 17)) {
    out_.Put(0b110, 3);
    out_.Put(bits, 17);
  } else if (Fits(dod, 20)) {
    out_.Put(0b1110, 4);
    out_.Put(bits, 20);
  } else {
    out_.Put(0b1111, 4);
    out_.Put(bits, 64);
  }
}

void XorEncoder::Append(int64_t t, double v) {
  CANOPY_CHECK(size_ < kMaxSamples);
  const auto bits = std::bit_cast<uint64_t>(v);
  if (size_ == 0) {
    out_.PutVarint(t);
    out_.Put(bits, 64);
    value_.bits = bits;
  } else {
    const uint64_t delta = static_cast<uint64_t>(t) - static_cast<uint64_t>(time_);
    if (size_ == 1)
      out_.PutUvarint(delta);
    else
      PutDeltaOfDelta(static_cast<int64_t>(delta - delta_));
    delta_ = delta;
    PutXor(out_, value_, bits);
  }
  time_ = t;
  ++size_;
}

const std::string& XorEncoder::bytes() {
  std::string& bytes = out_.bytes();
  bytes[0] = static_cast<char>(size_ >> 8);
  bytes[1] = static_cast<char>(size_ & 0xff);
  return bytes;
}

Status DecodeXor(std::string_view bytes, std::vector<int64_t>& times, std::vector<double>& values) {
  if (bytes.size() < kCountBytes) return Status::Corrupt("XOR chunk without a count");
  const size_t n =
      static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
  const size_t old_size = times.size();
  BitReader in(bytes.substr(kCountBytes));
  uint64_t time = 0;
  uint64_t delta = 0;
  XorValue value;
  bool valid = true;
  for (size_t i = 0; i < n && valid && in.ok(); ++i) {
    if (i == 0) {
      time = static_cast<uint64_t>(in.GetVarint());
      value.bits = in.Get(64);
    } else {
      delta = i == 1 ? in.GetUvarint() : delta + ReadDeltaOfDelta(in);
      time += delta;
      valid = GetXor(in, value);
    }
    times.push_back(static_cast<int64_t>(time));
    values.push_back(std::bit_cast<double>(value.bits));
  }
  if (valid && in.ok()) return {};
  times.resize(old_size);
  values.resize(old_size);
  return Status::Corrupt(valid ? "XOR chunk ends too early"
                               : "XOR chunk with an impossible window");
}

}  // namespace canopy::chunk

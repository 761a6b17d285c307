#include "canopy/chunk/xor2.h"

#include <bit>

#include "canopy/base/check.h"
#include "canopy/model/sample.h"

namespace canopy::chunk {
namespace {

// Ones before a zero, or five of them, and what follows.
enum Prefix : unsigned { kSame = 0, kChanged = 1, kDod13 = 2, kDod20 = 3, kDod64 = 4, kMarker = 5 };
constexpr unsigned kMostOnes = 5;
constexpr unsigned kDodSizes[] = {0, 0, 13, 20, 64};

bool Fits(int64_t v, unsigned bits) {
  return -(int64_t{1} << (bits - 1)) <= v && v < int64_t{1} << (bits - 1);
}

uint64_t GetDod(BitReader& in, unsigned size) {
  return static_cast<uint64_t>(static_cast<int64_t>(in.Get(size) << (64 - size)) >> (64 - size));
}

// What there is of a value: the ones before a zero that stand behind a dod.
enum Value : unsigned { kAsBefore = 0, kInWindow = 1, kNewWindow = 2, kStale = 3 };

struct Columns {
  int64_t* times;
  double* values;
  int64_t* starts;  // may be null
};

// One loop that calls nothing, so that the reader stays in registers: whoever takes it by reference
// gets a copy.
Status Decode(BitReader in, size_t n, uint8_t header, const Columns& out) {
  uint64_t time = 0;
  uint64_t delta = 0;
  XorValue value;
  StartReader starts(header);
  bool valid = true;
  for (size_t i = 0; i < n; ++i) {
    unsigned kind = kAsBefore;
    if (i >= 2) {
      const unsigned prefix = in.GetOnes(kMostOnes);
      if (prefix == kChanged) {
        kind = in.GetBit() ? kNewWindow : kInWindow;
      } else if (prefix == kMarker) {
        kind = kStale;
      } else if (prefix != kSame) {
        delta += GetDod(in, kDodSizes[prefix]);
        kind = in.GetOnes(3);
      }
      time += delta;
    } else if (i == 1) {
      delta = in.GetUvarint();
      time += delta;
      kind = in.GetOnes(3);
    } else {
      time = static_cast<uint64_t>(in.GetVarint());
      value.bits = in.Get(64);
      if (model::IsStale(std::bit_cast<double>(value.bits))) {
        value.bits = 0;
        kind = kStale;
      }
    }
    if (kind == kNewWindow) valid &= GetXorWindow(in, value);
    if (kind == kInWindow || kind == kNewWindow) GetXorInWindow(in, value);
    out.times[i] = static_cast<int64_t>(time);
    out.values[i] = kind == kStale ? model::StaleNan() : std::bit_cast<double>(value.bits);
    if (header != 0) {
      BitReader copy = in;
      const int64_t start = starts.Get(copy, out.times[i]);
      in = copy;
      if (out.starts != nullptr) out.starts[i] = start;
    }
  }
  if (valid && in.ok()) return {};
  return Status::Corrupt(valid ? "XOR2 chunk ends too early"
                               : "XOR2 chunk with an impossible window");
}

}  // namespace

void Xor2Encoder::Clear() {
  out_.Clear(kXor2HeaderBytes);
  size_ = 0;
  delta_ = 0;
  value_ = {};
  starts_ = {};
}

void Xor2Encoder::PutValue(uint64_t bits, bool stale) {
  if (stale) return out_.Put(0b111, 3);
  if (bits == value_.bits) return out_.PutBit(false);
  PutXorChange(out_, value_, bits, {0b10, 2}, {0b110, 3});
}

void Xor2Encoder::PutTimeAndValue(int64_t dod, uint64_t bits, bool stale) {
  if (dod == 0) {
    if (stale) return out_.Put(0b11111, 5);
    if (bits == value_.bits) return out_.PutBit(false);
    return PutXorChange(out_, value_, bits, {0b100, 3}, {0b101, 3});
  }
  if (Fits(dod, 13)) {
    out_.Put(0b110, 3);
    out_.Put(static_cast<uint64_t>(dod), 13);
  } else if (Fits(dod, 20)) {
    out_.Put(0b1110, 4);
    out_.Put(static_cast<uint64_t>(dod), 20);
  } else {
    out_.Put(0b11110, 5);
    out_.Put(static_cast<uint64_t>(dod), 64);
  }
  PutValue(bits, stale);
}

void Xor2Encoder::Append(int64_t t, double v, int64_t start) {
  CANOPY_CHECK(size_ < kMaxSamples);
  const auto bits = std::bit_cast<uint64_t>(v);
  const bool stale = model::IsStale(v);
  if (size_ == 0) {
    out_.PutVarint(t);
    out_.Put(bits, 64);
    if (!stale) value_.bits = bits;
  } else {
    const uint64_t delta = static_cast<uint64_t>(t) - static_cast<uint64_t>(time_);
    if (size_ == 1) {
      out_.PutUvarint(delta);
      PutValue(bits, stale);
    } else {
      PutTimeAndValue(static_cast<int64_t>(delta - delta_), bits, stale);
    }
    delta_ = delta;
  }
  starts_.Put(out_, t, start);
  time_ = t;
  ++size_;
}

const std::string& Xor2Encoder::bytes() {
  std::string& bytes = out_.bytes();
  bytes[0] = static_cast<char>(size_ >> 8);
  bytes[1] = static_cast<char>(size_ & 0xff);
  return bytes;
}

Status DecodeXor2(std::string_view bytes, std::vector<int64_t>& times, std::vector<double>& values,
                  std::vector<int64_t>* starts) {
  if (bytes.size() < kXor2HeaderBytes) return Status::Corrupt("XOR2 chunk without a header");
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const size_t n = static_cast<size_t>(byte(0)) << 8 | byte(1);
  const BitReader in(bytes.substr(kXor2HeaderBytes));
  // Each sample has a bit: so no memory is asked for that the bytes do not back.
  if (n > in.remaining_bits()) return Status::Corrupt("XOR2 chunk ends too early");
  const size_t old_size = times.size();
  const size_t old_starts = starts != nullptr ? starts->size() : 0;
  times.resize(old_size + n);
  values.resize(old_size + n);
  if (starts != nullptr) starts->resize(old_starts + n, kNoStart);
  const Columns out = {times.data() + old_size, values.data() + old_size,
                       starts != nullptr ? starts->data() + old_starts : nullptr};
  Status status = Decode(in, n, byte(kStartsHeader), out);
  if (status.ok()) return status;
  times.resize(old_size);
  values.resize(old_size);
  if (starts != nullptr) starts->resize(old_starts);
  return status;
}

}  // namespace canopy::chunk

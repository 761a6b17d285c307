#include "canopy/chunk/starts.h"

#include "chunk/varbit.h"

namespace canopy::chunk {
namespace {

constexpr uint8_t kFirstFlag = 0x80;
constexpr uint8_t kLastFrom = 0x7f;

// Wraps around, as times may be anything.
uint64_t Distance(int64_t t, int64_t start) {
  return static_cast<uint64_t>(t) - static_cast<uint64_t>(start);
}
int64_t StartAt(int64_t t, uint64_t distance) {
  return static_cast<int64_t>(static_cast<uint64_t>(t) - distance);
}

void SetFlags(BitWriter& out, uint8_t flags) {
  char& byte = out.bytes()[kStartsHeader];
  byte = static_cast<char>(static_cast<uint8_t>(byte) | flags);
}

}  // namespace

void StartWriter::Put(BitWriter& out, int64_t t, int64_t start) {
  if (samples_ == 0) {
    if (start != kNoStart) {
      SetFlags(out, kFirstFlag);
      out.PutVarint(static_cast<int64_t>(Distance(t, start)));
    }
  } else if (from_ > 0) {
    const uint64_t distance = Distance(before_, start);
    PutVarbit(out, static_cast<int64_t>(distance - distance_));
    distance_ = distance;
  } else if (start != start_ || samples_ == kLastFrom) {
    from_ = static_cast<uint8_t>(samples_);
    SetFlags(out, from_);
    distance_ = Distance(before_, start);
    PutVarbit(out, static_cast<int64_t>(distance_));
  }
  start_ = start;
  before_ = t;
  ++samples_;
}

int64_t StartReader::Get(BitReader& in, int64_t t) {
  if (samples_ == 0) {
    if (first_) start_ = StartAt(t, static_cast<uint64_t>(in.GetVarint()));
  } else if (from_ > 0 && samples_ >= from_) {
    const auto d = static_cast<uint64_t>(GetVarbit(in));
    distance_ = samples_ == from_ ? d : distance_ + d;
    start_ = StartAt(before_, distance_);
  }
  before_ = t;
  ++samples_;
  return start_;
}

}  // namespace canopy::chunk

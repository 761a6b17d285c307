#include "canopy/chunk/values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

#include "canopy/base/check.h"
#include "canopy/model/sample.h"

namespace canopy::chunk {
namespace {

constexpr std::array<double, 7> kPowersOfTen = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
// Whole numbers up to here are doubles exactly.
constexpr double kMaxExact = 9007199254740992.0;  // 2^53

constexpr uint64_t kStaleToken = 0;
constexpr uint64_t kRunToken = 1;
constexpr uint64_t kFirstDelta = 2;

constexpr uint8_t kXorRepeat = 0x00;
constexpr uint8_t kXorRun = 0x10;
constexpr uint8_t kXorStale = 0x20;

unsigned ScaleOf(ValueForm form) { return static_cast<unsigned>(form) - 1; }
ValueForm Decimal(unsigned scale) { return static_cast<ValueForm>(scale + 1); }

// m with value == m / 10^scale, to the bit.
bool ToDecimal(double value, unsigned scale, int64_t& m) {
  const double scaled = scale == 0 ? value : value * kPowersOfTen[scale];
  if (!(std::abs(scaled) <= kMaxExact)) return false;  // also NaN
  m = std::llrint(scaled);
  const auto whole = static_cast<double>(m);
  return model::SameBits(scale == 0 ? whole : whole / kPowersOfTen[scale], value);
}

double FromDecimal(int64_t m, unsigned scale) {
  return scale == 0 ? static_cast<double>(m) : static_cast<double>(m) / kPowersOfTen[scale];
}

size_t PutUvarint(uint64_t v, uint8_t* out) {
  size_t n = 0;
  while (v >= 0x80) {
    out[n++] = static_cast<uint8_t>(v | 0x80);
    v >>= 7;
  }
  out[n++] = static_cast<uint8_t>(v);
  return n;
}

size_t PutDelta(int64_t delta, uint8_t* out) {
  const uint64_t zigzag = (static_cast<uint64_t>(delta) << 1) ^ static_cast<uint64_t>(delta >> 63);
  return PutUvarint(zigzag + kFirstDelta, out);
}

size_t PutXor(uint64_t change, uint8_t* out) {
  const unsigned low = static_cast<unsigned>(std::countr_zero(change)) / 8;
  const unsigned high = static_cast<unsigned>(std::countl_zero(change)) / 8;
  const unsigned length = 8 - low - high;
  change >>= 8 * low;
  out[0] = static_cast<uint8_t>(low << 4 | length);
  std::memcpy(out + 1, &change, length);  // little endian
  return 1 + length;
}

// One decoded token: what it does to the value, and how often it stands.
class TokenReader {
 public:
  TokenReader(ValueForm form, const uint8_t* bytes)
      : xor_(form == ValueForm::kXor), scale_(xor_ ? 0 : ScaleOf(form)), at_(bytes) {}

  // How many samples the next token is; value() is then theirs.
  size_t Next() { return xor_ ? NextXor() : NextDecimal(); }
  double value() const { return stale_ ? model::StaleNan() : value_; }

 private:
  size_t NextDecimal() {
    uint64_t u = *at_++;
    if (u >= 0x80) {
      u &= 0x7f;
      for (unsigned shift = 7;; shift += 7) {
        const uint64_t byte = *at_++;
        u |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
    }
    if (u >= kFirstDelta) {
      const uint64_t zigzag = u - kFirstDelta;
      m_ += static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
      value_ = FromDecimal(m_, scale_);
      stale_ = false;
      return 1;
    }
    if (u == kRunToken) return *at_++;
    stale_ = true;
    return 1;
  }
  size_t NextXor() {
    const uint8_t control = *at_++;
    const unsigned length = control & 0xf;
    if (length != 0) {
      uint64_t change = 0;
      std::memcpy(&change, at_, length);
      at_ += length;
      bits_ ^= change << (8 * (control >> 4));
      value_ = std::bit_cast<double>(bits_);
      stale_ = false;
      return 1;
    }
    if (control == kXorRun) return *at_++;
    if (control == kXorStale) stale_ = true;
    return 1;
  }

  const bool xor_;
  const unsigned scale_;
  const uint8_t* at_;
  int64_t m_ = 0;
  uint64_t bits_ = 0;
  double value_ = 0;
  bool stale_ = false;
};

bool AllFit(std::span<const double> values, unsigned scale) {
  int64_t m = 0;
  return std::all_of(values.begin(), values.end(),
                     [&](double v) { return model::IsStale(v) || ToDecimal(v, scale, m); });
}

ValueForm ChooseForm(std::span<const double> values) {
  for (unsigned scale = 0; scale < kPowersOfTen.size(); ++scale)
    if (AllFit(values, scale)) return Decimal(scale);
  return ValueForm::kXor;
}

// Where an encoding stands: the last value that is no staleness marker.
struct Before {
  int64_t m = 0;
  uint64_t bits = 0;
};

size_t PutValue(ValueForm form, double value, Before& before, uint8_t* out) {
  if (form == ValueForm::kXor) {
    if (model::IsStale(value)) {
      out[0] = kXorStale;
      return 1;
    }
    const uint64_t change = std::bit_cast<uint64_t>(value) ^ before.bits;
    before.bits ^= change;
    if (change != 0) return PutXor(change, out);
    // Back from a marker to the value before it, or a zero at the start: a change of no bits.
    out[0] = 1;
    out[1] = 0;
    return 2;
  }
  if (model::IsStale(value)) return PutUvarint(kStaleToken, out);
  int64_t m = 0;
  CANOPY_CHECK(ToDecimal(value, ScaleOf(form), m));
  const int64_t delta = m - before.m;
  before.m = m;
  return PutDelta(delta, out);
}

}  // namespace

void DecodeValues(const ValuesView& view, size_t first, size_t last, double* out) {
  CANOPY_DCHECK(first <= last && last <= view.count);
  if (view.form == ValueForm::kConstant) {
    std::fill_n(out, last - first, view.constant);
    return;
  }
  TokenReader tokens(view.form, view.bytes);
  const uint8_t written = static_cast<uint8_t>(view.count - view.run);
  size_t at = 0;
  while (at < last) {
    const size_t n = at < written ? tokens.Next() : view.run;
    const size_t from = std::max(at, first);
    const size_t until = std::min(at + n, last);
    for (size_t i = from; i < until; ++i) *out++ = tokens.value();
    at += n;
  }
}

size_t EncodeRun(ValueForm form, double value, uint8_t run, uint8_t* out) {
  if (run == 0) return 0;
  if (form == ValueForm::kXor) {
    out[0] = run == 1 ? kXorRepeat : kXorRun;
    out[1] = run;
    return run == 1 ? 1 : 2;
  }
  // A delta of zero would not repeat a staleness marker, but the value before it.
  if (run == 1 && !model::IsStale(value)) return PutDelta(0, out);
  out[0] = static_cast<uint8_t>(kRunToken);
  out[1] = run;
  return 2;
}

size_t EncodeNext(const ValuesView& view, double newest, double value, uint8_t* out) {
  const ValueForm form = view.form;
  const bool stale = model::IsStale(value);
  // The value behind a marker is counted from the one before it, which only decoding would tell.
  if (!stale && model::IsStale(newest)) return 0;
  Before before;
  if (form == ValueForm::kXor) {
    before.bits = std::bit_cast<uint64_t>(newest);
  } else if (!stale) {
    int64_t m = 0;
    if (!ToDecimal(value, ScaleOf(form), m)) return 0;
    CANOPY_CHECK(ToDecimal(newest, ScaleOf(form), before.m));
  }
  const size_t run_size = EncodeRun(form, newest, view.run, out);
  return run_size + PutValue(form, value, before, out + run_size);
}

EncodedValues EncodeValues(std::span<const double> values, uint8_t* out) {
  CANOPY_CHECK(!values.empty() && values.size() <= kMaxChunkSamples);
  const auto same = [](double a, double b) { return model::SameBits(a, b); };
  if (std::adjacent_find(values.begin(), values.end(), std::not_fn(same)) == values.end())
    return {ValueForm::kConstant, 0};
  const ValueForm form = ChooseForm(values);
  Before before;
  size_t size = 0;
  for (size_t i = 0; i < values.size();) {
    size_t end = i + 1;
    while (end < values.size() && model::SameBits(values[end], values[i])) ++end;
    size += PutValue(form, values[i], before, out + size);
    size += EncodeRun(form, values[i], static_cast<uint8_t>(end - i - 1), out + size);
    i = end;
  }
  return {form, static_cast<uint16_t>(size)};
}

}  // namespace canopy::chunk

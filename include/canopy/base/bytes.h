#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// Byte readers and writers for formats of disk and wire: big endian, as Prometheus's formats are,
// unless a name says LE; uvarint and varint (zigzag) as Go's encoding/binary writes them.

namespace canopy::base {

inline void PutBe32(std::string& out, uint32_t v) {
  v = __builtin_bswap32(v);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void PutBe64(std::string& out, uint64_t v) {
  v = __builtin_bswap64(v);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void PutUvarint(std::string& out, uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}
inline void PutVarint(std::string& out, int64_t v) {
  PutUvarint(out, (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
}
inline void PutString(std::string& out, std::string_view s) {
  PutUvarint(out, s.size());
  out.append(s);
}

// The same without checks, for loops that have made sure of the room: a varint of 64 bits takes at
// most kMaxVarintBytes. Each returns the place behind what it wrote.
inline constexpr size_t kMaxVarintBytes = 10;
inline char* WriteUvarint(char* p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *p++ = static_cast<char>(v);
  return p;
}
inline char* WriteVarint(char* p, int64_t v) {
  return WriteUvarint(p, (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
}
inline char* WriteBe16(char* p, uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof v);
  return p + sizeof v;
}
inline char* WriteBe32(char* p, uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
  return p + sizeof v;
}
inline char* WriteBe64(char* p, uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof v);
  return p + sizeof v;
}
inline uint64_t LoadBe64(const char* p) {
  uint64_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}
inline uint32_t LoadBe32(const char* p) {
  uint32_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}
// Reads a uvarint from kMaxVarintBytes readable bytes and moves `p` behind it; false when it is
// none.
inline bool LoadUvarint(const char*& p, uint64_t& v) {
  auto byte = static_cast<uint8_t>(*p++);
  v = byte & 0x7f;
  for (unsigned shift = 7; byte >= 0x80; shift += 7) {
    if (shift > 63) return false;
    byte = static_cast<uint8_t>(*p++);
    if (shift == 63 && byte > 1) return false;
    v |= static_cast<uint64_t>(byte & 0x7f) << shift;
  }
  return true;
}
inline uint64_t UnZigZag(uint64_t u) { return (u >> 1) ^ (0 - (u & 1)); }

// Reads from bytes that may be hostile: a read past the end sets ok() to false, returns zero, and
// so do all later reads; callers check ok() once at the end of a record.
// Not thread-safe; the bytes must outlive the reader and every view it returned.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return bytes_.empty(); }
  size_t remaining() const { return bytes_.size(); }
  std::string_view rest() const { return bytes_; }

  uint8_t U8() { return Take(1) ? static_cast<uint8_t>(taken_[0]) : uint8_t{0}; }
  uint16_t Be16() {
    return Fixed<uint16_t>([](uint16_t v) { return __builtin_bswap16(v); });
  }
  uint32_t Be32() {
    return Fixed<uint32_t>([](uint32_t v) { return __builtin_bswap32(v); });
  }
  uint64_t Be64() {
    return Fixed<uint64_t>([](uint64_t v) { return __builtin_bswap64(v); });
  }
  uint32_t Le32() {
    return Fixed<uint32_t>([](uint32_t v) { return v; });
  }
  uint64_t Le64() {
    return Fixed<uint64_t>([](uint64_t v) { return v; });
  }
  double BeDouble() { return std::bit_cast<double>(Be64()); }

  uint64_t Uvarint() {
    uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (!Take(1)) return 0;
      const auto byte = static_cast<uint8_t>(taken_[0]);
      if (shift == 63 && byte > 1) break;
      out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
    Fail();
    return 0;
  }
  int64_t Varint() {
    const uint64_t u = Uvarint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }
  // `size` bytes as a view into the input.
  std::string_view Bytes(uint64_t size) {
    return Take(size) ? std::string_view(taken_, static_cast<size_t>(size)) : std::string_view();
  }
  // A uvarint length and that many bytes.
  std::string_view String() { return Bytes(Uvarint()); }

 private:
  void Fail() {
    ok_ = false;
    bytes_ = {};
  }
  bool Take(uint64_t size) {
    if (size > bytes_.size()) {
      Fail();
      return false;
    }
    taken_ = bytes_.data();
    bytes_.remove_prefix(static_cast<size_t>(size));
    return true;
  }
  template <class T, class Swap>
  T Fixed(Swap swap) {
    if (!Take(sizeof(T))) return 0;
    T v;
    std::memcpy(&v, taken_, sizeof v);
    return swap(v);
  }

  std::string_view bytes_;
  const char* taken_ = nullptr;
  bool ok_ = true;
};

}  // namespace canopy::base

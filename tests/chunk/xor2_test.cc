#include "canopy/chunk/xor2.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/chunk/xor.h"
#include "canopy/model/sample.h"
#include "tests/chunk/random_samples.h"
#include "tests/support/hex.h"

namespace canopy::chunk {
namespace {

using testing::Hex;

struct Sample {
  int64_t time;
  double value;
  int64_t start = kNoStart;
};
using Samples = std::vector<Sample>;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// Binary digits as bytes, the last one filled up; blanks are for the reader.
std::string Bytes(std::string_view digits) {
  BitWriter out;
  out.Clear(0);
  for (const char digit : digits)
    if (digit != ' ') out.PutBit(digit == '1');
  return out.bytes();
}

std::string Encode(const Samples& samples) {
  Xor2Encoder encoder;
  for (const Sample& s : samples) encoder.Append(s.time, s.value, s.start);
  return encoder.bytes();
}

std::string Shown(const Samples& samples) {
  std::string out;
  for (const Sample& s : samples)
    out += std::to_string(s.time) + ":" + std::to_string(std::bit_cast<uint64_t>(s.value)) + "@" +
           std::to_string(s.start) + " ";
  return out;
}

// With and without the column of starts, which must make no difference.
Samples Decode(std::string_view bytes) {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> starts;
  const Status status = DecodeXor2(bytes, times, values, &starts);
  BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  std::vector<int64_t> same_times;
  std::vector<double> same_values;
  BOOST_REQUIRE(DecodeXor2(bytes, same_times, same_values).ok());
  BOOST_REQUIRE(same_times == times);
  BOOST_REQUIRE(std::ranges::equal(same_values, values, model::SameBits));
  BOOST_REQUIRE_EQUAL(starts.size(), times.size());
  Samples out;
  for (size_t i = 0; i < times.size(); ++i) out.push_back({times[i], values[i], starts[i]});
  return out;
}

void Check(const Samples& samples, std::string_view want_hex) {
  BOOST_TEST(Hex(Encode(samples)) == want_hex);
  BOOST_TEST(Shown(Decode(Encode(samples))) == Shown(samples));
}

const std::string kOne = "0011111111110000 0000000000000000 0000000000000000 0000000000000000";

BOOST_AUTO_TEST_SUITE(xor2_chunk)

BOOST_AUTO_TEST_CASE(bits_are_as_the_format_draws_them) {
  const std::string want = Bytes(
      "0000000000001100 00000000"  // 12 samples, no starts
      "1101000000001111" +
      kOne +                                           // 1000, 1
      "1110100000000111 110 00001 001011 11111111111"  // 1000 later, 2: the window is new
      "0"                                              // as before
      "10 1 01100 000001 1"                            // 3: another window
      "10 0 1"                                         // 2: the same one
      "110 0000000000001 0"                            // a millisecond late
      "110 1111111111110 10 1"                         // two less, 3
      "1110 00000001000000000000 111"                  // 4096 more, and a marker
      "11111"                                          // another one
      "0"                                              // 3, which was before the markers
      "11110 0000000000000000 0000000000000000 0000000000001000 0000000000000000 0"
      "1110 10000000000000000000 110 00001 001100 111111111111");
  Check({{1000, 1},
         {2000, 2},
         {3000, 2},
         {4000, 3},
         {5000, 2},
         {6001, 2},
         {7000, 3},
         {12095, model::StaleNan()},
         {17190, model::StaleNan()},
         {22285, 3},
         {551668, 3},
         {556763, 1}},
        Hex(want));
}

BOOST_AUTO_TEST_CASE(a_marker_in_front_stands_for_zero) {
  const std::string marker = "0111111111110000 0000000000000000 0000000000000000 0000000000000010";
  Check({{0, model::StaleNan()}, {1, 0}, {2, model::StaleNan()}, {3, 0}},
        Hex(Bytes("0000000000000100 00000000 00000000" + marker + "00000001 0 11111 0")));
}

BOOST_AUTO_TEST_CASE(starts_stand_behind_their_samples) {
  // Known at once, and as before from then on: they are in front only.
  Check({{1000, 1, 900}, {2000, 1, 900}, {3000, 1, 900}},
        Hex(Bytes("0000000000000011 10000000 1101000000001111" + kOne +
                  "1100100000000001 1110100000000111 0 0")));
  // From sample 1 on: 100 to the sample before, that plus 3, the same again.
  Check({{1000, 1}, {2000, 1, 900}, {3000, 1, 1897}, {4000, 1, 2897}},
        Hex(Bytes("0000000000000100 00000001 1101000000001111" + kOne +
                  "1110100000000111 0 1110 001100100 0 10 011 0 0")));
  // From sample 2 on, where the first one is known as well, and then forgotten.
  Check({{1000, 1, 900}, {2000, 1, 900}, {3000, 1, 0}},
        Hex(Bytes("0000000000000011 10000010 1101000000001111" + kOne +
                  "1100100000000001 1110100000000111 0 0 11110 011111010000")));
}

BOOST_AUTO_TEST_CASE(the_128th_sample_has_a_start_in_any_case) {
  Samples samples;
  for (int64_t i = 0; i < 127; ++i) samples.push_back({i * 1000, 1});
  const std::string front = " 00000000" + kOne + "1110100000000111 0" + std::string(125, '0');
  Check(samples, Hex(Bytes("0000000001111111 00000000" + front)));
  samples.push_back({127000, 1});
  // The sample before was at 126000.
  const std::string at_128 = "0 111110 011110110000110000";
  Check(samples, Hex(Bytes("0000000010000000 01111111" + front + at_128)));
  samples.push_back({128000, 1});
  samples.push_back({129000, 1, 128000});
  Check(samples, Hex(Bytes("0000000010000010 01111111" + front + at_128 +
                           "0 11110 001111101000 0 111110 100000111111101000")));
}

// What chunkenc.XOR2Chunk of Prometheus 3.14 made of these samples.
BOOST_AUTO_TEST_CASE(bytes_are_those_of_prometheus) {
  const int64_t jitter[] = {0, 0, 0, 1, -1, 0, 70, -70};
  const double steps[] = {0, 1, 5, 100, 0, 3.5};
  Samples counter;
  double value = 0;
  for (int64_t i = 0; i < 24; ++i) {
    value += steps[i % 6];
    counter.push_back({1700000000000 + i * 15000 + jitter[i % 8], value});
  }
  counter[9].value = counter[17].value = model::StaleNan();
  Check(counter,
        "00180080a0abfef96200000000000000009875c22bffa133ff7000724885dffd6001e789f808adf2e9b034b3"
        "45eefdd7aa2b61c001819dffd6001c076022c3d6f974c3e06937eebd80bbc00185bffb3b000f306ff0115be5"
        "da2248");
  for (Sample& s : counter) s.start = 1699999999000;
  Check(counter,
        "00188080a0abfef9620000000000000000d00f9875c22bffa133ff7000724885dffd6001e789f808adf2e9b0"
        "34b345eefdd7aa2b61c001819dffd6001c076022c3d6f974c3e06937eebd80bbc00185bffb3b000f306ff011"
        "5be5da2248");
  for (size_t i = 0; i < counter.size(); ++i)
    counter[i].start = i < 5 ? 0 : i < 12 ? 1700000060000 : counter[i].time - 14999;
  Check(counter,
        "00180580a0abfef96200000000000000009875c22bffa133ff7000724885dffd6001e789f7c0457c1d4cef97"
        "4df075bd81a59a2f7e0e8337eebfc1d6f5515b0fc1d4c6000c0cfc1d4c6ffebea81c7000e03ab808b0f5dbbd"
        "f2e987e6960693a5dbf75f88d602ed80030afbffb3a780079837f5c04576ef7cbb4449e690");
}

BOOST_AUTO_TEST_CASE(every_chunk_comes_back) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 500; ++round) {
      Samples samples;
      auto time = static_cast<int64_t>(random());
      double value = 0;
      int64_t start = 0;
      const uint64_t starts = random() % 3;  // none, few changes, many
      for (size_t n = random() % 300; n > 0; --n) {
        if (random() % 2 == 0)
          time = LaterTime(random, time);
        else
          time = static_cast<int64_t>(static_cast<uint64_t>(time) + 15000);
        if (random() % 3 != 0) value = ChangedValue(random, value);
        if (starts > 0 && random() % (starts == 1 ? 100 : 2) == 0)
          start = static_cast<int64_t>(static_cast<uint64_t>(time) - (random() >> (random() % 64)));
        samples.push_back({time, random() % 10 == 0 ? model::StaleNan() : value, start});
      }
      BOOST_REQUIRE(Shown(Decode(Encode(samples))) == Shown(samples));
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_at_the_edges_come_back) {
  Samples ends = {{kLeast, model::StaleNan(), kMost}, {0, 0, kLeast}, {kMost, -0.0, 1}};
  BOOST_TEST(Shown(Decode(Encode(ends))) == Shown(ends));
  for (const int64_t edge : {4096, 524288}) {
    for (const int64_t dod : {edge - 1, edge, edge + 1, 1 - edge, -edge, -edge - 1}) {
      ends = {{0, 1}, {10, 1}, {20 + dod, 1}, {30 + 2 * dod, 2}};
      BOOST_TEST(Shown(Decode(Encode(ends))) == Shown(ends));
    }
  }
  BOOST_TEST(Decode(std::string_view("\0\0\0", 3)).empty());
  BOOST_TEST(Decode(std::string_view("\0\0\xff", 3)).empty());
}

BOOST_AUTO_TEST_CASE(an_encoder_starts_over) {
  Xor2Encoder encoder;
  encoder.Append(1, 2, 1);
  encoder.Append(3, model::StaleNan(), 2);
  encoder.Append(4, 5, 3);
  encoder.Clear();
  BOOST_TEST(Hex(encoder.bytes()) == "000000");
  encoder.Append(5, 6);
  encoder.Append(6, 0);
  BOOST_TEST(encoder.bytes() == Encode({{5, 6}, {6, 0}}));
}

// What this encoding is for.
BOOST_AUTO_TEST_CASE(scraped_series_are_smaller_than_with_xor) {
  std::mt19937 random(1);
  size_t xor1 = 0;
  size_t xor2 = 0;
  for (int series = 0; series < 100; ++series) {
    XorEncoder first;
    Xor2Encoder second;
    double value = 1000;
    for (int64_t i = 0; i < 120; ++i) {
      const int64_t t = 1700000000000 + i * 15000 + static_cast<int64_t>(random() % 3);
      value += series % 3 == 0 ? 0 : static_cast<double>(random() % 40);
      const double v = i % 50 == 49 ? model::StaleNan() : value;
      first.Append(t, v);
      second.Append(t, v);
    }
    xor1 += first.bytes().size();
    xor2 += second.bytes().size();
  }
  BOOST_TEST(xor2 < xor1);
}

const Samples kFew = {{1000, 1},     {2000, 2.5},           {3001, 7, 10},
                      {4002, 7, 10}, {9999999, -1e9, 4000}, {19995996, model::StaleNan(), 4000}};

BOOST_AUTO_TEST_CASE(a_chunk_cut_short_is_corrupt) {
  for (const bool with_starts : {false, true}) {
    Samples samples = kFew;
    if (!with_starts)
      for (Sample& s : samples) s.start = kNoStart;
    const std::string whole = Encode(samples);
    for (size_t size = 0; size < whole.size(); ++size) {
      std::vector<int64_t> times = {42};
      std::vector<double> values = {1};
      std::vector<int64_t> starts = {7};
      const Status status =
          DecodeXor2(std::string_view(whole).substr(0, size), times, values, &starts);
      BOOST_TEST((status.code() == Code::kCorrupt), "size " << size);
      BOOST_TEST(times.size() == 1);
      BOOST_TEST(values.size() == 1);
      BOOST_TEST(starts.size() == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_no_encoder_writes_is_corrupt) {
  const auto refusal = [](std::string_view bytes) {
    std::vector<int64_t> times;
    std::vector<double> values;
    const Status status = DecodeXor2(bytes, times, values);
    BOOST_TEST(times.empty());
    BOOST_TEST((status.code() == Code::kCorrupt));
    return status.message();
  };
  BOOST_TEST(refusal("") == "XOR2 chunk without a header");
  BOOST_TEST(refusal("\xff\xff") == "XOR2 chunk without a header");
  BOOST_TEST(refusal("\xff\xff\xff") == "XOR2 chunk ends too early");
  const std::string two = "0000000000000010 00000000 00000000" + kOne + "00000001";
  // 31 leading bits and 34 others.
  BOOST_TEST(refusal(Bytes(two + "110 11111 100010 " + std::string(64, '1'))) ==
             "XOR2 chunk with an impossible window");
  const std::string three = "0000000000000011 00000000 00000000" + kOne + "00000001";
  BOOST_TEST(refusal(Bytes(three + "0 10 1 11111 100010 " + std::string(64, '1'))) ==
             "XOR2 chunk with an impossible window");
}

// As in Prometheus: all 64 bits count.
BOOST_AUTO_TEST_CASE(a_window_that_was_never_given_is_the_widest) {
  const std::string bytes = Bytes("0000000000000010 00000000 00000000" + kOne + "00000001 10" +
                                  std::string(62, '0') + "11");
  const Samples want = {{0, 1}, {1, std::bit_cast<double>(std::bit_cast<uint64_t>(1.0) ^ 3)}};
  BOOST_TEST(Shown(Decode(bytes)) == Shown(want));
}

BOOST_AUTO_TEST_CASE(flipped_bytes_never_crash) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const std::string whole = Encode(kFew);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    for (size_t n = 1 + random() % 4; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    std::vector<int64_t> times;
    std::vector<double> values;
    std::vector<int64_t> starts;
    if (DecodeXor2(bytes, times, values, &starts).ok()) {
      BOOST_TEST(times.size() == values.size());
      BOOST_TEST(times.size() == starts.size());
    } else {
      BOOST_TEST((times.empty() && values.empty() && starts.empty()));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::chunk

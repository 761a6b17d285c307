#include "canopy/chunk/xor.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/model/sample.h"
#include "tests/chunk/random_samples.h"
#include "tests/support/hex.h"

namespace canopy::chunk {
namespace {

using testing::Hex;
using Samples = std::vector<model::Sample>;

std::string Encode(const Samples& samples) {
  XorEncoder encoder;
  for (const model::Sample& s : samples) encoder.Append(s.time.ms(), s.value);
  return encoder.bytes();
}

std::string Shown(const Samples& samples) {
  std::string out;
  for (const model::Sample& s : samples)
    out +=
        std::to_string(s.time.ms()) + ":" + std::to_string(std::bit_cast<uint64_t>(s.value)) + " ";
  return out;
}

Samples Decode(std::string_view bytes) {
  std::vector<int64_t> times;
  std::vector<double> values;
  const Status status = DecodeXor(bytes, times, values);
  BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  Samples out;
  for (size_t i = 0; i < times.size(); ++i) out.push_back({Timestamp::FromMs(times[i]), values[i]});
  return out;
}

model::Sample At(int64_t t, double v) { return {Timestamp::FromMs(t), v}; }

// What `promtool tsdb create-blocks-from openmetrics` of Prometheus 2.42 wrote for these samples.
BOOST_AUTO_TEST_CASE(bytes_are_those_of_prometheus) {
  auto f = [](const Samples& samples, std::string_view want) {
    BOOST_TEST(Hex(Encode(samples)) == want);
    BOOST_TEST(Shown(Decode(Encode(samples))) == Shown(samples));
  };
  f({At(1000000, 1), At(1015000, 2), At(1030000, 2), At(1045001, 2.5),
     At(1060000, model::NormalNan()), At(1300000, -7), At(5000000, 1e300), At(5015000, 0)},
    "000880897a3ff00000000000009875c25fff20007683bffec5f7ff8000000000003c6ddd3800bfe4000000000001f0"
    "00000000034cba0af8af90f22001d673fffffffffff1f15e27e37e43c8800759c0");

  const int64_t jitter[] = {0, 0, 0, 1, -1, 0, 70, -70};
  const double steps[] = {0, 1, 5, 100, 0, 3.5};
  Samples counter;
  double value = 0;
  for (int64_t i = 0; i < 24; ++i) {
    value += steps[i % 6];
    counter.push_back(At(1700000000000 + i * 15000 + jitter[i % 8], value));
  }
  f(counter,
    "001880a0abfef96200000000000000009875c457fec267fec000e92216fff50007bc4f80455f974d01a5b45edfdd6a"
    "2b6120006066fff5000701d008b0f57e5d30f01a4bfbae02ec8001857ffb3a000f60dfc022afcbb88920");
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
      for (size_t n = random() % 300; n > 0; --n) {
        time = LaterTime(random, time);
        if (random() % 3 != 0) value = ChangedValue(random, value);
        samples.push_back(At(time, value));
      }
      BOOST_REQUIRE(Shown(Decode(Encode(samples))) == Shown(samples));
    }
    Samples ends = {At(std::numeric_limits<int64_t>::min(), model::StaleNan()), At(0, 0),
                    At(std::numeric_limits<int64_t>::max(), -0.0)};
    BOOST_TEST(Shown(Decode(Encode(ends))) == Shown(ends));
    for (int64_t edge : {8191, 8192, 65535, 65536, 524287, 524288}) {
      for (int64_t dod : {edge - 1, edge, edge + 1, -edge + 1, -edge, -edge - 1}) {
        ends = {At(0, 1), At(10, 1), At(20 + dod, 1), At(30 + 2 * dod, 2)};
        BOOST_TEST(Shown(Decode(Encode(ends))) == Shown(ends));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_encoder_starts_over) {
  XorEncoder encoder;
  encoder.Append(1, 2);
  encoder.Append(3, 4);
  encoder.Clear();
  BOOST_TEST(Hex(encoder.bytes()) == "0000");
  encoder.Append(5, 6);
  BOOST_TEST(encoder.bytes() == Encode({At(5, 6)}));
}

BOOST_AUTO_TEST_CASE(a_chunk_cut_short_is_corrupt) {
  const std::string whole = Encode({At(1000, 1), At(2000, 2.5), At(3001, 7), At(9999999, -1e9)});
  for (size_t size = 0; size < whole.size(); ++size) {
    std::vector<int64_t> times = {42};
    std::vector<double> values = {1};
    const Status status = DecodeXor(std::string_view(whole).substr(0, size), times, values);
    BOOST_TEST((status.code() == Code::kCorrupt), "size " << size);
    BOOST_TEST(times.size() == 1);
    BOOST_TEST(values.size() == 1);
  }
}

BOOST_AUTO_TEST_CASE(flipped_bytes_never_crash) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const std::string whole = Encode({At(1000, 1), At(2000, 2.5), At(3001, 7), At(9999999, -1e9)});
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    for (size_t n = 1 + random() % 4; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    std::vector<int64_t> times;
    std::vector<double> values;
    if (DecodeXor(bytes, times, values).ok())
      BOOST_TEST(times.size() == values.size());
    else
      BOOST_TEST(times.empty());
  }
}

}  // namespace
}  // namespace canopy::chunk

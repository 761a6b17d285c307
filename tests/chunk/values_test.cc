#include "canopy/chunk/values.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "canopy/model/sample.h"

namespace canopy::chunk {
namespace {

const double kStale = model::StaleNan();
const double kInf = std::numeric_limits<double>::infinity();

// A chunk that grows as the head's do: sample by sample, in place while its form holds.
struct Growing {
  ValuesView view;
  double newest = 0;
  std::vector<uint8_t> bytes;

  void Append(double v) {
    if (view.count == 0) {
      view.constant = v;
    } else if (model::SameBits(v, newest)) {
      ++view.run;
    } else {
      Change(v);
    }
    ++view.count;
    newest = v;
  }

  void Change(double v) {
    if (view.form != ValueForm::kConstant) {
      uint8_t token[kMaxTokenBytes];
      view.bytes = bytes.data();
      if (const size_t n = EncodeNext(view, newest, v, token); n != 0) {
        BOOST_REQUIRE(n <= kMaxTokenBytes);
        bytes.insert(bytes.end(), token, token + n);
        view.size = static_cast<uint16_t>(bytes.size());
        view.run = 0;
        return;
      }
    }
    std::vector<double> all = Decode();
    all.push_back(v);
    bytes.resize(kMaxValueBytes);
    const EncodedValues encoded = EncodeValues(all, bytes.data());
    bytes.resize(encoded.size);
    view.form = encoded.form;
    view.size = encoded.size;
    view.run = 0;
  }

  std::vector<double> Decode() {
    std::vector<double> out(view.count);
    view.bytes = bytes.data();
    DecodeValues(view, 0, view.count, out.data());
    return out;
  }
};

std::string Bits(const std::vector<double>& values) {
  std::string out;
  for (const double v : values) out += std::to_string(std::bit_cast<uint64_t>(v)) + " ";
  return out;
}

BOOST_AUTO_TEST_CASE(values_come_back_and_the_form_is_the_cheapest) {
  auto f = [](const std::vector<double>& values, ValueForm form, size_t size) {
    BOOST_TEST_CONTEXT(Bits(values)) {
      Growing chunk;
      for (const double v : values) chunk.Append(v);
      BOOST_TEST(Bits(chunk.Decode()) == Bits(values));
      BOOST_TEST(static_cast<int>(chunk.view.form) == static_cast<int>(form));
      BOOST_TEST(chunk.bytes.size() == size);
    }
  };
  using enum ValueForm;
  const auto decimal = [](int scale) { return static_cast<ValueForm>(1 + scale); };
  f({5, 5, 5, 5}, kConstant, 0);
  f({0.1, 0.1}, kConstant, 0);
  f({kStale}, kConstant, 0);
  f({kStale, kStale}, kConstant, 0);
  f({std::nan(""), std::nan("")}, kConstant, 0);
  f({1, 2, 3, 4}, kDecimal0, 4);
  f({1, 2, 2, 2, 2}, kDecimal0, 2);  // the run has not been written yet
  f({1, 2, 2, 2, 3}, kDecimal0, 5);
  f({1, 2, 2, 3}, kDecimal0, 4);
  f({0, 1}, kDecimal0, 2);
  f({1, kStale}, kDecimal0, 2);
  f({1, kStale, kStale, kStale, 1}, kDecimal0, 5);
  f({1, kStale, 1}, kDecimal0, 3);  // back to the value before the marker
  f({kStale, 7}, kDecimal0, 2);
  f({kStale, kStale, 7}, kDecimal0, 4);
  f({1e15, 1e15 + 1}, kDecimal0, 9);
  f({0.5, 0.25}, decimal(2), 2);
  f({1, 2, 2.5}, decimal(1), 3);
  f({0.1, 0.2, 0.3}, decimal(1), 3);
  f({0.1 + 0.2, 0.3}, kXor, 11);  // 0.30000000000000004 is no decimal
  f({0.0, -0.0}, kXor, 4);
  f({-0.0, 0.0}, kXor, 4);
  f({1, kInf}, kXor, 5);
  f({M_PI, kStale}, kXor, 10);
  f({M_PI, M_PI, M_PI, kStale, kStale, kStale, M_PI}, kXor, 16);
  f({M_PI, kStale, M_PI}, kXor, 12);
  f({M_PI, M_PI, M_E}, kXor, 18);
  f({9007199254740992.0, 9007199254740994.0}, kXor, 5);
  f({1e-7, 2e-7}, kXor, 11);  // one mantissa
  f({1, std::nan("")}, kXor, 6);
}

BOOST_AUTO_TEST_CASE(any_values_come_back_from_any_place) {
  std::random_device device;
  const uint32_t seed = device();
  BOOST_TEST_MESSAGE("seed " << seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&](uint64_t n) { return random() % n; };
    for (int round = 0; round < 3000; ++round) {
      const uint64_t kinds = 1 + pick(6);
      const size_t n = 1 + pick(kMaxChunkSamples);
      std::vector<double> values;
      Growing chunk;
      double last = static_cast<double>(pick(1000));
      for (size_t i = 0; i < n; ++i) {
        switch (pick(kinds)) {
          case 0:
            break;
          case 1:
            last += static_cast<double>(pick(100));
            break;
          case 2:
            last = static_cast<double>(pick(100000)) / 1000;
            break;
          case 3:
            last = kStale;
            break;
          case 4:
            last = std::bit_cast<double>(random());
            break;
          default:
            last = static_cast<double>(pick(3)) - 1;
            break;
        }
        values.push_back(last);
        chunk.Append(last);
      }
      BOOST_REQUIRE(Bits(chunk.Decode()) == Bits(values));
      BOOST_REQUIRE(chunk.bytes.size() <= kMaxValueBytes);
      const size_t first = pick(n + 1);
      const size_t last_index = first + pick(n - first + 1);
      std::vector<double> part(last_index - first);
      DecodeValues(chunk.view, first, last_index, part.data());
      BOOST_REQUIRE(Bits(part) == Bits({values.begin() + static_cast<ptrdiff_t>(first),
                                        values.begin() + static_cast<ptrdiff_t>(last_index)}));
      // Closed: the run is written.
      if (chunk.view.form != ValueForm::kConstant) {
        uint8_t token[kMaxTokenBytes];
        const size_t size = EncodeRun(chunk.view.form, chunk.newest, chunk.view.run, token);
        chunk.bytes.insert(chunk.bytes.end(), token, token + size);
        chunk.view.run = 0;
        BOOST_REQUIRE(Bits(chunk.Decode()) == Bits(values));
      }
    }
  }
}

}  // namespace
}  // namespace canopy::chunk

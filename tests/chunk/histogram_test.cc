#include "canopy/chunk/histogram.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "canopy/model/histogram_math.h"
#include "canopy/model/sample.h"
#include "tests/support/random_histograms.h"

namespace canopy::chunk {
namespace {

using model::CounterResetHint;
using model::FloatHistogram;
using model::Histogram;
using testing::HistogramKinds;
using testing::RandomHistograms;
using testing::SameStored;

template <class H>
struct Sample {
  int64_t time;
  H histogram;
  int64_t start = kNoStart;
};

template <class H>
std::vector<Sample<H>> Decode(std::string_view bytes, HistogramForm form) {
  std::vector<Sample<H>> out;
  HistogramDecoder<H> decoder(bytes, form);
  while (decoder.Next()) out.push_back({decoder.time(), decoder.histogram(), decoder.start()});
  BOOST_REQUIRE_MESSAGE(decoder.status().ok(), decoder.status().message());
  BOOST_TEST(out.size() == decoder.size());
  return out;
}

template <class H>
H Take(RandomHistograms& random) {
  if constexpr (std::is_same_v<H, Histogram>)
    return random.Next();
  else
    return random.NextFloat();
}
FloatHistogram AsFloat(const Histogram& h) {
  FloatHistogram out;
  model::ToFloat(h, out);
  return out;
}
FloatHistogram AsFloat(const FloatHistogram& h) { return h; }

// What must hold of a chunk and the samples that went into it.
template <class H>
void CheckChunk(std::string_view bytes, const std::vector<Sample<H>>& want,
                HistogramForm form = HistogramForm::kPlain) {
  const auto got = Decode<H>(bytes, form);
  BOOST_REQUIRE_EQUAL(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST(got[i].time == want[i].time);
    BOOST_TEST(got[i].start == (form == HistogramForm::kPlain ? kNoStart : want[i].start));
    BOOST_TEST(SameStored(got[i].histogram, want[i].histogram), "sample " << i);
    const bool stale = model::IsStale(want[i].histogram.sum);
    const bool gauge = want[0].histogram.hint == CounterResetHint::kGauge;
    if (stale) continue;
    BOOST_TEST(model::Validate(got[i].histogram).ok());
    BOOST_TEST((got[i].histogram.hint == (gauge    ? CounterResetHint::kGauge
                                          : i == 0 ? CounterResetHint::kUnknown
                                                   : CounterResetHint::kNotReset)));
    // The promise of that hint, by an implementation of its own.
    if (gauge || i == 0 || model::IsStale(want[i - 1].histogram.sum)) continue;
    FloatHistogram now = AsFloat(want[i].histogram);
    now.hint = CounterResetHint::kUnknown;
    BOOST_TEST(!model::DetectReset(now, AsFloat(want[i - 1].histogram)));
  }
}

template <class H>
void RoundTrip(uint32_t seed, const HistogramKinds& kinds, HistogramForm form) {
  RandomHistograms random(seed, kinds);
  std::mt19937 steps(seed);
  HistogramEncoder<H> encoder(form);
  std::vector<Sample<H>> want;
  int64_t start = kNoStart;
  int64_t t = static_cast<int64_t>(steps() % 3) * 1'700'000'000'000 - 5;
  size_t recoded = 0;
  size_t cut = 0;
  for (int i = 0; i < 600; ++i) {
    t += steps() % 8 == 0 ? 1 + static_cast<int64_t>(steps() % 100000) : 15000;
    if (steps() % 16 == 0) start = steps() % 4 == 0 ? kNoStart : t - static_cast<int64_t>(steps());
    const H h = Take<H>(random);
    const auto header = encoder.HeaderBehind(h);
    auto outcome = encoder.size() == 120 ? HistogramEncoder<H>::Outcome::kNewChunk
                                         : encoder.Append(t, h, start);
    if (outcome == HistogramEncoder<H>::Outcome::kNewChunk) {
      CheckChunk(encoder.bytes(), want, form);
      want.clear();
      encoder.Begin(t, h, header, start);
      BOOST_TEST((HistogramDecoder<H>(encoder.bytes(), form).header() == header));
      ++cut;
    }
    recoded += outcome == HistogramEncoder<H>::Outcome::kRecoded;
    want.push_back({t, h, start});
  }
  CheckChunk(encoder.bytes(), want, form);
  BOOST_TEST(cut > 0u);
  BOOST_TEST(recoded > 0u);
}

BOOST_AUTO_TEST_SUITE(histogram_chunk)

BOOST_AUTO_TEST_CASE(every_chunk_comes_back) {
  const uint32_t seed = std::random_device()();
  for (uint32_t i = 0; i < 12; ++i) {
    const HistogramKinds kinds{.gauge = i % 2 == 1, .custom_buckets = i % 4 >= 2};
    BOOST_TEST_CONTEXT("seed " << seed + i << " gauge " << kinds.gauge << " custom "
                               << kinds.custom_buckets) {
      for (const auto form : {HistogramForm::kPlain, HistogramForm::kWithStarts}) {
        RoundTrip<Histogram>(seed + i, kinds, form);
        RoundTrip<FloatHistogram>(seed + i, kinds, form);
      }
    }
  }
}

Histogram Counter(std::vector<model::HistogramSpan> spans, std::vector<int64_t> buckets) {
  Histogram h;
  h.positive = {std::move(spans), std::move(buckets)};
  int64_t count = 0;
  for (const int64_t delta : h.positive.buckets) h.count += static_cast<uint64_t>(count += delta);
  return h;
}

// Where Prometheus begins a new chunk, and with which header.
BOOST_AUTO_TEST_CASE(chunks_are_cut_where_prometheus_cuts_them) {
  using Outcome = IntHistogramEncoder::Outcome;
  const Histogram base = Counter({{1, 2}, {1, 1}}, {5, 0, -5});  // buckets 1: 5, 2: 5, 4: 0
  auto f = [&](const Histogram& next, Outcome outcome, CounterResetHint header) {
    IntHistogramEncoder encoder;
    BOOST_REQUIRE((encoder.Append(10, base) == Outcome::kAppended));
    BOOST_TEST((encoder.HeaderBehind(next) == header));
    BOOST_TEST((encoder.Append(20, next) == outcome));
    BOOST_TEST(encoder.size() == (outcome == Outcome::kNewChunk ? 1 : 2));
  };
  const auto with = [&](auto change) {
    Histogram h = base;
    change(h);
    return h;
  };
  using enum CounterResetHint;
  f(base, Outcome::kAppended, kNotReset);
  f(with([](Histogram& h) { h.hint = kNotReset; }), Outcome::kAppended, kNotReset);
  f(with([](Histogram& h) { h.hint = kReset; }), Outcome::kNewChunk, kReset);
  f(with([](Histogram& h) { h.hint = kGauge; }), Outcome::kNewChunk, kGauge);
  f(with([](Histogram& h) { h.sum = model::StaleNan(); }), Outcome::kAppended, kNotReset);
  f(with([](Histogram& h) { h.schema = 1; }), Outcome::kNewChunk, kUnknown);
  f(with([](Histogram& h) { h.zero_threshold = 0.5; }), Outcome::kNewChunk, kUnknown);
  // An empty bucket goes, or comes.
  f(Counter({{1, 2}}, {5, 0}), Outcome::kAppended, kNotReset);
  f(Counter({{1, 2}, {0, 1}}, {5, 0, -4}), Outcome::kRecoded, kNotReset);
  f(Counter({{-3, 1}, {3, 3}, {0, 1}}, {1, 4, 0, -4, 2}), Outcome::kRecoded, kNotReset);
  // A populated one goes, or falls though the count grows.
  f(Counter({{1, 1}, {4, 1}}, {5, 5}), Outcome::kNewChunk, kReset);
  f(Counter({{1, 2}}, {4, 10}), Outcome::kNewChunk, kReset);
  f(Counter({{1, 2}}, {4, 0}), Outcome::kNewChunk, kReset);
}

BOOST_AUTO_TEST_CASE(gauges_go_on_whatever_falls) {
  using Outcome = IntHistogramEncoder::Outcome;
  using enum CounterResetHint;
  const auto gauge = [](Histogram h) {
    h.hint = kGauge;
    return h;
  };
  IntHistogramEncoder encoder;
  const std::vector<Sample<Histogram>> samples = {
      {10, gauge(Counter({{1, 2}}, {5, 0}))},
      {20, gauge(Counter({{1, 2}}, {4, -3}))},
      {30, gauge(Counter({{7, 1}}, {1}))},
      {40, gauge(Counter({}, {}))},
  };
  const Outcome outcomes[] = {Outcome::kAppended, Outcome::kAppended, Outcome::kRecoded,
                              Outcome::kAppended};
  for (size_t i = 0; i < samples.size(); ++i)
    BOOST_TEST((encoder.Append(samples[i].time, samples[i].histogram) == outcomes[i]));
  CheckChunk(encoder.bytes(), samples);
  // A marker does not say what it is a marker of; a counter begins anew behind gauges.
  Histogram stale;
  stale.sum = model::StaleNan();
  BOOST_TEST((encoder.HeaderBehind(Counter({{1, 1}}, {9})) == kUnknown));
  BOOST_TEST((encoder.Append(50, Counter({{1, 1}}, {9})) == Outcome::kNewChunk));
  BOOST_TEST((encoder.Append(50, stale) == Outcome::kAppended));
  BOOST_TEST((encoder.Append(60, samples[0].histogram) == Outcome::kNewChunk));
  BOOST_TEST((encoder.Append(60, stale) == Outcome::kAppended));
}

BOOST_AUTO_TEST_CASE(other_bounds_are_another_counter) {
  using enum CounterResetHint;
  Histogram h;
  h.schema = model::kCustomBucketsSchema;
  h.custom_values = {-1, 0.005, 1, 33554.43, 33554.431, 1e9};
  h.positive = {{{0, 7}}, {1, 0, 0, 0, 0, 0, 0}};
  h.count = 7;
  IntHistogramEncoder encoder;
  BOOST_REQUIRE(model::Validate(h).ok());
  (void)encoder.Append(10, h);
  CheckChunk<Histogram>(encoder.bytes(), {{10, h}});
  h.custom_values[1] = 0.0055;
  BOOST_TEST((encoder.HeaderBehind(h) == kReset));
  BOOST_TEST((encoder.Append(20, h) == IntHistogramEncoder::Outcome::kNewChunk));
}

BOOST_AUTO_TEST_CASE(numbers_of_every_size_come_back) {
  std::vector<Sample<Histogram>> samples;
  std::vector<int64_t> sizes;
  for (int bits = 0; bits < 62; ++bits)
    for (const int64_t near : {-1, 0, 1}) sizes.push_back((int64_t{1} << bits) + near);
  IntHistogramEncoder encoder;
  int64_t t = INT64_MIN / 4;
  for (const int64_t size : sizes) {
    Histogram h;
    h.hint = CounterResetHint::kGauge;  // may do anything
    h.zero_count = static_cast<uint64_t>(size);
    h.positive = {{{-5, 2}}, {size, -size}};
    h.count = 2 * static_cast<uint64_t>(size);
    h.sum = static_cast<double>(-size) / 3;
    samples.push_back({t, h});
    (void)encoder.Append(t, h);
    t += std::max<int64_t>(size / 100, 1);
  }
  CheckChunk(encoder.bytes(), samples);
}

BOOST_AUTO_TEST_CASE(no_bytes_harm_the_decoder) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  RandomHistograms random(seed, {.resets = 0, .layouts = 0, .markers = 0});
  std::mt19937 noise(seed);
  IntHistogramEncoder ints;
  FloatHistogramEncoder floats;
  for (int i = 0; i < 30; ++i) {
    const Histogram h = random.Next();
    (void)ints.Append(i * 1000, h);
    (void)floats.Append(i * 1000, AsFloat(h));
  }
  const auto read = [](std::string_view bytes, bool must_fail) {
    IntHistogramDecoder a(bytes);
    while (a.Next()) {
    }
    FloatHistogramDecoder b(bytes);
    while (b.Next()) {
    }
    BOOST_TEST((!must_fail || !a.status().ok() || !b.status().ok()));
  };
  for (const std::string& bytes : {ints.bytes(), floats.bytes()}) {
    for (size_t cut = 0; cut < bytes.size(); ++cut) read(bytes.substr(0, cut), true);
    for (int i = 0; i < 3000; ++i) {
      std::string flipped = bytes;
      for (uint32_t n = 1 + noise() % 4; n > 0; --n)
        flipped[noise() % flipped.size()] ^= static_cast<char>(1 << noise() % 8);
      read(flipped, false);
    }
  }
}

BOOST_AUTO_TEST_CASE(schemas_of_later_versions_are_told_from_noise) {
  Histogram h = Counter({{0, 1}}, {1});
  h.schema = 9;
  IntHistogramEncoder encoder;
  (void)encoder.Append(1, h);
  IntHistogramDecoder decoder(encoder.bytes());
  BOOST_TEST(!decoder.Next());
  BOOST_TEST((decoder.status().code() == Code::kUnsupported));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::chunk

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "canopy/chunk/histogram.h"
#include "canopy/model/sample.h"
#include "tests/support/histogram_st_chunks.h"
#include "tests/support/random_histograms.h"

// Histogram chunks with start timestamps.

namespace canopy::chunk {
namespace {

using model::CounterResetHint;
using testing::HistogramStChunk;
using testing::kHistogramStChunks;

template <class H>
void Check(const HistogramStChunk& chunk) {
  const std::string bytes = chunk.bytes();
  HistogramDecoder<H> decoder(bytes, HistogramForm::kWithStarts);
  BOOST_TEST(decoder.size() == 5u);
  BOOST_TEST(
      (decoder.header() == (chunk.gauge ? CounterResetHint::kGauge : CounterResetHint::kUnknown)));
  for (size_t i = 0; i < chunk.starts.size(); ++i) {
    BOOST_REQUIRE_MESSAGE(decoder.Next(), decoder.status().message());
    BOOST_TEST(decoder.time() == HistogramStChunk::kTimes[i]);
    BOOST_TEST(decoder.start() == chunk.starts[i]);
    BOOST_TEST(decoder.stale() == (i == 4));
    if (i == 4) break;
    if constexpr (std::is_same_v<H, model::Histogram>)
      BOOST_TEST(testing::SameStored(decoder.histogram(), chunk.Integers(i)));
    else
      BOOST_TEST(testing::SameStored(decoder.histogram(), chunk.Floats(i)));
  }
  BOOST_TEST(!decoder.Next());
  BOOST_TEST(decoder.status().ok());
}

// Written anew, from what was read.
template <class H>
std::string Rewrite(std::string_view bytes) {
  HistogramDecoder<H> decoder(bytes, HistogramForm::kWithStarts);
  HistogramEncoder<H> encoder(HistogramForm::kWithStarts);
  while (decoder.Next()) {
    H h;
    if (decoder.stale())
      h.sum = model::StaleNan();
    else
      h = decoder.histogram();
    if (encoder.size() == 0)
      encoder.Begin(decoder.time(), h, decoder.header(), decoder.start());
    else
      BOOST_TEST((encoder.Append(decoder.time(), h, decoder.start()) ==
                  HistogramEncoder<H>::Outcome::kAppended));
  }
  return encoder.bytes();
}

template <class H>
bool ReadsWhole(std::string_view bytes) {
  HistogramDecoder<H> decoder(bytes, HistogramForm::kWithStarts);
  while (decoder.Next()) {
  }
  return decoder.status().ok();
}

BOOST_AUTO_TEST_SUITE(histogram_chunk_with_starts)

BOOST_AUTO_TEST_CASE(chunks_of_prometheus_are_read) {
  for (const HistogramStChunk& chunk : kHistogramStChunks) {
    BOOST_TEST_CONTEXT(chunk.hex) {
      if (chunk.floats)
        Check<model::FloatHistogram>(chunk);
      else
        Check<model::Histogram>(chunk);
    }
  }
}

BOOST_AUTO_TEST_CASE(chunks_of_prometheus_are_written) {
  for (const HistogramStChunk& chunk : kHistogramStChunks) {
    const auto rewrite = chunk.floats ? Rewrite<model::FloatHistogram> : Rewrite<model::Histogram>;
    BOOST_TEST(rewrite(chunk.bytes()) == chunk.bytes(), chunk.hex);
  }
}

BOOST_AUTO_TEST_CASE(header_and_many_samples_fit_beside_each_other) {
  model::Histogram h;
  IntHistogramEncoder encoder(HistogramForm::kWithStarts);
  encoder.Begin(0, h, CounterResetHint::kReset, -7);
  for (int64_t t = 1; t < 0x3fff; ++t)
    BOOST_REQUIRE((encoder.Append(t, h, -7) == IntHistogramEncoder::Outcome::kAppended));
  BOOST_TEST((encoder.Append(0x3fff, h, -7) == IntHistogramEncoder::Outcome::kNewChunk));
  IntHistogramDecoder decoder(encoder.bytes(), HistogramForm::kWithStarts);
  BOOST_TEST((decoder.header() == CounterResetHint::kReset));
  size_t read = 0;
  for (; decoder.Next(); ++read) BOOST_REQUIRE(decoder.start() == -7);
  BOOST_TEST(read == 0x3fffu);
}

BOOST_AUTO_TEST_CASE(count_and_header_share_two_bytes) {
  std::string bytes = kHistogramStChunks[0].bytes();
  bytes[0] = static_cast<char>(0x80);
  BOOST_TEST(HistogramCount(bytes, HistogramForm::kWithStarts) == 5);
  BOOST_TEST(HistogramCount(bytes, HistogramForm::kPlain) == 0x8005);
  BOOST_TEST(HistogramCount("\xff\xff", HistogramForm::kWithStarts) == 0);
  const IntHistogramDecoder decoder(bytes, HistogramForm::kWithStarts);
  BOOST_TEST((decoder.header() == CounterResetHint::kReset));
  BOOST_TEST(ReadsWhole<model::Histogram>(bytes));
}

BOOST_AUTO_TEST_CASE(no_bytes_harm_the_decoder) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 noise(seed);
  for (const HistogramStChunk& chunk : kHistogramStChunks) {
    const std::string bytes = chunk.bytes();
    const auto reads =
        chunk.floats ? ReadsWhole<model::FloatHistogram> : ReadsWhole<model::Histogram>;
    for (size_t size = 0; size < bytes.size(); ++size)
      BOOST_TEST(!reads(std::string_view(bytes).substr(0, size)), chunk.hex << " cut to " << size);
    for (int i = 0; i < 2000; ++i) {
      std::string flipped = bytes;
      for (uint32_t n = 1 + noise() % 4; n > 0; --n)
        flipped[noise() % flipped.size()] ^= static_cast<char>(1 << noise() % 8);
      (void)reads(flipped);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::chunk

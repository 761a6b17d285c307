#include "canopy/net/compress.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>

namespace canopy::net {
namespace {

constexpr Encoding kAll[] = {Encoding::kIdentity, Encoding::kGzip, Encoding::kDeflate,
                             Encoding::kZstd, Encoding::kSnappy};
constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

std::string Page(size_t lines) {
  std::string out;
  for (size_t i = 0; i < lines; ++i)
    out += "http_requests_total{code=\"200\",path=\"/p" + std::to_string(i) + "\"} " +
           std::to_string(i * 7919) + "\n";
  return out;
}

std::string Noise(std::mt19937& random, size_t size) {
  std::string out(size, ' ');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

BOOST_AUTO_TEST_CASE(whatever_is_compressed_comes_back) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  std::string packed = "old";
  std::string back = "old content that must go";
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (const Encoding encoding : kAll) {
      for (const std::string& in : {std::string(), std::string("a"), Page(3), Page(20'000),
                                    Noise(random, 100'000), std::string(3'000'000, 'x')}) {
        BOOST_TEST_CONTEXT(EncodingName(encoding) << " of " << in.size()) {
          Compress(encoding, in, packed);
          const Status status = Decompress(encoding, packed, kNoLimit, back);
          BOOST_TEST(status.ok(), status.message());
          BOOST_TEST((back == in));
          BOOST_TEST(Decompress(encoding, packed, in.size(), back).ok());
          if (!in.empty()) {
            const Status less = Decompress(encoding, packed, in.size() - 1, back);
            BOOST_TEST((less.code() == Code::kLimit), less.message());
            BOOST_TEST(less.message() == "decompressed size exceeds the limit of " +
                                             std::to_string(in.size() - 1) + " bytes");
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_body_cut_short_anywhere_is_refused) {
  std::string packed;
  std::string out;
  for (const Encoding encoding : kAll) {
    if (encoding == Encoding::kIdentity) continue;
    Compress(encoding, Page(30), packed);
    for (size_t size = 0; size < packed.size(); ++size) {
      const Status status = Decompress(encoding, packed.substr(0, size), kNoLimit, out);
      BOOST_TEST_CONTEXT(EncodingName(encoding) << " cut at " << size)
      BOOST_TEST((status.code() == Code::kCorrupt));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_changed_byte_never_goes_past_the_limit) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  std::string packed;
  std::string out;
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (const Encoding encoding : kAll) {
      Compress(encoding, Page(50), packed);
      for (int round = 0; round < 2000; ++round) {
        std::string broken = packed;
        for (size_t n = 1 + random() % 3; n > 0; --n)
          broken[random() % broken.size()] = static_cast<char>(random());
        constexpr size_t kLimit = 10'000;
        const Status status = Decompress(encoding, broken, kLimit, out);
        BOOST_REQUIRE(out.size() <= kLimit);
        BOOST_REQUIRE(
            (status.ok() || status.code() == Code::kCorrupt || status.code() == Code::kLimit));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(claims_of_sizes_are_not_believed) {
  std::string out;
  // A snappy block that says it holds 4 GiB, in six bytes.
  BOOST_TEST((Decompress(Encoding::kSnappy, "\xff\xff\xff\xff\x0f\x00", kNoLimit, out).code() ==
              Code::kCorrupt));
  // A gzip member whose length field says 4 GiB.
  std::string packed;
  Compress(Encoding::kGzip, "hello", packed);
  packed.replace(packed.size() - 4, 4, "\xff\xff\xff\xff");
  BOOST_TEST((Decompress(Encoding::kGzip, packed, kNoLimit, out).code() == Code::kCorrupt));
  BOOST_TEST(out.size() < 100'000u);
  // A zstd frame whose header says 2^62 bytes.
  const std::string zstd("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x40\x01\x00\x00", 16);
  BOOST_TEST(!Decompress(Encoding::kZstd, zstd, kNoLimit, out).ok());
  BOOST_TEST(out.size() <= size_t{1} << 20);
  // Ten megabytes of zeros in ten kilobytes, against a limit.
  Compress(Encoding::kGzip, std::string(10'000'000, '\0'), packed);
  BOOST_TEST((Decompress(Encoding::kGzip, packed, 1'000'000, out).code() == Code::kLimit));
  BOOST_TEST(out.size() <= 1'000'000u);
}

BOOST_AUTO_TEST_CASE(several_members_are_one_body) {
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kZstd}) {
    std::string first;
    std::string second;
    std::string out;
    Compress(encoding, Page(1000), first);
    Compress(encoding, "tail", second);
    const Status status = Decompress(encoding, first + second, kNoLimit, out);
    BOOST_TEST(status.ok(), status.message());
    BOOST_TEST((out == Page(1000) + "tail"));
    BOOST_TEST((Decompress(encoding, first + "rubbish", kNoLimit, out).code() == Code::kCorrupt));
  }
}

BOOST_AUTO_TEST_CASE(a_stream_reads_back_whole) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (const Encoding encoding : {Encoding::kGzip, Encoding::kDeflate}) {
      StreamCompressor stream(encoding);
      std::string whole;
      std::string packed;
      for (int piece = 0; piece < 50; ++piece) {
        const std::string in =
            piece % 3 == 0 ? Noise(random, random() % 100'000) : Page(random() % 2000);
        whole += in;
        stream.Write(in, packed);
      }
      stream.Finish(packed);
      std::string out;
      BOOST_TEST(Decompress(encoding, packed, kNoLimit, out).ok());
      BOOST_TEST((out == whole));
    }
    StreamCompressor empty(Encoding::kGzip);
    std::string packed;
    std::string out = "x";
    empty.Finish(packed);
    BOOST_TEST(Decompress(Encoding::kGzip, packed, 0, out).ok());
    BOOST_TEST(out.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_first_exact_word_of_accept_encoding_wins) {
  auto f = [](std::string_view accept, Encoding want) {
    BOOST_TEST_CONTEXT(accept) { BOOST_TEST((NegotiateEncoding(accept) == want)); }
  };
  f("", Encoding::kIdentity);
  f("identity", Encoding::kIdentity);
  f("gzip", Encoding::kGzip);
  f("deflate", Encoding::kDeflate);
  f("gzip, deflate, br", Encoding::kGzip);
  f("deflate,gzip", Encoding::kDeflate);
  f("br,zstd , gzip", Encoding::kGzip);
  f("gzip;q=0", Encoding::kIdentity);
  f("gzip;q=1.0, deflate", Encoding::kDeflate);
  f("GZIP", Encoding::kIdentity);
  f("xgzip", Encoding::kIdentity);
  f("*", Encoding::kIdentity);
}

BOOST_AUTO_TEST_CASE(content_encodings_by_name) {
  for (const Encoding encoding : kAll)
    BOOST_TEST((*ParseEncoding(EncodingName(encoding)) == encoding));
  BOOST_TEST(ParseEncoding("br").status().message() == "unsupported content encoding \"br\"");
}

}  // namespace
}  // namespace canopy::net

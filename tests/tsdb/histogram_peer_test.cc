#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "canopy/base/number.h"
#include "canopy/model/sample.h"
#include "canopy/net/client.h"
#include "tests/support/free_port.h"
#include "tests/support/peer_process.h"
#include "tests/support/random_histograms.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"
#include "tests/tsdb/block_support.h"
#include "tsdb/block.h"
#include "tsdb/chunk_builder.h"
#include "tsdb/head_chunk_files.h"
#include "tsdb/wal.h"
#include "tsdb/wal_histogram_record.h"
#include "tsdb/wal_record.h"

// Native histograms between us and Debian's Prometheus, both ways. Without it these tests say so
// and pass.

namespace canopy::tsdb {
namespace {

using testing::FreePort;
using testing::TempDir;

constexpr int64_t kStep = 15'000;
constexpr int kSeries = 12;
constexpr int kSamples = 400;

bool Have(const char* program) {
  if (testing::HasProgram(program)) return true;
  BOOST_TEST_MESSAGE("no " << program << " here: skipped");
  return false;
}

// Prometheus on a data directory.
class Peer {
 public:
  explicit Peer(const std::string& dir)
      : log_(JoinPath(dir, "log")),
        url_("http://127.0.0.1:" + std::to_string(port_)),
        client_(net::NewCurlHttpClient()) {
    auto config = PosixFs().Create(JoinPath(dir, "prometheus.yml"));
    BOOST_REQUIRE(config.ok());
    process_ = std::make_unique<testing::PeerProcess>(
        std::vector<std::string>{"prometheus", "--config.file=" + JoinPath(dir, "prometheus.yml"),
                                 "--storage.tsdb.path=" + JoinPath(dir, "data"),
                                 "--storage.tsdb.retention.time=100y",
                                 "--web.listen-address=127.0.0.1:" + std::to_string(port_),
                                 "--web.enable-admin-api", "--enable-feature=native-histograms"},
        log_);
    BOOST_REQUIRE_MESSAGE(
        testing::WaitFor([&] { return Log().find("Server is ready") != Log().npos; }), Log());
  }
  std::string Log() const { return *PosixFs().ReadFile(log_); }
  int Terminate() { return process_->Terminate(); }
  std::string Get(const std::string& path) const {
    net::HttpRequest request;
    request.url = url_ + path;
    const auto response = client_->Fetch(std::move(request));
    BOOST_REQUIRE_MESSAGE(response.status.ok() && response.code == 200, response.body);
    return response.body;
  }

 private:
  const uint16_t port_ = FreePort();
  const std::string log_;
  const std::string url_;
  const std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<testing::PeerProcess> process_;
};

using Content = std::map<model::Labels, std::vector<StoredSample>>;

// Series of integers and of floats, counters and gauges. Prometheus 2.42 has no custom buckets, and
// falls over spans of no length.
Content SomeSeries(int64_t start) {
  Content out;
  for (int i = 0; i < kSeries; ++i) {
    testing::RandomHistograms random(static_cast<uint32_t>(i),
                                     {.gauge = i % 4 >= 2, .empty_spans = false});
    const std::string number = std::to_string(i);
    auto& samples = out[model::Labels{{"__name__", "h"}, {"i", number}}];
    for (int k = 0; k < kSamples; ++k) {
      const int64_t t = start + k * kStep;
      if (i % 2 == 1)
        samples.push_back({t, random.NextFloat()});
      else
        samples.push_back({t, random.Next()});
    }
  }
  return out;
}

template <class Row, class H, class Side>
Row RowOf(SeriesRef ref, int64_t t, const H& h, Side buckets) {
  Row row;
  row.ref = ref;
  row.time = Timestamp::FromMs(t);
  row.counter_reset_hint = static_cast<uint8_t>(h.hint);
  row.schema = h.schema;
  row.zero_threshold = h.zero_threshold;
  row.zero_count = h.zero_count;
  row.count = h.count;
  row.sum = h.sum;
  for (const auto span : h.positive.spans) row.positive_spans.push_back({span.offset, span.length});
  for (const auto span : h.negative.spans) row.negative_spans.push_back({span.offset, span.length});
  row.positive_buckets = buckets(h.positive);
  row.negative_buckets = buckets(h.negative);
  return row;
}

void WriteLog(const std::string& dir, const Content& content) {
  const auto writer = WalWriter::Open(PosixFs(), dir, {});
  BOOST_REQUIRE(writer.ok());
  std::string series;
  SeriesEncoder encoder(series);
  std::map<int64_t, std::pair<std::vector<RefHistogram>, std::vector<RefFloatHistogram>>> by_time;
  uint64_t ref = 0;
  const auto buckets = [](const auto& side) { return side.buckets; };
  for (const auto& [labels, samples] : content) {
    encoder.Add(SeriesRef(++ref), labels);
    for (const StoredSample& s : samples) {
      if (const auto* const h = std::get_if<model::Histogram>(&s.value))
        by_time[s.time].first.push_back(RowOf<RefHistogram>(SeriesRef(ref), s.time, *h, buckets));
      else
        by_time[s.time].second.push_back(RowOf<RefFloatHistogram>(
            SeriesRef(ref), s.time, std::get<model::FloatHistogram>(s.value), buckets));
    }
  }
  BOOST_REQUIRE((*writer)->Append(std::vector<std::string_view>{series}).ok());
  for (const auto& [t, rows] : by_time) {
    std::string integers;
    std::string floats;
    std::string custom;
    EncodeHistograms(rows.first, LogForm::kPlain, integers, custom);
    EncodeFloatHistograms(rows.second, LogForm::kPlain, floats, custom);
    BOOST_REQUIRE(custom.empty());
    BOOST_REQUIRE((*writer)->Append(std::vector<std::string_view>{integers, floats}).ok());
  }
}

bool SameValue(const StoredValue& a, const StoredValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* const h = std::get_if<model::Histogram>(&a))
    return testing::SameStored(*h, std::get<model::Histogram>(b));
  return testing::SameStored(std::get<model::FloatHistogram>(a),
                             std::get<model::FloatHistogram>(b));
}

// What the encoder makes of a chunk's samples, which were appended one by one.
template <class H>
std::string EncodedAnew(std::string_view data) {
  chunk::HistogramEncoder<H> encoder;
  chunk::HistogramDecoder<H> decoder(data);
  while (decoder.Next()) {
    H h = decoder.histogram();
    if (encoder.size() == 0)
      encoder.Begin(decoder.time(), h, decoder.header());
    else
      BOOST_REQUIRE(
          (encoder.Append(decoder.time(), h) == chunk::HistogramEncoder<H>::Outcome::kAppended));
  }
  BOOST_REQUIRE(decoder.status().ok());
  return encoder.bytes();
}

BOOST_AUTO_TEST_CASE(histogram_chunks_of_prometheus_are_read_and_are_ours_to_the_byte) {
  if (!Have("prometheus")) return;
  const TempDir dir;
  const int64_t start = 1'700'000'000'000;
  const Content want = SomeSeries(start);
  WriteLog(JoinPath(dir.path(), "data/wal"), want);
  {
    Peer peer(dir.path());
    for (const char* word : {"level=error", "level=warn", "corrupt"})
      BOOST_TEST(peer.Log().find(word) == std::string::npos, peer.Log());
    BOOST_TEST(peer.Terminate() == 0);
  }
  // All chunks but the open one of each series.
  std::vector<std::vector<StoredSample>> got(want.size());
  size_t chunks_seen = 0;
  const auto files = HeadChunkFiles::Open(
      PosixFs(), JoinPath(dir.path(), "data/chunks_head"), [&](uint64_t, const HeadChunk& chunk) {
        auto& samples = got.at(chunk.series.value() - 1);
        BOOST_REQUIRE(DecodeStored(chunk.encoding, chunk.data, samples).ok());
        const std::string anew = chunk.encoding == ChunkEncoding::kHistogram
                                     ? EncodedAnew<model::Histogram>(chunk.data)
                                     : EncodedAnew<model::FloatHistogram>(chunk.data);
        BOOST_TEST((anew == chunk.data), "a chunk of series " << chunk.series.value());
        ++chunks_seen;
      });
  BOOST_REQUIRE_MESSAGE(files.ok(), files.status().message());
  BOOST_TEST(chunks_seen > 5u * kSeries);
  size_t series = 0;
  for (const auto& [labels, samples] : want) {
    const auto& theirs = got[series++];
    BOOST_TEST(theirs.size() > samples.size() / 2);
    for (size_t i = 0; i < theirs.size(); ++i) {
      BOOST_TEST(theirs[i].time == samples[i].time);
      BOOST_TEST(SameValue(theirs[i].value, samples[i].value), labels.ToString() << " " << i);
    }
  }
}

// The series of a map in the chunks that our builder makes.
class ContentSource final : public BlockSource {
 public:
  explicit ContentSource(const Content& content) : content_(content), next_(content.begin()) {
    IndexContent labels;
    for (const auto& [set, samples] : content) labels[set];
    symbols_ = SymbolsOf(labels);
  }
  Result<bool> NextSymbol(std::string_view& symbol) override {
    if (next_symbol_ == symbols_.size()) return false;
    symbol = symbols_[next_symbol_++];
    return true;
  }
  Result<bool> NextSeries(Series& series) override {
    if (next_ == content_.end()) return false;
    pairs_ = PairsOf(symbols_, next_->first);
    builder_.Clear();
    chunks_.clear();
    for (const StoredSample& sample : next_->second) builder_.Add(sample);
    builder_.Flush(chunks_);
    series = {pairs_, chunks_};
    ++next_;
    return true;
  }

 private:
  const Content& content_;
  Content::const_iterator next_;
  std::vector<std::string> symbols_;
  size_t next_symbol_ = 0;
  std::vector<model::SymbolPair> pairs_;
  ChunkBuilder builder_;
  std::vector<SourceChunk> chunks_;
};

BOOST_AUTO_TEST_CASE(prometheus_answers_from_our_histogram_chunks) {
  if (!Have("prometheus")) return;
  const TempDir dir;
  constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of two hours
  const std::string data = JoinPath(dir.path(), "data");
  const Content ours = SomeSeries(kStart);
  ContentSource source(ours);
  BOOST_REQUIRE(WriteBlock(PosixFs(), data, MetaFor(kStart, kStart + 7'200'000), source, {}).ok());
  const Peer peer(dir.path());
  for (const char* word : {"level=error", "level=warn", "corrupt"})
    BOOST_TEST(peer.Log().find(word) == std::string::npos, peer.Log());
  size_t compared = 0;
  for (const char* function : {"histogram_count", "histogram_sum"}) {
    for (int k = 0; k < kSamples; k += 13) {
      const std::string at = std::to_string((kStart + k * kStep) / 1000);
      const std::string body =
          peer.Get("/api/v1/query?query=" + std::string(function) + "(h)&time=" + at);
      for (const auto& [labels, samples] : ours) {
        model::FloatHistogram h;
        const StoredValue& value = samples[static_cast<size_t>(k)].value;
        if (const auto* const integers = std::get_if<model::Histogram>(&value))
          model::ToFloat(*integers, h);
        else
          h = std::get<model::FloatHistogram>(value);
        std::string want =
            "{\"metric\":{\"i\":\"" + std::string(labels.Get("i")) + "\"},\"value\":[" + at + ",\"";
        const bool stale = model::IsStale(h.sum);
        if (!stale) {
          base::AppendFloatApi(want, function[10] == 'c' ? h.count : h.sum);
          want += "\"";
        }
        BOOST_TEST((body.find(want) != std::string::npos) == !stale, want << " in " << body);
        ++compared;
      }
    }
  }
  BOOST_TEST(compared > 500u);
  // Buckets as well: all of them, as Prometheus shows them.
  const std::string whole = peer.Get("/api/v1/query?query=histogram_quantile(0.5,h)&time=" +
                                     std::to_string((kStart + 30 * kStep) / 1000));
  BOOST_TEST(whole.find("\"status\":\"success\"") != std::string::npos);
}

}  // namespace
}  // namespace canopy::tsdb

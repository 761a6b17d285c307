#include <boost/test/unit_test.hpp>
#include <protozero/pbf_writer.hpp>

#include "canopy/base/log.h"
#include "canopy/net/compress.h"
#include "canopy/remote/write.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/proto_page.h"
#include "tests/support/random_histograms.h"

namespace canopy::remote {
namespace {

using testing::ManualClock;
using testing::MemoryStore;

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Points = std::vector<std::pair<int64_t, double>>;

std::string Series(const Pairs& labels, const Points& samples, std::string histogram = {}) {
  std::string out;
  protozero::pbf_writer series(out);
  for (const auto& [name, value] : labels) {
    protozero::pbf_writer label(series, 1);
    label.add_string(1, name);
    label.add_string(2, value);
  }
  for (const auto& [time, value] : samples) {
    protozero::pbf_writer sample(series, 2);
    sample.add_double(1, value);
    sample.add_int64(2, time);
  }
  if (!histogram.empty()) series.add_message(4, histogram);
  return out;
}

std::string Message(const std::vector<std::string>& series) {
  std::string out;
  protozero::pbf_writer message(out);
  for (const std::string& s : series) message.add_message(1, s);
  return out;
}

struct Receiving {
  Receiving() { log::SetLevel(log::Level::kError); }
  ~Receiving() { log::SetLevel(log::Level::kInfo); }

  WriteResult WriteRaw(std::string_view message) {
    std::string body;
    net::Compress(net::Encoding::kSnappy, message, body);
    return receiver.Write("application/x-protobuf", "snappy", body);
  }
  WriteResult Write(const std::vector<std::string>& series) { return WriteRaw(Message(series)); }
  // "m{a="b"} 1@0 2@10; ..."
  std::string Stored() const {
    std::string out;
    for (const auto& [labels, samples] : store.All()) {
      if (!out.empty()) out += "; ";
      out += labels.ToString();
      for (const model::Sample& s : samples)
        out += " " + std::to_string(static_cast<int>(s.value)) + "@" + std::to_string(s.time.ms());
    }
    return out;
  }

  ManualClock clock{Timestamp::FromMs(3'600'000)};
  SelfMetrics metrics;
  MemoryStore store;
  WriteReceiver receiver{store, clock, metrics};
};

BOOST_FIXTURE_TEST_CASE(samples_are_stored, Receiving) {
  const WriteResult r =
      Write({Series({{"b", "2"}, {"__name__", "m"}, {"empty", ""}}, {{0, 1}, {10, 2}}),
             Series({{"__name__", "n"}}, {{-5, 3}})});
  BOOST_TEST(r.code == 204);
  BOOST_TEST(r.error == "");
  BOOST_TEST(Stored() == R"(m{b="2"} 1@0 2@10; n 3@-5)");
}

BOOST_FIXTURE_TEST_CASE(staleness_markers_keep_their_bits, Receiving) {
  BOOST_TEST(Write({Series({{"__name__", "m"}}, {{0, model::StaleNan()}})}).code == 204);
  BOOST_TEST(model::IsStale(store.All().begin()->second[0].value));
}

BOOST_FIXTURE_TEST_CASE(the_same_sample_again_is_no_error, Receiving) {
  const std::string series = Series({{"__name__", "m"}}, {{0, 1}, {10, 2}});
  BOOST_TEST(Write({series}).code == 204);
  BOOST_TEST(Write({Series({{"__name__", "m"}}, {{10, 2}})}).code == 204);
  BOOST_TEST(Write({Series({{"__name__", "m"}}, {{20, 3}, {20, 3}})}).code == 204);
  BOOST_TEST(Stored() == "m 1@0 2@10 3@20");
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_stored_is_refused_after_the_rest_is_stored, Receiving) {
  const auto f = [&](const std::vector<std::string>& series, std::string_view error,
                     std::string_view stored) {
    const WriteResult r = Write(series);
    BOOST_TEST(r.code == 400);
    BOOST_TEST(r.error == error);
    BOOST_TEST(Stored() == stored);
  };
  store.Add(model::Labels({{"__name__", "m"}}), Timestamp::FromMs(100), 1);
  f({Series({{"__name__", "m"}}, {{50, 2}, {150, 3}})}, "out of order sample for series m",
    "m 1@100 3@150");
  f({Series({{"__name__", "m"}}, {{150, 4}}), Series({{"__name__", "n"}}, {{0, 1}})},
    "duplicate sample for timestamp for series m", "m 1@100 3@150; n 1@0");
  // An hour and ten minutes are the clock's limit.
  f({Series({{"__name__", "n"}}, {{4'200'001, 1}})},
    "out of bounds: timestamp is too far in the future for series n", "m 1@100 3@150; n 1@0");
  store.SetMinTime(Timestamp::FromMs(60));
  f({Series({{"__name__", "n"}}, {{50, 1}, {60, 2}})}, "out of bounds for series n",
    "m 1@100 3@150; n 1@0 2@60");
}

// Prometheus finds out when it has taken all of them, and says nothing.
BOOST_FIXTURE_TEST_CASE(what_others_of_the_request_keep_out_is_no_error, Receiving) {
  const auto f = [&](const std::vector<std::string>& series, std::string_view stored) {
    const WriteResult r = Write(series);
    BOOST_TEST(r.code == 204);
    BOOST_TEST(r.error == "");
    BOOST_TEST(Stored() == stored);
  };
  // In several pieces of one series, too.
  f({Series({{"__name__", "n"}}, {{10, 1}, {5, 2}, {20, 3}})}, "n 1@10 3@20");
  f({Series({{"__name__", "n"}}, {{30, 1}}), Series({{"__name__", "n"}}, {{25, 2}})},
    "n 1@10 3@20 1@30");
  f({Series({{"__name__", "n"}}, {{40, 1}, {40, 2}})}, "n 1@10 3@20 1@30 1@40");
}

// The words of each kind.
BOOST_AUTO_TEST_CASE(each_kind_of_refusal_has_prometheus_s_words) {
  class Refusing final : public storage::Appender {
   public:
    Result<storage::AppendReport> Append(const storage::Batch& batch) override {
      storage::AppendReport report;
      report.refs.resize(batch.new_samples.size() + batch.new_histograms.size());
      report.rejected.push_back({0, result});
      return report;
    }
    storage::AppendResult result = storage::AppendResult::kStored;
  };
  log::SetLevel(log::Level::kError);
  ManualClock clock;
  SelfMetrics metrics;
  Refusing store;
  WriteReceiver receiver{store, clock, metrics};
  std::string body;
  net::Compress(net::Encoding::kSnappy, Message({Series({{"__name__", "m"}}, {{0, 1}})}), body);
  const auto f = [&](storage::AppendResult result, int code, std::string_view error) {
    store.result = result;
    const WriteResult r = receiver.Write("", "snappy", body);
    BOOST_TEST(r.code == code);
    BOOST_TEST(r.error == error);
  };
  f(storage::AppendResult::kDuplicate, 204, "");
  f(storage::AppendResult::kConflict, 400, "duplicate sample for timestamp for series m");
  f(storage::AppendResult::kOutOfOrder, 400, "out of order sample for series m");
  f(storage::AppendResult::kOutOfBounds, 400, "out of bounds for series m");
  f(storage::AppendResult::kTooOld, 400, "too old sample for series m");
  log::SetLevel(log::Level::kInfo);
}

BOOST_FIXTURE_TEST_CASE(series_with_bad_labels_are_left_out_and_counted, Receiving) {
  const WriteResult r =
      Write({Series({{"a", "b"}}, {{0, 1}}), Series({{"__name__", ""}, {"a", "b"}}, {{0, 1}}),
             Series({{"__name__", "m"}, {"a", "1"}, {"a", "2"}}, {{0, 1}}),
             Series({{"__name__", "m"}, {"", "1"}}, {{0, 1}}),
             Series({{"__name__", "m"}, {"x", "\xff"}}, {{0, 1}}),
             Series({{"__name__", "good"}}, {{0, 1}})});
  BOOST_TEST(r.code == 204);
  BOOST_TEST(Stored() == "good 1@0");
  BOOST_TEST(
      metrics.RenderText().find("\nprometheus_api_remote_write_invalid_labels_samples_total 5\n") !=
      std::string::npos);
}

// prompb.Histogram.
std::string Encoded(const model::Histogram& h, int64_t time) {
  std::string out;
  protozero::pbf_writer message(out);
  message.add_uint64(1, h.count);
  message.add_double(3, h.sum);
  message.add_sint32(4, h.schema);
  message.add_double(5, h.zero_threshold);
  message.add_uint64(6, h.zero_count);
  testing::AddSpans(message, 8, h.negative.spans);
  message.add_packed_sint64(9, h.negative.buckets.begin(), h.negative.buckets.end());
  testing::AddSpans(message, 11, h.positive.spans);
  message.add_packed_sint64(12, h.positive.buckets.begin(), h.positive.buckets.end());
  message.add_enum(14, static_cast<int>(h.hint));
  message.add_int64(15, time);
  message.add_packed_double(16, h.custom_values.begin(), h.custom_values.end());
  return out;
}
std::string Encoded(const model::FloatHistogram& h, int64_t time) {
  std::string out;
  protozero::pbf_writer message(out);
  message.add_double(2, h.count);
  message.add_double(3, h.sum);
  message.add_sint32(4, h.schema);
  message.add_double(5, h.zero_threshold);
  message.add_double(7, h.zero_count);
  testing::AddSpans(message, 8, h.negative.spans);
  message.add_packed_double(10, h.negative.buckets.begin(), h.negative.buckets.end());
  testing::AddSpans(message, 11, h.positive.spans);
  message.add_packed_double(13, h.positive.buckets.begin(), h.positive.buckets.end());
  message.add_enum(14, static_cast<int>(h.hint));
  message.add_int64(15, time);
  message.add_packed_double(16, h.custom_values.begin(), h.custom_values.end());
  return out;
}

BOOST_FIXTURE_TEST_CASE(native_histograms_are_stored, Receiving) {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    testing::RandomHistograms random(
        seed, {.gauge = seed % 2 == 1, .custom_buckets = seed % 4 >= 2, .markers = 100});
    const std::string name = "h" + std::to_string(seed);
    for (int64_t t = 0; t < 60; ++t) {
      const model::Labels labels = {{"__name__", name}};
      const auto check = [&](const auto& h) {
        const WriteResult r = Write({Series({{"__name__", name}}, {}, Encoded(h, t * 1000))});
        BOOST_REQUIRE_MESSAGE(r.code == 204, r.error);
        const auto kept = store.HistogramAt(labels, Timestamp::FromMs(t * 1000));
        if (model::IsStale(h.sum)) {
          BOOST_TEST(kept == nullptr);
          BOOST_TEST(model::IsStale(store.All().at(labels).back().value));
          return;
        }
        BOOST_REQUIRE(kept != nullptr);
        const auto& same = std::get<std::decay_t<decltype(h)>>(*kept);
        BOOST_TEST(testing::SameStored(same, h));
        BOOST_TEST((same.hint == h.hint));
      };
      seed % 3 == 0 ? check(random.NextFloat()) : check(random.Next());
    }
  }
}

BOOST_FIXTURE_TEST_CASE(histograms_that_cannot_be_are_refused, Receiving) {
  model::Histogram h;
  h.count = 3;
  h.positive = {{{0, 2}}, {1, 1}};
  const auto write = [&](const model::Histogram& histogram, int64_t t) {
    return Write({Series({{"__name__", "h"}}, {}, Encoded(histogram, t))});
  };
  BOOST_TEST(write(h, 10).code == 204);
  BOOST_TEST(write(h, 10).code == 204);
  model::Histogram other = h;
  other.sum = 1;
  BOOST_TEST(write(other, 10).error == "duplicate sample for timestamp for series h");
  BOOST_TEST(write(h, 5).error == "out of order sample for series h");
  BOOST_TEST(write(h, 4'200'001).error ==
             "out of bounds: timestamp is too far in the future for series h");
  other = h;
  other.count = 4;
  const WriteResult r = write(other, 20);
  BOOST_TEST(r.code == 400);
  BOOST_TEST(r.error ==
             "3 observations found in buckets, but the Count field is 4: histogram's observation "
             "count should equal the number of observations found in the buckets (in absence of "
             "NaN) for series h");
  // Floats and histograms of one series, in turn.
  BOOST_TEST(Write({Series({{"__name__", "h"}}, {{30, 1}}, Encoded(h, 40))}).code == 204);
  BOOST_TEST(Write({Series({{"__name__", "h"}}, {{50, 1}})}).code == 204);
  BOOST_TEST(store.All().at(model::Labels{{"__name__", "h"}}).size() == 4u);
}

BOOST_FIXTURE_TEST_CASE(exemplars_are_stored, Receiving) {
  std::string series = Series({{"__name__", "m"}}, {{10, 1}});
  protozero::pbf_writer more(series);
  for (const int64_t t : {5, 7}) {
    protozero::pbf_writer exemplar(more, 3);
    exemplar.add_message(1, testing::LabelPair("trace_id", "x"));
    exemplar.add_double(2, 0.5);
    exemplar.add_int64(3, t);
  }
  BOOST_TEST(Write({series}).code == 204);
  const model::Labels m = {{"__name__", "m"}};
  const model::Labels trace = {{"trace_id", "x"}};
  const testing::MemoryExemplars want = {
      {m, {{trace, 0.5, Timestamp::FromMs(5)}, {trace, 0.5, Timestamp::FromMs(7)}}}};
  BOOST_TEST((store.AllExemplars() == want));
}

BOOST_FIXTURE_TEST_CASE(a_store_that_fails_is_tried_again, Receiving) {
  store.FailWith(Status::Io("no space left on device"));
  const WriteResult r = Write({Series({{"__name__", "m"}}, {{0, 1}})});
  BOOST_TEST(r.code == 500);
  BOOST_TEST(r.error == "no space left on device");
}

BOOST_FIXTURE_TEST_CASE(types_and_encodings, Receiving) {
  std::string body;
  net::Compress(net::Encoding::kSnappy, Message({Series({{"__name__", "m"}}, {{0, 1}})}), body);
  const auto f = [&](std::string_view type, std::string_view encoding, int code,
                     std::string_view error) {
    BOOST_TEST_CONTEXT(type << " " << encoding) {
      const WriteResult r = receiver.Write(type, encoding, body);
      BOOST_TEST(r.code == code);
      BOOST_TEST(r.error == error);
    }
  };
  f("application/x-protobuf", "snappy", 204, "");
  f("", "", 204, "");
  f("application/x-protobuf;proto=prometheus.WriteRequest", "snappy", 204, "");
  f("application/json", "snappy", 415,
    "expected application/x-protobuf as the first (media) part, got application/json content-type");
  f("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", 415,
    "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts "
    "prometheus.WriteRequest");
  f("application/x-protobuf;a", "snappy", 415,
    "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, "
    "got a in application/x-protobuf;a content-type");
  f("application/x-protobuf", "zstd", 415,
    "zstd encoding (compression) is not accepted by this server; only snappy is acceptable");
}

BOOST_FIXTURE_TEST_CASE(hostile_bytes, Receiving) {
  BOOST_TEST(receiver.Write("", "snappy", "not snappy").error == "snappy: corrupt input");
  BOOST_TEST(receiver.Write("", "snappy", "").code == 400);
  // Each prefix, and each byte changed: an answer, whichever, and no crash.
  const std::string good = Message({Series({{"__name__", "m"}, {"a", "b"}}, {{0, 1}, {5, 2}})});
  for (size_t n = 0; n < good.size(); ++n) {
    const int code = WriteRaw(good.substr(0, n)).code;
    BOOST_TEST((code == 204 || code == 400));
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[n] = static_cast<char>(bad[n] ^ (1 << bit));
      const int changed = WriteRaw(bad).code;
      BOOST_TEST((changed == 204 || changed == 400));
    }
  }
  // A field of another type than the schema's.
  BOOST_TEST(WriteRaw("\x08\x01").code == 400);
}

}  // namespace
}  // namespace canopy::remote

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/alert.h"
#include "canopy/model/histogram.h"
#include "canopy/model/labels.h"
#include "canopy/model/symbols.h"

namespace canopy::net {
class Response;
}

namespace canopy::api {

// Writes JSON into a response as it goes, so that no answer is ever held as a whole: each 64 KiB go
// out at once, and a slow client is waited for. A body that fits is sent with its length. The
// bytes are those of Prometheus's encoder (Go's encoding/json by way of jsoniter).
// Not thread-safe.
class JsonWriter {
 public:
  explicit JsonWriter(net::Response& response) : response_(response) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  void Key(std::string_view key);

  // With <, > and & escaped, as Go does by default.
  void Text(std::string_view text);
  void Int(int64_t v);
  void Uint(uint64_t v);
  // A finite number; an exponent where it is below 1e-6 or at least 1e21.
  void Number(double v);
  void Bool(bool v);
  void Null();

  // Unix seconds as a number, with three decimals when there are milliseconds: 1435781451.781
  void UnixTime(Timestamp t);
  // "2026-01-02T15:04:05.678Z"; none: "0001-01-01T00:00:00Z".
  void Rfc3339(std::optional<Timestamp> t);
  // A sample's value, as a string: "1.5", "+Inf", "NaN".
  void SampleValue(double v);
  // [1435781451.781,"1.5"]
  void Point(Timestamp t, double v);
  // [1435781451.781,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}]: of each bucket that is
  // not empty which bounds it includes (0: the upper, 1: the lower, 2: none, 3: both), bounds,
  // count.
  void HistogramPoint(Timestamp t, const model::FloatHistogram& h);
  // {"__name__":"up","job":"a"}: label strings escape no more than JSON needs.
  void Labels(const model::Labels& labels);
  void Labels(const model::SeriesLabelsView& labels);
  void Pairs(const model::Annotations& pairs);

  // A value that is JSON already.
  void Raw(std::string_view json);

  // Key and value in one.
  void Field(std::string_view key, std::string_view text) {
    Key(key);
    Text(text);
  }
  void Field(std::string_view key, const char* text) { Field(key, std::string_view(text)); }
  void Field(std::string_view key, const std::string& text) { Field(key, std::string_view(text)); }

  // After the last value.
  void Newline() { out_.push_back('\n'); }

  // False once the client has gone: what is written then goes nowhere.
  bool ok() const { return status_.ok(); }
  // Sends what is left.
  Status Finish();

 private:
  static constexpr size_t kPiece = size_t{64} << 10;

  void Open(char c);
  void Close(char c);
  void BeforeValue();
  void AfterValue();
  void AppendLabel(std::string_view name, std::string_view value, bool first);

  net::Response& response_;
  std::string out_;
  bool comma_ = false;     // one is due before the next value or key
  bool streamed_ = false;  // a piece has been sent
  Status status_;
};

}  // namespace canopy::api

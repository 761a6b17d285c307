#include <map>
#include <string>
#include <vector>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"
#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tsdb/out_of_order.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

// The bytes as samples of one series that come in any order: they are read as a map has them. And
// as records of the out-of-order log: a start takes what makes sense and goes on.

namespace {

using namespace canopy;
using namespace canopy::tsdb;

constexpr int64_t kRange = 1000;

void AsSamples(std::string_view bytes) {
  OutOfOrderSeries series;
  struct Sample {
    double value;
    int64_t start;
  };
  std::map<int64_t, Sample> want;
  base::ByteReader in(bytes);
  while (in.remaining() >= 4) {
    const int64_t t = (int64_t{in.U8()} << 8 | in.U8()) - 20'000;
    const double value = in.U8() / 8;
    const auto part = in.U8();
    const int64_t start = part % 2 == 0 ? 0 : t / 16 * part;
    const SampleFound found = series.Find(t, {value, nullptr});
    const auto it = want.find(t);
    CANOPY_CHECK(found == (it == want.end()            ? SampleFound::kNone
                           : it->second.value == value ? SampleFound::kSame
                                                       : SampleFound::kOther));
    if (found != SampleFound::kNone) continue;
    series.Insert(t, {value, nullptr, start}, kRange);
    want[t] = {value, start};
  }
  storage::ColumnBuffer buffer;
  CANOPY_CHECK(series.ReadInto(INT64_MIN, INT64_MAX, buffer).ok());
  CANOPY_CHECK(buffer.times.size() == want.size());
  size_t i = 0;
  for (const auto& [t, sample] : want) {
    CANOPY_CHECK(buffer.times[i] == t && buffer.values[i] == sample.value);
    CANOPY_CHECK((buffer.start_times.empty() ? 0 : buffer.start_times[i]) == sample.start);
    ++i;
  }
  std::set<int64_t> starts;
  series.AddBlocks(kRange, starts);
  std::vector<StoredSample> stored;
  for (const int64_t start : starts) {
    CANOPY_CHECK(series.HasBlock(start, kRange));
    CANOPY_CHECK(series.Collect(start, kRange, stored).ok());
  }
  CANOPY_CHECK(stored.size() == want.size());
}

void AsRecord(std::string_view bytes) {
  testing::MemFs fs;
  std::string named;
  SeriesEncoder series(named);
  for (uint64_t ref = 1; ref < 5; ++ref)
    series.Add(SeriesRef(ref), model::Labels{{"__name__", "m" + std::to_string(ref)}});
  const auto write = [&](const std::string& dir, std::string_view record) {
    const auto log = WalWriter::Open(fs, dir, {kWalPageBytes, net::Encoding::kIdentity});
    CANOPY_CHECK(log.ok() && (*log)->Append(std::vector{record}).ok() && (*log)->Close().ok());
  };
  write("/data/wal", named);
  write("/data/wbl", bytes);
  const testing::ManualClock clock;
  SelfMetrics metrics;
  for (int i = 0; i < 2; ++i) {
    const auto db = Db::Open(fs, clock, metrics,
                             {.dir = "/data",
                              .retention_time = Duration(0),
                              .float_encoding = chunk::FloatEncoding::kXor2,
                              .out_of_order_window = std::chrono::hours(1),
                              .start_times = true,
                              .histogram_form = chunk::HistogramForm::kWithStarts,
                              .maintenance_interval = Duration(0)});
    CANOPY_CHECK(db.ok());
    const auto querier = (*db)->NewQuerier(Timestamp::Min(), Timestamp::Max());
    const auto set = (*querier)->Select({}, {});
    storage::ColumnBuffer buffer;
    for (size_t s = 0; s < (*set)->size(); ++s)
      CANOPY_CHECK((*set)->Read(s, Timestamp::Min(), Timestamp::Max(), buffer).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AsSamples(bytes);
  if (!bytes.empty()) AsRecord(bytes);
  return 0;
}

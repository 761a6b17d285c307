// What a page costs on its way into the store, without the store: CPU nanoseconds per sample.

#include <time.h>

#include <cstdio>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/number.h"
#include "canopy/exposition/parse.h"
#include "canopy/ingest/page.h"

namespace canopy {
namespace {

// Takes everything and keeps nothing.
class NullStore : public storage::Appender {
 public:
  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    storage::AppendReport report;
    report.refs.reserve(batch.new_samples.size());
    for (size_t i = batch.new_samples.size() + batch.new_histograms.size(); i > 0; --i)
      report.refs.emplace_back(next_++);
    samples += batch.size();
    return report;
  }
  uint64_t samples = 0;

 private:
  uint64_t next_ = 1;
};

// Pages of a service with realistic names: families of 20 series, about 126 bytes a sample,
// counters that grow, gauges with decimals.
class PageSource {
 public:
  explicit PageSource(int samples) {
    const char* const kMethods[] = {"GET", "POST", "PUT", "DELETE"};
    const char* const kCodes[] = {"200", "301", "404", "500", "503"};
    for (int i = 0; i < samples; ++i) {
      const std::string family = "http_server_requests_family_" + std::to_string(i / 20);
      std::string head;
      if (i % 20 == 0) {
        head = "# HELP " + family + " Requests that this service has answered, by route.\n" +  //
               "# TYPE " + family + (i / 20 % 2 ? " counter\n" : " gauge\n");
      }
      head += family + "{method=\"" + kMethods[i % 4] + "\",code=\"" + kCodes[i % 5] +
              "\",handler=\"/api/v1/query_range\",pod=\"frontend-7d4b9c-" + std::to_string(i) +
              "\"} ";
      heads_.push_back(std::move(head));
      values_.push_back(i % 3 == 0 ? i * 1000.0 : i * 1.25);
    }
  }

  // Each page: another third of the values has moved.
  const std::string& Next(int replaced = 0) {
    page_.clear();
    for (size_t i = 0; i < heads_.size(); ++i) {
      if (i % 3 == round_ % 3) values_[i] += i % 2 ? 17 : 0.37;
      if (replaced != 0 &&
          i % static_cast<size_t>(replaced) == round_ % static_cast<size_t>(replaced))
        heads_[i].insert(heads_[i].size() - 3, 1, 'x');
      page_.append(heads_[i]);
      base::AppendFloatShortest(page_, values_[i]);
      page_.push_back('\n');
    }
    ++round_;
    return page_;
  }
  size_t samples() const { return heads_.size(); }

 private:
  std::vector<std::string> heads_;
  std::vector<double> values_;
  std::string page_;
  size_t round_ = 0;
};

double CpuNanos() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

void Print(const char* what, double nanos, double samples, size_t bytes) {
  std::printf("%-44s %8.1f ns/sample %8.2f GB/s\n", what, nanos / samples,
              static_cast<double>(bytes) / nanos);
}

struct Target {
  explicit Target(const ingest::PageRules& rules = {})
      : pages("target", {{"instance", "10.0.0.1:8080"}, {"job", "frontend"}},
              std::make_shared<ingest::PageRules>(rules), store, SystemClock(), counters, pool) {}
  void Store(const std::string& page) {
    const Timestamp now = Timestamp::FromMs(t += 1000);
    const auto report = pages.Store({now, now, 0, std::chrono::seconds(10)}, page,
                                    exposition::PageFormat::kText, scratch);
    CANOPY_CHECK(report.error.ok());
  }

  int64_t t = 0;
  SelfMetrics metrics;
  ingest::PageMetrics counters{metrics};
  ingest::MetadataPool pool;
  NullStore store;
  ingest::Scratch scratch;
  ingest::TargetPages pages;
};

void Repeat(const char* what, int samples, int rounds, int replaced,
            const ingest::PageRules& rules = {}) {
  PageSource source(samples);
  Target target(rules);
  target.Store(source.Next());
  double spent = 0;
  size_t bytes = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string& page = source.Next(replaced);
    bytes += page.size();
    const double start = CpuNanos();
    target.Store(page);
    spent += CpuNanos() - start;
  }
  Print(what, spent, static_cast<double>(samples) * rounds, bytes);
}

// Classic histograms of 12 buckets, the same ones each time: per line of the page.
void Histograms(const char* what, int histograms, int rounds, bool convert) {
  const char* const kBounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                 "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
  constexpr int kLines = 14;
  ingest::PageRules rules;
  rules.convert_classic_histograms = convert;
  Target target(rules);
  double spent = 0;
  size_t bytes = 0;
  for (int round = 0; round <= rounds; ++round) {
    std::string page = "# TYPE latency_seconds histogram\n";
    for (int i = 0; i < histograms; ++i) {
      const std::string labels =
          "handler=\"/api/v1/query_range\",pod=\"frontend-7d4b9c-" + std::to_string(i) + "\"";
      int count = 0;
      for (const char* const bound : kBounds) {
        count += round + i % 3;
        page.append("latency_seconds_bucket{").append(labels).append(",le=\"").append(bound);
        page.append("\"} ").append(std::to_string(count)).append("\n");
      }
      page.append("latency_seconds_sum{").append(labels).append("} 17.5\nlatency_seconds_count{");
      page.append(labels).append("} ").append(std::to_string(count)).append("\n");
    }
    const double start = CpuNanos();
    target.Store(page);
    if (round == 0) continue;
    spent += CpuNanos() - start;
    bytes += page.size();
  }
  Print(what, spent, static_cast<double>(histograms) * kLines * rounds, bytes);
}

void FirstPages(int samples, int rounds) {
  PageSource source(samples);
  const std::string page = source.Next();
  double spent = 0;
  for (int i = 0; i < rounds; ++i) {
    Target target;
    const double start = CpuNanos();
    target.Store(page);
    spent += CpuNanos() - start;
    if (i == 0) {
      std::printf("%-44s %8.1f bytes\n", "remembered per line",
                  static_cast<double>(target.pages.cache_bytes()) / samples);
    }
  }
  Print("first page of a target", spent, static_cast<double>(samples) * rounds,
        page.size() * static_cast<size_t>(rounds));
}

void ParseOnly(int samples, int rounds) {
  PageSource source(samples);
  double spent = 0;
  size_t bytes = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string& page = source.Next();
    bytes += page.size();
    const double start = CpuNanos();
    exposition::PageParser parser(page, exposition::PageFormat::kText);
    auto entry = parser.Next();
    while (entry != exposition::Entry::kEnd) {
      CANOPY_CHECK(entry != exposition::Entry::kError);
      entry = parser.Next();
    }
    spent += CpuNanos() - start;
  }
  Print("parser alone, every line pulled apart", spent, static_cast<double>(samples) * rounds,
        bytes);
}

}  // namespace
}  // namespace canopy

int main() {
  using namespace canopy;
  Repeat("page like the last one, 1,000 samples", 1000, 2000, 0);
  Repeat("the same, with types as labels", 1000, 2000, 0, {.type_and_unit_labels = true});
  Repeat("page like the last one, 100,000 samples", 100'000, 20, 0);
  Repeat("1 % of the series replaced, 10,000 samples", 10'000, 100, 100);
  Repeat("10 % of the series replaced, 10,000 samples", 10'000, 100, 10);
  Histograms("classic histograms like the last ones", 1000, 50, false);
  Histograms("the same, converted", 1000, 50, true);
  FirstPages(10'000, 20);
  ParseOnly(10'000, 100);
}

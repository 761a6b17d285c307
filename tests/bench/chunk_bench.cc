// What the two encodings of floats cost: bytes per sample, and CPU nanoseconds per sample written
// and read, for chunks of 120 samples of what targets show. The best of several rounds.
//
// chunk_bench [SERIES [ROUNDS]]

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/chunk/xor.h"
#include "canopy/chunk/xor2.h"

namespace canopy {
namespace {

constexpr size_t kSamples = 120;
constexpr int64_t kStep = 15'000;

double CpuNanos() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct Kind {
  const char* name;
  // The value behind `v`.
  double (*next)(double v, std::mt19937& random);
};

double Below(unsigned n, std::mt19937& random) { return static_cast<double>(random() % n); }

const Kind kKinds[] = {
    {"constant", [](double v, std::mt19937&) { return v; }},
    {"counter", [](double v, std::mt19937& random) { return v + Below(40, random); }},
    {"slow counter", [](double v, std::mt19937& random) { return random() % 8 == 0 ? v + 1 : v; }},
    {"seconds counter",
     [](double v, std::mt19937& random) { return v + Below(15'000, random) / 1000; }},
    {"gauge", [](double, std::mt19937& random) { return Below(100'000, random) / 100; }},
    {"bytes gauge",
     [](double v, std::mt19937& random) { return v + 4096 * (Below(65, random) - 32); }},
};

struct Series {
  std::vector<int64_t> times;
  std::vector<double> values;
};

// Scrapes are up to `jitter` milliseconds early or late.
std::vector<Series> MakeSeries(const Kind& kind, unsigned jitter, size_t count) {
  std::mt19937 random(1);
  std::vector<Series> out(count);
  for (Series& series : out) {
    const int64_t start = 1'700'000'000'000 + random() % kStep;
    double v = Below(1 << 20, random);
    for (size_t i = 0; i < kSamples; ++i) {
      const int64_t late = jitter == 0 ? 0 : random() % (2 * jitter + 1) - int64_t{jitter};
      series.times.push_back(start + static_cast<int64_t>(i) * kStep + late);
      series.values.push_back(v = kind.next(v, random));
    }
  }
  return out;
}

struct Cost {
  double bytes = 0;  // per sample
  double write_ns = 1e9;
  double read_ns = 1e9;
};

template <class Encoder, class Decode>
Cost Measure(const std::vector<Series>& all, int rounds, Decode decode) {
  Cost cost;
  const auto samples = static_cast<double>(all.size() * kSamples);
  std::vector<std::string> chunks(all.size());
  std::vector<int64_t> times;
  std::vector<double> values;
  for (int round = 0; round < rounds; ++round) {
    Encoder encoder;
    double began = CpuNanos();
    for (size_t i = 0; i < all.size(); ++i) {
      encoder.Clear();
      for (size_t k = 0; k < kSamples; ++k) encoder.Append(all[i].times[k], all[i].values[k]);
      chunks[i] = encoder.bytes();
    }
    cost.write_ns = std::min(cost.write_ns, (CpuNanos() - began) / samples);
    began = CpuNanos();
    for (const std::string& chunk : chunks) {
      times.clear();
      values.clear();
      CANOPY_CHECK(decode(chunk, times, values).ok());
    }
    cost.read_ns = std::min(cost.read_ns, (CpuNanos() - began) / samples);
  }
  CANOPY_CHECK(times == all.back().times && values == all.back().values);
  for (const std::string& chunk : chunks) cost.bytes += static_cast<double>(chunk.size()) / samples;
  return cost;
}

void Run(size_t series, int rounds) {
  std::printf("%-16s %6s   %-24s %s\n", "", "jitter", "XOR: bytes write read ns", "XOR2");
  Cost sums[2];
  for (Cost& sum : sums) sum = {0, 0, 0};
  double n = 0;
  for (const unsigned jitter : {0u, 3u}) {
    for (const Kind& kind : kKinds) {
      const std::vector<Series> all = MakeSeries(kind, jitter, series);
      const Cost costs[2] = {
          Measure<chunk::XorEncoder>(all, rounds, chunk::DecodeXor),
          Measure<chunk::Xor2Encoder>(all, rounds, [](auto bytes, auto& times, auto& values) {
            return chunk::DecodeXor2(bytes, times, values);
          })};
      std::printf("%-16s %6u", kind.name, jitter);
      for (int i = 0; i < 2; ++i) {
        std::printf("   %6.3f %7.2f %7.2f", costs[i].bytes, costs[i].write_ns, costs[i].read_ns);
        sums[i].bytes += costs[i].bytes;
        sums[i].write_ns += costs[i].write_ns;
        sums[i].read_ns += costs[i].read_ns;
      }
      std::printf("\n");
      ++n;
    }
  }
  std::printf("%-16s %6s", "mean", "");
  for (const Cost& sum : sums)
    std::printf("   %6.3f %7.2f %7.2f", sum.bytes / n, sum.write_ns / n, sum.read_ns / n);
  std::printf("\n");
}

}  // namespace
}  // namespace canopy

int main(int argc, char** argv) {
  const size_t series = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 10;
  canopy::Run(series, rounds);
  return 0;
}

#include "app/tsdb_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <numeric>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/format.h"
#include "canopy/model/labels.h"

namespace canopy::app {

std::string GoDuration(Duration d) {
  const bool negative = d.count() < 0;
  uint64_t ms = static_cast<uint64_t>(d.count());
  if (negative) ms = 0 - ms;
  std::string out = negative ? "-" : "";
  if (ms == 0) return "0s";
  if (ms < 1000) return out + std::to_string(ms) + "ms";
  const uint64_t seconds = ms / 1000;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  out += std::to_string(seconds % 60);
  if (ms % 1000 != 0) {
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    out += "." + fraction;
  }
  return out + "s";
}

std::string GoTime(Timestamp t) {
  const std::time_t seconds = t.ms() / 1000;
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(t.ms());
  std::array<char, 64> text{};
  const size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S +0000 UTC", &parts);
  return {text.data(), size};
}

std::string Base2Bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes == 0) return "0B";
  std::string out;
  for (size_t i = std::size(kUnits); i-- > 0;) {
    const uint64_t part = bytes >> (10 * i) & 1023;
    if (part != 0) out += std::to_string(part) + kUnits[i];
  }
  return out;
}

std::string FormatBlocks(std::span<const tsdb::BlockInfo> blocks, bool headings,
                         bool human_readable) {
  constexpr size_t kColumns = 8;
  using Row = std::array<std::string, kColumns>;
  std::vector<Row> rows;
  if (headings) {
    rows.push_back({"BLOCK ULID", "MIN TIME", "MAX TIME", "DURATION", "NUM SAMPLES", "NUM CHUNKS",
                    "NUM SERIES", "SIZE"});
  }
  const auto time = [&](Timestamp t) {
    return human_readable ? GoTime(t) : std::to_string(t.ms());
  };
  for (const tsdb::BlockInfo& block : blocks) {
    rows.push_back({block.ulid, time(block.min_time), time(block.max_time),
                    GoDuration(block.max_time - block.min_time), std::to_string(block.samples),
                    std::to_string(block.chunks), std::to_string(block.series),
                    human_readable ? Base2Bytes(block.bytes) : std::to_string(block.bytes)});
  }
  std::array<size_t, kColumns> widths;
  widths.fill(13);
  for (const Row& row : rows)
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size() + 2);
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < kColumns; ++i)
      out += row[i] + std::string(widths[i] - row[i].size(), ' ');
    out += row.back() + "\n";
  }
  return out;
}

void AppendLabelSet(std::string& out, const model::SeriesLabelsView& labels) {
  const char* before = "{";
  for (const model::SymbolPair pair : labels.pairs()) {
    out += before;
    before = ", ";
    const std::string_view name = labels.symbols().Lookup(pair.name);
    if (model::IsLegacyLabelName(name))
      out += name;
    else
      base::AppendQuoted(out, name);
    out += '=';
    base::AppendQuoted(out, labels.symbols().Lookup(pair.value));
  }
  out += labels.pairs().empty() ? "{}" : "}";
}

void AppendLabelJson(std::string& out, const model::SeriesLabelsView& labels) {
  out += '{';
  for (const model::SymbolPair pair : labels.pairs()) {
    if (out.back() != '{') out += ',';
    base::AppendJsonQuoted(out, labels.symbols().Lookup(pair.name));
    out += ':';
    base::AppendJsonQuoted(out, labels.symbols().Lookup(pair.value));
  }
  out += '}';
}

void AppendOpenMetricsSeries(std::string& out, const model::SeriesLabelsView& labels) {
  const auto quoted = [&](std::string_view text) {
    out += '"';
    exposition::AppendEscaped(out, text);
    out += '"';
  };
  const std::string_view metric = labels.Get(model::kMetricName);
  const bool legacy = metric.empty() || model::IsLegacyMetricName(metric);
  if (legacy) out += metric;
  out += '{';
  if (!legacy) quoted(metric);
  for (const model::SymbolPair pair : labels.pairs()) {
    const std::string_view name = labels.symbols().Lookup(pair.name);
    if (name == model::kMetricName) continue;
    if (out.back() != '{') out += ',';
    if (model::IsLegacyLabelName(name))
      out += name;
    else
      quoted(name);
    out += '=';
    quoted(labels.symbols().Lookup(pair.value));
  }
  out += '}';
}

void AppendSeconds(std::string& out, int64_t ms) {
  uint64_t size = static_cast<uint64_t>(ms);
  if (ms < 0) {
    out += '-';
    size = 0 - size;
  }
  base::AppendUint(out, size / 1000);
  out += '.';
  out += std::to_string(1000 + size % 1000).substr(1);
}

std::string FormatDistribution(const std::string& what, std::vector<uint32_t> numbers,
                               uint64_t total) {
  if (numbers.empty()) return what + ": N/A\n\n";
  std::ranges::sort(numbers);
  const uint64_t least = numbers.front();
  const uint64_t most = numbers.back();
  uint64_t step = 10;
  while (step < (most - least) / 10 && step <= 10000) step *= 10;
  const uint64_t start = least - least % step;
  const uint64_t end = most - most % step + step;
  std::vector<uint64_t> buckets((end - start) / step + 1);
  for (const uint32_t n : numbers) ++buckets[(n - start) / step];
  const uint64_t sum = std::accumulate(numbers.begin(), numbers.end(), uint64_t{0});
  std::string out = what + " (min/avg/max): " + std::to_string(least) + "/" +
                    std::to_string(sum / numbers.size()) + "/" + std::to_string(most) + "\n";
  const auto right = [&](uint64_t n, size_t width) {
    const std::string text = std::to_string(n);
    out += std::string(width - std::min(width, text.size()), ' ') + text;
  };
  const size_t left_width = std::to_string(end).size();
  const size_t right_width = std::to_string(end + step).size();
  const size_t count_width = std::to_string(*std::ranges::max_element(buckets)).size();
  for (size_t i = 0; i < buckets.size(); ++i) {
    out += "[";
    right(i * step + start + 1, left_width);
    out += ", ";
    right((i + 1) * step + start, right_width);
    out += "]: ";
    right(buckets[i], count_width);
    out += " " + std::string(total == 0 ? 0 : 100 * buckets[i] / total, '#') + "\n";
  }
  return out + "\n";
}

}  // namespace canopy::app

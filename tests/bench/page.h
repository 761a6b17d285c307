#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The pages of the bench's targets. Serving must cost next to nothing beside the server under test:
// so a page is built once, its numbers keep their width, and each call only writes the digits that
// moved. What pages hold is what real ones do: four tenths counters by handler, method and code,
// three tenths histograms, two tenths gauges of containers, a tenth that never moves.

namespace canopy::bench {

// A number on a page: `width` digits at `offset`, worth `value`, growing by up to `step` with each
// scrape.
struct Slot {
  uint32_t offset;
  uint8_t width;
  bool walks;  // up and down, as gauges do
  uint32_t step;
  uint64_t value;
};

// The time of the data, in milliseconds.
struct Calendar {
  int64_t start = 0;  // 0: lines have no time of their own; otherwise each page is a step later
  int64_t step = 0;
  int64_t churn = 0;  // after each, a tenth of the series give way to new ones; 0: never
};

inline uint32_t Random() {
  static uint64_t state = 88172645463325252ULL;  // xorshift: the same pages in every run
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32_t>(state >> 16);
}

class Page {
 public:
  Page(int target, int series, const Calendar& calendar = {})
      : calendar_(calendar), now_(calendar.start) {
    Counters(series * 4 / 10);
    Histograms(series * 3 / 10);
    Gauges(target, series * 2 / 10);
    Constants(target, series - series_);
    text_.shrink_to_fit();
    slots_.shrink_to_fit();
  }

  // The page as it is now; the next call shows numbers that moved.
  const std::string& Next() {
    for (Slot& slot : slots_) {
      const uint32_t by = Random() % (slot.step + 1);
      slot.value = slot.walks && (by & 1) ? slot.value - by : slot.value + by;
      Write(slot);
    }
    if (calendar_.start != 0) PassTime();
    return text_;
  }

 private:
  static constexpr size_t kTimeDigits = 13;

  void PassTime() {
    const std::string time = std::to_string(now_);
    for (const uint32_t offset : times_) text_.replace(offset, kTimeDigits, time);
    if (calendar_.churn != 0) {
      const int64_t generation = (now_ - calendar_.start) / calendar_.churn;
      if (generation != generation_) Replace(generation);
    }
    now_ += calendar_.step;
  }

  // A third of the containers, which are three tenths of the series, get new names.
  void Replace(int64_t generation) {
    generation_ = generation;
    const std::string name = std::to_string(1000 + generation % 1000);
    for (size_t i = static_cast<size_t>(generation % 3); i < generations_.size(); i += 3)
      text_.replace(generations_[i], name.size(), name);
  }

  static constexpr std::array<std::string_view, 5> kCodes = {"200", "302", "404", "429", "500"};
  static constexpr std::array<std::string_view, 4> kMethods = {"get", "post", "put", "delete"};
  static constexpr std::array<std::string_view, 12> kBounds = {
      "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"};

  void Head(std::string_view name, std::string_view type) {
    text_.append("# HELP ").append(name).append(" What it is, in a few words.\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }

  void Write(const Slot& slot) {
    uint64_t rest = slot.value;
    for (uint32_t i = slot.width; i-- > 0; rest /= 10)
      text_[slot.offset + i] = static_cast<char>('0' + rest % 10);
  }

  // One series: its text so far is in text_. `first` has `width` digits, and room to grow.
  void Number(uint8_t width, uint64_t first, uint32_t step, bool walks,
              std::string_view tail = "") {
    text_ += ' ';
    const Slot slot{static_cast<uint32_t>(text_.size()), width, walks, step, first};
    text_.append(width, '0').append(tail);
    if (calendar_.start != 0) {
      times_.push_back(static_cast<uint32_t>(text_.size() + 1));
      text_.append(" ").append(kTimeDigits, '0');
    }
    text_ += '\n';
    Write(slot);
    if (step > 0) slots_.push_back(slot);
    ++series_;
  }

  static std::string Handler(int i) { return "/api/v2/resource-" + std::to_string(i) + "/items"; }

  void Counters(int count) {
    Head("http_requests_total", "counter");
    for (int i = 0; i < count; ++i) {
      const auto n = static_cast<size_t>(i);
      text_.append("http_requests_total{code=\"").append(kCodes[n % 5]).append("\",handler=\"");
      text_.append(Handler(i / 20))
          .append("\",method=\"")
          .append(kMethods[n / 5 % 4])
          .append("\"}");
      Number(7, 1000000 + Random() % 4000000, i % 5 == 0 ? 200 : 3, false);
    }
  }

  void Histograms(int count) {
    const std::string name = "http_request_duration_seconds";
    Head(name, "histogram");
    for (int h = 0; h < count / 14; ++h) {
      const std::string labels = "{handler=\"" + Handler(h) + "\"";
      for (size_t b = 0; b < kBounds.size(); ++b) {
        text_.append(name)
            .append("_bucket")
            .append(labels)
            .append(",le=\"")
            .append(kBounds[b])
            .append("\"}");
        Number(7, 1000000 + b * 250000, static_cast<uint32_t>(3 + 2 * b), false);
      }
      text_.append(name).append("_sum").append(labels).append("}");
      Number(6, 100000 + Random() % 400000, 40, false, ".0625");
      text_.append(name).append("_count").append(labels).append("}");
      Number(7, 4000000, 25, false);
    }
  }

  void Gauges(int target, int count) {
    Head("container_memory_working_set_bytes", "gauge");
    for (int i = 0; i < count; ++i) {
      text_ += "container_memory_working_set_bytes";
      Container(target, i);
      Number(9, 200000000 + Random() % 600000000, 400000, true);
    }
  }

  void Constants(int target, int count) {
    Head("kube_pod_container_info", "gauge");
    for (int i = 0; i < count; ++i) {
      text_ += "kube_pod_container_info";
      Container(target, i);
      Number(1, 1, 0, false);
    }
  }

  void Container(int target, int i) {
    const int pod = target * 1000 + i;
    text_ += "{container=\"app-" + std::to_string(i % 3) + "\",namespace=\"team-" +
             std::to_string(i % 17) + "\",pod=\"service-" + std::to_string(i % 40) + "-7d9f5b6c4-" +
             std::to_string(pod * 2654435761U) + "-";
    generations_.push_back(static_cast<uint32_t>(text_.size()));
    text_ += "1000\"}";
  }

  const Calendar calendar_;
  int64_t now_;
  int64_t generation_ = 0;
  std::string text_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> times_;        // where they stand
  std::vector<uint32_t> generations_;  // likewise, of containers
  int series_ = 0;
};

}  // namespace canopy::bench

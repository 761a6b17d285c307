#include "app/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "canopy/base/number.h"

namespace canopy::app {

std::string FormatProgress(const std::string& title, uint64_t done, uint64_t total) {
  constexpr size_t kWidth = 30;
  const double part =
      total == 0 ? 1 : static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const auto full = static_cast<size_t>(part * kWidth);
  std::string out = title + " [" + std::string(full, '=');
  if (full < kWidth) out += ">" + std::string(kWidth - full - 1, ' ');
  std::string percent;
  base::AppendUint(percent, static_cast<uint64_t>(part * 100));
  return out + "] " + std::string(3 - percent.size(), ' ') + percent + "%";
}

Progress::Progress(std::string title) : title_(std::move(title)), is_terminal_(isatty(2) == 1) {}

void Progress::Show(uint64_t done, uint64_t total) {
  if (!is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  std::fprintf(stderr, "\r%s", FormatProgress(title_, done, total).c_str());
}

void Progress::Clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace canopy::app

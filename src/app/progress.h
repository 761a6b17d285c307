#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace canopy::app {

// "read log [=========>          ]  46%"
std::string FormatProgress(const std::string& title, uint64_t done, uint64_t total);

// A bar on stderr for work that a person waits for; nothing when that is no terminal. Goes away
// when the work is done. Not thread-safe.
class Progress {
 public:
  explicit Progress(std::string title);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(uint64_t done, uint64_t total);
  // Makes room for a line of text.
  void Clear();

 private:
  const std::string title_;
  const bool is_terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace canopy::app

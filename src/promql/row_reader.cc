#include "row_reader.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "series_source.h"

namespace canopy::promql {
namespace {

// Below this, waking another thread costs more than it brings.
constexpr size_t kFewSeries = 128;
// Rows of a block, in values: so that two or three blocks stay in a core's cache.
constexpr size_t kBlockValues = 32 * 1024;
constexpr size_t kMostHelpers = 7;

size_t HelperCount(const Query& query, const SeriesSource& source) {
  if (query.engine.workers == nullptr || query.per_step_stats || source.size() < kFewSeries)
    return 0;
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::min(cores - 1, kMostHelpers);
}

}  // namespace

// Blocks of series, computed by whoever is free and consumed in order. The reader computes as well
// when the block that it needs is not ready and another one is to be had. Helpers may be started
// late or never; a helper that starts after the reader has gone does nothing.
class RowReader::Team {
 public:
  struct Block {
    size_t first = 0;
    std::vector<size_t> series;  // those with values
    std::vector<double> values;
    // Of the few series that have any, by their place in `series`.
    std::vector<std::pair<size_t, std::vector<HistogramPtr>>> histograms;
    std::optional<EvalError> error;
    bool done = false;
  };

  Team(Query& query, const SeriesSource& source, size_t steps, size_t helpers)
      : query_(query),
        source_(source),
        steps_(steps),
        block_size_(
            std::clamp<size_t>(source.size() / 16, 8, std::max<size_t>(8, kBlockValues / steps))),
        block_count_((source.size() + block_size_ - 1) / block_size_),
        ring_(2 * helpers + 2),
        mu_(LockRank::kLeaf) {}

  static void Start(const std::shared_ptr<Team>& team, size_t helpers) {
    for (size_t i = 0; i < helpers; ++i)
      if (!team->query_.engine.workers->TrySubmit([team] { team->Help(); })) return;
  }

  // The next block in order; null behind the last. The one before is given back.
  Block* Take() {
    {
      MutexLock lock(mu_);
      if (taken_ > 0) {
        ring_[(taken_ - 1) % ring_.size()].done = false;
        freed_ = taken_;
        changed_.NotifyAll();
      }
      if (taken_ == block_count_) return nullptr;
    }
    Block& wanted = ring_[taken_ % ring_.size()];
    while (!WaitOrWork(wanted)) {
    }
    ++taken_;
    if (wanted.error) throw EvalError{*wanted.error};
    return &wanted;
  }

  // Waits for the helpers that are at work.
  void Close() {
    MutexLock lock(mu_);
    closed_ = true;
    changed_.NotifyAll();
    while (helping_ > 0) changed_.Wait(mu_);
  }

  size_t steps() const { return steps_; }

 private:
  // True when the wanted block is done.
  bool WaitOrWork(Block& wanted) {
    size_t number = 0;
    {
      MutexLock lock(mu_);
      if (wanted.done) return true;
      if (!CanClaim()) {
        changed_.Wait(mu_);
        return wanted.done;
      }
      number = claimed_++;
    }
    Compute(number, query_.scratch);
    return false;
  }

  void Help() {
    {
      MutexLock lock(mu_);
      if (closed_) return;
      ++helping_;
    }
    Scratch scratch;
    while (const std::optional<size_t> number = Claim()) Compute(*number, scratch);
    MutexLock lock(mu_);
    --helping_;
    changed_.NotifyAll();
  }

  std::optional<size_t> Claim() {
    MutexLock lock(mu_);
    while (!closed_ && claimed_ < block_count_ && !CanClaim()) changed_.Wait(mu_);
    if (closed_ || claimed_ == block_count_) return std::nullopt;
    return claimed_++;
  }

  bool CanClaim() const CANOPY_REQUIRES(mu_) {
    return claimed_ < block_count_ && claimed_ < freed_ + ring_.size();
  }

  void Compute(size_t number, Scratch& scratch) {
    Block& block = ring_[number % ring_.size()];
    block.series.clear();
    block.error.reset();
    block.values.resize(block_size_ * steps_);
    block.histograms.clear();
    Row row;
    const size_t first = number * block_size_;
    const size_t last = std::min(first + block_size_, source_.size());
    try {
      for (size_t i = first; i < last; ++i) {
        if (steps_ >= 64 || i % 8 == 0) query_.Check();
        const size_t n = block.series.size();
        row.values = {block.values.data() + n * steps_, steps_};
        if (!source_.Fill(i, scratch, row)) continue;
        block.series.push_back(i);
        if (row.has_histograms()) block.histograms.emplace_back(n, std::move(row.histograms));
      }
    } catch (const EvalError& error) {
      block.error = error;
    }
    MutexLock lock(mu_);
    block.done = true;
    changed_.NotifyAll();
  }

  Query& query_;
  const SeriesSource& source_;
  const size_t steps_;
  const size_t block_size_;
  const size_t block_count_;
  // Block n is at n % size. Written by who claimed it, until it is done; read by the reader, until
  // it is freed.
  std::vector<Block> ring_;
  size_t taken_ = 0;  // the reader's own

  Mutex mu_;
  CondVar changed_;
  size_t claimed_ CANOPY_GUARDED_BY(mu_) = 0;
  size_t freed_ CANOPY_GUARDED_BY(mu_) = 0;
  size_t helping_ CANOPY_GUARDED_BY(mu_) = 0;
  bool closed_ CANOPY_GUARDED_BY(mu_) = false;

 public:
  Block* current = nullptr;
};

RowReader::RowReader(Query& query, const SeriesSource& source, size_t steps)
    : query_(query), source_(source), check_mask_(steps < 64 ? 7 : 0) {
  if (const size_t helpers = HelperCount(query, source); helpers > 0 && steps > 0) {
    team_ = std::make_shared<Team>(query, source, steps, helpers);
    Team::Start(team_, helpers);
  } else {
    own_values_.resize(steps);
    row_.values = own_values_;
  }
}

RowReader::~RowReader() {
  if (team_) team_->Close();
}

bool RowReader::Next() { return team_ ? NextOfTeam() : NextAlone(); }

bool RowReader::NextAlone() {
  for (; next_ < source_.size(); ++next_) {
    if ((next_ & check_mask_) == 0) query_.Check();
    if (!source_.Fill(next_, query_.scratch, row_)) continue;
    index_ = next_++;
    return true;
  }
  return false;
}

bool RowReader::NextOfTeam() {
  while (team_->current == nullptr || next_ == team_->current->series.size()) {
    team_->current = team_->Take();
    if (team_->current == nullptr) return false;
    next_ = 0;
    next_histograms_ = 0;
  }
  index_ = team_->current->series[next_];
  row_.values = std::span(team_->current->values).subspan(next_ * team_->steps(), team_->steps());
  row_.histograms.clear();
  auto& histograms = team_->current->histograms;
  if (next_histograms_ < histograms.size() && histograms[next_histograms_].first == next_)
    row_.histograms = std::move(histograms[next_histograms_++].second);
  ++next_;
  return true;
}

}  // namespace canopy::promql

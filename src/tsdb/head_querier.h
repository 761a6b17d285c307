#pragma once

#include <memory>
#include <roaring/roaring.hh>
#include <span>
#include <string>
#include <vector>

#include "canopy/storage/queryable.h"
#include "graveyard.h"
#include "head.h"

namespace canopy::tsdb {

// Reads the head. While it lives, nothing that a series pointed to when it was selected is freed.
class HeadQuerier final : public storage::Querier {
 public:
  HeadQuerier(Head& head, Timestamp mint, Timestamp maxt);

  Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                                     const storage::SelectHints& hints) override;
  Result<std::unique_ptr<storage::SeriesSet>> SelectAny(std::span<const model::Matchers> selectors,
                                                        const storage::SelectHints& hints) override;
  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                              uint64_t limit) override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher> matchers,
                                               uint64_t limit) override;

 private:
  Result<Roaring> Find(std::span<const model::Matcher> matchers,
                       const storage::Interrupt* interrupt = nullptr) const
      CANOPY_REQUIRES_SHARED(head_.mu_);
  // The records of the found series that may have samples in the range.
  Result<std::unique_ptr<storage::SeriesSet>> Copy(const Roaring& found,
                                                   const storage::SelectHints& hints)
      CANOPY_REQUIRES_SHARED(head_.mu_);
  bool OutsideOfHead() const;
  // Whether it may have samples there, other than the deleted ones.
  bool InRange(Slot slot, const Series& series, const HeadDeletions::Ranges& deleted) const
      CANOPY_REQUIRES_SHARED(head_.mu_);
  // Whether the newest sample of the series in the range is the one that its record holds.
  bool NewestInRange(Slot slot, const Series& series, const HeadDeletions::Ranges& deleted) const
      CANOPY_REQUIRES_SHARED(head_.mu_);

  Head& head_;
  const int64_t asked_mint_;
  const int64_t mint_;
  const int64_t maxt_;
  const Graveyard::Reader reader_;
};

}  // namespace canopy::tsdb

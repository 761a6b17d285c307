#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "canopy/ingest/metadata.h"
#include "canopy/model/metadata.h"
#include "canopy/storage/appender.h"

namespace canopy::ingest {

// What a target says of its series, and what is known of those that a scrape writes about itself.
// A series that relabelling has given another name is of no family that the page has. Not
// thread-safe.
class PageMetadata final : public storage::MetadataByName {
 public:
  // Null: the page has said nothing.
  void Set(std::shared_ptr<const MetadataSet> page) { page_ = std::move(page); }
  const std::shared_ptr<const MetadataSet>& page() const { return page_; }

  const model::Metadata* Find(std::string_view metric) const override;

 private:
  std::shared_ptr<const MetadataSet> page_;
};

}  // namespace canopy::ingest

#include "page_metadata.h"

#include "report.h"

namespace canopy::ingest {

const model::Metadata* PageMetadata::Find(std::string_view metric) const {
  if (page_ != nullptr)
    if (const FamilyMetadata* const family = page_->OfSeries(metric)) return &family->metadata;
  return MetadataOfReport(metric);
}

}  // namespace canopy::ingest

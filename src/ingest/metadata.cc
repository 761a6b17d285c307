#include "canopy/ingest/metadata.h"

#include <algorithm>
#include <map>

#include "canopy/exposition/parse.h"
#include "canopy/exposition/proto.h"

namespace canopy::ingest {
namespace {

using exposition::Entry;
using model::MetricType;

class FamilyReader final : public exposition::ProtoSink {
 public:
  void Family(const exposition::ProtoFamily& family) override {
    families[std::string(family.name)] = {family.type, std::string(family.help),
                                          std::string(family.unit)};
  }
  Status Sample(const exposition::ProtoSeries&, double) override { return {}; }
  Status Histogram(const exposition::ProtoSeries&,
                   std::variant<model::Histogram, model::FloatHistogram>) override {
    return {};
  }
  std::map<std::string, model::Metadata> families;
};

// The last word of the page counts for each of type, help and unit.
std::map<std::string, model::Metadata> ReadMetadata(std::string_view page,
                                                    exposition::PageFormat format) {
  if (format == exposition::PageFormat::kProto) {
    FamilyReader reader;
    // What is wrong with it has been said when it was stored.
    (void)exposition::ParseProto(page, {}, reader);
    return std::move(reader.families);
  }
  std::map<std::string, model::Metadata> out;
  exposition::PageParser parser(page, format);
  while (true) {
    switch (parser.Next()) {
      case Entry::kType:
        out[std::string(parser.family())].type = parser.type();
        break;
      case Entry::kHelp:
        out[std::string(parser.family())].help = parser.Help();
        break;
      case Entry::kUnit:
        out[std::string(parser.family())].unit = parser.text();
        break;
      case Entry::kComment:
      case Entry::kSample:
        break;
      case Entry::kEnd:
      case Entry::kError:
        return out;
    }
  }
}

// What the names of a family's series end with. Source: prometheus 3.14
// scrape.isSeriesPartOfFamily.
struct Suffix {
  std::string_view text;
  MetricType of[2];
};
constexpr Suffix kSuffixes[] = {
    {"_bucket", {MetricType::kHistogram, MetricType::kGaugeHistogram}},
    {"_sum", {MetricType::kHistogram, MetricType::kSummary}},
    {"_count", {MetricType::kHistogram, MetricType::kSummary}},
    {"_gsum", {MetricType::kGaugeHistogram, MetricType::kGaugeHistogram}},
    {"_gcount", {MetricType::kGaugeHistogram, MetricType::kGaugeHistogram}},
    {"_total", {MetricType::kCounter, MetricType::kCounter}},
    {"_info", {MetricType::kInfo, MetricType::kInfo}},
};

bool EndsAs(const Suffix& suffix, model::MetricType type) {
  return std::ranges::count(suffix.of, type) > 0;
}

}  // namespace

bool IsOfFamily(std::string_view metric, std::string_view family, model::MetricType type) {
  if (!metric.starts_with(family)) return false;
  const std::string_view rest = metric.substr(family.size());
  return rest.empty() || std::ranges::any_of(kSuffixes, [&](const Suffix& suffix) {
           return suffix.text == rest && EndsAs(suffix, type);
         });
}

size_t MetadataSet::bytes() const {
  size_t sum = 0;
  for (const auto& f : families)
    sum += f->metadata.help.size() + f->metadata.unit.size() +
           model::MetricTypeText(f->metadata.type).size();
  return sum;
}

const FamilyMetadata* MetadataSet::Find(std::string_view family) const {
  const auto it = std::lower_bound(families.begin(), families.end(), family,
                                   [](const auto& f, std::string_view k) { return f->family < k; });
  return it != families.end() && (*it)->family == family ? it->get() : nullptr;
}

const FamilyMetadata* MetadataSet::OfSeries(std::string_view metric) const {
  if (const FamilyMetadata* const own = Find(metric)) return own;
  for (const Suffix& suffix : kSuffixes) {
    if (!metric.ends_with(suffix.text)) continue;
    const FamilyMetadata* const family = Find(metric.substr(0, metric.size() - suffix.text.size()));
    if (family != nullptr && EndsAs(suffix, family->metadata.type)) return family;
  }
  return nullptr;
}

std::shared_ptr<const MetadataSet> MetadataPool::Intern(uint64_t hash, std::string_view page,
                                                        exposition::PageFormat format) {
  {
    const MutexLock lock(mu_);
    if (const auto it = sets_.find(hash); it != sets_.end())
      if (auto shared = it->second.lock()) return shared;
  }
  // Read without the lock: pages are long.
  std::map<std::string, model::Metadata> all = ReadMetadata(page, format);
  auto set = std::make_shared<MetadataSet>();
  set->families.reserve(all.size());
  const MutexLock lock(mu_);
  for (auto& [family, metadata] : all) {
    auto& variants = families_[family];
    std::shared_ptr<const FamilyMetadata> shared;
    for (const auto& variant : variants) {
      shared = variant.lock();
      if (shared && shared->metadata == metadata) break;
      shared.reset();
    }
    if (!shared) {
      shared = std::make_shared<FamilyMetadata>(FamilyMetadata{family, std::move(metadata)});
      std::erase_if(variants, [](const auto& v) { return v.expired(); });
      variants.push_back(shared);
    }
    set->families.push_back(std::move(shared));
  }
  sets_[hash] = set;
  if (sets_.size() + families_.size() >= drop_at_) DropDead();
  return set;
}

void MetadataPool::DropDead() {
  std::erase_if(sets_, [](const auto& item) { return item.second.expired(); });
  std::erase_if(families_, [](const auto& item) {
    return std::all_of(item.second.begin(), item.second.end(),
                       [](const auto& v) { return v.expired(); });
  });
  drop_at_ = 64 + 2 * (sets_.size() + families_.size());
}

}  // namespace canopy::ingest

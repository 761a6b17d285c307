#include <cstdint>
#include <string_view>

#include "canopy/base/check.h"
#include "canopy/exposition/format.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/exposition/parse.h"
#include "canopy/model/sample.h"

// Any page is refused, or read to its end; each of its samples, written again, reads the same; and
// a sample whose series is known by heart reads as one that is not.

namespace {

using namespace canopy;
using exposition::Entry;
using exposition::PageFormat;
using exposition::PageParser;

void CheckRewritten(PageParser& parser, PageFormat format) {
  model::LabelsBuilder labels;
  if (!parser.AddLabels(labels).ok() || labels.Get(model::kMetricName).empty()) return;
  std::string page;
  exposition::SampleLine line(page, labels.Get(model::kMetricName));
  for (const auto& [name, value] : labels.items())
    if (name != model::kMetricName) line.Label(name, value);
  if (format == PageFormat::kText) {
    line.EndText(parser.value(), parser.time());
  } else {
    line.EndOpenMetrics(parser.value(), parser.time());
    page.append(exposition::kOpenMetricsEnd);
  }
  PageParser again(page, format);
  CANOPY_CHECK(again.Next() == Entry::kSample);
  model::LabelsBuilder same;
  CANOPY_CHECK(again.AddLabels(same).ok());
  CANOPY_CHECK(labels.Build() == same.Build());
  CANOPY_CHECK(model::SameBits(again.value(), parser.value() == 0 ? 0 : parser.value()));
}

void CheckByHeart(std::string_view line, PageFormat format, const PageParser& parser) {
  PageParser again(line, format);
  CANOPY_CHECK(again.NextAfterSeries(parser.series().size()) == Entry::kSample);
  CANOPY_CHECK(again.series() == parser.series());
  CANOPY_CHECK(model::SameBits(again.value(), parser.value()));
  CANOPY_CHECK(again.time() == parser.time());
  CANOPY_CHECK(again.rest().size() == parser.rest().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  for (const PageFormat format : {PageFormat::kText, PageFormat::kOpenMetrics}) {
    PageParser parser(page, format);
    while (true) {
      const Entry entry = parser.Next();
      if (entry == Entry::kEnd || entry == Entry::kError) break;
      if (entry != Entry::kSample) continue;
      const std::string_view series = parser.series();
      CheckByHeart(page.substr(static_cast<size_t>(series.data() - page.data())), format, parser);
      CheckRewritten(parser, format);
    }
  }
  constexpr exposition::Wire kText[] = {exposition::Wire::kText};
  (void)exposition::Negotiate(page, kText);
  (void)exposition::FormatOf(page, {});
  (void)exposition::UnescapeName(page, exposition::Escaping::kValues);
  return 0;
}

#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "canopy/base/status.h"
#include "canopy/exposition/escape.h"
#include "canopy/federation/selection.h"
#include "canopy/model/labels.h"

namespace canopy::federation {

struct PageOptions {
  // Appended to every series that lacks them. Without an `instance` among them, series without one
  // get instance="", so that a scraper that honours labels does not attach its own.
  model::Labels external_labels;
  exposition::Escaping escaping = exposition::Escaping::kUnderscores;
};

struct PageReport {
  uint64_t samples = 0;
  // Families that could not be rendered and were left out; the others are whole.
  uint64_t failed_families = 0;
};

// Takes the page in pieces of at most some 100 KiB. An error ends the page.
using PageSink = std::function<Status(std::string_view piece)>;

// Renders a selection as Prometheus renders /federate in text 0.0.4: families untyped, each sample
// with its own time, a series' own labels sorted and then the missing external ones. Histograms
// with custom buckets become classic ones; other native histograms have no form in text and are
// left out. Memory is bounded by the longest line. Fails with what the sink or the store says.
Result<PageReport> WriteTextPage(const Selection& selection, const PageOptions& options,
                                 const PageSink& sink);

// The same as delimited messages io.prometheus.client.MetricFamily: a new one where the name or the
// kind of sample (float, histogram, gauge histogram) changes, or the last has become long. Native
// histograms are of floats, whatever the store has.
Result<PageReport> WriteProtoPage(const Selection& selection, const PageOptions& options,
                                  const PageSink& sink);

}  // namespace canopy::federation

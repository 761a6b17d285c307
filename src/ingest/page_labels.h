#pragma once

#include "canopy/base/status.h"
#include "canopy/ingest/page.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"

namespace canopy::ingest {

// What becomes of the labels of a series on their way from the page to the store.
enum class LabelFate : unsigned char {
  kKept,
  kDropped,        // by relabelling
  kInvalid,        // the page fails
  kLimitExceeded,  // the page fails
};

// `labels` holds what the page says, empty values included. Attaches the target's labels by the
// rules of honor_labels, relabels and checks names and limits; `error` says what is wrong, in
// Prometheus's words. `out` is set when the series is kept.
// Source: prometheus 3.14 scrape.mutateSampleLabels, verifyLabelLimits.
LabelFate FinishLabels(const PageRules& rules, const model::Labels& target,
                       model::LabelsBuilder& labels, model::Labels& out, Status& error);

// Of a series of a family of this type and unit, where they are labels. What the page itself wrote
// under these names gives way; an unknown type and no unit are not labels, and replace none.
// Source: prometheus 3.14 schema.Metadata.
void SetTypeAndUnit(model::MetricType type, std::string_view unit, model::LabelsBuilder& labels);

// The labels of a report series: a name and the target's own.
model::Labels ReportLabels(std::string_view name, const model::Labels& target);

}  // namespace canopy::ingest

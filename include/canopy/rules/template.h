#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/labels.h"

// The templates of rule labels and annotations: Go's text/template language with Prometheus's
// functions (https://prometheus.io/docs/prometheus/latest/configuration/template_reference/).

namespace canopy::rules {

// One element of a query's result, as the template function `query` hands it on.
struct TemplateSample {
  model::Labels labels;
  double value = 0;
};

// Runs an instant query for a template. A scalar is one sample without labels.
using TemplateQuery =
    std::function<Result<std::vector<TemplateSample>>(std::string_view expr, Timestamp at)>;

// What a template can see.
struct TemplateData {
  model::Labels labels;           // .Labels, $labels
  double value = 0;               // .Value, $value
  model::Labels external_labels;  // .ExternalLabels, $externalLabels
  std::string external_url;       // .ExternalURL, $externalURL; also for externalURL, pathPrefix
  Timestamp now;                  // the evaluation's time: for `query` and `now`
  TemplateQuery query;            // none: the function `query` fails
};

// What one expansion may use; more is an error that names the limit.
struct TemplateLimits {
  size_t output_bytes = 1 << 20;
  size_t steps = 1'000'000;  // nodes executed, loop turns included
  int depth = 100;           // nested {{template}} and `tmpl` calls
};

// A parsed template. Immutable, copyable cheaply, thread-safe.
class Template {
 public:
  // `name` appears in error messages. kInvalid with the reason as Prometheus words it: "error
  // parsing template NAME: template: NAME:1: ...".
  static Result<Template> Parse(std::string name, std::string_view text);

  // kExecution as Prometheus words it: "error executing template NAME: template: NAME:1:12: ...".
  Result<std::string> Expand(const TemplateData& data, const TemplateLimits& limits = {}) const;

  struct Parsed;

 private:
  explicit Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

// A label or annotation of an alert: $labels, $externalLabels, $externalURL and $value are there.
Result<Template> ParseAlertTemplate(std::string_view alert, std::string_view text);

// Expands; on failure the text that Prometheus puts in the place of the result:
// "<error expanding template: ...>".
std::string ExpandOrExplain(const Result<Template>& parsed, const TemplateData& data);

}  // namespace canopy::rules

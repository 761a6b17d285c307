#include "canopy/rules/template.h"

#include "rules/template_exec.h"
#include "rules/template_tree.h"

namespace canopy::rules {

namespace {

std::string AlertTemplateName(std::string_view alert) { return "__alert_" + std::string(alert); }

// Prometheus puts the same text in front: positions in error messages count it.
std::string WithAlertNames(std::string_view text) {
  return "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
         "{{$externalURL := .ExternalURL}}{{$value := .Value}}" +
         std::string(text);
}

}  // namespace

struct Template::Parsed {
  TemplateTree tree;
};

Result<Template> Template::Parse(std::string name, std::string_view text) {
  Result<TemplateTree> tree = ParseTemplate(name, text);
  if (!tree.ok()) return tree.status().In("error parsing template " + name);
  return Template(std::make_shared<const Parsed>(Parsed{*std::move(tree)}));
}

Result<std::string> Template::Expand(const TemplateData& data, const TemplateLimits& limits) const {
  FunctionEnv env;
  env.now = data.now;
  env.query = &data.query;
  env.external_url = data.external_url;
  env.max_bytes = limits.output_bytes;
  auto dot = std::make_shared<AlertData>();
  dot->labels = data.labels;
  dot->external_labels = data.external_labels;
  dot->external_url = data.external_url;
  dot->value = data.value;
  auto out = ExecuteTemplate(parsed_->tree, Value(std::shared_ptr<const AlertData>(std::move(dot))),
                             env, limits);
  if (!out.ok()) return out.status().In("error executing template " + parsed_->tree.name);
  return out;
}

Result<TemplateTree> ParseAlertTemplateTree(std::string_view alert, std::string_view text) {
  return ParseTemplate(AlertTemplateName(alert), WithAlertNames(text));
}

Result<Template> ParseAlertTemplate(std::string_view alert, std::string_view text) {
  return Template::Parse(AlertTemplateName(alert), WithAlertNames(text));
}

std::string ExpandOrExplain(const Result<Template>& parsed, const TemplateData& data) {
  const Result<std::string> out =
      parsed.ok() ? parsed->Expand(data) : Result<std::string>(parsed.status());
  if (out.ok()) return *out;
  return "<error expanding template: " + out.status().message() + ">";
}

}  // namespace canopy::rules

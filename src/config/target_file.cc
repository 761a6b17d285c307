#include "canopy/config/target_file.h"

#include "config/sections.h"

namespace canopy::config {

// JSON is read as the YAML that it is, strictness included: a number is not text in JSON only.
Result<std::vector<StaticConfig>> ParseTargetFile(const std::string& path,
                                                  const std::string& text) {
  YamlDocument document = ParseYaml(text, path);
  Findings findings{std::move(document.errors), {}};
  const Source source{path, std::string(DirName(path)), &findings};
  const Value root(document.root, "", 1, source);
  std::vector<StaticConfig> out;
  if (document.documents > 1) root.Error("more than one YAML document");
  if (document.complete) {
    for (const Value& item : root.Items()) {
      if (item.is_null()) {
        item.Error("nil target group item found");
      } else {
        ReadStaticConfig(item, out.emplace_back());
      }
    }
  }
  CANOPY_RETURN_IF_ERROR(ToStatus(findings.errors));
  return out;
}

}  // namespace canopy::config

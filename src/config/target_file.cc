#include "canopy/config/target_file.h"

#include "config/sections.h"

namespace canopy::config {

// JSON is read as the YAML that it is.
Result<std::vector<StaticConfig>> ParseTargetFile(const std::string& path,
                                                  const std::string& text) {
  YamlDocument document = ParseYaml(text, path);
  Findings findings{std::move(document.errors), {}};
  const Source source{path, std::string(DirName(path)), &findings};
  const Value root(document.root, "", 1, source);
  std::vector<StaticConfig> out;
  if (document.documents > 1) root.Error("more than one YAML document");
  // A writer that has truncated the file and not written yet must not take its targets away.
  if (document.complete && root.is_null() && (path.ends_with(".json") || path.ends_with(".JSON"))) {
    root.Error("unexpected end of JSON input");
  }
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

#include "notify/endpoints.h"

#include <algorithm>
#include <filesystem>

#include "canopy/base/log.h"
#include "canopy/base/quote.h"
#include "canopy/net/url.h"

namespace canopy::notify {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kPath = "__alerts_path__";

// As Go's path.Join("/", prefix, "/api/v2/alerts").
std::string AlertsPath(const std::string& prefix) {
  return std::filesystem::path("/" + prefix + "/api/v2/alerts").lexically_normal().string();
}

std::string Url(const model::LabelsBuilder& labels) {
  net::Url url;
  url.scheme = labels.Get(kScheme);
  url.host = labels.Get(kAddress);
  url.path = net::EscapePath(labels.Get(kPath));
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  return url.Format();
}

// Scheme and path are the configuration's, unless the group says something else.
void SetDiscovered(const config::AlertmanagerConfig& config, const model::Labels& target,
                   const model::Labels& group, model::LabelsBuilder& labels) {
  labels.Reset(target);
  labels.Set(kScheme, config.scheme);
  labels.Set(kPath, AlertsPath(config.path_prefix));
  for (const model::LabelView l : group)
    if (!target.Has(l.name)) labels.Set(l.name, l.value);
}

Status CheckAddress(std::string_view address) {
  if (address.empty()) return Status::Invalid("no address");
  if (address.find('/') != std::string_view::npos)
    return Status::Invalid(base::Quoted(address) + " is not a valid hostname");
  return {};
}

}  // namespace

Endpoints FindEndpoints(const config::AlertmanagerConfig& config,
                        const std::vector<discovery::TargetGroup>& groups) {
  Endpoints out;
  model::LabelsBuilder labels;
  for (const discovery::TargetGroup& group : groups) {
    for (const model::Labels& target : group.targets) {
      SetDiscovered(config, target, group.labels, labels);
      std::string discovered = Url(labels);
      if (!config.relabel_configs.rules.Apply(labels)) {
        out.dropped.push_back(std::move(discovered));
        continue;
      }
      if (const Status status = CheckAddress(labels.Get(kAddress)); !status.ok()) {
        LOG_ERROR("Creating discovered Alertmanager failed", {"group", group.source},
                  {"alertmanager", discovered}, {"err", status.message()});
        continue;
      }
      std::string url = Url(labels);
      if (std::find(out.active.begin(), out.active.end(), url) == out.active.end())
        out.active.push_back(std::move(url));
    }
  }
  return out;
}

}  // namespace canopy::notify

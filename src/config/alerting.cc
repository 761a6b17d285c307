#include "config/sections.h"

namespace canopy::config {
namespace {

// Only v2 is left of Alertmanager's APIs.
void CheckApiVersion(const Value& from, AlertmanagerConfig&) {
  std::string text;
  Read(from, text);
  if (text != "v2" && !from.is_null()) {
    from.Error("expected Alertmanager api version to be one of [v2] but got " + text);
  }
}

void Ignore(const Value&, AlertmanagerConfig&) {}

void ReadAlertmanager(const Value& from, NameValidation names, AlertmanagerConfig& to) {
  using C = AlertmanagerConfig;
  static const Fields<C> kFields = {
      {"scheme", &C::scheme},
      {"path_prefix", &C::path_prefix},
      {"timeout", &C::timeout},
      {"api_version", CheckApiVersion},
      Unsupported<C>("sigv4"),
      // Read below, when all else is known.
      {"relabel_configs", Ignore},
      {"alert_relabel_configs", Ignore},
  };
  HttpKeys http;
  ReadMap(from,
          Bind(kFields, to) + Bind(HttpFields(), http) + Bind(DiscoveryFields(), to.discovery));
  to.http = FinishHttp(from, std::move(http));
  ReadRelabelList(from, "relabel_configs", "Alertmanager target relabeling rule", names,
                  to.relabel_configs);
  ReadRelabelList(from, "alert_relabel_configs", "Alertmanager alert relabeling rule", names,
                  to.alert_relabel_configs);
  if (!from.Has("relabel_configs") || from.At("relabel_configs").asks_for_nothing()) {
    CheckStaticTargets(from, to.discovery);
  }
  if (to.timeout <= Duration(0)) from.At("timeout").Error("must be greater than 0");
}

}  // namespace

void ReadAlerting(const Value& from, NameValidation names, AlertingConfig& to) {
  static const Fields<AlertingConfig> kFields = {
      {"alert_relabel_configs", [](const Value&, AlertingConfig&) {}},
      {"alertmanagers", [](const Value&, AlertingConfig&) {}},
  };
  ReadMap(from, Bind(kFields, to));
  ReadRelabelList(from, "alert_relabel_configs", "alert relabeling rule", names,
                  to.alert_relabel_configs);
  if (!from.Has("alertmanagers")) return;
  for (const Value& item : from.At("alertmanagers").Items()) {
    if (item.is_null()) {
      item.Error("empty or null Alertmanager section");
    } else {
      ReadAlertmanager(item, names, to.alertmanagers.emplace_back());
    }
  }
}

}  // namespace canopy::config

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <memory>
#include <tuple>

#include "canopy/base/hash.h"
#include "canopy/base/quote.h"
#include "handlers.h"
#include "params.h"

// /api/v1/rules, alerts.

namespace canopy::api {
namespace {

using rules::GroupSnapshot;
using rules::RuleKind;
using rules::RuleSnapshot;

double Seconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }

// An alert's value, with an exponent always: "1e+00".
std::string WithExponent(double v) {
  if (v != v) return "NaN";
  if (v - v != 0) return v > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), v, std::chars_format::scientific);
  return {digits.data(), end.ptr};
}

void WriteAlert(JsonWriter& json, const rules::ActiveAlert& alert) {
  json.BeginObject();
  json.Key("labels");
  json.Labels(alert.labels);
  json.Key("annotations");
  json.Pairs(alert.annotations);
  json.Field("state", rules::AlertStateText(alert.state));
  json.Key("activeAt");
  json.Rfc3339(alert.active_at);
  if (alert.keep_firing_since) {
    json.Key("keepFiringSince");
    json.Rfc3339(alert.keep_firing_since);
  }
  json.Field("value", WithExponent(alert.value));
  json.EndObject();
}

void WriteAlerts(JsonWriter& json, const std::vector<rules::ActiveAlert>& alerts) {
  json.BeginArray();
  for (const rules::ActiveAlert& alert : alerts) WriteAlert(json, alert);
  json.EndArray();
}

void WriteRule(JsonWriter& json, const RuleSnapshot& rule, bool with_alerts) {
  const bool alerting = rule.kind == RuleKind::kAlerting;
  json.BeginObject();
  if (alerting) json.Field("state", rules::AlertStateText(rule.state));
  json.Field("name", rule.name);
  json.Field("query", rule.query);
  if (alerting) {
    json.Key("duration");
    json.Number(Seconds(rule.hold));
    json.Key("keepFiringFor");
    json.Number(Seconds(rule.keep_firing_for));
  }
  json.Key("labels");
  json.Pairs(rule.labels);
  if (alerting) {
    json.Key("annotations");
    json.Pairs(rule.annotations);
    json.Key("alerts");
    if (with_alerts)
      WriteAlerts(json, rule.alerts);
    else
      json.Null();
  }
  json.Field("health", rules::RuleHealthText(rule.health));
  if (!rule.last_error.empty()) json.Field("lastError", rule.last_error);
  json.Key("evaluationTime");
  json.Number(rule.evaluation_seconds);
  json.Key("lastEvaluation");
  json.Rfc3339(rule.last_evaluation);
  json.Field("type", rules::RuleKindText(rule.kind));
  json.EndObject();
}

void WriteGroup(JsonWriter& json, const GroupSnapshot& group, bool with_alerts) {
  json.BeginObject();
  json.Field("name", group.name);
  json.Field("file", group.file);
  json.Key("rules");
  json.BeginArray();
  for (const RuleSnapshot& rule : group.rules) WriteRule(json, rule, with_alerts);
  json.EndArray();
  json.Key("interval");
  json.Number(Seconds(group.interval));
  json.Key("limit");
  json.Uint(group.limit);
  json.Key("evaluationTime");
  json.Number(group.evaluation_seconds);
  json.Key("lastEvaluation");
  json.Rfc3339(group.last_evaluation);
  json.EndObject();
}

// Which rules are asked for.
struct Filter {
  std::vector<std::string_view> names;
  std::vector<std::string_view> groups;
  std::vector<std::string_view> files;
  std::vector<model::Matchers> matchers;
  bool alerting = true;
  bool recording = true;

  static bool Among(const std::vector<std::string_view>& wanted, std::string_view name) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  }
  bool Wants(const GroupSnapshot& group) const {
    return Among(groups, group.name) && Among(files, group.file);
  }
  bool Wants(const RuleSnapshot& rule) const {
    const bool kind = rule.kind == RuleKind::kAlerting ? alerting : recording;
    return kind && Among(names, rule.name) && MatchesLabels(rule.labels);
  }

 private:
  bool MatchesLabels(const model::Annotations& labels) const {
    const auto value = [&](const std::string& name) -> std::string_view {
      for (const auto& [n, v] : labels)
        if (n == name) return v;
      return "";
    };
    const auto all = [&](const model::Matchers& ms) {
      return std::all_of(ms.begin(), ms.end(),
                         [&](const model::Matcher& m) { return m.Matches(value(m.name())); });
    };
    return matchers.empty() || std::any_of(matchers.begin(), matchers.end(), all);
  }
};

// Pages of groups: at most `limit` of them (0: all), beginning with the group that `token` names.
struct Page {
  uint64_t limit = 0;
  std::string_view token;
};

std::string TokenOf(const GroupSnapshot& group) {
  return base::Sha256Hex(group.file + ";" + group.name);
}

std::optional<ApiError> ParsePage(const net::Form& form, Page& out) {
  const std::string_view limit = form.Value("group_limit");
  out.token = form.Value("group_next_token");
  if (limit.empty()) {
    if (out.token.empty()) return std::nullopt;
    return InvalidParameter("group_next_token",
                            "group_limit needs to be present in order to paginate over the groups");
  }
  const auto count = ParseGoInt(limit);
  if (!count || *count > std::numeric_limits<int32_t>::max()) {
    return InvalidParameter("group_limit",
                            "group_limit needs to be a valid number: strconv.ParseInt: parsing " +
                                base::Quoted(limit) +
                                (count ? ": value out of range" : ": invalid syntax"));
  }
  if (*count <= 0) return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  out.limit = static_cast<uint64_t>(*count);
  return std::nullopt;
}

std::optional<ApiError> ParseFilter(const net::Form& form, Filter& out) {
  out.names = form.All("rule_name[]");
  out.groups = form.All("rule_group[]");
  out.files = form.All("file[]");
  auto matchers = ParseMatchers(form);
  if (!matchers.ok()) return ToApiError(matchers.status());
  out.matchers = std::move(matchers).value();

  const std::string type = AsciiLower(form.Value("type"));
  if (!type.empty() && type != "alert" && type != "record")
    return InvalidParameter("type", "not supported value " + base::Quoted(type));
  out.alerting = type != "record";
  out.recording = type != "alert";
  return std::nullopt;
}

Result<bool> ParseExcludeAlerts(const net::Form& form) {
  const std::string text = AsciiLower(form.Value("exclude_alerts"));
  if (text.empty()) return false;
  const auto value = ParseGoBool(text);
  if (value) return *value;
  return Status::Invalid("error converting exclude_alerts: strconv.ParseBool: parsing " +
                         base::Quoted(text) + ": invalid syntax");
}

struct Listing {
  std::vector<GroupSnapshot> groups;
  std::string next_token;
  bool with_alerts = true;
};

// The groups of one page with the rules that are wanted; groups without any are left out.
Listing Select(std::vector<GroupSnapshot> groups, const Filter& filter, const Page& page,
               bool& found_token) {
  Listing out;
  found_token = page.token.empty();
  for (GroupSnapshot& group : groups) {
    if (!found_token) found_token = TokenOf(group) == page.token;
    if (!found_token || !filter.Wants(group)) continue;
    std::erase_if(group.rules, [&](const RuleSnapshot& rule) { return !filter.Wants(rule); });
    if (group.rules.empty()) continue;
    if (page.limit > 0 && out.groups.size() == page.limit) {
      out.next_token = TokenOf(group);
      break;
    }
    out.groups.push_back(std::move(group));
  }
  return out;
}

std::vector<GroupSnapshot> SortedGroups(const Call& call) {
  std::vector<GroupSnapshot> groups = call.sources.rule_groups();
  std::stable_sort(groups.begin(), groups.end(),
                   [](const GroupSnapshot& a, const GroupSnapshot& b) {
                     return std::tie(a.file, a.name) < std::tie(b.file, b.name);
                   });
  return groups;
}

}  // namespace

Answer Rules(const Call& call) {
  Filter filter;
  if (auto error = ParseFilter(call.form, filter)) return *error;
  const Result<bool> exclude_alerts = ParseExcludeAlerts(call.form);
  if (!exclude_alerts.ok())
    return InvalidParameter("exclude_alerts", exclude_alerts.status().message());
  Page page;
  if (auto error = ParsePage(call.form, page)) return *error;

  bool found_token = false;
  const auto listing =
      std::make_shared<Listing>(Select(SortedGroups(call), filter, page, found_token));
  if (!found_token) {
    return InvalidParameter(
        "group_next_token",
        "invalid group_next_token '" + std::string(page.token) + "'. were rule groups changed?");
  }
  listing->with_alerts = !*exclude_alerts;
  return Answer([listing](JsonWriter& json) {
    json.BeginObject();
    json.Key("groups");
    json.BeginArray();
    for (const GroupSnapshot& group : listing->groups)
      WriteGroup(json, group, listing->with_alerts);
    json.EndArray();
    if (!listing->next_token.empty()) json.Field("groupNextToken", listing->next_token);
    json.EndObject();
  });
}

Answer Alerts(const Call& call) {
  const auto groups = std::make_shared<const std::vector<GroupSnapshot>>(SortedGroups(call));
  return Answer([groups](JsonWriter& json) {
    json.BeginObject();
    json.Key("alerts");
    json.BeginArray();
    for (const GroupSnapshot& group : *groups) {
      for (const RuleSnapshot& rule : group.rules)
        for (const rules::ActiveAlert& alert : rule.alerts) WriteAlert(json, alert);
    }
    json.EndArray();
    json.EndObject();
  });
}

}  // namespace canopy::api

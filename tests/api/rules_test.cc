#include <boost/test/unit_test.hpp>

#include "canopy/base/hash.h"
#include "tests/api/node.h"

namespace canopy::testing {
namespace {

rules::RuleSnapshot Recording(std::string name) {
  rules::RuleSnapshot r;
  r.kind = rules::RuleKind::kRecording;
  r.name = std::move(name);
  r.query = "sum(up) > 1";
  r.health = rules::RuleHealth::kUnknown;
  return r;
}

rules::RuleSnapshot Alerting(std::string name) {
  rules::RuleSnapshot r;
  r.kind = rules::RuleKind::kAlerting;
  r.name = std::move(name);
  r.query = "up == 0";
  r.labels = {{"severity", "page"}};
  r.annotations = {{"summary", "{{ $labels.job }} <down>"}};
  r.health = rules::RuleHealth::kBad;
  r.last_error = "no \"data\"";
  r.evaluation_seconds = 0.0025;
  r.last_evaluation = Timestamp::FromMs(60'000);
  r.state = rules::AlertState::kFiring;
  r.hold = Duration(90'000);
  r.keep_firing_for = Duration(500);
  rules::ActiveAlert alert;
  alert.labels = model::Labels({{"alertname", "Down"}, {"job", "a"}});
  alert.annotations = {{"summary", "a <down>"}};
  alert.state = rules::AlertState::kFiring;
  alert.active_at = Timestamp::FromMs(30'250);
  alert.keep_firing_since = Timestamp::FromMs(40'000);
  alert.value = 12.5;
  r.alerts.push_back(alert);
  alert.state = rules::AlertState::kPending;
  alert.keep_firing_since.reset();
  alert.value = 0;
  r.alerts.push_back(alert);
  return r;
}

struct Ruled : Node {
  Ruled() {
    rules::GroupSnapshot z;
    z.name = "z";
    z.file = "/f1";
    z.rules = {Recording("job:up"), Alerting("Down")};
    z.interval = Duration(15'500);
    z.limit = 7;
    z.evaluation_seconds = 0.01;
    z.last_evaluation = Timestamp::FromMs(61'000);
    rules::GroupSnapshot a;
    a.name = "a";
    a.file = "/f1";
    a.rules = {Recording("other")};
    rules::GroupSnapshot b;
    b.name = "b";
    b.file = "/f0";
    b.rules = {Alerting("Quiet")};
    b.rules[0].alerts.clear();
    groups = {z, a, b};
  }
};

const std::string kFiringAlert =
    R"({"labels":{"alertname":"Down","job":"a"},"annotations":{"summary":"a <down>"},)"
    R"("state":"firing","activeAt":"1970-01-01T00:00:30.25Z",)"
    R"("keepFiringSince":"1970-01-01T00:00:40Z","value":"1.25e+01"})";
const std::string kPendingAlert =
    R"({"labels":{"alertname":"Down","job":"a"},"annotations":{"summary":"a <down>"},)"
    R"("state":"pending","activeAt":"1970-01-01T00:00:30.25Z","value":"0e+00"})";

std::string RecordingText(std::string_view name) {
  return R"({"name":")" + std::string(name) +
         R"(","query":"sum(up) \u003e 1","labels":{},"health":"unknown","evaluationTime":0,)"
         R"("lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"})";
}
std::string AlertingText(std::string_view name, const std::string& alerts) {
  return R"({"state":"firing","name":")" + std::string(name) +
         R"(","query":"up == 0","duration":90,"keepFiringFor":0.5,"labels":{"severity":"page"},)"
         R"("annotations":{"summary":"{{ $labels.job }} <down>"},"alerts":)" +
         alerts +
         R"(,"health":"err","lastError":"no \"data\"","evaluationTime":0.0025,)"
         R"("lastEvaluation":"1970-01-01T00:01:00Z","type":"alerting"})";
}
std::string GroupA() {
  return R"({"name":"a","file":"/f1","rules":[)" + RecordingText("other") +
         R"(],"interval":0,"limit":0,"evaluationTime":0,)"
         R"("lastEvaluation":"0001-01-01T00:00:00Z"})";
}
std::string GroupB() {
  return R"({"name":"b","file":"/f0","rules":[)" + AlertingText("Quiet", "[]") +
         R"(],"interval":0,"limit":0,"evaluationTime":0,)"
         R"("lastEvaluation":"0001-01-01T00:00:00Z"})";
}
std::string GroupZ(const std::string& rules) {
  return R"({"name":"z","file":"/f1","rules":[)" + rules +
         R"(],"interval":15.5,"limit":7,"evaluationTime":0.01,)"
         R"("lastEvaluation":"1970-01-01T00:01:01Z"})";
}

BOOST_FIXTURE_TEST_CASE(rules_and_their_filters, Ruled) {
  const auto f = [&](std::string_view params, std::string_view groups_text) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/rules" + std::string(params)) ==
                 Success(R"({"groups":[)" + std::string(groups_text) + "]}"));
    }
  };
  const std::string alerts = "[" + kFiringAlert + "," + kPendingAlert + "]";
  const std::string recording = RecordingText("job:up");
  const std::string down = AlertingText("Down", alerts);
  const std::string z = GroupZ(recording + "," + down);
  f("", GroupB() + "," + GroupA() + "," + z);  // by file, then by name
  f("?type=alert", GroupB() + "," + GroupZ(down));
  f("?type=Record", GroupA() + "," + GroupZ(recording));
  f("?rule_name[]=Down&rule_name[]=other", GroupA() + "," + GroupZ(down));
  f("?rule_group[]=z", z);
  f("?file[]=/f0", GroupB());
  f("?file[]=/none", "");
  f("?match[]=%7Bseverity%3D%22page%22%7D", GroupB() + "," + GroupZ(down));
  f("?match[]=%7Bseverity%3D%22no%22%7D", "");
  f("?rule_group[]=z&type=alert&exclude_alerts=TRUE", GroupZ(AlertingText("Down", "null")));
}

BOOST_FIXTURE_TEST_CASE(rules_by_pages, Ruled) {
  const std::string token_a = base::Sha256Hex("/f1;a");
  BOOST_TEST(Answer("/api/v1/rules?group_limit=1") ==
             Success(R"({"groups":[)" + GroupB() + R"(],"groupNextToken":")" + token_a + "\"}"));
  BOOST_TEST(Answer("/api/v1/rules?type=record&group_limit=5&group_next_token=" + token_a) ==
             Success(R"({"groups":[)" + GroupA() + "," + GroupZ(RecordingText("job:up")) + "]}"));
  BOOST_TEST(
      Answer("/api/v1/rules?group_limit=1&group_next_token=x") ==
      BadData(R"(invalid parameter \"group_next_token\": invalid group_next_token 'x'. were )"
              R"(rule groups changed?)"));
  BOOST_TEST(
      Answer("/api/v1/rules?group_next_token=x") ==
      BadData(R"(invalid parameter \"group_next_token\": group_limit needs to be present in )"
              R"(order to paginate over the groups)"));
  BOOST_TEST(
      Answer("/api/v1/rules?group_limit=0") ==
      BadData(R"(invalid parameter \"group_limit\": group_limit needs to be greater than 0)"));
  BOOST_TEST(
      Answer("/api/v1/rules?group_limit=x") ==
      BadData(R"(invalid parameter \"group_limit\": group_limit needs to be a valid number: )"
              R"(strconv.ParseInt: parsing \"x\": invalid syntax)"));
}

BOOST_FIXTURE_TEST_CASE(wrong_parameters_of_rules, Ruled) {
  BOOST_TEST(Answer("/api/v1/rules?type=foo") ==
             BadData(R"(invalid parameter \"type\": not supported value \"foo\")"));
  BOOST_TEST(Answer("/api/v1/rules?exclude_alerts=foo") ==
             BadData(R"(invalid parameter \"exclude_alerts\": error converting exclude_alerts: )"
                     R"(strconv.ParseBool: parsing \"foo\": invalid syntax)"));
  BOOST_TEST(Answer("/api/v1/rules?match[]=%7B%7D") ==
             BadData("match[] must contain at least one non-empty matcher"));
}

BOOST_FIXTURE_TEST_CASE(alerts, Ruled) {
  BOOST_TEST(Answer("/api/v1/alerts") ==
             Success(R"({"alerts":[)" + kFiringAlert + "," + kPendingAlert + "]}"));
  groups.clear();
  BOOST_TEST(Answer("/api/v1/alerts") == Success(R"({"alerts":[]})"));
}

}  // namespace
}  // namespace canopy::testing

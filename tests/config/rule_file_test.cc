#include "canopy/config/rule_file.h"

#include <boost/test/unit_test.hpp>

namespace canopy::config {
namespace {

using namespace std::chrono_literals;

std::string Errors(const std::string& text, NameValidation names = NameValidation::kUtf8) {
  return FormatErrors(LoadRuleText(text, "r.yml", names).errors);
}

BOOST_AUTO_TEST_CASE(groups_and_rules_are_read_with_their_lines) {
  const RuleFileReport report = LoadRuleText(R"(groups:
  - name: zone
    interval: 30s
    query_offset: 0s
    limit: 10
    labels: {team: core}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {b: "2", a: "1"}
      - alert: Down
        expr: |
          up == 0
          and on () vector(1)
        for: 5m
        keep_firing_for: 1m
        annotations: {summary: "{{ $labels.job }} is down"}
  - name: plain
    interval: 0s
    rules: [{record: one, expr: 1}]
)",
                                             "r.yml", NameValidation::kUtf8);
  BOOST_TEST(FormatErrors(report.errors) == "");
  BOOST_REQUIRE(report.file);
  BOOST_TEST(report.file->path == "r.yml");
  BOOST_REQUIRE(report.file->groups.size() == 2u);
  const RuleGroupText& zone = report.file->groups[0];
  BOOST_TEST(zone.name == "zone");
  BOOST_CHECK(zone.interval == Duration(30s));
  BOOST_CHECK(zone.query_offset == Duration(0));
  BOOST_TEST(zone.limit == 10);
  BOOST_TEST(zone.line == 2);
  BOOST_REQUIRE(zone.rules.size() == 2u);
  BOOST_TEST(zone.rules[0].record == "job:up:sum");
  BOOST_TEST(zone.rules[0].line == 8);
  BOOST_TEST(zone.rules[0].expr_line == 9);
  BOOST_TEST(zone.rules[0].labels.at(0).first == "a");
  const RuleText& down = zone.rules[1];
  BOOST_TEST(down.alert == "Down");
  BOOST_TEST(down.expr == "up == 0\nand on () vector(1)\n");
  BOOST_CHECK(down.hold_for == 5min);
  BOOST_CHECK(down.keep_firing_for == 1min);
  BOOST_TEST(down.annotations.at(0).second == "{{ $labels.job }} is down");
  const RuleGroupText& plain = report.file->groups[1];
  BOOST_CHECK(!plain.interval);
  BOOST_CHECK(!plain.query_offset);
  BOOST_TEST(plain.rules.at(0).expr == "1");
}

BOOST_AUTO_TEST_CASE(an_empty_rule_file_is_fine) {
  for (const std::string text : {"", "groups:", "groups: []", "# nothing"}) {
    const RuleFileReport report = LoadRuleText(text, "r.yml", NameValidation::kUtf8);
    BOOST_TEST_CONTEXT(text) { BOOST_TEST((report.file && report.file->groups.empty())); }
  }
}

BOOST_AUTO_TEST_CASE(every_error_of_a_rule_file_is_told_with_line_and_key) {
  BOOST_TEST(Errors(R"(groups:
  - name: a
    intervall: 1m
    rules:
      - record: x
        for: 1m
        keep_firing_for: 1m
        annotations: {a: b}
      - record: x
        alert: y
        expr: 1
      - expr: 1
      - record: x{a="b"}
        expr: 1
      - alert: z
        expr: 1
        labels: {__name__: n}
        annotation: {}
  - name: a
  - rules: []
)") == R"(r.yml:3: groups[0].intervall: unknown key, did you mean interval?
r.yml:5: groups[0].rules[0]: field 'expr' must be set in rule
r.yml:6: groups[0].rules[0].for: invalid field 'for' in recording rule
r.yml:7: groups[0].rules[0].keep_firing_for: invalid field 'keep_firing_for' in recording rule
r.yml:8: groups[0].rules[0].annotations: invalid field 'annotations' in recording rule
r.yml:9: groups[0].rules[1]: only one of 'record' and 'alert' must be set
r.yml:12: groups[0].rules[2]: one of 'record' or 'alert' must be set
r.yml:13: groups[0].rules[3].record: braces present in the recording rule name; should it be in expr?: x{a="b"}
r.yml:17: groups[0].rules[4].labels.__name__: invalid label name: __name__
r.yml:18: groups[0].rules[4].annotation: unknown key, did you mean annotations?
r.yml:19: groups[1].name: groupname: "a" is repeated in the same file
r.yml:20: groups[2]: Groupname must not be empty)");
}

BOOST_AUTO_TEST_CASE(names_follow_the_scheme) {
  const std::string text =
      "groups: [{name: a, rules: [{alert: x, expr: 1, annotations: {a-b: c}}]}]";
  BOOST_TEST(Errors(text) == "");
  BOOST_TEST(Errors(text, NameValidation::kLegacy) ==
             "r.yml:1: groups[0].rules[0].annotations.a-b: invalid annotation name: a-b");
  const std::string record = "groups: [{name: a, rules: [{record: a.b, expr: 1}]}]";
  BOOST_TEST(Errors(record) == "");
  BOOST_TEST(Errors(record, NameValidation::kLegacy) ==
             "r.yml:1: groups[0].rules[0].record: invalid recording rule name: a.b");
}

BOOST_AUTO_TEST_CASE(a_second_document_is_told_of_and_not_read) {
  const RuleFileReport report =
      LoadRuleText("groups: [{name: a}]\n---\ngroups: 1\n", "r.yml", NameValidation::kUtf8);
  BOOST_REQUIRE(report.file);
  BOOST_TEST(report.file->groups.size() == 1u);
  BOOST_TEST(FormatErrors(report.notices) ==
             "r.yml:1: only the first of several YAML documents is read");
}

BOOST_AUTO_TEST_CASE(a_pattern_that_matches_nothing_is_told_of_when_it_is_a_name) {
  const RuleFilesReport report =
      LoadRuleFiles(PosixFs(), {"/nonexistent/a.yml", "/nonexistent/*.yml"}, NameValidation::kUtf8);
  BOOST_TEST(report.files.empty());
  BOOST_TEST(report.errors.empty());
  BOOST_TEST(FormatErrors(report.notices) == "/nonexistent/a.yml: no such rule file");
}

}  // namespace
}  // namespace canopy::config

#include "canopy/model/relabel.h"

#include <boost/test/unit_test.hpp>

namespace canopy::model {
namespace {

using A = RelabelAction;

// What is left of the labels; "dropped" when they were to be dropped.
std::string Relabel(std::vector<RelabelConfig> configs, const Labels& labels,
                    NameValidation names = NameValidation::kUtf8) {
  const auto rules = RelabelRules::Compile(configs, names);
  if (!rules.ok()) return rules.status().message();
  LabelsBuilder builder(labels);
  return rules->Apply(builder) ? builder.Build().ToString() : "dropped";
}

BOOST_AUTO_TEST_CASE(replace_writes_what_the_regex_captured) {
  const Labels labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};
  auto f = [&](RelabelConfig config, std::string_view want) {
    BOOST_TEST(Relabel({config}, labels) == want);
  };
  f({.source_labels = {"a"}, .target_label = "d"}, R"({a="foo", b="bar", c="baz", d="foo"})");
  f({.source_labels = {"a", "b"}, .target_label = "d"},
    R"({a="foo", b="bar", c="baz", d="foo;bar"})");
  f({.source_labels = {"a", "nothing", "b"}, .separator = "-", .target_label = "a"},
    R"({a="foo--bar", b="bar", c="baz"})");
  f({.source_labels = {"a"}, .regex = "f(.*)", .target_label = "d", .replacement = "ch${1}-ch${1}"},
    R"({a="foo", b="bar", c="baz", d="choo-choo"})");
  // The regex is anchored: no match, no change.
  f({.source_labels = {"a"}, .regex = "o", .target_label = "d"}, R"({a="foo", b="bar", c="baz"})");
  // An empty result deletes.
  f({.source_labels = {"nothing"}, .target_label = "a"}, R"({b="bar", c="baz"})");
  f({.source_labels = {"a"}, .regex = "f.*", .target_label = "a", .replacement = ""},
    R"({b="bar", c="baz"})");
  f({.source_labels = {"a"}, .regex = "f(x)?.*", .target_label = "a", .replacement = "$1"},
    R"({b="bar", c="baz"})");
  f({.target_label = "d", .replacement = "constant"},
    R"({a="foo", b="bar", c="baz", d="constant"})");
  // The target's name can be captured too; one that is no name changes nothing.
  f({.source_labels = {"a"}, .regex = "(f).*", .target_label = "${1}x", .replacement = "$1"},
    R"({a="foo", b="bar", c="baz", fx="f"})");
  f({.source_labels = {"a"}, .regex = "f(x?).*", .target_label = "$1", .replacement = "y"},
    R"({a="foo", b="bar", c="baz"})");
}

BOOST_AUTO_TEST_CASE(references_expand_as_in_go) {
  auto f = [](std::string replacement, std::string_view want) {
    const RelabelConfig config{.source_labels = {"a"},
                               .regex = "(?P<first>x)(y)(z)?",
                               .target_label = "r",
                               .replacement = replacement};
    const auto rules = RelabelRules::Compile({&config, 1}).value();
    LabelsBuilder builder(Labels{{"a", "xy"}});
    BOOST_TEST_CONTEXT(replacement) {
      BOOST_TEST(rules.Apply(builder));
      BOOST_TEST(builder.Get("r") == want);
    }
  };
  f("$0", "xy");
  f("$1$2", "xy");
  f("${2}${1}", "yx");
  f("$first-$2", "x-y");
  f("${first}_", "x_");
  f("$first_", "");  // the name is "first_"
  f("$1st", "");     // the name is "1st"
  f("[$3]", "[]");   // took no part
  f("[$9]", "[]");   // there is none
  f("[$01]", "[]");  // a name, and nobody has it
  f("[$99999999999999999999]", "[]");
  f("$$1", "$1");
  f("a$", "a$");
  f("a$-b", "a$-b");
  f("${1", "${1");
  f("${}", "${}");
  f("${1-2}", "${1-2}");
  f("100%", "100%");
}

BOOST_AUTO_TEST_CASE(keep_and_drop_decide) {
  const Labels labels{{"a", "foo"}, {"b", "bar"}, {"c", "foo"}};
  const std::string all = labels.ToString();
  auto f = [&](RelabelConfig config, std::string_view want) {
    BOOST_TEST(Relabel({config}, labels) == want);
  };
  f({.source_labels = {"a"}, .regex = "f.*", .action = A::kKeep}, all);
  f({.source_labels = {"a"}, .regex = "f", .action = A::kKeep}, "dropped");
  f({.source_labels = {"a"}, .regex = "f.*", .action = A::kDrop}, "dropped");
  f({.source_labels = {"a"}, .regex = "f", .action = A::kDrop}, all);
  f({.source_labels = {"nothing"}, .regex = "", .action = A::kDrop}, "dropped");
  f({.source_labels = {"a"}, .target_label = "c", .action = A::kKeepEqual}, all);
  f({.source_labels = {"a"}, .target_label = "b", .action = A::kKeepEqual}, "dropped");
  f({.source_labels = {"a"}, .target_label = "c", .action = A::kDropEqual}, "dropped");
  f({.source_labels = {"a"}, .target_label = "b", .action = A::kDropEqual}, all);
}

BOOST_AUTO_TEST_CASE(labels_are_mapped_dropped_and_kept_by_name) {
  const Labels labels{{"__meta_a", "1"}, {"__meta_b", "2"}, {"c", "3"}};
  auto f = [&](RelabelConfig config, std::string_view want) {
    BOOST_TEST(Relabel({config}, labels) == want);
  };
  f({.regex = "__meta_(.+)", .action = A::kLabelMap},
    R"({__meta_a="1", __meta_b="2", a="1", b="2", c="3"})");
  f({.regex = "__meta_(.)", .replacement = "x_${1}_$1", .action = A::kLabelMap},
    R"({__meta_a="1", __meta_b="2", c="3", x_a_a="1", x_b_b="2"})");
  // Both go to one name: the later one in the order of names wins.
  f({.regex = "__meta_.*", .replacement = "m", .action = A::kLabelMap},
    R"({__meta_a="1", __meta_b="2", c="3", m="2"})");
  f({.regex = "__meta_.*", .action = A::kLabelDrop}, R"({c="3"})");
  f({.regex = "__meta_.*", .action = A::kLabelKeep}, R"({__meta_a="1", __meta_b="2"})");
}

BOOST_AUTO_TEST_CASE(values_are_hashed_and_change_case) {
  const Labels labels{{"a", "foo"}, {"b", "bar"}, {"g", "Grün-ΑΒΓ"}};
  auto f = [&](RelabelConfig config, std::string_view want) {
    config.target_label = "r";
    const auto rules = RelabelRules::Compile({&config, 1}).value();
    LabelsBuilder builder(labels);
    BOOST_TEST(rules.Apply(builder));
    BOOST_TEST(builder.Get("r") == want);
  };
  // Low half of the MD5 of "foo;bar", modulo: worked out with Python.
  f({.source_labels = {"a", "b"}, .modulus = 1000, .action = A::kHashMod}, "750");
  f({.source_labels = {"g"}, .action = A::kLowercase}, "grün-αβγ");
  f({.source_labels = {"g"}, .action = A::kUppercase}, "GRÜN-ΑΒΓ");
}

BOOST_AUTO_TEST_CASE(rules_apply_in_order_until_one_drops) {
  const Labels labels{{"a", "foo"}};
  BOOST_TEST(Relabel({{.source_labels = {"a"}, .target_label = "b"},
                      {.source_labels = {"b"}, .regex = "(foo)", .target_label = "c"},
                      {.regex = "a|b", .action = A::kLabelDrop}},
                     labels) == R"({c="foo"})");
  BOOST_TEST(Relabel({{.source_labels = {"a"}, .regex = "foo", .action = A::kDrop},
                      {.target_label = "late", .replacement = "x"}},
                     labels) == "dropped");
  BOOST_TEST(Relabel({}, labels) == R"({a="foo"})");
  LabelsBuilder builder(labels);
  BOOST_TEST(RelabelRules().empty());
  BOOST_TEST(RelabelRules().Apply(builder));
}

BOOST_AUTO_TEST_CASE(rules_that_make_no_sense_are_refused_in_prometheus_words) {
  auto f = [](RelabelConfig config, std::string_view want,
              NameValidation names = NameValidation::kUtf8) {
    const auto rules = RelabelRules::Compile({&config, 1}, names);
    BOOST_TEST_CONTEXT(want) { BOOST_TEST((rules.ok() ? "" : rules.status().message()) == want); }
  };
  constexpr auto kLegacy = NameValidation::kLegacy;
  f({.action = A::kReplace},
    "relabel configuration for replace action requires 'target_label' value");
  f({.action = A::kKeepEqual},
    "relabel configuration for keepequal action requires 'target_label' value");
  f({.target_label = "x", .action = A::kHashMod},
    "relabel configuration for hashmod requires non-zero modulus");
  f({.modulus = 8, .action = A::kHashMod},
    "relabel configuration for hashmod action requires 'target_label' value");
  f({.target_label = "a.b"}, "");
  f({.target_label = "a.b"}, R"("a.b" is invalid 'target_label' for replace action)", kLegacy);
  f({.target_label = "a\xff"}, R"("a\xff" is invalid 'target_label' for replace action)");
  f({.target_label = "${1}_x$2"}, "", kLegacy);
  f({.target_label = "a-$1"}, R"("a-$1" is invalid 'target_label' for replace action)", kLegacy);
  f({.target_label = "${3", .action = A::kLowercase},
    R"("${3" is invalid 'target_label' for lowercase action)", kLegacy);
  f({.target_label = "x", .replacement = "bar", .action = A::kUppercase},
    "'replacement' can not be set for uppercase action");
  f({.replacement = "\xff$1", .action = A::kLabelMap},
    R"("\xff$1" is invalid 'replacement' for labelmap action)");
  f({.regex = "f.*", .target_label = "x", .action = A::kDropEqual},
    "dropequal action requires only 'source_labels' and `target_label`, and no other fields");
  f({.target_label = "x", .action = A::kLabelDrop},
    "labeldrop action requires only 'regex', and no other fields");
  f({.source_labels = {"x"}, .action = A::kLabelKeep},
    "labelkeep action requires only 'regex', and no other fields");
  f({.modulus = 8, .action = A::kLabelKeep},
    "labelkeep action requires only 'regex', and no other fields");
  f({.regex = "(", .action = A::kKeep}, "error parsing regexp: missing closing ): `(`");
}

BOOST_AUTO_TEST_CASE(actions_are_named_in_any_case) {
  for (const auto action :
       {A::kReplace, A::kKeep, A::kDrop, A::kKeepEqual, A::kDropEqual, A::kHashMod, A::kLabelMap,
        A::kLabelDrop, A::kLabelKeep, A::kLowercase, A::kUppercase}) {
    BOOST_CHECK(ParseRelabelAction(RelabelActionText(action)).value() == action);
  }
  BOOST_CHECK(ParseRelabelAction("LabelMap").value() == A::kLabelMap);
  BOOST_TEST(ParseRelabelAction("lable").status().message() == R"(unknown relabel action "lable")");
}

}  // namespace
}  // namespace canopy::model

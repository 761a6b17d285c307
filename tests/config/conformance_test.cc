// The files with which Prometheus tests its own configuration. They are no part of this tree: they
// are looked for in $CANOPY_CONFORMANCE, else in ../shared/conformance; without them these tests
// are skipped. Their names say what must hold: *.good.* loads, *.bad.* is refused.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "canopy/config/check.h"
#include "canopy/config/load.h"
#include "canopy/config/rule_file.h"
#include "canopy/config/target_file.h"

namespace canopy::config {
namespace {

namespace stdfs = std::filesystem;
namespace utf = boost::unit_test;

stdfs::path Folder(const std::string& name) {
  const char* path = std::getenv("CANOPY_CONFORMANCE");
  return stdfs::path(path != nullptr ? path : "../shared/conformance") / name;
}

boost::test_tools::assertion_result HasFiles(utf::test_unit_id) {
  boost::test_tools::assertion_result result(stdfs::is_directory(Folder("config")));
  result.message() << "no conformance files: set CANOPY_CONFORMANCE";
  return result;
}

std::vector<stdfs::path> FilesOf(const std::string& folder) {
  std::vector<stdfs::path> out;
  for (const auto& entry : stdfs::directory_iterator(Folder(folder))) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

bool Names(const std::vector<LoadError>& errors, const std::string& text) {
  return std::any_of(errors.begin(), errors.end(), [&](const LoadError& error) {
    return error.ToString().find(text) != std::string::npos;
  });
}

// What an error must say, by the first letters of the file's name.
const std::vector<std::pair<std::string, std::string>> kRefusals = {
    {"azure_", "azure_sd_configs: not supported yet"},
    {"bearertoken", "bearer_token: at most one of"},
    {"dropequal1", "dropequal action requires only"},
    {"dropequal", "dropequal action requires 'target_label' value"},
    {"ec2_", "ec2_sd_configs: not supported yet"},
    {"empty_alert_", "alert_relabel_configs[0]: empty or null alert relabeling rule"},
    {"empty_alertmanager", "relabel_configs[0]: empty or null Alertmanager target relabeling rule"},
    {"empty_metric", "metric_relabel_configs[0]: empty or null metric relabeling rule"},
    {"empty_rr", "remote_read: not supported yet"},
    {"empty_rw", "remote_write: not supported yet"},
    {"empty_scrape_config_action", "action: relabel action cannot be empty"},
    {"empty_scrape", "scrape_configs[0]: empty or null scrape config section"},
    {"empty_static", "static_configs[0]: empty or null section in static_configs"},
    {"empty_target", "relabel_configs[0]: empty or null target relabeling rule"},
    {"eureka_", "eureka_sd_configs: not supported yet"},
    {"hetzner_", "hetzner_sd_configs: not supported yet"},
    {"http_", "http_sd_configs: not supported yet"},
    {"ionos_", "ionos_sd_configs: not supported yet"},
    {"jobname.", "job_name is empty"},
    {"jobname_dup", R"(found multiple scrape configs with job name "prometheus")"},
    {"keepequal1", "keepequal action requires only"},
    {"keepequal", "keepequal action requires 'target_label' value"},
    {"kubernetes_", "kubernetes_sd_configs: not supported yet"},
    {"labeldrop", "labeldrop action requires only 'regex', and no other fields"},
    {"labelkeep", "labelkeep action requires only 'regex', and no other fields"},
    {"labelmap", "replacement: !!binary value contains invalid base64 data"},
    {"labelname", R"("\xff" is not a valid label name)"},
    {"labelvalue", R"("\xff" is not a valid label value)"},
    {"lightsail_", "lightsail_sd_configs: not supported yet"},
    {"lowercase.", "lowercase action requires 'target_label' value"},
    {"lowercase3", "'replacement' can not be set for lowercase action"},
    {"marathon_", "marathon_sd_configs: not supported yet"},
    {"metric_name_validation", R"(unrecognized ValidationScheme: "invalid_scheme")"},
    {"modulus_missing", "hashmod requires non-zero modulus"},
    {"oci_", "oci_sd_configs: not supported yet"},
    {"openstack_", "openstack_sd_configs: not supported yet"},
    {"otlp_", ": not supported yet"},
    {"outscale_", "outscale_sd_configs: not supported yet"},
    {"ovhcloud_", "ovhcloud_sd_configs: not supported yet"},
    {"puppetdb_", "puppetdb_sd_configs: not supported yet"},
    {"regex.", "regex: error parsing regexp"},
    {"remote_read", "remote_read: not supported yet"},
    {"remote_write", "remote_write: not supported yet"},
    {"rules.", R"(rule_files[1]: invalid rule file path "my/*/rule")"},
    {"scaleway_", "scaleway_sd_configs: not supported yet"},
    {"scrape_body", "body_size_limit: units: unknown unit in 100"},
    {"scrape_config_files_d", R"(found multiple scrape configs with job name "prometheus")"},
    {"scrape_config_files_fallback_scrape_protocol1", "unknown scrape protocol prometheusproto"},
    {"scrape_config_files_fallback_scrape_protocol2", "expected a scrape protocol, got a list"},
    {"scrape_config_files_global_d", R"(found multiple scrape configs with job name "prometheus")"},
    {"scrape_config_files_global.", "scrape timeout greater than scrape interval"},
    {"scrape_config_files_glob.", R"(invalid scrape config file path "scrape_configs/*/*")"},
    {"scrape_config_files_scrape_protocols.", "unknown scrape protocol prometheusproto"},
    {"scrape_config_files_scrape_protocols2", "duplicated protocol in scrape_protocols"},
    {"scrape_config_files.", "scrape timeout greater than scrape interval"},
    {"scrape_config_utf8", "utf8 metric names requested but validation scheme is not set to UTF8"},
    {"scrape_interval", "scrape timeout greater than scrape interval"},
    {"section_key_dup", "scrape_configs: key is already set on line 1"},
    {"stackit_", "stackit_sd_configs: not supported yet"},
    {"static_config", "targets: unknown key"},
    {"target_label_hashmod", "hashmod action requires 'target_label' value"},
    {"target_label", "replace action requires 'target_label' value"},
    {"tracing_", "tracing.sampling_fraction: not supported yet"},
    {"tsdb_chunk", "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2'"},
    {"tsdb_retention_percentage", "must be in the range [0, 100]"},
    {"tsdb_retention_size", "storage.tsdb.retention.size: not a valid size"},
    {"tsdb_retention_time", R"(not a valid duration string: "-1h")"},
    {"unknown_attr", "consult_sd_configs: unknown key"},
    {"unknown_global", "global.nonexistent_field: unknown key"},
    {"uppercase.", "uppercase action requires 'target_label' value"},
    {"uppercase3", "'replacement' can not be set for uppercase action"},
    {"url_in_targetgroup", R"("http://bad" is not a valid hostname)"},
    {"uyuni_", "uyuni_sd_configs: not supported yet"},
};

std::string RefusalOf(const std::string& name) {
  for (const auto& [start, text] : kRefusals) {
    if (name.starts_with(start)) return text;
  }
  return "no refusal is known for this file";
}

BOOST_AUTO_TEST_CASE(bad_configurations_are_refused_by_key, *utf::precondition(HasFiles)) {
  int files = 0;
  for (const stdfs::path& path : FilesOf("config")) {
    const std::string name = path.filename().string();
    if (!name.ends_with(".bad.yml")) continue;
    ++files;
    const LoadReport report = LoadAll(PosixFs(), path.string());
    BOOST_TEST_CONTEXT(name << "\n" << FormatErrors(report.errors)) {
      BOOST_TEST(!report.config);
      BOOST_TEST(Names(report.errors, RefusalOf(name)));
    }
  }
  BOOST_TEST(files > 100);
}

BOOST_AUTO_TEST_CASE(good_configurations_load_or_name_what_is_missing,
                     *utf::precondition(HasFiles)) {
  int loaded = 0;
  for (const stdfs::path& path : FilesOf("config")) {
    const std::string name = path.filename().string();
    // Its parts come from a folder that is not there: two of them name the same job.
    if (!name.ends_with(".good.yml") || name.find("files_combined") != std::string::npos) continue;
    const LoadReport report = LoadAll(PosixFs(), path.string());
    loaded += report.config ? 1 : 0;
    for (const LoadError& error : report.errors) {
      BOOST_TEST_CONTEXT(error.ToString()) {
        BOOST_TEST(error.unsupported);
        BOOST_TEST(error.key != "");
        BOOST_TEST(error.line > 0);
      }
    }
  }
  BOOST_TEST(loaded > 15);
}

BOOST_AUTO_TEST_CASE(names_are_validated_and_escaped_as_the_files_say,
                     *utf::precondition(HasFiles)) {
  auto f = [](const std::string& name, NameValidation validation, Escaping escaping) {
    const LoadReport report = LoadAll(PosixFs(), Folder("config") / name);
    BOOST_TEST_CONTEXT(name << "\n" << FormatErrors(report.errors)) {
      BOOST_REQUIRE(report.config);
      const ScrapeConfig& job = report.config->scrape_configs.at(0);
      BOOST_CHECK(job.metric_name_validation_scheme == validation);
      BOOST_CHECK(job.metric_name_escaping_scheme == escaping);
    }
  };
  f("scrape_config_default_validation_mode.yml", NameValidation::kUtf8, Escaping::kAllowUtf8);
  f("scrape_config_global_validation_mode.yml", NameValidation::kLegacy, Escaping::kDots);
  f("scrape_config_local_validation_mode.yml", NameValidation::kLegacy, Escaping::kValues);
  f("scrape_config_local_global_validation_mode.yml", NameValidation::kUtf8, Escaping::kDots);
  f("scrape_config_local_infer_escaping.yml", NameValidation::kLegacy, Escaping::kUnderscores);
}

BOOST_AUTO_TEST_CASE(rule_files_are_as_their_names_say, *utf::precondition(HasFiles)) {
  for (const std::string folder : {"rules", "promtool"}) {
    for (const stdfs::path& path : FilesOf(folder)) {
      const std::string name = path.filename().string();
      const bool rules = folder == "rules" || name.starts_with("bad-rules-syntax.") ||
                         name == "rules.yml" || name == "rules-bad.yml" ||
                         name == "rules_duplicates.yml" || name == "rules_extrafields.yml" ||
                         name == "prometheus-rules.lint.yml" || name == "features.yml" ||
                         name == "at-modifier.yml" || name == "negative-offset.yml";
      if (!rules) continue;
      // Those whose fault is in an expression are for the rules module.
      const bool bad = (name.find(".bad.") != std::string::npos && name != "bad_expr.bad.yaml") ||
                       name == "invalid_rules.yaml" || name == "rules_extrafields.yml";
      const NameValidation names =
          name.starts_with("legacy_validation") ? NameValidation::kLegacy : NameValidation::kUtf8;
      const RuleFileReport report = LoadRuleFile(PosixFs(), path.string(), names);
      BOOST_TEST_CONTEXT(name << "\n" << FormatErrors(report.errors)) {
        BOOST_TEST(report.file.has_value() == !bad);
        for (const LoadError& error : report.errors) BOOST_TEST(error.line > 0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(target_files_are_as_their_names_say, *utf::precondition(HasFiles)) {
  auto f = [](const std::string& name, bool good) {
    const stdfs::path path = Folder("promtool") / name;
    const auto groups = ParseTargetFile(path.string(), PosixFs().ReadFile(path.string()).value());
    BOOST_TEST_CONTEXT(name) { BOOST_TEST(groups.ok() == good); }
  };
  f("good-sd-file.json", true);
  f("good-sd-file.yaml", true);
  f("good-sd-file.yml", true);
  f("bad-sd-file-format.yml", false);
}

BOOST_AUTO_TEST_CASE(checked_configurations_are_as_their_names_say, *utf::precondition(HasFiles)) {
  auto f = [](const std::string& name, const std::string& want) {
    const LoadReport report = LoadAll(PosixFs(), Folder("promtool") / name);
    std::vector<LoadError> errors = report.errors;
    if (report.config) errors = CheckFiles(PosixFs(), *report.config).errors;
    BOOST_TEST_CONTEXT(name << "\n" << FormatErrors(errors)) {
      if (want.empty()) {
        BOOST_TEST(errors.empty());
      } else {
        BOOST_TEST(Names(errors, want));
      }
    }
  };
  f("prometheus-config.good.yml", "");
  f("prometheus-config.bad.yml", "not-prometheus: unknown key");
  f("prometheus-config.lint.yml", "");
  f("prometheus-config.lint.too_long_scrape_interval.yml", "");
  f("authorization_credentials_file.good.yml", "");
  f("authorization_credentials_file.bad.yml", "does not point to an existing file");
  f("config_with_tls_files.yml", "does not point to an existing file");
  f("config_with_rule_files.yml", "rule_files[0]");
  f("url_in_scrape_targetgroup_with_relabel_config.good.yml", "");
  f("url_in_scrape_targetgroup_with_relabel_config.bad.yml", "is not a valid hostname");
  f("url_in_alert_targetgroup_with_relabel_config.good.yml", "");
  f("url_in_alert_targetgroup_with_relabel_config.bad.yml", "is not a valid hostname");
}

}  // namespace
}  // namespace canopy::config

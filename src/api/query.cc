#include <algorithm>
#include <memory>
#include <variant>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/promql/parser.h"
#include "handlers.h"
#include "params.h"
#include "query_tree.h"

// /api/v1/query, query_range, query_exemplars, format_query, parse_query.

namespace canopy::api {
namespace {

// Either an answer at once, or what the query needs.
struct QueryParams {
  std::string_view text;
  uint64_t limit = 0;
  promql::QueryOptions options;
  std::string_view stats;
};

// Who asks, for the query log.
promql::QueryOrigin OriginOf(const Call& call) {
  const std::string_view address = call.request.client_address();
  promql::QueryOrigin origin;
  origin.client_ip = address.substr(0, address.rfind(':'));
  if (origin.client_ip.starts_with('[')) {
    origin.client_ip.remove_prefix(1);
    origin.client_ip.remove_suffix(1);
  }
  origin.method = call.request.method();
  origin.path = call.request.route();
  origin.path.remove_prefix(call.options.route_prefix.size());
  return origin;
}

// `limit` comes first: of several wrong parameters Prometheus names that one.
Result<Duration> Optional(const net::Form& form, std::string_view name) {
  const std::string_view text = form.Value(name);
  if (text.empty()) return Duration(0);
  return ParseDurationParam(text);
}

std::optional<ApiError> ParseOptions(const net::Form& form, QueryParams& out) {
  const Result<Duration> timeout = Optional(form, "timeout");
  if (!timeout.ok()) return InvalidParameter("timeout", timeout.status().message());
  // A deadline that has passed already: the shortest there is, since 0 is the engine's own.
  if (!form.Value("timeout").empty()) out.options.timeout = std::max(Duration(1), *timeout);
  const Result<Duration> lookback = Optional(form, "lookback_delta");
  if (!lookback.ok())
    return BadData("error parsing lookback delta duration: " + lookback.status().message());
  out.options.lookback_delta = std::max(Duration(0), *lookback);
  out.text = form.Value("query");
  out.stats = form.Value("stats");
  out.options.per_step_stats = out.stats == "all";
  return std::nullopt;
}

// Of each kind, ten are shown.
std::vector<std::string> FirstTen(std::vector<std::string> annotations, std::string_view kind) {
  constexpr size_t kShown = 10;
  if (annotations.size() <= kShown) return annotations;
  const size_t omitted = annotations.size() - kShown;
  annotations.resize(kShown);
  annotations.push_back(std::to_string(omitted) + " more " + std::string(kind) +
                        " annotations omitted");
  return annotations;
}

// False when there was nothing to cut off.
template <class T>
bool Truncate(std::vector<T>& elements, uint64_t limit) {
  if (limit == 0 || elements.size() <= limit) return false;
  elements.resize(static_cast<size_t>(limit));
  return true;
}

bool Truncate(promql::Value& value, uint64_t limit) {
  if (auto* vector = std::get_if<promql::Vector>(&value)) return Truncate(*vector, limit);
  if (auto* matrix = std::get_if<promql::Matrix>(&value)) return Truncate(*matrix, limit);
  return false;
}

void WriteVector(JsonWriter& json, const promql::Vector& vector) {
  json.BeginArray();
  for (const promql::VectorSample& element : vector) {
    if (!json.ok()) break;
    json.BeginObject();
    json.Key("metric");
    json.Labels(element.labels);
    if (element.histogram) {
      json.Key("histogram");
      json.HistogramPoint(element.sample.time, *element.histogram);
    } else {
      json.Key("value");
      json.Point(element.sample.time, element.sample.value);
    }
    json.EndObject();
  }
  json.EndArray();
}

void WriteMatrix(JsonWriter& json, const promql::Matrix& matrix) {
  json.BeginArray();
  for (const promql::MatrixSeries& series : matrix) {
    if (!json.ok()) break;
    json.BeginObject();
    json.Key("metric");
    json.Labels(series.labels);
    if (!series.samples.empty()) {
      json.Key("values");
      json.BeginArray();
      for (const model::Sample& sample : series.samples) json.Point(sample.time, sample.value);
      json.EndArray();
    }
    if (!series.histograms.empty()) {
      json.Key("histograms");
      json.BeginArray();
      for (const promql::HistogramSample& sample : series.histograms)
        json.HistogramPoint(sample.time, *sample.histogram);
      json.EndArray();
    }
    json.EndObject();
  }
  json.EndArray();
}

// Scalars and strings go through another encoder of Prometheus's than samples do: times have as
// many decimals as they need, values never an exponent.
struct WriteValue {
  JsonWriter& json;
  void operator()(const promql::Scalar& v) const {
    std::string text;
    base::AppendFloatPlain(text, v.value);
    Pair(v.time, text);
  }
  void operator()(const promql::String& v) const { Pair(v.time, v.value); }
  void Pair(Timestamp time, std::string_view text) const {
    json.BeginArray();
    json.Number(time.seconds());
    json.Text(text);
    json.EndArray();
  }
  void operator()(const promql::Vector& v) const { WriteVector(json, v); }
  void operator()(const promql::Matrix& v) const { WriteMatrix(json, v); }
};

ApiError QueryError(const Status& status) {
  if (status.code() == Code::kInvalid) return InvalidParameter("query", status.message());
  return ToApiError(status);
}

Answer ToAnswer(Result<promql::QueryResult> outcome, const QueryParams& params) {
  if (!outcome.ok()) return QueryError(outcome.status());
  auto result = std::make_shared<promql::QueryResult>(std::move(outcome).value());
  std::vector<std::string> warnings = std::move(result->warnings);
  if (Truncate(result->value, params.limit)) warnings.emplace_back(kTruncatedWarning);
  if (!params.stats.empty() && params.stats != "true" && params.stats != "all") {
    warnings.push_back("value " + base::Quoted(params.stats) +
                       " for parameter \"stats\" is deprecated and will be rejected in the next "
                       "major release, use \"true\" or \"all\"");
  }
  const bool with_stats = !params.stats.empty();
  Answer answer([result, with_stats](JsonWriter& json) {
    json.BeginObject();
    json.Field("resultType", promql::TypeName(result->value));
    json.Key("result");
    std::visit(WriteValue{json}, result->value);
    if (with_stats) {
      json.Key("stats");
      std::string stats;
      promql::AppendJson(stats, result->stats);
      json.Raw(stats);
    }
    json.EndObject();
  });
  answer.warnings = FirstTen(std::move(warnings), "warning");
  answer.infos = FirstTen(std::move(result->infos), "info");
  return answer;
}

void CollectSelectors(const promql::Expr& expr, std::vector<model::Matchers>& out) {
  if (const auto* const selector = expr.TryAs<promql::VectorSelector>())
    out.push_back(selector->matchers);
  promql::ForEachChild(expr, [&](const promql::Expr& child) { CollectSelectors(child, out); });
}

void WriteExemplars(JsonWriter& json, const storage::ExemplarSeries& series) {
  json.BeginObject();
  json.Key("seriesLabels");
  json.Labels(series.labels);
  json.Key("exemplars");
  json.BeginArray();
  for (const model::Exemplar& exemplar : series.exemplars) {
    json.BeginObject();
    json.Key("labels");
    json.Labels(exemplar.labels);
    json.Key("value");
    json.SampleValue(exemplar.value);
    json.Key("timestamp");
    json.UnixTime(exemplar.time);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

}  // namespace

Answer Query(const Call& call) {
  QueryParams params;
  const Result<uint64_t> limit = ParseLimit(call.form);
  if (!limit.ok()) return InvalidParameter("limit", limit.status().message());
  params.limit = *limit;
  const Result<Timestamp> time = TimeOr(call.form, "time", call.clock.Now());
  if (!time.ok()) return InvalidParameter("time", time.status().message());
  if (auto error = ParseOptions(call.form, params)) return *error;

  const DisconnectWatch::Query running(call.watch, call.request);
  params.options.cancel = running.token();
  params.options.origin = OriginOf(call);
  return ToAnswer(
      call.sources.engine.Instant(call.sources.store, params.text, *time, params.options), params);
}

Answer QueryRange(const Call& call) {
  QueryParams params;
  const Result<uint64_t> limit = ParseLimit(call.form);
  if (!limit.ok()) return InvalidParameter("limit", limit.status().message());
  params.limit = *limit;
  const Result<Timestamp> start = ParseTimeParam(call.form.Value("start"));
  if (!start.ok()) return InvalidParameter("start", start.status().message());
  const Result<Timestamp> end = ParseTimeParam(call.form.Value("end"));
  if (!end.ok()) return InvalidParameter("end", end.status().message());
  if (*end < *start) return InvalidParameter("end", "end timestamp must not be before start time");
  const Result<Duration> step = ParseDurationParam(call.form.Value("step"));
  if (!step.ok()) return InvalidParameter("step", step.status().message());
  if (step->count() <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try "
                            "a positive integer");
  }
  // Enough for a week at 60 s, or a year at an hour.
  if ((*end - *start) / *step > 11'000) {
    return BadData(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  if (auto error = ParseOptions(call.form, params)) return *error;

  const DisconnectWatch::Query running(call.watch, call.request);
  params.options.cancel = running.token();
  params.options.origin = OriginOf(call);
  return ToAnswer(call.sources.engine.Range(call.sources.store, params.text, {*start, *end, *step},
                                            params.options),
                  params);
}

Answer QueryExemplars(const Call& call) {
  const Result<Timestamp> start = TimeOr(call.form, "start", Timestamp::Min());
  if (!start.ok()) return InvalidParameter("start", start.status().message());
  const Result<Timestamp> end = TimeOr(call.form, "end", Timestamp::Max());
  if (!end.ok()) return InvalidParameter("end", end.status().message());
  if (*end < *start) return BadData("end timestamp must not be before start timestamp");
  const auto expr = promql::ParseExpr(call.form.Value("query"), call.options.features);
  if (!expr.ok()) return ToApiError(expr.status());
  std::vector<model::Matchers> selectors;
  CollectSelectors(**expr, selectors);
  if (selectors.empty()) return Answer::Nothing();
  auto found = call.sources.exemplars.SelectExemplars(selectors, *start, *end);
  if (!found.ok()) return ReadError(found.status());
  const auto all = std::make_shared<const std::vector<storage::ExemplarSeries>>(std::move(*found));
  return Answer([all](JsonWriter& json) {
    json.BeginArray();
    for (const storage::ExemplarSeries& series : *all) {
      if (!json.ok()) break;
      WriteExemplars(json, series);
    }
    json.EndArray();
  });
}

Answer FormatQuery(const Call& call) {
  const auto expr = promql::ParseExpr(call.form.Value("query"), call.options.features);
  if (!expr.ok()) return QueryError(expr.status());
  return Answer([text = promql::Pretty(**expr)](JsonWriter& json) { json.Text(text); });
}

Answer ParseQuery(const Call& call) {
  auto expr = promql::ParseExpr(call.form.Value("query"), call.options.features);
  if (!expr.ok()) return QueryError(expr.status());
  return Answer([tree = std::shared_ptr<const promql::Expr>(std::move(*expr))](JsonWriter& json) {
    WriteTree(json, *tree);
  });
}

}  // namespace canopy::api

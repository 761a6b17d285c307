#include "app/query_answer.h"

#include <rapidjson/document.h>

#include <optional>

#include "canopy/base/number.h"

namespace canopy::app {
namespace {

using Json = rapidjson::Value;

Status NotAnAnswer(std::string_view what) {
  return Status::Corrupt("the server's answer is not one of Prometheus's API: " +
                         std::string(what));
}

std::string_view Text(const Json& json) { return {json.GetString(), json.GetStringLength()}; }

// The member of an object, or null.
const Json* Find(const Json& object, const char* key) {
  if (!object.IsObject()) return nullptr;
  const auto it = object.FindMember(key);
  return it == object.MemberEnd() ? nullptr : &it->value;
}

std::optional<std::string_view> FindText(const Json& object, const char* key) {
  const Json* found = Find(object, key);
  if (found == nullptr || !found->IsString()) return std::nullopt;
  return Text(*found);
}

// The `data` of a document that is a success.
Result<const Json*> Data(rapidjson::Document& document, std::string_view body) {
  // Not by recursion: nesting costs heap, not stack.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      body.data(), body.size());
  if (document.HasParseError()) return NotAnAnswer("no JSON");
  const auto status = FindText(document, "status");
  if (status == "error") {
    return Status::Execution(std::string(FindText(document, "errorType").value_or("error")) + ": " +
                             std::string(FindText(document, "error").value_or("")));
  }
  const Json* data = Find(document, "data");
  if (status != "success" || data == nullptr) return NotAnAnswer("no data");
  return data;
}

Result<model::Labels> ReadLabels(const Json& json) {
  if (!json.IsObject()) return NotAnAnswer("labels are no object");
  model::LabelsBuilder builder;
  for (const auto& member : json.GetObject()) {
    if (!member.value.IsString()) return NotAnAnswer("a label's value is no string");
    builder.Set(Text(member.name), Text(member.value));
  }
  return builder.Build();
}

// [1435781451.781,"text"]
Result<std::pair<Timestamp, std::string_view>> ReadPoint(const Json& json) {
  if (!json.IsArray() || json.Size() != 2 || !json[0].IsNumber() || !json[1].IsString()) {
    return NotAnAnswer("a sample is no pair of time and text");
  }
  return std::pair(Timestamp::FromSeconds(json[0].GetDouble()), Text(json[1]));
}

Result<model::Sample> ReadSample(const Json& json) {
  CANOPY_ASSIGN_OR_RETURN(const auto point, ReadPoint(json));
  const std::optional<double> value = base::ParseFloat(point.second);
  if (!value) return NotAnAnswer("a sample's value is no number");
  return model::Sample{point.first, *value};
}

Status RefuseHistograms(const Json& element) {
  if (Find(element, "histogram") == nullptr && Find(element, "histograms") == nullptr) return {};
  return Status::Unsupported("native histograms are not supported yet");
}

Result<promql::Value> ReadVector(const Json& result) {
  promql::Vector vector;
  for (const Json& element : result.GetArray()) {
    CANOPY_RETURN_IF_ERROR(RefuseHistograms(element));
    const Json* metric = Find(element, "metric");
    const Json* value = Find(element, "value");
    if (metric == nullptr || value == nullptr) return NotAnAnswer("an element without a value");
    promql::VectorSample& sample = vector.emplace_back();
    CANOPY_ASSIGN_OR_RETURN(sample.labels, ReadLabels(*metric));
    CANOPY_ASSIGN_OR_RETURN(sample.sample, ReadSample(*value));
  }
  return promql::Value(std::move(vector));
}

Result<promql::Value> ReadMatrix(const Json& result) {
  promql::Matrix matrix;
  for (const Json& element : result.GetArray()) {
    CANOPY_RETURN_IF_ERROR(RefuseHistograms(element));
    const Json* metric = Find(element, "metric");
    const Json* values = Find(element, "values");
    if (metric == nullptr || values == nullptr || !values->IsArray()) {
      return NotAnAnswer("a series without values");
    }
    promql::MatrixSeries& series = matrix.emplace_back();
    CANOPY_ASSIGN_OR_RETURN(series.labels, ReadLabels(*metric));
    for (const Json& value : values->GetArray()) {
      CANOPY_ASSIGN_OR_RETURN(series.samples.emplace_back(), ReadSample(value));
    }
  }
  return promql::Value(std::move(matrix));
}

Result<promql::Value> ReadValue(const Json& data) {
  const auto type = FindText(data, "resultType");
  const Json* result = Find(data, "result");
  if (!type || result == nullptr || !result->IsArray()) return NotAnAnswer("no result");
  if (type == "vector") return ReadVector(*result);
  if (type == "matrix") return ReadMatrix(*result);
  if (type == "scalar") {
    CANOPY_ASSIGN_OR_RETURN(const model::Sample sample, ReadSample(*result));
    return promql::Value(promql::Scalar{sample.time, sample.value});
  }
  if (type == "string") {
    CANOPY_ASSIGN_OR_RETURN(const auto point, ReadPoint(*result));
    return promql::Value(promql::String{point.first, std::string(point.second)});
  }
  return NotAnAnswer("unknown result type");
}

void AddTexts(const Json& document, const char* key, std::vector<std::string>& to) {
  const Json* list = Find(document, key);
  if (list == nullptr || !list->IsArray()) return;
  for (const Json& item : list->GetArray()) {
    if (item.IsString()) to.emplace_back(Text(item));
  }
}

}  // namespace

Result<QueryAnswer> ParseQueryAnswer(std::string_view body) {
  rapidjson::Document document;
  CANOPY_ASSIGN_OR_RETURN(const Json* data, Data(document, body));
  QueryAnswer answer;
  CANOPY_ASSIGN_OR_RETURN(answer.value, ReadValue(*data));
  AddTexts(document, "warnings", answer.warnings);
  AddTexts(document, "infos", answer.warnings);
  return answer;
}

Result<std::vector<model::Labels>> ParseSeriesAnswer(std::string_view body) {
  rapidjson::Document document;
  CANOPY_ASSIGN_OR_RETURN(const Json* data, Data(document, body));
  if (!data->IsArray()) return NotAnAnswer("no list");
  std::vector<model::Labels> out;
  for (const Json& item : data->GetArray()) {
    CANOPY_ASSIGN_OR_RETURN(out.emplace_back(), ReadLabels(item));
  }
  return out;
}

Result<std::vector<std::string>> ParseNamesAnswer(std::string_view body) {
  rapidjson::Document document;
  CANOPY_ASSIGN_OR_RETURN(const Json* data, Data(document, body));
  if (!data->IsArray()) return NotAnAnswer("no list");
  std::vector<std::string> out;
  for (const Json& item : data->GetArray()) {
    if (!item.IsString()) return NotAnAnswer("a name is no string");
    out.emplace_back(Text(item));
  }
  return out;
}

}  // namespace canopy::app

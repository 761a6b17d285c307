#include "app/query_table.h"

#include <algorithm>

#include "canopy/base/number.h"

namespace canopy::app {
namespace {

// Characters of UTF-8: every byte but those that continue one.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string Number(double value) {
  std::string out;
  base::AppendFloatApi(out, value);
  return out;
}

std::string FormatVector(const promql::Vector& vector) {
  TableRows rows;
  for (const promql::VectorSample& s : vector) {
    rows.push_back({s.labels.ToString(), Number(s.sample.value), FormatRfc3339(s.sample.time)});
  }
  return FormatTable(rows, {1});
}

std::string FormatMatrix(const promql::Matrix& matrix) {
  std::string out;
  for (const promql::MatrixSeries& series : matrix) {
    out += series.labels.ToString() + "\n";
    TableRows rows;
    for (const model::Sample& sample : series.samples) {
      rows.push_back({"  " + FormatRfc3339(sample.time), Number(sample.value)});
    }
    out += FormatTable(rows, {1});
  }
  return out;
}

}  // namespace

std::string FormatTable(const TableRows& rows, const std::vector<size_t>& right_aligned) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - Width(row[i]), ' ');
      const bool right =
          std::find(right_aligned.begin(), right_aligned.end(), i) != right_aligned.end();
      if (i > 0) out += "  ";
      if (right) out += pad;
      out += row[i];
      if (!right && i + 1 < row.size()) out += pad;
    }
    out += '\n';
  }
  return out;
}

std::string FormatValue(const promql::Value& value) {
  if (const auto* scalar = std::get_if<promql::Scalar>(&value)) {
    return Number(scalar->value) + "  " + FormatRfc3339(scalar->time) + "\n";
  }
  if (const auto* text = std::get_if<promql::String>(&value)) return text->value + "\n";
  if (const auto* vector = std::get_if<promql::Vector>(&value)) return FormatVector(*vector);
  return FormatMatrix(std::get<promql::Matrix>(value));
}

}  // namespace canopy::app

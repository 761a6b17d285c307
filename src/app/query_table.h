#pragma once

#include <string>
#include <vector>

#include "canopy/promql/value.h"

// Answers as a person reads them, in columns. Each line ends with a line feed.

namespace canopy::app {

// Cells of one row, a row of fewer cells ends early. Columns are as wide as their widest cell, in
// characters; numbers are set to the right.
using TableRows = std::vector<std::vector<std::string>>;
std::string FormatTable(const TableRows& rows, const std::vector<size_t>& right_aligned = {});

// A vector: series, value and time, a line each, in the server's order, which may be that of a
// sort(). A matrix: each series with its samples below it.
std::string FormatValue(const promql::Value& value);

}  // namespace canopy::app

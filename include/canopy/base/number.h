#pragma once

#include <optional>
#include <string>
#include <string_view>

// double <-> text, without locale or allocation.

namespace canopy::base {

// As Prometheus writes sample values in label values and messages: Go's strconv.FormatFloat(v, 'f',
// -1, 64): the shortest digits that read back exactly, never an exponent; "NaN", "+Inf", "-Inf".
void AppendFloatPlain(std::string& out, double v);

// As Prometheus's HTTP API writes sample values (prometheus util/jsonutil MarshalFloat): as
// AppendFloatPlain, but with an exponent ("1e+21", "1e-07") below 1e-6 and from 1e21 on.
void AppendFloatApi(std::string& out, double v);

// As the exposition formats write them: Go's FormatFloat(v, 'g', -1, 64): an exponent ("1e+06",
// "1e-05") where it is below -4 or at least 6; "NaN", "+Inf", "-Inf".
void AppendFloatShortest(std::string& out, double v);

void AppendInt(std::string& out, int64_t v);
void AppendUint(std::string& out, uint64_t v);

// A number as Go's strconv.ParseFloat reads it: decimal, exponent, hexadecimal with p exponent,
// "Inf"/"Infinity"/"NaN" with sign in any case; underscores are refused. All of `text` must be
// used.
std::optional<double> ParseFloat(std::string_view text);

std::optional<int64_t> ParseInt(std::string_view text);
std::optional<uint64_t> ParseUint(std::string_view text);

}  // namespace canopy::base

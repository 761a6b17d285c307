#include "canopy/promql/parser.h"

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "parse.h"

// The entries: each catches what the recursive descent throws.

namespace canopy::promql {
namespace {

// Positions are kept in 32 bits.
constexpr size_t kMaxQueryBytes = size_t{1} << 30;

template <class T, class Fn>
Result<T> Catch(std::string_view text, Fn parse) {
  if (text.size() > kMaxQueryBytes) return Status::Invalid("query text is longer than 1 GiB");
  try {
    return parse();
  } catch (const ParseFailure& failure) {
    return ToStatus(failure, text);
  }
}

}  // namespace

Status ToStatus(const ParseFailure& failure, std::string_view text) {
  std::string message;
  if (text.empty()) {
    message = "unknown position";
  } else {
    size_t line = 1;
    size_t column = failure.pos + 1;
    for (size_t i = 0; i < failure.pos && i < text.size(); ++i) {
      if (text[i] != '\n') continue;
      ++line;
      column = failure.pos - i;
    }
    base::AppendUint(message, line);
    message.push_back(':');
    base::AppendUint(message, column);
  }
  message.append(": parse error: ").append(failure.message);
  return Status::Invalid(std::move(message));
}

Result<ExprPtr> ParseExpr(std::string_view query, const Features& features) {
  return Catch<ExprPtr>(query, [&] {
    ExprPtr root = Parser(query, features).Query();
    CheckTypes(*root, query);
    return root;
  });
}

Result<model::Matchers> ParseMetricSelector(std::string_view text) {
  return Catch<model::Matchers>(
      text, [&] { return std::move(Parser(text, Features{}).Selector()->matchers); });
}

Result<std::vector<model::Matchers>> ParseMetricSelectors(std::span<const std::string> texts) {
  std::vector<model::Matchers> out;
  for (const std::string& text : texts) {
    CANOPY_ASSIGN_OR_RETURN(out.emplace_back(), ParseMetricSelector(text));
  }
  return out;
}

Result<model::Labels> ParseMetric(std::string_view text) {
  return Catch<model::Labels>(text, [&] {
    Parser parser(text, Features{});
    model::Labels labels = parser.Metric();
    parser.ExpectEnd();
    return labels;
  });
}

// The lexer has seen to it that what stands here is right.
std::string Unquote(std::string_view literal) {
  const char quote = literal.front();
  literal = literal.substr(1, literal.size() - 2);
  if (quote == '`') return std::string(literal);
  std::string out;
  while (!literal.empty()) {
    const size_t plain = std::min(literal.find('\\'), literal.size());
    out.append(literal.substr(0, plain));
    literal.remove_prefix(plain);
    if (literal.empty()) break;
    const char c = literal[1];
    literal.remove_prefix(2);
    const auto digits = [&](size_t count, uint32_t base) {
      uint32_t value = 0;
      for (size_t i = 0; i < count; ++i) {
        const char d = literal[i];
        const int digit = d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10;
        value = value * base + static_cast<uint32_t>(digit);
      }
      literal.remove_prefix(count);
      return value;
    };
    constexpr std::string_view kLetters = "abfnrtv";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
    if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      out.push_back(kMeanings[letter]);
    } else if (c == 'x') {
      out.push_back(static_cast<char>(digits(2, 16)));
    } else if (c == 'u') {
      base::AppendRune(out, digits(4, 16));
    } else if (c == 'U') {
      base::AppendRune(out, digits(8, 16));
    } else if (c >= '0' && c <= '7') {
      const auto first = static_cast<uint32_t>(c - '0');
      out.push_back(static_cast<char>(first * 64 + digits(2, 8)));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace canopy::promql

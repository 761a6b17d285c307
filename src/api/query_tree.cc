#include "query_tree.h"

#include "canopy/base/number.h"

namespace canopy::api {
namespace {

using namespace promql;

std::string_view TypeText(ValueType type) { return ResultTypeText(type); }

void WriteStrings(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.Key(key);
  json.BeginArray();
  for (const std::string& text : texts) json.Text(text);
  json.EndArray();
}

void WriteBool(JsonWriter& json, std::string_view key, bool v) {
  json.Key(key);
  json.Bool(v);
}

void WriteMs(JsonWriter& json, std::string_view key, Duration d) {
  json.Key(key);
  json.Int(d.count());
}

void WriteChild(JsonWriter& json, std::string_view key, const ExprPtr& child) {
  json.Key(key);
  if (child) {
    WriteTree(json, *child);
  } else {
    json.Null();
  }
}

void WriteNumber(JsonWriter& json, std::string_view key, double v) {
  std::string text;
  base::AppendFloatPlain(text, v);
  json.Field(key, text);
}

std::string_view DurationOpText(DurationOp op) {
  switch (op) {
    case DurationOp::kAdd:
      return "+";
    case DurationOp::kSub:
    case DurationOp::kNegate:
      return "-";
    case DurationOp::kMul:
      return "*";
    case DurationOp::kDiv:
      return "/";
    case DurationOp::kMod:
      return "%";
    case DurationOp::kPow:
      return "^";
    case DurationOp::kStep:
      return "step";
    case DurationOp::kRange:
      return "range";
    case DurationOp::kMinOf:
      return "min_of";
    case DurationOp::kMaxOf:
      return "max_of";
    case DurationOp::kGroup:
      break;  // no node of its own there
  }
  return "";
}

// Parentheses are a mark of the operator within; around a number they are nothing.
void WriteDuration(JsonWriter& json, const Expr& expr, bool wrapped) {
  if (const auto* number = expr.TryAs<NumberLiteral>()) {
    json.BeginObject();
    WriteBool(json, "duration", number->is_duration);
    json.Field("type", "numberLiteral");
    WriteNumber(json, "val", number->value);
    json.EndObject();
    return;
  }
  const auto& d = expr.As<DurationExpr>();
  if (d.op == DurationOp::kGroup) return WriteDuration(json, *d.rhs, true);
  const auto operand = [&](std::string_view key, const ExprPtr& e) {
    json.Key(key);
    if (e) {
      WriteDuration(json, *e, false);
    } else {
      json.Null();
    }
  };
  json.BeginObject();
  operand("lhs", d.lhs);
  json.Field("op", DurationOpText(d.op));
  operand("rhs", d.rhs);
  json.Field("type", "durationExpr");
  WriteBool(json, "wrapped", wrapped);
  json.EndObject();
}

void WriteDurationChild(JsonWriter& json, std::string_view key, const ExprPtr& expr) {
  json.Key(key);
  if (expr) {
    WriteDuration(json, *expr, false);
  } else {
    json.Null();
  }
}

// The last keys of selectors and subqueries before "type", but for what stands between them.
void WriteOffset(JsonWriter& json, const TimeModifiers& modifiers) {
  WriteMs(json, "offset", modifiers.offset_expr ? Duration(0) : modifiers.offset);
  WriteDurationChild(json, "offsetExpr", modifiers.offset_expr);
}

void WriteStartOrEnd(JsonWriter& json, const TimeModifiers& modifiers) {
  json.Key("startOrEnd");
  if (modifiers.at == AtKind::kStart || modifiers.at == AtKind::kEnd) {
    json.Text(modifiers.at == AtKind::kStart ? "start" : "end");
  } else {
    json.Null();
  }
}

void WriteTimestamp(JsonWriter& json, const TimeModifiers& modifiers) {
  json.Key("timestamp");
  if (modifiers.at == AtKind::kTimestamp) {
    json.Int(modifiers.at_time.ms());
  } else {
    json.Null();
  }
}

void WriteRange(JsonWriter& json, std::string_view key, std::string_view expr_key, Duration d,
                const ExprPtr& expr) {
  WriteMs(json, key, expr ? Duration(0) : d);
  WriteDurationChild(json, expr_key, expr);
}

// `matrix`: null for an instant vector.
void WriteSelector(JsonWriter& json, const VectorSelector& selector, const MatrixSelector* matrix) {
  WriteBool(json, "anchored", selector.anchored);
  json.Key("matchers");
  json.BeginArray();
  for (const model::Matcher& matcher : selector.matchers) {
    json.BeginObject();
    json.Field("name", matcher.name());
    json.Field("type", model::MatchTypeText(matcher.type()));
    json.Field("value", matcher.value());
    json.EndObject();
  }
  json.EndArray();
  json.Field("name", selector.name);
  WriteOffset(json, selector.modifiers);
  if (matrix) WriteRange(json, "range", "rangeExpr", matrix->range, matrix->range_expr);
  WriteBool(json, "smoothed", selector.smoothed);
  WriteStartOrEnd(json, selector.modifiers);
  WriteTimestamp(json, selector.modifiers);
  json.Field("type", matrix ? "matrixSelector" : "vectorSelector");
}

void WriteSubquery(JsonWriter& json, const Subquery& subquery) {
  WriteChild(json, "expr", subquery.expr);
  WriteOffset(json, subquery.modifiers);
  WriteRange(json, "range", "rangeExpr", subquery.range, subquery.range_expr);
  WriteStartOrEnd(json, subquery.modifiers);
  WriteRange(json, "step", "stepExpr", subquery.step, subquery.step_expr);
  WriteTimestamp(json, subquery.modifiers);
  json.Field("type", "subquery");
}

void WriteCall(JsonWriter& json, const promql::Call& call) {
  json.Key("args");
  json.BeginArray();
  for (const ExprPtr& arg : call.args) WriteTree(json, *arg);
  json.EndArray();
  json.Key("func");
  json.BeginObject();
  json.Key("argTypes");
  json.BeginArray();
  for (const ValueType type : call.function->arg_types()) json.Text(TypeText(type));
  json.EndArray();
  json.Field("name", call.function->name);
  json.Field("returnType", TypeText(call.function->return_type));
  json.Key("variadic");
  json.Int(call.function->variadic);
  json.EndObject();
  json.Field("type", "call");
}

void WriteAggregate(JsonWriter& json, const Aggregate& aggregate) {
  WriteChild(json, "expr", aggregate.expr);
  WriteStrings(json, "grouping", aggregate.grouping);
  json.Field("op", AggregateOpText(aggregate.op));
  WriteChild(json, "param", aggregate.param);
  json.Field("type", "aggregation");
  WriteBool(json, "without", aggregate.without);
}

std::string_view CardinalityText(Cardinality card) {
  switch (card) {
    case Cardinality::kOneToOne:
      return "one-to-one";
    case Cardinality::kManyToOne:
      return "many-to-one";
    case Cardinality::kOneToMany:
      return "one-to-many";
    case Cardinality::kManyToMany:
      return "many-to-many";
  }
  return "";
}

void WriteMatching(JsonWriter& json, const VectorMatching& matching) {
  const auto fill = [&](std::string_view key, const std::optional<double>& value) {
    json.Key(key);
    if (value) {
      json.Number(*value);
    } else {
      json.Null();
    }
  };
  json.BeginObject();
  json.Field("card", CardinalityText(matching.card));
  json.Key("fillValues");
  json.BeginObject();
  fill("lhs", matching.fill_lhs);
  fill("rhs", matching.fill_rhs);
  json.EndObject();
  WriteStrings(json, "include", matching.include);
  WriteStrings(json, "labels", matching.labels);
  WriteBool(json, "on", matching.on);
  json.EndObject();
}

void WriteBinary(JsonWriter& json, const Binary& binary) {
  WriteBool(json, "bool", binary.return_bool);
  WriteChild(json, "lhs", binary.lhs);
  json.Key("matching");
  if (binary.matching) {
    WriteMatching(json, *binary.matching);
  } else {
    json.Null();
  }
  json.Field("op", BinaryOpText(binary.op));
  WriteChild(json, "rhs", binary.rhs);
  json.Field("type", "binaryExpr");
}

void WriteUnary(JsonWriter& json, const Unary& unary) {
  WriteChild(json, "expr", unary.expr);
  json.Field("op", unary.negative ? "-" : "+");
  json.Field("type", "unaryExpr");
}

void WriteFields(JsonWriter& json, const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      json.Field("type", "numberLiteral");
      return WriteNumber(json, "val", expr.As<NumberLiteral>().value);
    case ExprKind::kString:
      json.Field("type", "stringLiteral");
      return json.Field("val", expr.As<StringLiteral>().value);
    case ExprKind::kVectorSelector:
      return WriteSelector(json, expr.As<VectorSelector>(), nullptr);
    case ExprKind::kMatrixSelector:
      return WriteSelector(json, *expr.As<MatrixSelector>().selector, &expr.As<MatrixSelector>());
    case ExprKind::kSubquery:
      return WriteSubquery(json, expr.As<Subquery>());
    case ExprKind::kCall:
      return WriteCall(json, expr.As<promql::Call>());
    case ExprKind::kAggregate:
      return WriteAggregate(json, expr.As<Aggregate>());
    case ExprKind::kBinary:
      return WriteBinary(json, expr.As<Binary>());
    case ExprKind::kUnary:
      return WriteUnary(json, expr.As<Unary>());
    case ExprKind::kParen:
      WriteChild(json, "expr", expr.As<Paren>().expr);
      return json.Field("type", "parenExpr");
    case ExprKind::kDuration:
      return;  // stands in brackets and after offset only
  }
}

}  // namespace

void WriteTree(JsonWriter& json, const promql::Expr& expr) {
  json.BeginObject();
  WriteFields(json, expr);
  json.EndObject();
}

}  // namespace canopy::api

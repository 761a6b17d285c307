#include "rules/template_tree.h"

#include <algorithm>

#include "canopy/base/quote.h"

namespace canopy::rules {

namespace {

void AppendNames(std::string& out, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    out.push_back('.');
    out += name;
  }
}

}  // namespace

std::string TemplateTree::Location(uint32_t pos) const {
  const std::string_view before = std::string_view(text).substr(0, pos);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? pos : pos - newline - 1;
  return name + ":" + std::to_string(lines + 1) + ":" + std::to_string(column);
}

std::string SourceText(const Operand& operand) {
  std::string out;
  switch (operand.kind) {
    case OperandKind::kDot:
      return ".";
    case OperandKind::kPipe:
      return SourceText(*operand.pipe);
    case OperandKind::kField:
      break;
    case OperandKind::kVariable:
      out = operand.text;
      break;
    case OperandKind::kChain:
      out = operand.base->kind == OperandKind::kPipe ? "(" + SourceText(*operand.base) + ")"
                                                     : SourceText(*operand.base);
      break;
    default:
      return operand.text;
  }
  AppendNames(out, operand.names);
  return out;
}

std::string SourceText(const Command& command) {
  std::string out;
  for (const Operand& operand : command.operands) {
    if (!out.empty()) out.push_back(' ');
    const bool parens = operand.kind == OperandKind::kPipe;
    if (parens) out.push_back('(');
    out += SourceText(operand);
    if (parens) out.push_back(')');
  }
  return out;
}

std::string SourceText(const Pipe& pipe) {
  std::string out;
  for (size_t i = 0; i < pipe.variables.size(); ++i) {
    if (i > 0) out += ", ";
    out += pipe.variables[i];
  }
  if (!pipe.variables.empty()) out += pipe.assigns ? " = " : " := ";
  for (size_t i = 0; i < pipe.commands.size(); ++i) {
    if (i > 0) out += " | ";
    out += SourceText(pipe.commands[i]);
  }
  return out;
}

std::string SourceText(const Action& action) {
  const std::string pipe = action.pipe ? SourceText(*action.pipe) : "";
  switch (action.kind) {
    case ActionKind::kText:
      return action.text;
    case ActionKind::kPrint:
      return "{{" + pipe + "}}";
    case ActionKind::kIf:
      return "{{if " + pipe + "}}";
    case ActionKind::kWith:
      return "{{with " + pipe + "}}";
    case ActionKind::kRange:
      return "{{range " + pipe + "}}";
    case ActionKind::kTemplate:
      return "{{template " + base::Quoted(action.text) + (pipe.empty() ? "" : " " + pipe) + "}}";
    case ActionKind::kBreak:
      return "{{break}}";
    case ActionKind::kContinue:
      return "{{continue}}";
  }
  return "";
}

}  // namespace canopy::rules

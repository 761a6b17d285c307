#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"

// A parsed template. Positions are byte offsets in its text: error messages are made of them.

namespace canopy::rules {

struct Pipe;

enum class OperandKind : uint8_t {
  kDot,
  kNil,
  kBool,
  kNumber,
  kString,
  kField,     // .A.B
  kVariable,  // $x, $x.A.B
  kFunction,  // a name
  kPipe,      // ( ... )
  kChain,     // (...).A.B, name.A.B
};

// What a number literal can be taken for.
struct NumberLiteral {
  bool is_int = false;
  bool is_float = false;
  bool looks_float = false;  // written with a point or exponent: a float where any type will do
  bool too_large = false;    // fits an unsigned integer only
  int64_t int_value = 0;
  double float_value = 0;
};

// A term with the fields that follow it.
struct Operand {
  OperandKind kind = OperandKind::kDot;
  uint32_t pos = 0;
  std::string text;                // the literal as written, the function's or variable's name
  std::vector<std::string> names;  // of kField, kVariable, kChain: the fields
  bool truth = false;
  NumberLiteral number;
  std::string string;
  std::unique_ptr<Pipe> pipe;     // kPipe
  std::unique_ptr<Operand> base;  // kChain: kPipe or kFunction
};

// Operands separated by spaces; the first one may be a function or method and the others its
// arguments.
struct Command {
  uint32_t pos = 0;
  std::vector<Operand> operands;  // at least one
};

// $x, $y := command | command
struct Pipe {
  uint32_t pos = 0;
  bool assigns = false;  // `=` instead of `:=`
  std::vector<std::string> variables;
  std::vector<Command> commands;  // at least one
};

enum class ActionKind : uint8_t {
  kText,
  kPrint,
  kIf,
  kWith,
  kRange,
  kTemplate,
  kBreak,
  kContinue,
};

struct Action;
using ActionList = std::vector<Action>;

struct Action {
  ActionKind kind = ActionKind::kText;
  uint32_t pos = 0;
  std::string text;  // kText: the text; kTemplate: the name
  std::unique_ptr<Pipe> pipe;
  ActionList body;
  ActionList otherwise;  // {{else}}
};

struct TemplateTree {
  std::string name;
  std::string text;
  ActionList root;
  std::map<std::string, ActionList, std::less<>> defined;  // {{define}} and {{block}}

  // "name:line:column" as messages show it: line from 1, column in bytes from 0.
  std::string Location(uint32_t pos) const;
};

// kInvalid: "template: NAME:LINE: what is wrong".
Result<TemplateTree> ParseTemplate(std::string name, std::string_view text);

// The same for a label or annotation of an alert, with $labels, $value and their like defined.
Result<TemplateTree> ParseAlertTemplateTree(std::string_view alert, std::string_view text);

// The source form, as messages quote it.
std::string SourceText(const Operand& operand);
std::string SourceText(const Command& command);
std::string SourceText(const Pipe& pipe);
std::string SourceText(const Action& action);

}  // namespace canopy::rules

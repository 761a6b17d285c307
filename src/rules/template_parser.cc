#include <algorithm>
#include <utility>

#include "canopy/base/quote.h"
#include "rules/go_quote.h"
#include "rules/template_functions.h"
#include "rules/template_lexer.h"
#include "rules/template_number.h"
#include "rules/template_tree.h"

namespace canopy::rules {

namespace {

// Actions and parentheses within each other. Go knows no bound; a stack has one.
constexpr int kMaxNesting = 200;

// Unwinds the descent; caught in ParseTemplate.
struct ParseError {
  std::string message;
};

enum class Ender : uint8_t { kEnd, kElse, kElseIf, kElseWith };

class Parser {
 public:
  Parser(TemplateTree& tree, std::vector<Token> tokens) : tree_(tree), tokens_(std::move(tokens)) {}

  void Run() {
    while (Peek().type != TokenType::kEnd) {
      if (Peek().type == TokenType::kLeftDelim && PeekAfter().IsKeyword("define")) {
        Next();
        Next();
        Definition();
        continue;
      }
      Ender ender;
      if (ActionOrEnder(tree_.root, ender)) {
        Fail(ender == Ender::kEnd ? "unexpected {{end}}" : "unexpected {{else}}");
      }
    }
  }

 private:
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) {
        parser_.Fail("actions nest deeper than " + std::to_string(kMaxNesting));
      }
    }
    ~Nested() { --parser_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  const Token& Peek() {
    seen_ = index_;
    return tokens_[index_];
  }
  const Token& PeekAfter() const { return tokens_[std::min(index_ + 1, tokens_.size() - 1)]; }
  const Token& Next() {
    const Token& token = Peek();
    if (index_ + 1 < tokens_.size()) ++index_;
    return token;
  }

  [[noreturn]] void Fail(const std::string& message) {
    throw ParseError{"template: " + tree_.name + ":" + std::to_string(tokens_[seen_].line) + ": " +
                     message};
  }
  [[noreturn]] void FailUnexpected(const Token& token, std::string_view context) {
    if (token.type != TokenType::kError) {
      Fail("unexpected " + TokenName(token) + " in " + std::string(context));
    }
    std::string message = token.text;
    if (action_line_ != 0 && action_line_ != token.line) {
      message += message.ends_with(" action") ? " started at " : " in action started at ";
      message += tree_.name + ":" + std::to_string(action_line_);
    }
    Fail(message);
  }
  const Token& Expect(TokenType type, std::string_view context) {
    const Token& token = Next();
    if (token.type != type) FailUnexpected(token, context);
    return token;
  }

  std::string TemplateName(std::string_view context) {
    const Token& token = Next();
    if (token.type != TokenType::kString && token.type != TokenType::kRawString) {
      FailUnexpected(token, context);
    }
    return Unquote(token);
  }
  std::string Unquote(const Token& token) {
    auto text = GoUnquote(token.text);
    if (!text) Fail("invalid syntax");
    return *std::move(text);
  }

  static bool IsBlank(const ActionList& list) {
    for (const Action& action : list) {
      if (action.kind != ActionKind::kText) return false;
      if (action.text.find_first_not_of(" \t\r\n\v\f") != std::string::npos) return false;
    }
    return true;
  }

  // A definition that is empty gives way to another one of its name.
  void Define(const std::string& name, ActionList list) {
    if (name == tree_.name) Fail("template: multiple definition of template " + base::Quoted(name));
    const auto [it, added] = tree_.defined.try_emplace(name);
    if (added || IsBlank(it->second)) {
      it->second = std::move(list);
    } else if (!IsBlank(list)) {
      Fail("template: multiple definition of template " + base::Quoted(name));
    }
  }

  void Definition() {
    constexpr std::string_view kContext = "define clause";
    const std::string name = TemplateName(kContext);
    Expect(TokenType::kRightDelim, kContext);
    Define(name, Body(kContext));
  }

  // The list of a {{define}} or {{block}}: variables and loops outside do not reach into it.
  ActionList Body(std::string_view context) {
    const Nested nested(*this);
    auto outer = std::exchange(variables_, {"$"});
    const int loops = std::exchange(loops_, 0);
    ActionList list;
    if (List(list) != Ender::kEnd) Fail("unexpected {{else}} in " + std::string(context));
    variables_ = std::move(outer);
    loops_ = loops;
    return list;
  }

  // Up to {{end}} or {{else}}.
  Ender List(ActionList& out) {
    while (Peek().type != TokenType::kEnd) {
      Ender ender;
      if (ActionOrEnder(out, ender)) return ender;
    }
    Fail("unexpected EOF");
  }

  // Adds one action to `out`, or returns true for {{end}} and {{else}}.
  bool ActionOrEnder(ActionList& out, Ender& ender) {
    const Token& token = Next();
    if (token.type == TokenType::kText) {
      Action& action = Add(out, ActionKind::kText, token.pos);
      action.text = token.text;
      return false;
    }
    if (token.type != TokenType::kLeftDelim) FailUnexpected(token, "input");
    action_line_ = token.line;
    const bool ended = ActionBody(out, ender);
    action_line_ = 0;
    return ended;
  }

  static Action& Add(ActionList& out, ActionKind kind, uint32_t pos) {
    Action& action = out.emplace_back();
    action.kind = kind;
    action.pos = pos;
    return action;
  }

  bool ActionBody(ActionList& out, Ender& ender) {
    const Token& token = Peek();
    if (token.type == TokenType::kKeyword && token.text != "nil") return Keyword(out, ender);
    Action& action = Add(out, ActionKind::kPrint, token.pos);
    action.pipe = ParsePipe("command", TokenType::kRightDelim);
    return false;
  }

  bool Keyword(ActionList& out, Ender& ender) {
    const Token& token = Next();
    const std::string& word = token.text;
    if (word == "end") {
      Expect(TokenType::kRightDelim, "end");
      ender = Ender::kEnd;
      return true;
    }
    if (word == "else") {
      ender = Else();
      return true;
    }
    if (word == "if") {
      Control(out, ActionKind::kIf, "if", token.pos);
    } else if (word == "with") {
      Control(out, ActionKind::kWith, "with", token.pos);
    } else if (word == "range") {
      Control(out, ActionKind::kRange, "range", token.pos);
    } else if (word == "break") {
      LoopExit(out, ActionKind::kBreak, "{{break}}", token.pos);
    } else if (word == "continue") {
      LoopExit(out, ActionKind::kContinue, "{{continue}}", token.pos);
    } else if (word == "template") {
      TemplateCall(out);
    } else if (word == "block") {
      Block(out);
    } else {
      FailUnexpected(token, "command");  // define, but not at the top
    }
    return false;
  }

  // {{else}}, {{else if}}, {{else with}}: of the latter two the keyword is left for Otherwise().
  Ender Else() {
    if (Peek().IsKeyword("if")) return Ender::kElseIf;
    if (Peek().IsKeyword("with")) return Ender::kElseWith;
    Expect(TokenType::kRightDelim, "else");
    return Ender::kElse;
  }

  void LoopExit(ActionList& out, ActionKind kind, std::string_view text, uint32_t pos) {
    const Token& token = Next();
    if (token.type != TokenType::kRightDelim) FailUnexpected(token, text);
    if (loops_ == 0) Fail(std::string(text) + " outside {{range}}");
    Add(out, kind, pos);
  }

  void Control(ActionList& out, ActionKind kind, std::string_view context, uint32_t pos) {
    const Nested nested(*this);
    Action action;
    action.kind = kind;
    action.pos = pos;
    const size_t variables = variables_.size();
    action.pipe = ParsePipe(context, TokenType::kRightDelim);
    if (kind == ActionKind::kRange) ++loops_;
    const Ender ender = List(action.body);
    if (kind == ActionKind::kRange) --loops_;
    Otherwise(action, ender);
    variables_.resize(variables);
    out.push_back(std::move(action));
  }

  void Otherwise(Action& action, Ender ender) {
    if (ender == Ender::kEnd) return;
    if (ender == Ender::kElse) {
      if (List(action.otherwise) != Ender::kEnd) Fail("expected end; found {{else}}");
      return;
    }
    // {{if a}}..{{else if b}}..{{end}} is {{if a}}..{{else}}{{if b}}..{{end}}{{end}}.
    const bool is_if = ender == Ender::kElseIf;
    const ActionKind kind = is_if ? ActionKind::kIf : ActionKind::kWith;
    if (action.kind != kind) {
      FailUnexpected(Peek(), "else");
    }
    const uint32_t pos = Next().pos;
    Control(action.otherwise, kind, is_if ? "if" : "with", pos);
  }

  void TemplateCall(ActionList& out) {
    constexpr std::string_view kContext = "template clause";
    Action& action = Add(out, ActionKind::kTemplate, Peek().pos);
    action.text = TemplateName(kContext);
    if (Peek().type == TokenType::kRightDelim) {
      Next();
    } else {
      action.pipe = ParsePipe(kContext, TokenType::kRightDelim);
    }
  }

  void Block(ActionList& out) {
    constexpr std::string_view kContext = "block clause";
    Action action;
    action.kind = ActionKind::kTemplate;
    action.pos = Peek().pos;
    action.text = TemplateName(kContext);
    action.pipe = ParsePipe(kContext, TokenType::kRightDelim);
    Define(action.text, Body(kContext));
    out.push_back(std::move(action));
  }

  std::unique_ptr<Pipe> ParsePipe(std::string_view context, TokenType end) {
    const Nested nested(*this);
    auto pipe = std::make_unique<Pipe>();
    pipe->pos = Peek().pos;
    Declarations(*pipe, context);
    while (Peek().type != end) {
      if (!StartsOperand(Peek())) FailUnexpected(Next(), context);
      ParseCommand(pipe->commands.emplace_back());
    }
    Next();
    CheckPipe(*pipe, context);
    return pipe;
  }

  static bool StartsOperand(const Token& token) {
    switch (token.type) {
      case TokenType::kBool:
      case TokenType::kChar:
      case TokenType::kDot:
      case TokenType::kField:
      case TokenType::kIdentifier:
      case TokenType::kNumber:
      case TokenType::kRawString:
      case TokenType::kString:
      case TokenType::kVariable:
      case TokenType::kLeftParen:
        return true;
      default:
        return token.IsKeyword("nil");
    }
  }

  // "$x :=", "$x =", and in a range "$i, $x :=".
  void Declarations(Pipe& pipe, std::string_view context) {
    while (Peek().type == TokenType::kVariable) {
      const Token& after = PeekAfter();
      const bool comma = after.type == TokenType::kPunctuation && after.text == ",";
      if (!comma && after.type != TokenType::kAssign && after.type != TokenType::kDeclare) return;
      const std::string name = Next().text;
      pipe.variables.push_back(name);
      variables_.push_back(name);
      const bool assigns = Next().type == TokenType::kAssign;
      if (!comma) {
        pipe.assigns = assigns;
        return;
      }
      if (context != "range" || pipe.variables.size() >= 2) {
        Fail("too many declarations in " + std::string(context));
      }
      if (Peek().type != TokenType::kVariable && Peek().type != TokenType::kRightDelim &&
          Peek().type != TokenType::kRightParen) {
        Fail("range can only initialize variables");
      }
    }
  }

  void CheckPipe(const Pipe& pipe, std::string_view context) {
    if (pipe.commands.empty()) Fail("missing value for " + std::string(context));
    for (size_t i = 1; i < pipe.commands.size(); ++i) {
      switch (pipe.commands[i].operands[0].kind) {
        case OperandKind::kBool:
        case OperandKind::kDot:
        case OperandKind::kNil:
        case OperandKind::kNumber:
        case OperandKind::kString:
          Fail("non executable command in pipeline stage " + std::to_string(i + 1));
        default:
          break;
      }
    }
  }

  // Operands up to a pipe, which is taken, or to the end of the pipeline, which is left.
  void ParseCommand(Command& command) {
    command.pos = Peek().pos;
    for (;;) {
      if (StartsOperand(Peek())) ParseOperand(command.operands.emplace_back());
      const Token& token = Peek();
      if (token.type == TokenType::kRightDelim || token.type == TokenType::kRightParen) break;
      if (token.type == TokenType::kPipe) {
        Next();
        break;
      }
      if (!token.space_before || !StartsOperand(token)) FailUnexpected(Next(), "operand");
    }
    if (command.operands.empty()) Fail("empty command");
  }

  void ParseOperand(Operand& out) {
    Term(out);
    if (Peek().type != TokenType::kField || Peek().space_before) return;
    const uint32_t pos = Peek().pos;
    std::vector<std::string> names;
    while (Peek().type == TokenType::kField && !Peek().space_before) {
      names.push_back(Next().text.substr(1));
    }
    switch (out.kind) {
      case OperandKind::kField:
      case OperandKind::kVariable:
        out.pos = pos;
        out.names.insert(out.names.end(), names.begin(), names.end());
        return;
      case OperandKind::kPipe:
      case OperandKind::kFunction: {
        auto base = std::make_unique<Operand>(std::move(out));
        out = Operand();
        out.kind = OperandKind::kChain;
        out.pos = pos;
        out.names = std::move(names);
        out.base = std::move(base);
        return;
      }
      default:
        Fail("unexpected . after term " + base::Quoted(SourceText(out)));
    }
  }

  void Term(Operand& out) {
    const Token& token = Next();
    out.pos = token.pos;
    out.text = token.text;
    switch (token.type) {
      case TokenType::kDot:
        out.kind = OperandKind::kDot;
        return;
      case TokenType::kKeyword:
        out.kind = OperandKind::kNil;
        return;
      case TokenType::kBool:
        out.kind = OperandKind::kBool;
        out.truth = token.text == "true";
        return;
      case TokenType::kField:
        out.kind = OperandKind::kField;
        out.names.push_back(token.text.substr(1));
        return;
      case TokenType::kString:
      case TokenType::kRawString:
        out.kind = OperandKind::kString;
        out.string = Unquote(token);
        return;
      case TokenType::kIdentifier:
        out.kind = OperandKind::kFunction;
        if (FindFunction(token.text) == nullptr) {
          Fail("function " + base::Quoted(token.text) + " not defined");
        }
        return;
      case TokenType::kVariable:
        out.kind = OperandKind::kVariable;
        if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end()) {
          Fail("undefined variable " + base::Quoted(token.text));
        }
        return;
      case TokenType::kLeftParen:
        out.kind = OperandKind::kPipe;
        out.pipe = ParsePipe("parenthesized pipeline", TokenType::kRightParen);
        return;
      default:
        break;
    }
    out.kind = OperandKind::kNumber;
    auto number = ParseNumberLiteral(token.text);
    if (!number.ok()) Fail(number.status().message());
    out.number = *number;
  }

  TemplateTree& tree_;
  const std::vector<Token> tokens_;
  size_t index_ = 0;
  size_t seen_ = 0;  // the token that was looked at last: where errors are
  int nesting_ = 0;
  int loops_ = 0;
  uint32_t action_line_ = 0;
  std::vector<std::string> variables_ = {"$"};
};

}  // namespace

Result<TemplateTree> ParseTemplate(std::string name, std::string_view text) {
  TemplateTree tree;
  tree.name = std::move(name);
  tree.text = std::string(text);
  try {
    Parser(tree, LexTemplate(text)).Run();
  } catch (const ParseError& error) {
    return Status::Invalid(error.message);
  }
  return tree;
}

}  // namespace canopy::rules

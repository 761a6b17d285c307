#include "rules/template_exec.h"

#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "canopy/base/quote.h"
#include "rules/go_printf.h"

namespace canopy::rules {

namespace {

// Lists, pipelines and calls within each other, over all templates: what the C++ stack has to bear.
constexpr int kMaxNesting = 1000;
// A value of so many bytes costs as much as one step.
constexpr size_t kBytesPerStep = 64;

// Unwinds the evaluation; caught in ExecuteTemplate.
struct ExecError {
  std::string message;
};

enum class Flow : uint8_t { kNext, kBreak, kContinue };

struct Variable {
  std::string_view name;
  Value value;
};

class Executor {
 public:
  Executor(const TemplateTree& tree, const FunctionEnv& env, const TemplateLimits& limits)
      : tree_(tree), env_(env), limits_(limits), template_name_(tree.name) {}

  std::string Run(const Value& dot) {
    variables_ = {{"$", dot}};
    Walk(dot, tree_.root);
    return std::move(out_);
  }

 private:
  // The place that an error message names: the node that was looked at last.
  using Place =
      std::variant<std::monostate, const Action*, const Pipe*, const Command*, const Operand*>;

  class Nested {
   public:
    explicit Nested(Executor& executor) : executor_(executor) {
      if (++executor_.nesting_ > kMaxNesting) {
        executor_.Fail("nesting deeper than " + std::to_string(kMaxNesting));
      }
    }
    ~Nested() { --executor_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Executor& executor_;
  };

  [[noreturn]] void Fail(const std::string& message) {
    std::string location = tree_.name;
    std::string context;
    const auto describe = [&](const auto* node) {
      location = tree_.Location(node->pos);
      context = SourceText(*node);
    };
    if (const auto* a = std::get_if<const Action*>(&place_)) describe(*a);
    if (const auto* p = std::get_if<const Pipe*>(&place_)) describe(*p);
    if (const auto* c = std::get_if<const Command*>(&place_)) describe(*c);
    if (const auto* o = std::get_if<const Operand*>(&place_)) describe(*o);
    throw ExecError{"template: " + location + ": executing " + base::Quoted(template_name_) +
                    " at <" + context + ">: " + message};
  }

  void Step(size_t bytes = 0) {
    steps_ += 1 + bytes / kBytesPerStep;
    if (steps_ > limits_.steps) {
      Fail("exceeded the limit of " + std::to_string(limits_.steps) + " steps");
    }
  }

  void Write(std::string_view text) {
    if (text.size() > limits_.output_bytes - out_.size()) {
      Fail("exceeded the limit of " + std::to_string(limits_.output_bytes) + " bytes of output");
    }
    out_ += text;
  }

  // --- actions ---

  Flow Walk(const Value& dot, const ActionList& list) {
    const Nested nested(*this);
    for (const Action& action : list) {
      place_ = &action;
      Step();
      const Flow flow = WalkOne(dot, action);
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }

  Flow WalkOne(const Value& dot, const Action& action) {
    switch (action.kind) {
      case ActionKind::kText:
        Write(action.text);
        return Flow::kNext;
      case ActionKind::kPrint: {
        // Variables that it declares live on until the next {{end}}.
        const Value v = Eval(dot, *action.pipe);
        if (action.pipe->variables.empty()) Print(v);
        return Flow::kNext;
      }
      case ActionKind::kIf:
      case ActionKind::kWith:
        return WalkIf(dot, action);
      case ActionKind::kRange:
        return WalkRange(dot, action);
      case ActionKind::kTemplate:
        CallTemplate(dot, action);
        return Flow::kNext;
      case ActionKind::kBreak:
        return Flow::kBreak;
      case ActionKind::kContinue:
        return Flow::kContinue;
    }
    return Flow::kNext;
  }

  void Print(const Value& v) {
    std::string text;
    AppendPrinted(text, v);
    Write(text);
  }

  Flow WalkIf(const Value& dot, const Action& action) {
    const size_t mark = variables_.size();
    const Value v = Eval(dot, *action.pipe);
    Flow flow = Flow::kNext;
    if (IsTrue(v)) {
      flow = Walk(action.kind == ActionKind::kWith ? v : dot, action.body);
    } else {
      flow = Walk(dot, action.otherwise);
    }
    variables_.resize(mark);
    return flow;
  }

  Flow WalkRange(const Value& dot, const Action& action) {
    const size_t mark = variables_.size();
    const Value v = Eval(dot, *action.pipe);
    bool any = false;
    Flow flow = Flow::kNext;
    // False when the loop is to end.
    const auto turn = [&](Value key, Value element) {
      any = true;
      flow = RangeTurn(action, std::move(key), element);
      return flow != Flow::kBreak;
    };
    RangeOver(v, action, turn);
    // A loop takes its own break and continue; those of the else list belong to a loop around it.
    flow = any ? Flow::kNext : Walk(dot, action.otherwise);
    variables_.resize(mark);
    return flow;
  }

  template <class Turn>
  void RangeOver(const Value& v, const Action& action, Turn turn) {
    if (const auto* list = v.As<SampleList>()) {
      for (size_t i = list->begin; i < list->end; ++i) {
        const auto index = static_cast<int64_t>(i - list->begin);
        if (!turn(Value::Int(index), Value(SamplePtr{list->all, i}))) return;
      }
    } else if (const auto* labels = v.As<model::Labels>()) {
      for (const model::LabelView label : *labels) {
        if (!turn(Value(std::string(label.name)), Value(std::string(label.value)))) return;
      }
    } else if (const auto* map = v.As<std::shared_ptr<const AnyMap>>()) {
      for (const auto& [name, element] : **map) {
        Value boxed = element;
        boxed.boxed = true;
        if (!turn(Value(name), std::move(boxed))) return;
      }
    } else if (const auto* count = v.As<Integer>()) {
      if (action.pipe->variables.size() > 1) {
        std::string text;
        AppendValue(text, v);
        Fail("can't use " + text + " to iterate over more than one variable");
      }
      for (int64_t i = 0; i < count->value; ++i) {
        if (!turn(Value(), Value::Int(i, count->type))) return;
      }
    } else if (v.valid()) {
      std::string text;
      AppendPrinted(text, v);
      Fail("range can't iterate over " + text);
    }
  }

  Flow RangeTurn(const Action& action, Value key, const Value& element) {
    place_ = &action;
    Step(Weight(key) + Weight(element));
    const size_t mark = variables_.size();
    // The pipeline has declared them: the last one is the element, one before it the key.
    const size_t declared = action.pipe->variables.size();
    if (declared > 0) SetRangeVariable(action, declared - 1, mark - 1, element);
    if (declared > 1) SetRangeVariable(action, 0, mark - 2, std::move(key));
    const Flow flow = Walk(element, action.body);
    variables_.resize(mark);
    return flow;
  }

  void SetRangeVariable(const Action& action, size_t index, size_t slot, Value value) {
    if (action.pipe->assigns) {
      Assign(action.pipe->variables[index], std::move(value));
    } else {
      variables_[slot].value = std::move(value);
    }
  }

  void CallTemplate(const Value& dot, const Action& action) {
    const ActionList* list = nullptr;
    if (const auto it = tree_.defined.find(action.text); it != tree_.defined.end()) {
      list = &it->second;
    } else if (action.text == tree_.name) {
      list = &tree_.root;
    } else {
      Fail("template " + base::Quoted(action.text) + " not defined");
    }
    if (depth_ == limits_.depth) {
      Fail("exceeded maximum template depth (" + std::to_string(limits_.depth) + ")");
    }
    const Value inner = action.pipe ? Eval(dot, *action.pipe) : Value();
    // A template sees nothing of its caller's variables.
    std::vector<Variable> outer = std::exchange(variables_, {{"$", inner}});
    const std::string_view outer_name = std::exchange(template_name_, action.text);
    ++depth_;
    Walk(inner, *list);
    --depth_;
    template_name_ = outer_name;
    variables_ = std::move(outer);
  }

  // --- pipelines ---

  Value Eval(const Value& dot, const Pipe& pipe) {
    const Nested nested(*this);
    place_ = &pipe;
    Value value;
    const Value* last = nullptr;  // the previous command's value is this one's final argument
    for (const Command& command : pipe.commands) {
      value = EvalCommand(dot, command, last);
      value.boxed = false;
      Step(Weight(value));
      last = &value;
    }
    for (const std::string& name : pipe.variables) {
      if (pipe.assigns) {
        Assign(name, value);
      } else {
        variables_.push_back({name, value});
      }
    }
    return value;
  }

  Value* Find(std::string_view name) {
    for (size_t i = variables_.size(); i-- > 0;) {
      if (variables_[i].name == name) return &variables_[i].value;
    }
    return nullptr;
  }
  void Assign(std::string_view name, Value value) {
    Value* slot = Find(name);
    if (slot == nullptr) Fail("undefined variable: " + std::string(name));
    *slot = std::move(value);
  }
  const Value& Get(std::string_view name) {
    const Value* slot = Find(name);
    if (slot == nullptr) Fail("undefined variable: " + std::string(name));
    return *slot;
  }

  using Operands = std::span<const Operand>;

  Value EvalCommand(const Value& dot, const Command& command, const Value* final) {
    const Operand& first = command.operands[0];
    const Operands args = Operands(command.operands).subspan(1);
    if (first.kind == OperandKind::kFunction) {
      return EvalFunction(dot, first, &command, args, final);
    }
    if (HasFields(first)) return EvalFields(dot, first, args, final);
    if (first.kind != OperandKind::kPipe) place_ = &first;
    if (!args.empty() || final != nullptr) {
      Fail("can't give argument to non-function " + SourceText(first));
    }
    switch (first.kind) {
      case OperandKind::kNil:
        Fail("nil is not a command");
      case OperandKind::kDot:
        return dot;
      case OperandKind::kVariable:
        return Get(first.text);
      case OperandKind::kPipe:
        return Eval(dot, *first.pipe);
      default:
        return Literal(first);
    }
  }

  static bool HasFields(const Operand& operand) {
    return operand.kind == OperandKind::kField || operand.kind == OperandKind::kChain ||
           (operand.kind == OperandKind::kVariable && !operand.names.empty());
  }

  // A literal where any type will do.
  Value Literal(const Operand& operand) {
    switch (operand.kind) {
      case OperandKind::kBool:
        return ValueRep(operand.truth);
      case OperandKind::kString:
        return ValueRep(operand.string);
      default:
        break;
    }
    const NumberLiteral& n = operand.number;
    if (n.looks_float) return ValueRep(n.float_value);
    if (!n.is_int) Fail(operand.text + " overflows int");
    return Value::Int(n.int_value);
  }

  // .A.B, $x.A.B or (...).A.B; the last may be a method with arguments.
  Value EvalFields(const Value& dot, const Operand& operand, Operands args, const Value* final) {
    place_ = &operand;
    Value receiver;
    if (operand.kind == OperandKind::kField) {
      receiver = dot;
    } else if (operand.kind == OperandKind::kVariable) {
      receiver = Get(operand.text);
    } else {
      receiver = EvalBase(dot, *operand.base);
    }
    const size_t last = operand.names.size() - 1;
    for (size_t i = 0; i <= last; ++i) {
      receiver = i < last ? Field(dot, operand, operand.names[i], {}, nullptr, receiver)
                          : Field(dot, operand, operand.names[i], args, final, receiver);
    }
    return receiver;
  }

  Value EvalBase(const Value& dot, const Operand& base) {
    place_ = &base;
    if (base.kind == OperandKind::kPipe) return Eval(dot, *base.pipe);
    return EvalFunction(dot, base, &base, {}, nullptr);
  }

  Value Field(const Value& dot, const Operand& operand, const std::string& name, Operands args,
              const Value* final, const Value& receiver) {
    if (!receiver.valid()) {
      if (receiver.boxed) Fail("nil pointer evaluating interface {}." + name);
      return {};
    }
    if (const TemplateFunction* method = FindMethod(receiver, name)) {
      return Call(dot, *method, name, &operand, args, final, &receiver);
    }
    const bool has_args = !args.empty() || final != nullptr;
    const auto refuse_args = [&](const char* why) {
      if (has_args) Fail(name + why);
    };
    if (const auto* data = receiver.As<std::shared_ptr<const AlertData>>()) {
      if (auto field = AlertField(**data, name)) {
        refuse_args(" has arguments but cannot be invoked as function");
        return *std::move(field);
      }
    } else if (const auto* sample = receiver.As<SamplePtr>()) {
      if (name == "Labels" || name == "Value") {
        if (sample->get() == nullptr) Fail("nil pointer evaluating *template.sample." + name);
        refuse_args(" has arguments but cannot be invoked as function");
        if (name == "Labels") return ValueRep(sample->get()->labels);
        return Value(sample->get()->value, true);
      }
    } else if (const auto* labels = receiver.As<model::Labels>()) {
      refuse_args(" is not a method but has arguments");
      // missingkey=zero: a label that is not there is empty.
      return ValueRep(std::string(labels->Get(name)));
    } else if (const auto* map = receiver.As<std::shared_ptr<const AnyMap>>()) {
      refuse_args(" is not a method but has arguments");
      const auto it = (*map)->find(name);
      if (it == (*map)->end()) return Value({}, true);
      Value v = it->second;
      v.boxed = true;
      return v;
    }
    Fail("can't evaluate field " + name + " in type " +
         std::string(receiver.boxed ? "interface {}" : GoTypeName(receiver)));
  }

  static std::optional<Value> AlertField(const AlertData& data, std::string_view name) {
    if (name == "Labels") return Value(data.labels);
    if (name == "Value") return Value(data.value, true);
    if (name == "ExternalLabels") return Value(data.external_labels);
    if (name == "ExternalURL") return Value(data.external_url);
    return std::nullopt;
  }

  // --- calls ---

  Value EvalFunction(const Value& dot, const Operand& operand, Place node, Operands args,
                     const Value* final) {
    place_ = &operand;
    const TemplateFunction* function = FindFunction(operand.text);
    if (function == nullptr) Fail(base::Quoted(operand.text) + " is not a defined function");
    return Call(dot, *function, operand.text, node, args, final, nullptr);
  }

  void CheckCount(const TemplateFunction& f, std::string_view name, size_t args, bool final) {
    const size_t given = args + (final ? 1 : 0);
    const size_t wanted = f.params.size() - (f.variadic ? 1 : 0);
    if (f.variadic ? given >= wanted : given == wanted) return;
    Fail("wrong number of args for " + std::string(name) + ": want " +
         (f.variadic ? "at least " : "") + std::to_string(wanted) + " got " +
         std::to_string(f.variadic ? args : given));
  }

  static Param ParamAt(const TemplateFunction& f, size_t i) {
    return i < f.params.size() ? f.params[i] : f.params.back();
  }

  Value Call(const Value& dot, const TemplateFunction& f, std::string_view name, Place node,
             Operands args, const Value* final, const Value* receiver) {
    const Nested nested(*this);
    CheckCount(f, name, args.size(), final != nullptr);
    if (f.call == nullptr) return ShortCircuit(dot, f, args, final);
    std::vector<Value> values;
    values.reserve(args.size() + 2);
    if (receiver != nullptr) values.push_back(*receiver);
    for (size_t i = 0; i < args.size(); ++i) {
      values.push_back(EvalArg(dot, ParamAt(f, i), args[i]));
      Step(Weight(values.back()));
    }
    if (final != nullptr) values.push_back(Checked(*final, ParamAt(f, args.size())));
    Result<Value> result = f.call(env_, values);
    if (!result.ok()) {
      place_ = node;
      Fail("error calling " + std::string(name) + ": " + result.status().message());
    }
    if (Weight(*result) > limits_.output_bytes) {
      place_ = node;
      Fail("error calling " + std::string(name) + ": result exceeds the limit of " +
           std::to_string(limits_.output_bytes) + " bytes");
    }
    return *std::move(result);
  }

  // `and` and `or`: the first argument that decides, or the last one.
  Value ShortCircuit(const Value& dot, const TemplateFunction& f, Operands args,
                     const Value* final) {
    const bool stop_at = f.name == "or";
    Value v;
    for (const Operand& arg : args) {
      v = EvalArg(dot, Param::kReflect, arg);
      if (IsTrue(v) == stop_at) return v;
    }
    return final != nullptr ? *final : v;
  }

  // The value as an argument of this type.
  Value Checked(Value v, Param param) {
    if (!v.valid()) {
      const bool any = param == Param::kAny || param == Param::kReflect;
      const std::string wanted(ParamTypeName(param));
      if (v.boxed && !any) Fail("wrong type for value; expected " + wanted + "; got interface {}");
      if (!TakesNil(param)) Fail("invalid value; expected " + wanted);
      return Nil(param);
    }
    if (!Fits(v, param)) {
      Fail("wrong type for value; expected " + std::string(ParamTypeName(param)) + "; got " +
           std::string(GoTypeName(v)));
    }
    v.boxed = false;
    return v;
  }

  static Value Nil(Param param) {
    if (param == Param::kSamples) return ValueRep(SampleList{});
    if (param == Param::kSample) return ValueRep(SamplePtr{});
    return {};
  }

  Value EvalArg(const Value& dot, Param param, const Operand& arg) {
    place_ = &arg;
    if (HasFields(arg)) return Checked(EvalFields(dot, arg, {}, nullptr), param);
    switch (arg.kind) {
      case OperandKind::kDot:
        return Checked(dot, param);
      case OperandKind::kNil:
        if (!TakesNil(param)) Fail("cannot assign nil to " + std::string(ParamTypeName(param)));
        return Nil(param);
      case OperandKind::kVariable:
        return Checked(Get(arg.text), param);
      case OperandKind::kPipe:
        return Checked(Eval(dot, *arg.pipe), param);
      case OperandKind::kFunction:
        return Checked(EvalFunction(dot, arg, &arg, {}, nullptr), param);
      default:
        return LiteralFor(param, arg);
    }
  }

  Value LiteralFor(Param param, const Operand& arg) {
    switch (param) {
      case Param::kAny:
      case Param::kReflect:
        return Literal(arg);
      case Param::kString:
        if (arg.kind == OperandKind::kString) return ValueRep(arg.string);
        Fail("expected string; found " + SourceText(arg));
      case Param::kInt:
      case Param::kDuration:
        if (arg.kind != OperandKind::kNumber || !arg.number.is_int) {
          Fail("expected integer; found " + SourceText(arg));
        }
        if (param == Param::kInt) return Value::Int(arg.number.int_value);
        return ValueRep(GoDuration{arg.number.int_value});
      default:
        Fail("can't handle " + SourceText(arg) + " for arg of type " +
             std::string(ParamTypeName(param)));
    }
  }

  const TemplateTree& tree_;
  const FunctionEnv& env_;
  const TemplateLimits& limits_;
  std::string_view template_name_;
  Place place_;
  std::vector<Variable> variables_;
  std::string out_;
  size_t steps_ = 0;
  int nesting_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::string> ExecuteTemplate(const TemplateTree& tree, Value dot, const FunctionEnv& env,
                                    const TemplateLimits& limits) {
  try {
    return Executor(tree, env, limits).Run(dot);
  } catch (const ExecError& error) {
    return Status::Execution(error.message);
  }
}

}  // namespace canopy::rules

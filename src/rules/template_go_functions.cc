#include <array>
#include <cmath>

#include "canopy/base/quote.h"
#include "canopy/net/url.h"
#include "rules/go_printf.h"
#include "rules/go_quote.h"
#include "rules/template_functions.h"

// The builtins of Go's text/template.

namespace canopy::rules {

namespace {

using Args = std::span<const Value>;
using Env = FunctionEnv;

Status Error(std::string message) { return Status::Execution(std::move(message)); }

std::string Describe(const Value& v) {
  std::string out;
  AppendValue(out, v);
  return out;
}

// --- text ---

Result<Value> Print(const Env&, Args args) { return Value(GoSprint(args)); }
Result<Value> Println(const Env&, Args args) { return Value(GoSprintln(args)); }
Result<Value> Printf(const Env& env, Args args) {
  return Value(GoSprintf(*args[0].As<std::string>(), args.subspan(1), env.max_bytes));
}

// The text that html, js and urlquery work on: as print, but nothing prints as in an action.
std::string ArgsText(Args args) {
  std::vector<Value> shown(args.begin(), args.end());
  for (Value& v : shown) {
    if (!v.valid()) v = Value(std::string("<no value>"));
  }
  return GoSprint(shown);
}

Result<Value> HtmlEscape(const Env&, Args args) {
  std::string out;
  for (const char c : ArgsText(args)) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out.push_back(c);
    }
  }
  return Value(std::move(out));
}

void AppendJsEscape(std::string& out, uint32_t code) {
  constexpr char kHex[] = "0123456789ABCDEF";
  out += "\\u";
  const int digits = code > 0xffff ? 5 : 4;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out.push_back(kHex[code >> shift & 15]);
}

Result<Value> JsEscape(const Env&, Args args) {
  const std::string text = ArgsText(args);
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const Rune rune = DecodeRune(rest);
    const std::string_view bytes = rest.substr(0, static_cast<size_t>(rune.size));
    rest.remove_prefix(bytes.size());
    if (rune.code == '\\' || rune.code == '\'' || rune.code == '"') {
      out.push_back('\\');
      out += bytes;
    } else if (rune.code < ' ' || rune.code == '<' || rune.code == '>' || rune.code == '&' ||
               rune.code == '=') {
      AppendJsEscape(out, rune.code);
    } else if (rune.code < 0x80 || base::IsPrintable(rune.code)) {
      out += bytes;
    } else {
      AppendJsEscape(out, rune.code);
    }
  }
  return Value(std::move(out));
}

Result<Value> UrlQuery(const Env&, Args args) { return Value(net::QueryEscape(ArgsText(args))); }

// --- collections ---

// The number that an index argument means, within [0, limit].
Result<size_t> IndexOf(const Value& index, size_t limit) {
  if (!index.valid()) return Error("cannot index slice/array with nil");
  const Integer* i = index.As<Integer>();
  if (i == nullptr) {
    return Error("cannot index slice/array with type " + std::string(GoTypeName(index)));
  }
  if (i->value < 0 || static_cast<uint64_t>(i->value) > limit) {
    return Error("index out of range: " + std::to_string(i->value));
  }
  return static_cast<size_t>(i->value);
}

Result<size_t> ElementIndex(const Value& index, size_t size, const char* kind) {
  CANOPY_ASSIGN_OR_RETURN(const size_t i, IndexOf(index, size));
  if (i == size) return Error("reflect: " + std::string(kind) + " index out of range");
  return i;
}

Result<std::string> KeyOf(const Value& index) {
  if (!index.valid()) return Error("value is nil; should be of type string");
  if (const auto* s = index.As<std::string>()) return *s;
  return Error("value has type " + std::string(GoTypeName(index)) + "; should be string");
}

Result<Value> IndexOnce(const Value& item, const Value& index) {
  if (const auto* list = item.As<SampleList>()) {
    CANOPY_ASSIGN_OR_RETURN(const size_t i, ElementIndex(index, list->size(), "slice"));
    return Value(SamplePtr{list->all, list->begin + i});
  }
  if (const auto* text = item.As<std::string>()) {
    CANOPY_ASSIGN_OR_RETURN(const size_t i, ElementIndex(index, text->size(), "string"));
    return Value::Int(static_cast<unsigned char>((*text)[i]), IntType::kUint8);
  }
  if (const auto* labels = item.As<model::Labels>()) {
    CANOPY_ASSIGN_OR_RETURN(const std::string key, KeyOf(index));
    return Value(std::string(labels->Get(key)));
  }
  if (const auto* map = item.As<std::shared_ptr<const AnyMap>>()) {
    CANOPY_ASSIGN_OR_RETURN(const std::string key, KeyOf(index));
    const auto it = (*map)->find(key);
    return it == (*map)->end() ? Value({}, true) : it->second;
  }
  return Error("can't index item of type " + std::string(GoTypeName(item)));
}

Result<Value> Index(const Env&, Args args) {
  Value item = args[0];
  if (!item.valid()) return Error("index of untyped nil");
  for (const Value& index : args.subspan(1)) {
    if (!item.valid()) return Error("index of nil pointer");
    CANOPY_ASSIGN_OR_RETURN(item, IndexOnce(item, index));
  }
  return item;
}

Result<Value> Slice(const Env&, Args args) {
  const Value& item = args[0];
  if (!item.valid()) return Error("slice of untyped nil");
  const Args indexes = args.subspan(1);
  if (indexes.size() > 3) {
    return Error("too many slice indexes: " + std::to_string(indexes.size()));
  }
  const auto* text = item.As<std::string>();
  const auto* list = item.As<SampleList>();
  if (text != nullptr && indexes.size() == 3) return Error("cannot 3-index slice a string");
  if (text == nullptr && list == nullptr) {
    return Error("can't slice item of type " + std::string(GoTypeName(item)));
  }
  // Of a list its capacity counts: what lies behind it in the list that it was cut from.
  const size_t capacity = text != nullptr ? text->size()
                          : list->all     ? list->all->size() - list->begin
                                          : 0;
  std::array<size_t, 3> at = {0, text != nullptr ? text->size() : list->size(), capacity};
  for (size_t i = 0; i < indexes.size(); ++i) {
    CANOPY_ASSIGN_OR_RETURN(at[i], IndexOf(indexes[i], capacity));
  }
  for (size_t i = 0; i < 2; ++i) {
    if (at[i] <= at[i + 1]) continue;
    return Error("invalid slice index: " + std::to_string(at[i]) + " > " +
                 std::to_string(at[i + 1]));
  }
  if (text != nullptr) return Value(text->substr(at[0], at[1] - at[0]));
  return Value(SampleList{list->all, list->begin + at[0], list->begin + at[1]});
}

Result<Value> Len(const Env&, Args args) {
  const Value& item = args[0];
  size_t size = 0;
  if (!item.valid()) {
    return Error("len of nil pointer");
  } else if (const auto* text = item.As<std::string>()) {
    size = text->size();
  } else if (const auto* html = item.As<Html>()) {
    size = html->text.size();
  } else if (const auto* labels = item.As<model::Labels>()) {
    size = labels->size();
  } else if (const auto* map = item.As<std::shared_ptr<const AnyMap>>()) {
    size = (*map)->size();
  } else if (const auto* list = item.As<SampleList>()) {
    size = list->size();
  } else {
    return Error("len of type " + std::string(GoTypeName(item)));
  }
  return Value::Int(static_cast<int64_t>(size));
}

Result<Value> CallValue(const Env&, Args args) {
  if (!args[0].valid()) return Error("call of nil");
  return Error("non-function of type " + std::string(GoTypeName(args[0])));
}

Result<Value> Not(const Env&, Args args) { return Value(!IsTrue(args[0])); }

// --- comparison ---

// Kinds that Go's templates compare; only equal kinds can be.
enum class Kind : uint8_t { kInvalid, kBool, kInt, kUint, kFloat, kString };

Kind KindOf(const Value& v) {
  if (v.As<bool>()) return Kind::kBool;
  if (const auto* i = v.As<Integer>()) {
    return i->type == IntType::kUint8 ? Kind::kUint : Kind::kInt;
  }
  if (v.As<GoDuration>()) return Kind::kInt;
  if (v.As<double>()) return Kind::kFloat;
  if (v.As<std::string>() || v.As<Html>()) return Kind::kString;
  return Kind::kInvalid;
}

int64_t IntOf(const Value& v) {
  const auto* d = v.As<GoDuration>();
  return d != nullptr ? d->nanos : v.As<Integer>()->value;
}
const std::string& TextOf(const Value& v) {
  const auto* html = v.As<Html>();
  return html != nullptr ? html->text : *v.As<std::string>();
}

bool IsIntKind(Kind k) { return k == Kind::kInt || k == Kind::kUint; }

bool IsNil(const Value& v) {
  if (!v.valid()) return true;
  if (const auto* list = v.As<SampleList>()) return list->all == nullptr;
  const auto* sample = v.As<SamplePtr>();
  return sample != nullptr && sample->get() == nullptr;
}

// Values that have no kind of the above.
Result<bool> OthersEqual(const Value& a, const Value& b) {
  if (IsNil(a) || IsNil(b)) return IsNil(a) == IsNil(b);
  if (a.rep.index() != b.rep.index()) return Error("incompatible types for comparison");
  if (const auto* s = a.As<SamplePtr>()) return s->get() == b.As<SamplePtr>()->get();
  if (const auto* t = a.As<GoTime>()) {
    const auto* u = b.As<GoTime>();
    return t->seconds == u->seconds && t->nanos == u->nanos && t->zone == u->zone;
  }
  return Error("non-comparable type " + Describe(b) + ": " + std::string(GoTypeName(b)));
}

Result<bool> Equal(const Value& a, const Value& b) {
  const Kind ka = KindOf(a);
  const Kind kb = KindOf(b);
  if (IsIntKind(ka) && IsIntKind(kb)) return IntOf(a) == IntOf(b);
  if (ka != kb) {
    if (a.valid() && b.valid()) return Error("incompatible types for comparison");
    return false;
  }
  switch (ka) {
    case Kind::kBool:
      return *a.As<bool>() == *b.As<bool>();
    case Kind::kFloat:
      return *a.As<double>() == *b.As<double>();
    case Kind::kString:
      return TextOf(a) == TextOf(b);
    default:
      return OthersEqual(a, b);
  }
}

Result<bool> Less(const Value& a, const Value& b) {
  const Kind ka = KindOf(a);
  const Kind kb = KindOf(b);
  if (ka == Kind::kInvalid || kb == Kind::kInvalid) return Error("invalid type for comparison");
  if (IsIntKind(ka) && IsIntKind(kb)) return IntOf(a) < IntOf(b);
  if (ka != kb) return Error("incompatible types for comparison");
  if (ka == Kind::kBool) return Error("invalid type for comparison");
  if (ka == Kind::kFloat) return *a.As<double>() < *b.As<double>();
  return TextOf(a) < TextOf(b);
}

Result<bool> LessOrEqual(const Value& a, const Value& b) {
  CANOPY_ASSIGN_OR_RETURN(const bool less, Less(a, b));
  if (less) return true;
  return Equal(a, b);
}

Result<Value> Eq(const Env&, Args args) {
  if (args.size() < 2) return Error("missing argument for comparison");
  for (const Value& b : args.subspan(1)) {
    CANOPY_ASSIGN_OR_RETURN(const bool equal, Equal(args[0], b));
    if (equal) return Value(true);
  }
  return Value(false);
}
Result<Value> Ne(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const bool equal, Equal(args[0], args[1]));
  return Value(!equal);
}
Result<Value> Lt(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const bool less, Less(args[0], args[1]));
  return Value(less);
}
Result<Value> Le(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const bool less, LessOrEqual(args[0], args[1]));
  return Value(less);
}
Result<Value> Gt(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const bool less, LessOrEqual(args[0], args[1]));
  return Value(!less);
}
Result<Value> Ge(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const bool less, Less(args[0], args[1]));
  return Value(!less);
}

}  // namespace

std::span<const TemplateFunction> GoFunctions() {
  using enum Param;
  static const std::vector<TemplateFunction> kFunctions = {
      {"and", {kReflect, kReflect}, true, nullptr},
      {"or", {kReflect, kReflect}, true, nullptr},
      {"not", {kReflect}, false, Not},
      {"call", {kReflect, kReflect}, true, CallValue},
      {"html", {kAny}, true, HtmlEscape},
      {"index", {kReflect, kReflect}, true, Index},
      {"js", {kAny}, true, JsEscape},
      {"len", {kReflect}, false, Len},
      {"print", {kAny}, true, Print},
      {"printf", {kString, kAny}, true, Printf},
      {"println", {kAny}, true, Println},
      {"slice", {kReflect, kReflect}, true, Slice},
      {"urlquery", {kAny}, true, UrlQuery},
      {"eq", {kReflect, kReflect}, true, Eq},
      {"ne", {kReflect, kReflect}, false, Ne},
      {"lt", {kReflect, kReflect}, false, Lt},
      {"le", {kReflect, kReflect}, false, Le},
      {"gt", {kReflect, kReflect}, false, Gt},
      {"ge", {kReflect, kReflect}, false, Ge},
  };
  return kFunctions;
}

}  // namespace canopy::rules

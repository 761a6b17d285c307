#include "model/regex_shape.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "canopy/base/quote.h"
#include "canopy/model/labels.h"

namespace canopy::model {
namespace {

// Deeper nesting is left to RE2, which has a stack of its own.
constexpr int kMaxDepth = 50;
// Globs that all products of one regex may make: microseconds.
constexpr size_t kMaxWork = 100000;

// What is known of a part of the regex.
struct Part {
  // The strings it matches, gaps included; none when it cannot be written so.
  std::optional<std::vector<Glob>> globs;
  // Every match starts with this; and is this, when `exact`.
  std::string prefix;
  bool exact = false;
  bool is_dot = false;  // "." itself, that a quantifier turns into a gap
};

Glob LiteralGlob(std::string text) { return {{std::move(text)}, {}}; }

Part LiteralPart(std::string text) {
  Part part;
  part.globs = {LiteralGlob(text)};
  part.prefix = std::move(text);
  part.exact = true;
  return part;
}

Part OpaquePart() { return {}; }

Part GapPart(bool needs_char) {
  Part part;
  part.globs = {Glob{{"", ""}, {{needs_char}}}};
  return part;
}

// Two globs one after the other. None when ".+.+" would have to count characters.
std::optional<Glob> Join(const Glob& a, const Glob& b) {
  Glob out = a;
  auto gap = b.gaps.begin();
  if (!out.gaps.empty() && out.literals.back().empty() && b.literals.front().empty() &&
      gap != b.gaps.end()) {
    if (out.gaps.back().needs_char && gap->needs_char) return std::nullopt;
    out.gaps.back().needs_char |= gap->needs_char;
    ++gap;
    out.literals.back() = b.literals[1];
    out.literals.insert(out.literals.end(), b.literals.begin() + 2, b.literals.end());
  } else {
    out.literals.back() += b.literals.front();
    out.literals.insert(out.literals.end(), b.literals.begin() + 1, b.literals.end());
  }
  out.gaps.insert(out.gaps.end(), gap, b.gaps.end());
  return out;
}

// `work` bounds all products of one regex together: a text of n bytes could ask for n * n.
std::optional<std::vector<Glob>> Product(const std::vector<Glob>& a, const std::vector<Glob>& b,
                                         size_t& work) {
  const size_t size = a.size() * b.size();
  if (size > work || (a.size() > 1 && b.size() > 1 && size > kMaxGlobs)) return std::nullopt;
  work -= size;
  std::vector<Glob> out;
  out.reserve(a.size() * b.size());
  for (const Glob& left : a) {
    for (const Glob& right : b) {
      std::optional<Glob> joined = Join(left, right);
      if (!joined) return std::nullopt;
      out.push_back(std::move(*joined));
    }
  }
  return out;
}

std::string CommonPrefix(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return std::string(a.begin(), end);
}

void Alternate(Part& left, Part right) {
  if (left.globs && right.globs) {
    left.globs->insert(left.globs->end(), std::make_move_iterator(right.globs->begin()),
                       std::make_move_iterator(right.globs->end()));
  } else {
    left.globs.reset();
  }
  left.exact = left.exact && right.exact && left.prefix == right.prefix;
  left.prefix = CommonPrefix(left.prefix, right.prefix);
  left.is_dot = false;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsQuantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }
bool IsAlnum(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Recursive descent over the part of the syntax that is worth looking into. `failed_` means: not
// looked into, or not valid; nothing is said about the regex then.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Part> Parse() {
    Part part = ParseAlternatives(0);
    if (failed_ || pos_ != text_.size()) return std::nullopt;
    return part;
  }

 private:
  bool AtEnd() const { return pos_ >= text_.size(); }
  char Peek() const { return text_[pos_]; }
  bool Take(std::string_view token) {
    if (!text_.substr(pos_).starts_with(token)) return false;
    pos_ += token.size();
    return true;
  }
  Part Fail() {
    failed_ = true;
    return {};
  }

  Part ParseAlternatives(int depth) {
    Part all = ParseSequence(depth);
    while (!failed_ && Take("|")) Alternate(all, ParseSequence(depth));
    return all;
  }

  Part ParseSequence(int depth) {
    Part all = LiteralPart("");
    // Anchors change nothing at the very ends of an anchored regex; elsewhere they are left to RE2.
    if (depth == 0) Take("^");
    while (!failed_ && !AtEnd() && Peek() != '|' && Peek() != ')') {
      if (depth == 0 && Peek() == '$') {
        ++pos_;
        if (!AtEnd() && Peek() != '|') return Fail();
        break;
      }
      Part atom = ParseAtom(depth);
      if (failed_) return {};
      Append(all, ParseQuantifier(std::move(atom)));
    }
    return all;
  }

  Part ParseAtom(int depth) {
    const char c = Peek();
    switch (c) {
      case '(':
        return ParseGroup(depth);
      case '[':
        return ParseClass();
      case '\\':
        return ParseEscape();
      case '.': {
        ++pos_;
        Part dot = OpaquePart();
        dot.is_dot = true;
        return dot;
      }
      case '*':
      case '+':
      case '?':
      case '{':
      case '^':
      case '$':
        return Fail();
      default:
        return LiteralPart(TakeLiteral());
    }
  }

  void Append(Part& left, const Part& right) {
    if (left.globs && right.globs) {
      left.globs = Product(*left.globs, *right.globs, work_);
    } else {
      left.globs.reset();
    }
    if (left.exact) {
      left.prefix += right.prefix;
      left.exact = right.exact;
    }
    left.is_dot = false;
  }

  // Plain characters up to the next one that means something; one alone if a quantifier follows.
  // REQUIRES: the regex is UTF-8.
  std::string TakeLiteral() {
    constexpr std::string_view kSpecial = "\\.+*?()|[{^$";
    const std::string_view rest = text_.substr(pos_);
    const size_t first = base::FirstRune(rest).length;
    size_t length = std::min(rest.find_first_of(kSpecial), rest.size());
    if (length < rest.size() && IsQuantifier(rest[length]) && length > first) {
      do {
        --length;
      } while ((static_cast<unsigned char>(rest[length]) & 0xc0) == 0x80);
    }
    pos_ += length;
    return std::string(rest.substr(0, length));
  }

  Part ParseGroup(int depth) {
    ++pos_;
    if (!Take("?:") && !AtEnd() && Peek() == '?') return Fail();
    if (depth >= kMaxDepth) return Fail();
    Part part = ParseAlternatives(depth + 1);
    if (!Take(")")) return Fail();
    part.is_dot = false;
    return part;
  }

  Part ParseEscape() {
    ++pos_;
    if (AtEnd()) return Fail();
    const char c = text_[pos_++];
    switch (c) {
      case 'd':
        return ClassPart({{'0', '9'}});
      case 'D':
      case 'w':
      case 'W':
      case 's':
      case 'S':
        return OpaquePart();
      case 'n':
        return LiteralPart("\n");
      case 't':
        return LiteralPart("\t");
      case 'r':
        return LiteralPart("\r");
      default:
        if (!IsAsciiPunctuation(c)) return Fail();
        return LiteralPart(std::string(1, c));
    }
  }

  static bool IsAsciiPunctuation(char c) { return c > ' ' && c < 0x7f && !IsAlnum(c) && c != '_'; }

  struct Range {
    uint32_t first;
    uint32_t last;
  };

  static Part ClassPart(const std::vector<Range>& ranges) {
    Part part;
    std::vector<Glob> globs;
    for (const Range& range : ranges) {
      if (range.last - range.first >= kMaxGlobs - globs.size()) return OpaquePart();
      for (uint32_t code = range.first; code <= range.last; ++code) {
        std::string text;
        base::AppendRune(text, code);
        globs.push_back(LiteralGlob(std::move(text)));
      }
    }
    part.exact = globs.size() == 1;
    if (part.exact) part.prefix = globs[0].literals[0];
    part.globs = std::move(globs);
    return part;
  }

  // One character of a class; none when it is not a plain one.
  std::optional<uint32_t> TakeClassRune() {
    if (AtEnd()) return std::nullopt;
    if (Take("\\")) {
      if (AtEnd() || !IsAsciiPunctuation(Peek())) return std::nullopt;
      return static_cast<uint32_t>(text_[pos_++]);
    }
    if (Peek() == '[' || Peek() == ']') return std::nullopt;  // "[:alpha:]", "[]a]"
    const base::Rune rune = base::FirstRune(text_.substr(pos_));
    pos_ += rune.length;
    return rune.code;
  }

  Part ParseClass() {
    ++pos_;
    const bool negated = Take("^");
    std::vector<Range> ranges;
    do {
      const std::optional<uint32_t> first = TakeClassRune();
      if (!first || *first == '-') return Fail();  // where a bare "-" may stand is RE2's to say
      std::optional<uint32_t> last = first;
      if (!AtEnd() && Peek() == '-') {
        ++pos_;
        last = TakeClassRune();
        if (!last || *last == '-' || *last < *first) return Fail();
        // Surrogates are no characters, yet lie inside ranges.
        if (*first < 0xd800 && *last >= 0xd800) return Fail();
      }
      ranges.push_back({*first, *last});
    } while (!AtEnd() && Peek() != ']');
    if (!Take("]")) return Fail();
    return negated ? OpaquePart() : ClassPart(ranges);
  }

  Part ParseQuantifier(Part atom) {
    if (AtEnd()) return atom;
    const char c = Peek();
    if (!IsQuantifier(c)) return atom;
    if (c == '{') return Fail();
    ++pos_;
    Take("?");                                            // lazy: the same strings match
    if (!AtEnd() && IsQuantifier(Peek())) return Fail();  // "a**" is an error, its message RE2's
    if (c == '?') {
      Alternate(atom, LiteralPart(""));
      return atom;
    }
    if (atom.is_dot) return GapPart(c == '+');
    Part part = OpaquePart();
    if (c == '+') part.prefix = atom.prefix;
    return part;
  }

  const std::string_view text_;
  size_t pos_ = 0;
  size_t work_ = kMaxWork;
  bool failed_ = false;
};

}  // namespace

bool Glob::Matches(std::string_view text) const {
  if (is_literal()) return text == literals[0];
  if (!text.starts_with(literals.front())) return false;
  text.remove_prefix(literals.front().size());
  // Leftmost is best for every literal in the middle: a gap may be as long as it likes.
  for (size_t i = 1; i + 1 < literals.size(); ++i) {
    const size_t at = text.find(literals[i], gaps[i - 1].needs_char ? 1 : 0);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + literals[i].size());
  }
  const size_t least = gaps.back().needs_char ? 1 : 0;
  return text.size() >= literals.back().size() + least && text.ends_with(literals.back());
}

RegexShape ShapeOf(std::string_view regex) {
  if (!IsValidUtf8(regex)) return {};
  std::optional<Part> part = Parser(regex).Parse();
  if (!part) return {};
  return {std::move(part->globs), std::move(part->prefix)};
}

}  // namespace canopy::model

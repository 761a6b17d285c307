#include "canopy/model/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "canopy/base/check.h"
#include "model/regex_shape.h"

namespace canopy::model {
namespace {

// Trying more globs than this one by one loses against RE2's automaton.
constexpr size_t kMaxTriedGlobs = 16;
// What one regex's automaton may take. RE2's default of 8 MiB refuses lists that users do write.
constexpr int64_t kMaxMemory = int64_t{32} << 20;

// What Go's regexp, and so Prometheus, says for RE2's error codes.
std::string_view GoWords(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "internal error";
  }
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

AnchoredRegex::AnchoredRegex() = default;
AnchoredRegex::~AnchoredRegex() = default;

Result<std::shared_ptr<const AnchoredRegex>> AnchoredRegex::Compile(std::string_view regex) {
  std::shared_ptr<AnchoredRegex> out(new AnchoredRegex());
  RegexShape shape = ShapeOf(regex);
  out->prefix_ = std::move(shape.prefix);
  if (shape.globs) {
    std::vector<Glob>& globs = *shape.globs;
    if (std::all_of(globs.begin(), globs.end(), [](const Glob& g) { return g.is_literal(); })) {
      for (Glob& glob : globs) out->literals_.push_back(std::move(glob.literals[0]));
      std::sort(out->literals_.begin(), out->literals_.end());
      out->literals_.erase(std::unique(out->literals_.begin(), out->literals_.end()),
                           out->literals_.end());
      return std::shared_ptr<const AnchoredRegex>(std::move(out));
    }
    if (globs.size() <= kMaxTriedGlobs) {
      out->globs_ = std::move(globs);
      return std::shared_ptr<const AnchoredRegex>(std::move(out));
    }
  }
  CANOPY_RETURN_IF_ERROR(out->CompileRe2(regex));
  return std::shared_ptr<const AnchoredRegex>(std::move(out));
}

Result<std::shared_ptr<const AnchoredRegex>> AnchoredRegex::CompileForCaptures(
    std::string_view regex) {
  std::shared_ptr<AnchoredRegex> out(new AnchoredRegex());
  CANOPY_RETURN_IF_ERROR(out->CompileRe2(regex));
  return std::shared_ptr<const AnchoredRegex>(std::move(out));
}

Status AnchoredRegex::CompileRe2(std::string_view regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxMemory);
  re2_ = std::make_unique<RE2>(Piece(regex), options);
  if (re2_->ok()) return {};
  std::string message = "error parsing regexp: ";
  message += GoWords(re2_->error_code());
  if (re2_->error_code() != RE2::ErrorPatternTooLarge) {
    message.append(": `").append(re2_->error_arg()).append("`");
  }
  return Status::Invalid(std::move(message));
}

bool AnchoredRegex::Matches(std::string_view text) const {
  if (!literals_.empty()) {
    return std::binary_search(literals_.begin(), literals_.end(), text, std::less<>());
  }
  if (!globs_.empty()) {
    return std::any_of(globs_.begin(), globs_.end(),
                       [text](const Glob& glob) { return glob.Matches(text); });
  }
  return text.starts_with(prefix_) &&
         re2_->Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

bool AnchoredRegex::Capture(std::string_view text, std::vector<std::string_view>& groups) const {
  CANOPY_CHECK(re2_ != nullptr);
  const int n = re2_->NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(n));
  if (!re2_->Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, pieces.data(), n)) return false;
  groups.clear();
  for (const re2::StringPiece& piece : pieces) groups.emplace_back(piece.data(), piece.size());
  return true;
}

std::optional<size_t> AnchoredRegex::GroupNumber(const std::string& name) const {
  CANOPY_CHECK(re2_ != nullptr);
  const auto& names = re2_->NamedCapturingGroups();
  const auto it = names.find(name);
  if (it == names.end()) return std::nullopt;
  return static_cast<size_t>(it->second);
}

}  // namespace canopy::model

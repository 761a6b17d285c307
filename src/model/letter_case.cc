#include "model/letter_case.h"

#include <locale.h>
#include <wctype.h>

#include "canopy/base/quote.h"

namespace canopy::model {
namespace {

// The C library's Unicode tables: the simple mappings of UnicodeData.txt, which Go uses too.
// Without the locale (it comes with the C library) only ASCII letters have cases.
locale_t Utf8Locale() {
  static const locale_t kUtf8 = [] {
    const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return utf8 != nullptr ? utf8 : newlocale(LC_CTYPE_MASK, "C", nullptr);
  }();
  return kUtf8;
}

template <class MapFn>
std::string MapRunes(std::string_view text, MapFn map) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const base::Rune rune = base::FirstRune(text);
    base::AppendRune(out, rune.length == 0 ? 0xfffd : static_cast<uint32_t>(map(rune.code)));
    text.remove_prefix(rune.length == 0 ? 1 : rune.length);
  }
  return out;
}

}  // namespace

std::string ToLower(std::string_view text) {
  return MapRunes(text, [](uint32_t code) { return towlower_l(code, Utf8Locale()); });
}

std::string ToUpper(std::string_view text) {
  return MapRunes(text, [](uint32_t code) { return towupper_l(code, Utf8Locale()); });
}

}  // namespace canopy::model

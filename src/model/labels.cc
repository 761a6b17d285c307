#include "canopy/model/labels.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "canopy/base/check.h"
#include "canopy/base/hash.h"
#include "canopy/base/quote.h"

namespace canopy::model {
namespace {

void AppendText(std::string& out, std::string_view text) {
  size_t n = text.size();
  while (n >= 0x80) {
    out.push_back(static_cast<char>(n | 0x80));
    n >>= 7;
  }
  out.push_back(static_cast<char>(n));
  out.append(text);
}

// Upper bound of the encoded size: lengths of more than 16 KiB just make it grow once more.
size_t EncodedSize(const std::vector<LabelView>& labels) {
  size_t size = 0;
  for (const LabelView& l : labels) size += l.name.size() + l.value.size() + 4;
  return size;
}

bool IsLegacyName(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [colon](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}

// Stable. Sets of labels are small, and often nearly sorted.
void SortByName(std::vector<LabelView>& labels) {
  const auto less = [](const LabelView& a, const LabelView& b) { return a.name < b.name; };
  constexpr size_t kSmall = 32;
  if (labels.size() > kSmall) {
    std::stable_sort(labels.begin(), labels.end(), less);
    return;
  }
  for (size_t i = 1; i < labels.size(); ++i)
    for (size_t k = i; k > 0 && less(labels[k], labels[k - 1]); --k)
      std::swap(labels[k], labels[k - 1]);
}

}  // namespace

size_t Labels::Iterator::ReadLongLength(const char*& p, size_t low) {
  size_t n = low & 0x7f;
  for (int shift = 7;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*p++);
    n |= static_cast<size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return n;
  }
}

Labels::Labels(std::initializer_list<LabelView> labels)
    : Labels(FromUnsorted(std::vector<LabelView>(labels))) {}

Labels Labels::FromUnsorted(std::vector<LabelView> labels) {
  SortByName(labels);
  size_t kept = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool last = i + 1 == labels.size() || labels[i + 1].name != labels[i].name;
    if (last && !labels[i].value.empty()) labels[kept++] = labels[i];
  }
  labels.resize(kept);
  return FromSorted(labels);
}

Labels Labels::FromSorted(const std::vector<LabelView>& labels) {
  Labels out;
  out.bytes_.reserve(EncodedSize(labels));
  std::string_view last;
  for (const LabelView& l : labels) {
    CANOPY_DCHECK(!l.value.empty() && (&l == labels.data() || last < l.name));
    AppendText(out.bytes_, l.name);
    AppendText(out.bytes_, l.value);
    last = l.name;
  }
  return out;
}

size_t Labels::size() const {
  size_t n = 0;
  for (Iterator it = begin(); it != end(); ++it) ++n;
  return n;
}

std::string_view Labels::Get(std::string_view name) const {
  for (const LabelView l : *this) {
    if (l.name == name) return l.value;
    // Sorted: past the name's first letter it cannot come any more.
    if (!name.empty() && !l.name.empty() &&
        static_cast<unsigned char>(l.name[0]) > static_cast<unsigned char>(name[0]))
      break;
  }
  return {};
}

// A value is never empty, so an empty one means absent.
bool Labels::Has(std::string_view name) const { return !Get(name).empty(); }

uint64_t Labels::Hash() const { return base::SeededHash(bytes_); }

std::string Labels::ToString() const {
  const std::string_view metric = metric_name();
  const bool bare = IsLegacyMetricName(metric);
  std::string out(bare ? metric : std::string_view());
  std::string inside;
  if (!metric.empty() && !bare) base::AppendQuoted(inside, metric);
  for (const LabelView l : *this) {
    if (l.name == kMetricName) continue;
    if (!inside.empty()) inside.append(", ");
    if (IsLegacyLabelName(l.name)) {
      inside.append(l.name);
    } else {
      base::AppendQuoted(inside, l.name);
    }
    inside.push_back('=');
    base::AppendQuoted(inside, l.value);
  }
  if (bare && inside.empty()) return out;
  return out.append("{").append(inside).append("}");
}

std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
  auto i = a.begin();
  auto j = b.begin();
  for (; i != a.end() && j != b.end(); ++i, ++j) {
    const LabelView l = *i;
    const LabelView r = *j;
    if (const auto order = l <=> r; order != 0) return order;
  }
  return (i != a.end()) <=> (j != b.end());
}

void LabelsBuilder::Reset(const Labels& base) {
  labels_.clear();
  for (const LabelView l : base) labels_.emplace_back(l.name, l.value);
}

void LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) {
    Del(name);
  } else {
    SetKeepEmpty(name, value);
  }
}

void LabelsBuilder::SetKeepEmpty(std::string_view name, std::string_view value) {
  for (auto& [n, v] : labels_) {
    if (n == name) {
      v = value;
      return;
    }
  }
  labels_.emplace_back(name, value);
}

void LabelsBuilder::Del(std::string_view name) {
  for (auto it = labels_.begin(); it != labels_.end(); ++it) {
    if (it->first == name) {
      labels_.erase(it);
      return;
    }
  }
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  for (const auto& [n, v] : labels_) {
    if (n == name) return v;
  }
  return {};
}

bool LabelsBuilder::Has(std::string_view name) const {
  return std::any_of(labels_.begin(), labels_.end(),
                     [name](const auto& l) { return l.first == name; });
}

Labels LabelsBuilder::Build() const {
  std::vector<LabelView> views;
  views.reserve(labels_.size());
  for (const auto& [n, v] : labels_) views.push_back({n, v});
  return Labels::FromUnsorted(std::move(views));
}

bool IsValidLabelName(std::string_view name, NameValidation scheme) {
  return scheme == NameValidation::kLegacy ? IsLegacyLabelName(name)
                                           : !name.empty() && IsValidUtf8(name);
}

bool IsValidMetricName(std::string_view name, NameValidation scheme) {
  return scheme == NameValidation::kLegacy ? IsLegacyMetricName(name)
                                           : !name.empty() && IsValidUtf8(name);
}

bool IsLegacyLabelName(std::string_view name) { return IsLegacyName(name, false); }

bool IsLegacyMetricName(std::string_view name) { return IsLegacyName(name, true); }

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    // Nearly all text is ASCII.
    size_t ascii = 0;
    for (; ascii + 8 <= text.size(); ascii += 8) {
      uint64_t chunk = 0;
      std::memcpy(&chunk, text.data() + ascii, sizeof chunk);
      if ((chunk & 0x8080808080808080) != 0) break;
    }
    while (ascii < text.size() && static_cast<unsigned char>(text[ascii]) < 0x80) ++ascii;
    text.remove_prefix(ascii);
    if (text.empty()) return true;
    const base::Rune rune = base::FirstRune(text);
    if (rune.length == 0) return false;
    text.remove_prefix(rune.length);
  }
  return true;
}

}  // namespace canopy::model

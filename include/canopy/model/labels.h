#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace canopy::model {

inline constexpr std::string_view kMetricName = "__name__";
// With type-and-unit-labels.
inline constexpr std::string_view kMetricType = "__type__";
inline constexpr std::string_view kMetricUnit = "__unit__";
inline constexpr std::string_view kInstance = "instance";
inline constexpr std::string_view kJob = "job";
inline constexpr std::string_view kBucketBound = "le";
inline constexpr std::string_view kQuantile = "quantile";
inline constexpr std::string_view kAlertName = "alertname";

// Valid while what it was taken from lives.
struct LabelView {
  std::string_view name;
  std::string_view value;
  friend auto operator<=>(const LabelView&, const LabelView&) = default;
};

// A set of labels, sorted by name bytewise, names unique, no value empty. Immutable; one
// allocation, in the form { uvarint length, name, uvarint length, value }, so that equality is a
// memcmp and hashing one pass. Const methods are thread-safe.
class Labels {
 public:
  class Iterator {
   public:
    using value_type = LabelView;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(const char* p) : p_(p) {}
    LabelView operator*() const {
      const char* p = p_;
      const size_t name_size = ReadLength(p);
      const std::string_view name(p, name_size);
      p += name_size;
      const size_t value_size = ReadLength(p);
      return {name, std::string_view(p, value_size)};
    }
    Iterator& operator++() {
      p_ += ReadLength(p_);
      p_ += ReadLength(p_);
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    // Reads a uvarint and moves past it. Most lengths are one byte.
    static size_t ReadLength(const char*& p) {
      const auto byte = static_cast<unsigned char>(*p++);
      return byte < 0x80 ? byte : ReadLongLength(p, byte);
    }
    static size_t ReadLongLength(const char*& p, size_t low);

    const char* p_ = nullptr;
  };

  Labels() = default;
  // Sorts; of equal names the last wins; empty values are dropped.
  Labels(std::initializer_list<LabelView> labels);
  static Labels FromUnsorted(std::vector<LabelView> labels);
  // REQUIRES: sorted by name, unique, no empty value.
  static Labels FromSorted(const std::vector<LabelView>& labels);

  Iterator begin() const { return Iterator(bytes_.data()); }
  Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }
  bool empty() const { return bytes_.empty(); }
  size_t size() const;  // counts: linear
  // The value, or "" when there is no such label.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::string_view metric_name() const { return Get(kMetricName); }

  // The encoded form: equal sets have equal bytes, and the other way round. As a map key.
  const std::string& bytes() const { return bytes_; }
  // Of the encoded form, seeded per process: never stored.
  uint64_t Hash() const;

  // {__name__="up", job="a"} as `up{job="a"}`; a set without a name as `{job="a"}`. Names that are
  // not legacy ones are quoted, as Prometheus 3 prints them.
  std::string ToString() const;

  friend bool operator==(const Labels&, const Labels&) = default;
  // As Prometheus orders series: pairwise by name, then value; a prefix is smaller.
  friend std::strong_ordering operator<=>(const Labels& a, const Labels& b);

 private:
  std::string bytes_;
};

// Labels under construction: what relabelling, templates and joins work on. Not thread-safe.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { Reset(base); }

  void Reset(const Labels& base);
  void Clear() { labels_.clear(); }
  // An empty value is the same as Del, unless `KeepEmpty` was used: a page's explicit empty value
  // still counts as present for honor_labels.
  void Set(std::string_view name, std::string_view value);
  void SetKeepEmpty(std::string_view name, std::string_view value);
  void Del(std::string_view name);
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  bool empty() const { return labels_.empty(); }

  // Removes every label for which `drop(name)`.
  template <class Fn>
  void DropIf(Fn drop) {
    std::erase_if(labels_, [&](const auto& l) { return drop(std::string_view(l.first)); });
  }
  // The labels as they are now, in no promised order.
  const std::vector<std::pair<std::string, std::string>>& items() const { return labels_; }

  // Empty values are dropped. The builder keeps its labels.
  Labels Build() const;

 private:
  std::vector<std::pair<std::string, std::string>> labels_;
};

// Which names are valid: any UTF-8 text that is not empty, or those of the legacy character set.
enum class NameValidation : unsigned char { kUtf8, kLegacy };

bool IsValidLabelName(std::string_view name, NameValidation scheme);
bool IsValidMetricName(std::string_view name, NameValidation scheme);

// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLegacyLabelName(std::string_view name);
// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsLegacyMetricName(std::string_view name);
bool IsValidUtf8(std::string_view text);

}  // namespace canopy::model

template <>
struct std::hash<canopy::model::Labels> {
  size_t operator()(const canopy::model::Labels& l) const noexcept { return l.Hash(); }
};

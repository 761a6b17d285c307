#include "config/fields.h"

#include <algorithm>
#include <numeric>

namespace canopy::config {
namespace {

// Letters to insert, remove or exchange until `a` is `b`.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t exchange = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({exchange, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

// The key that was probably meant; "" when none is near.
std::string_view Nearest(std::string_view key, const Bindings& bindings) {
  constexpr size_t kMaxKey = 64;
  if (key.size() > kMaxKey) return {};
  std::string_view nearest;
  size_t best = std::min<size_t>(3, key.size() / 2 + 1);
  for (const Binding& binding : bindings) {
    const size_t distance = EditDistance(key, binding.key);
    if (distance < best) {
      best = distance;
      nearest = binding.key;
    }
  }
  return nearest;
}

}  // namespace

void ReadMap(const Value& map, const Bindings& bindings) {
  if (map.kind() != YamlNode::Kind::kMap) {
    if (!map.is_null()) map.Mismatch("a map");
    return;
  }
  for (const Binding& binding : bindings) {
    if (const YamlEntry* entry = map.Find(binding.key)) binding.read(map.ValueOf(*entry));
  }
  for (const YamlEntry& entry : map.node().entries) {
    const bool known = std::any_of(bindings.begin(), bindings.end(),
                                   [&](const Binding& b) { return b.key == entry.key; });
    if (known) continue;
    const std::string_view nearest = Nearest(entry.key, bindings);
    map.ValueOf(entry).Error(nearest.empty()
                                 ? "unknown key"
                                 : "unknown key, did you mean " + std::string(nearest) + "?");
  }
}

}  // namespace canopy::config

#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml_value.h"

// Which keys a map may have and where their values go, as tables:
//
//   const Fields<StaticConfig> kFields = {
//       {"targets", &StaticConfig::targets},
//       {"labels", ReadLabels},
//   };
//   ReadMap(value, Bind(kFields, out));

namespace canopy::config {

// A key of a T.
template <class T>
struct Field {
  using Reader = std::function<void(const Value& from, T& to)>;

  template <class M>
  Field(std::string_view k, M T::*member)
      : key(k), read([member](const Value& from, T& to) { Read(from, to.*member); }) {}
  template <class S, class M>
  Field(std::string_view k, S T::*outer, M S::*inner)
      : key(k), read([=](const Value& from, T& to) { Read(from, to.*outer.*inner); }) {}
  // A member that has a reader of its own.
  template <class M>
  Field(std::string_view k, M T::*member, void (*reader)(const Value& from, M& to))
      : key(k), read([=](const Value& from, T& to) { reader(from, to.*member); }) {}
  Field(std::string_view k, Reader r) : key(k), read(std::move(r)) {}

  std::string_view key;
  Reader read;
};

template <class T>
using Fields = std::vector<Field<T>>;

// Known to Prometheus, not supported here: refused unless the value asks for nothing, or for what
// happens anyway.
template <class T>
Field<T> Unsupported(std::string_view key, std::initializer_list<std::string_view> harmless = {}) {
  return {key, [accepted = std::vector<std::string_view>(harmless)](const Value& from, T&) {
            if (from.asks_for_nothing()) return;
            for (const std::string_view text : accepted) {
              if (from.node().text == text) return;
            }
            from.Unsupported();
          }};
}

// A key of the map that is being read.
struct Binding {
  std::string_view key;
  std::function<void(const Value& from)> read;
};
using Bindings = std::vector<Binding>;

// `fields` and `to` must outlive what is returned.
template <class T>
Bindings Bind(const Fields<T>& fields, T& to) {
  Bindings out;
  for (const Field<T>& field : fields) {
    out.push_back({field.key, [&field, &to](const Value& from) { field.read(from, to); }});
  }
  return out;
}

// For keys of several structs in one map.
inline Bindings operator+(Bindings a, Bindings b) {
  for (Binding& binding : b) a.push_back(std::move(binding));
  return a;
}

// Reads the keys in the order of the bindings; keys that no binding has are errors.
void ReadMap(const Value& map, const Bindings& bindings);

}  // namespace canopy::config

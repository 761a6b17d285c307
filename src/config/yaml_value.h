#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/config/load.h"
#include "config/yaml_tree.h"

namespace canopy::config {

// What reading a file has to say.
struct Findings {
  std::vector<LoadError> errors;
  std::vector<LoadError> notices;
};

// One file under way.
struct Source {
  std::string file;
  std::string dir;  // what relative paths in it are joined to
  Findings* findings;
};

// A value in a file: what it is, and where, so that whoever finds fault with it can say so. A view:
// valid while the tree and the source live.
class Value {
 public:
  Value(const YamlNode& node, std::string path, int line, const Source& source)
      : node_(&node), source_(&source), line_(line), path_(std::move(path)) {}

  YamlNode::Kind kind() const { return node_->kind; }
  bool is_null() const { return node_->kind == YamlNode::Kind::kNull; }
  // Null, "", [] or {}.
  bool asks_for_nothing() const;
  const YamlNode& node() const { return *node_; }
  const std::string& path() const { return path_; }
  int line() const { return line_; }
  const Source& source() const { return *source_; }

  // The value of a key of this map; this value itself when there is none: for errors.
  Value At(std::string_view key) const;
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  const YamlEntry* Find(std::string_view key) const;
  Value ValueOf(const YamlEntry& entry) const;

  // The values of a list; none, with an error, when it is no list. Null is an empty list.
  std::vector<Value> Items() const;
  // The entries of a map, likewise.
  std::vector<std::pair<std::string, Value>> Entries() const;
  // The text of a scalar; none, with an error "expected ..., got ...", when it is none.
  std::optional<std::string> Text(std::string_view expected) const;

  void Error(std::string message) const;
  // "expected a list, got a string"
  void Mismatch(std::string_view expected) const;
  // "not supported yet", or "x is not supported yet"
  void Unsupported(std::string_view what = {}) const;
  void Notice(std::string message) const;

 private:
  const YamlNode* node_;
  const Source* source_;
  int line_;
  std::string path_;
};

// Reading into plain values. What is wrong is reported, and the value left alone. Null makes the
// zero of the type, as it does for Prometheus, not the default.
void Read(const Value& from, std::string& to);
void Read(const Value& from, bool& to);
void Read(const Value& from, int64_t& to);
void Read(const Value& from, uint64_t& to);
void Read(const Value& from, double& to);
void Read(const Value& from, Duration& to);

template <class T>
void Read(const Value& from, std::vector<T>& to) {
  to.clear();
  for (const Value& item : from.Items()) {
    to.emplace_back();
    Read(item, to.back());
  }
}

template <class T>
void Read(const Value& from, std::map<std::string, T>& to) {
  to.clear();
  for (const auto& [key, value] : from.Entries()) Read(value, to[key]);
}

// Null is none.
template <class T>
void Read(const Value& from, std::optional<T>& to) {
  to.reset();
  if (!from.is_null()) Read(from, to.emplace());
}

// Whether a plain scalar of this text is read as a boolean, a number or null by some reader.
bool MeansSomethingElse(const std::string& text);

// A number of bytes: "512MB".
void ReadSize(const Value& from, uint64_t& to);
// A file's name, joined to the directory of the file that names it.
void ReadPath(const Value& from, std::string& to);
void ReadPaths(const Value& from, std::vector<std::string>& to);

}  // namespace canopy::config

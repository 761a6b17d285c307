#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "canopy/config/load.h"

// A YAML document as plain data, checked for what no part of a configuration may have: a key given
// twice, a key that is no text, a document that its own aliases blow up. Merge keys (`<<: *x`) are
// already merged. yaml_tree.cc is the one file that knows the YAML library.

namespace canopy::config {

struct YamlEntry;

struct YamlNode {
  enum class Kind : unsigned char { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  // Scalars: written without quotes, so that `15` may be a number and `no` a boolean.
  bool plain = true;
  int line = 0;  // from 1
  std::string text;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;
};

struct YamlEntry {
  std::string key;
  int line = 0;  // of the key
  YamlNode value;
};

struct YamlDocument {
  YamlNode root;          // of the first document; null when there is none
  size_t documents = 0;   // in the text
  bool complete = false;  // false: `root` lacks what came after an error
  std::vector<LoadError> errors;
};

// `file` names the text in errors.
YamlDocument ParseYaml(const std::string& text, const std::string& file);

// Whether a plain scalar of this text is null.
bool IsNullText(const std::string& text);

// "a.b" from "a" and "b"; "b" from "" and "b".
std::string JoinKey(const std::string& path, const std::string& key);
// "a[3]"
std::string IndexKey(const std::string& path, size_t index);

}  // namespace canopy::config

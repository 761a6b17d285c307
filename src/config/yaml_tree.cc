#include "config/yaml_tree.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "canopy/base/quote.h"
#include "canopy/model/labels.h"

namespace canopy::config {
namespace {

constexpr int kMaxDepth = 64;
// Nodes that aliases may add to those that the text spells out.
constexpr size_t kMaxAliasNodes = 100000;

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

// From 1; 0 when all of it is.
int FirstLineNotUtf8(std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (!model::IsValidUtf8(text.substr(0, end))) return line;
    text.remove_prefix(end);
  }
  return 0;
}

class Converter {
 public:
  Converter(std::string file, size_t text_size, std::vector<LoadError>& errors)
      : file_(std::move(file)), budget_(text_size + kMaxAliasNodes), errors_(errors) {}

  // `line` is for what the library has no place for: nothing at all.
  YamlNode Convert(const YAML::Node& node, const std::string& path, int depth, int line) {
    YamlNode out;
    out.line = node.IsNull() || node.Mark().is_null() ? line : node.Mark().line + 1;
    if (budget_ == 0 || depth > kMaxDepth) {
      Refuse(out.line, path,
             depth > kMaxDepth ? "nested too deeply" : "aliases make the document too large");
      return out;
    }
    --budget_;
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        ConvertScalar(node, path, out);
        break;
      case YAML::NodeType::Sequence:
        out.kind = YamlNode::Kind::kList;
        ConvertList(node, path, depth, out);
        break;
      case YAML::NodeType::Map:
        out.kind = YamlNode::Kind::kMap;
        ConvertMap(node, path, depth, out);
        break;
    }
    return out;
  }

  bool stopped() const { return stopped_; }

 private:
  void Error(int line, const std::string& path, std::string message) {
    errors_.push_back({file_, line, path, std::move(message), false});
  }

  // Ends the conversion: what follows would only repeat the error.
  void Refuse(int line, const std::string& path, std::string message) {
    if (!stopped_) Error(line, path, std::move(message));
    stopped_ = true;
  }

  void ConvertScalar(const YAML::Node& node, const std::string& path, YamlNode& out) {
    const std::string& tag = node.Tag();
    out.text = node.Scalar();
    out.plain = tag.empty() || tag == "?";
    if (tag.starts_with(kCoreTag)) {
      const std::string_view type = std::string_view(tag).substr(kCoreTag.size());
      if (type == "binary") {
        const std::vector<unsigned char> bytes = YAML::DecodeBase64(out.text);
        if (bytes.empty() && !out.text.empty())
          Error(out.line, path, "!!binary value contains invalid base64 data");
        out.text.assign(bytes.begin(), bytes.end());
      } else {
        out.plain = type != "str";
      }
    } else if (!out.plain && tag != "!") {
      Error(out.line, path, "unknown tag " + base::Quoted(tag));
    }
    out.kind = out.plain && IsNullText(out.text) ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar;
  }

  void ConvertList(const YAML::Node& node, const std::string& path, int depth, YamlNode& out) {
    int line = out.line;
    for (const YAML::Node& item : node) {
      if (stopped_) return;
      out.items.push_back(Convert(item, IndexKey(path, out.items.size()), depth + 1, line));
      line = out.items.back().line;
    }
  }

  std::optional<std::string> ConvertKey(const YAML::Node& key, const std::string& path, int line) {
    if (key.IsNull()) return "";
    if (!key.IsScalar()) {
      Error(line, path, "a key must be text");
      return std::nullopt;
    }
    YamlNode text;
    text.line = line;
    ConvertScalar(key, path, text);
    return text.text;
  }

  void ConvertMap(const YAML::Node& node, const std::string& path, int depth, YamlNode& out) {
    std::vector<YamlNode> merged;
    std::unordered_map<std::string, int> lines;
    for (const auto& entry : node) {
      if (stopped_) return;
      const int line = entry.first.Mark().line + 1;
      const std::optional<std::string> key = ConvertKey(entry.first, path, line);
      if (!key) continue;
      const std::string key_path = JoinKey(path, *key);
      YamlNode value = Convert(entry.second, key_path, depth + 1, line);
      if (*key == "<<" && entry.first.Tag() == "?") {
        Collect(std::move(value), key_path, merged);
      } else if (const auto [seen, is_new] = lines.emplace(*key, line); is_new) {
        out.entries.push_back({*key, line, std::move(value)});
      } else {
        Error(line, key_path, "key is already set on line " + std::to_string(seen->second));
      }
    }
    // What is spelled out wins, then the first of several maps.
    for (YamlNode& map : merged) {
      for (YamlEntry& entry : map.entries) {
        if (lines.emplace(entry.key, entry.line).second) out.entries.push_back(std::move(entry));
      }
    }
  }

  void Collect(YamlNode value, const std::string& path, std::vector<YamlNode>& merged) {
    if (value.kind == YamlNode::Kind::kMap) {
      merged.push_back(std::move(value));
      return;
    }
    const bool maps = value.kind == YamlNode::Kind::kList &&
                      std::all_of(value.items.begin(), value.items.end(), [](const YamlNode& item) {
                        return item.kind == YamlNode::Kind::kMap;
                      });
    if (!maps) Error(value.line, path, "a merge key takes a map or a list of maps");
    for (YamlNode& item : value.items) {
      if (maps) merged.push_back(std::move(item));
    }
  }

  const std::string file_;
  size_t budget_;
  bool stopped_ = false;
  std::vector<LoadError>& errors_;
};

}  // namespace

bool IsNullText(const std::string& text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

std::string JoinKey(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string IndexKey(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

YamlDocument ParseYaml(const std::string& text, const std::string& file) {
  YamlDocument out;
  if (const int line = FirstLineNotUtf8(text); line != 0) {
    out.errors.push_back({file, line, "", "not UTF-8", false});
    return out;
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    out.documents = documents.size();
    out.complete = true;
    if (!documents.empty()) {
      Converter converter(file, text.size(), out.errors);
      out.root = converter.Convert(documents[0], "", 0, 1);
      out.complete = !converter.stopped();
    }
  } catch (const YAML::Exception& e) {
    out.errors.push_back({file, e.mark.line + 1, "", e.msg, false});
  } catch (const std::exception& e) {
    out.errors.push_back({file, 0, "", e.what(), false});
  }
  return out;
}

}  // namespace canopy::config

#include "config/yaml_tree.h"

#include <yaml-cpp/binary.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "canopy/base/quote.h"
#include "canopy/model/labels.h"

namespace canopy::config {
namespace {

constexpr size_t kMaxDepth = 64;
// Nodes that aliases may add to those that the text spells out.
constexpr size_t kMaxAliasNodes = 100000;

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

// Ends the parse: what follows would only repeat the error, or take for ever. Never leaves this
// file.
struct Refused {
  int line;
  std::string path;
  std::string message;
};

size_t CountNodes(const YamlNode& node) {
  size_t n = 1;
  for (const YamlNode& item : node.items) n += CountNodes(item);
  for (const YamlEntry& entry : node.entries) n += CountNodes(entry.value);
  return n;
}

size_t DepthOf(const YamlNode& node) {
  size_t depth = 0;
  for (const YamlNode& item : node.items) depth = std::max(depth, DepthOf(item));
  for (const YamlEntry& entry : node.entries) depth = std::max(depth, DepthOf(entry.value));
  return depth + 1;
}

// Puts a document together from the library's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string file, std::vector<LoadError>& errors)
      : file_(std::move(file)), errors_(errors) {}

  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark&, YAML::anchor_t anchor) override {
    YamlNode node;
    node.line = HereLine();
    Finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      throw Refused{mark.line + 1, HerePath(), "an alias to what it is a part of"};
    }
    const size_t size = CountNodes(known->second);
    if (size > alias_budget_) {
      throw Refused{mark.line + 1, HerePath(), "aliases make the document too large"};
    }
    if (stack_.size() + DepthOf(known->second) > kMaxDepth) TooDeep(mark);
    alias_budget_ -= size;
    Add(known->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.line = mark.line + 1;
    node.text = value;
    node.plain = tag.empty() || tag == "?";
    if (tag.starts_with(kCoreTag)) {
      ApplyTag(std::string_view(tag).substr(kCoreTag.size()), node);
    } else if (!node.plain && tag != "!") {
      Error(node.line, HerePath(), "unknown tag " + base::Quoted(tag));
    }
    node.kind =
        node.plain && IsNullText(node.text) ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar;
    Finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Begin(YamlNode::Kind::kList, mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Begin(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnSequenceEnd() override { End(); }
  void OnMapEnd() override {
    // What is spelled out wins, then the first of several maps.
    Open& map = stack_.back();
    for (YamlNode& merged : map.merged) {
      for (YamlEntry& entry : merged.entries) {
        if (map.lines.emplace(entry.key, entry.line).second) {
          map.node.entries.push_back(std::move(entry));
        }
      }
    }
    End();
  }

 private:
  struct Key {
    std::string text;
    bool plain;
    bool valid;  // false: its value is dropped
    int line;
  };
  // A list or map that has begun.
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    std::string path;
    std::optional<Key> key;                      // of the value that comes next
    std::unordered_map<std::string, int> lines;  // of the keys so far
    std::vector<YamlNode> merged;                // values of "<<"
  };

  void Error(int line, const std::string& path, std::string message) {
    errors_.push_back({file_, line, path, std::move(message), false});
  }

  [[noreturn]] void TooDeep(const YAML::Mark& mark) const {
    throw Refused{mark.line + 1, HerePath(), "nested too deeply"};
  }

  // Where the next node belongs.
  std::string HerePath() const {
    if (stack_.empty()) return "";
    const Open& open = stack_.back();
    if (open.node.kind == YamlNode::Kind::kList) {
      return IndexKey(open.path, open.node.items.size());
    }
    return open.key ? JoinKey(open.path, open.key->text) : open.path;
  }

  // For what the library has no place for: nothing at all.
  int HereLine() const {
    if (stack_.empty()) return 1;
    const Open& open = stack_.back();
    if (open.key) return open.key->line;
    return open.node.items.empty() ? open.node.line : open.node.items.back().line;
  }

  void ApplyTag(std::string_view type, YamlNode& node) {
    node.plain = type != "str" && type != "binary";
    if (type != "binary") return;
    const std::vector<unsigned char> bytes = YAML::DecodeBase64(node.text);
    if (bytes.empty() && !node.text.empty()) {
      Error(node.line, HerePath(), "!!binary value contains invalid base64 data");
    }
    node.text.assign(bytes.begin(), bytes.end());
  }

  void Begin(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (stack_.size() >= kMaxDepth) TooDeep(mark);
    Open open;
    open.node.kind = kind;
    open.node.line = mark.line + 1;
    open.anchor = anchor;
    open.path = HerePath();
    stack_.push_back(std::move(open));
  }

  void End() {
    Open open = std::move(stack_.back());
    stack_.pop_back();
    Finish(std::move(open.node), open.anchor);
  }

  void Finish(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (stack_.back().node.kind == YamlNode::Kind::kList) {
      stack_.back().node.items.push_back(std::move(node));
    } else if (!stack_.back().key) {
      TakeKey(stack_.back(), std::move(node));
    } else {
      AddEntry(stack_.back(), std::move(node));
    }
  }

  void TakeKey(Open& map, YamlNode node) {
    const bool text = node.items.empty() && node.entries.empty() &&
                      node.kind != YamlNode::Kind::kList && node.kind != YamlNode::Kind::kMap;
    if (!text) Error(node.line, map.path, "a key must be text");
    map.key = Key{std::move(node.text), node.plain, text, node.line};
  }

  void AddEntry(Open& map, YamlNode node) {
    const std::string path = HerePath();
    Key key = std::move(*map.key);
    map.key.reset();
    if (!key.valid) return;
    if (key.text == "<<" && key.plain) {
      Merge(map, std::move(node), path);
    } else if (const auto [seen, is_new] = map.lines.emplace(key.text, key.line); is_new) {
      map.node.entries.push_back({std::move(key.text), key.line, std::move(node)});
    } else {
      Error(key.line, path, "key is already set on line " + std::to_string(seen->second));
    }
  }

  void Merge(Open& map, YamlNode node, const std::string& path) {
    if (node.kind == YamlNode::Kind::kMap) {
      map.merged.push_back(std::move(node));
      return;
    }
    const bool maps = node.kind == YamlNode::Kind::kList &&
                      std::all_of(node.items.begin(), node.items.end(), [](const YamlNode& item) {
                        return item.kind == YamlNode::Kind::kMap;
                      });
    if (!maps) Error(node.line, path, "a merge key takes a map or a list of maps");
    for (YamlNode& item : node.items) {
      if (maps) map.merged.push_back(std::move(item));
    }
  }

  const std::string file_;
  std::vector<LoadError>& errors_;
  size_t alias_budget_ = kMaxAliasNodes;
  YamlNode root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
};

// Where the next document begins; throws away the document itself.
class StartFinder : public YAML::EventHandler {
 public:
  const std::optional<YAML::Mark>& start() const { return start_; }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::optional<YAML::Mark> start_;
};

std::string_view LineAt(std::string_view text, int line) {
  for (; line > 0 && !text.empty(); --line) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return text.substr(0, text.find('\n'));
}

// From 1; 0 when all of it is.
int FirstLineNotUtf8(std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (!model::IsValidUtf8(text.substr(0, end))) return line;
    text.remove_prefix(end);
  }
  return 0;
}

void ParseDocuments(const std::string& text, const std::string& file, YamlDocument& out) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Builder builder(file, out.errors);
  if (!parser.HandleNextDocument(builder)) {
    out.complete = true;
    return;
  }
  out.documents = 1;
  out.root = builder.TakeRoot();
  StartFinder next;
  if (parser.HandleNextDocument(next) && next.start()) {
    // Of text that cannot begin a document the library makes empty documents without end.
    if (!LineAt(text, next.start()->line).starts_with("---")) {
      throw Refused{next.start()->line + 1, "", "unexpected text"};
    }
    out.documents = 2;
  }
  out.complete = true;
}

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
    ParseDocuments(text, file, out);
  } catch (const Refused& e) {
    out.errors.push_back({file, e.line, e.path, e.message, false});
  } catch (const YAML::Exception& e) {
    out.errors.push_back({file, e.mark.line + 1, "", e.msg, false});
  } catch (const std::exception& e) {
    out.errors.push_back({file, 0, "", e.what(), false});
  }
  return out;
}

}  // namespace canopy::config

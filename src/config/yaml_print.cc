#include "config/yaml_print.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "config/yaml_value.h"

namespace canopy::config {
namespace {

bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Whether the characters of `text` mean nothing to YAML. Stricter than its grammar.
bool HasPlainCharacters(std::string_view text) {
  if (!IsAlnum(text[0]) && std::string_view("_/.$(<").find(text[0]) == std::string_view::npos) {
    return false;
  }
  constexpr std::string_view kHarmless = "_./$()<>|+^~=;?*\\-@";
  for (size_t i = 0; i < text.size(); ++i) {
    const bool colon = text[i] == ':' && i + 1 < text.size() && text[i + 1] != ' ';
    const bool space = text[i] == ' ' && i + 1 < text.size() && IsAlnum(text[i + 1]);
    if (!IsAlnum(text[i]) && !colon && !space && kHarmless.find(text[i]) == std::string_view::npos)
      return false;
  }
  return true;
}

std::string QuotedScalar(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const base::Rune rune = base::FirstRune(text);
    if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += text[0];
    } else if (rune.code == '\n') {
      out += "\\n";
    } else if (rune.length != 0 && base::IsPrintable(rune.code)) {
      out.append(text.substr(0, rune.length));
    } else {
      char escaped[16];
      const uint32_t code = rune.length == 0 ? 0xfffd : rune.code;
      std::snprintf(escaped, sizeof(escaped), "\\U%08x", code);
      out += escaped;
    }
    text.remove_prefix(std::max<size_t>(rune.length, 1));
  }
  return out + '"';
}

std::string Scalar(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kNull) return "null";
  if (node.plain) return node.text;
  const bool plain =
      !node.text.empty() && HasPlainCharacters(node.text) && !MeansSomethingElse(node.text);
  return plain ? node.text : QuotedScalar(node.text);
}

void Print(const YamlNode& node, const std::string& indent, std::string& out);

// What follows "key:" or "-": on the same line, or on lines of its own.
void PrintEntry(const YamlNode& value, const std::string& indent, std::string& out) {
  if (value.kind == YamlNode::Kind::kMap && !value.entries.empty()) {
    out += '\n';
    Print(value, indent + "  ", out);
  } else if (value.kind == YamlNode::Kind::kList && !value.items.empty()) {
    out += '\n';
    Print(value, indent, out);
  } else {
    out += ' ';
    Print(value, indent, out);
  }
}

void PrintList(const YamlNode& node, const std::string& indent, std::string& out) {
  for (const YamlNode& item : node.items) {
    const size_t start = out.size();
    Print(item, indent + "  ", out);
    // The first line of the item carries the dash.
    if (out.compare(start, indent.size() + 2, indent + "  ") == 0) {
      out.replace(start, indent.size() + 2, indent + "- ");
    } else {
      out.insert(start, indent + "- ");
    }
  }
}

void Print(const YamlNode& node, const std::string& indent, std::string& out) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
    case YamlNode::Kind::kScalar:
      out += Scalar(node) + '\n';
      break;
    case YamlNode::Kind::kList:
      if (node.items.empty()) out += "[]\n";
      PrintList(node, indent, out);
      break;
    case YamlNode::Kind::kMap:
      if (node.entries.empty()) out += "{}\n";
      for (const YamlEntry& entry : node.entries) {
        YamlNode key;
        key.kind = YamlNode::Kind::kScalar;
        key.plain = false;
        key.text = entry.key;
        out += indent + Scalar(key) + ':';
        PrintEntry(entry.value, indent, out);
      }
      break;
  }
}

}  // namespace

std::string PrintYaml(const YamlNode& root) {
  std::string out;
  if (root.kind != YamlNode::Kind::kNull) Print(root, "", out);
  return out;
}

}  // namespace canopy::config

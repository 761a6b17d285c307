#include <algorithm>
#include <set>

#include "canopy/base/check.h"
#include "canopy/net/server.h"

namespace canopy::net {
namespace {

// The next segment of a path without its slash; `rest` goes on at the slash after it.
std::string_view NextSegment(std::string_view& rest) {
  rest.remove_prefix(1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, slash);
  rest.remove_prefix(slash);
  return segment;
}

struct Leaf {
  std::string pattern;
  std::vector<std::string> names;
  Handler handler;
};

// One segment of the patterns, with what may come after it.
struct Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> words;
  std::unique_ptr<Node> name;                       // "{x}"
  std::unique_ptr<Node> rest;                       // "{x...}"
  std::map<std::string, Leaf, std::less<>> leaves;  // by method

  // The node at the end of `path`, with what its names stand for. Words are tried before names.
  const Node* Find(std::string_view path, std::vector<std::string_view>& values) const {
    if (path.empty()) return leaves.empty() ? nullptr : this;
    const std::string_view whole = path.substr(1);
    const std::string_view segment = NextSegment(path);
    if (const auto word = words.find(segment); word != words.end())
      if (const Node* found = word->second->Find(path, values)) return found;
    if (name && !segment.empty()) {
      values.push_back(segment);
      if (const Node* found = name->Find(path, values)) return found;
      values.pop_back();
    }
    if (rest) {
      values.push_back(whole);
      return rest.get();
    }
    return nullptr;
  }
};

Node* Child(std::unique_ptr<Node>& slot) {
  if (!slot) slot = std::make_unique<Node>();
  return slot.get();
}

std::string Allow(const Node& node) {
  std::set<std::string> methods{"OPTIONS"};
  for (const auto& [method, leaf] : node.leaves) methods.insert(method);
  std::string out;
  for (const std::string& method : methods) {
    if (!out.empty()) out += ", ";
    out += method;
  }
  return out;
}

}  // namespace

struct Router::Rep {
  Node root;
  Handler rest;

  const Node* Find(std::string_view path, std::vector<std::string_view>& values) const {
    if (path.empty() || path[0] != '/') return nullptr;
    return root.Find(path, values);
  }
};

Router::Router() : rep_(std::make_unique<Rep>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::Handle(std::string_view method, std::string_view pattern, Handler handler) {
  CANOPY_CHECK(!pattern.empty() && pattern[0] == '/');
  Leaf leaf{std::string(pattern), {}, std::move(handler)};
  Node* node = &rep_->root;
  for (std::string_view path = pattern; !path.empty();) {
    const std::string_view segment = NextSegment(path);
    if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
      std::string_view name = segment.substr(1, segment.size() - 2);
      const bool rest = name.ends_with("...");
      if (rest) name.remove_suffix(3);
      CANOPY_CHECK(!rest || path.empty());
      leaf.names.emplace_back(name);
      node = Child(rest ? node->rest : node->name);
    } else {
      node = Child(node->words.try_emplace(std::string(segment)).first->second);
    }
  }
  CANOPY_CHECK(node->leaves.emplace(method, std::move(leaf)).second);
}

void Router::HandleRest(Handler handler) { rep_->rest = std::move(handler); }

void Router::Serve(Request& request, Response& response) const {
  const std::string& path = request.path();
  std::vector<std::string_view> values;
  const Node* node = rep_->Find(path, values);
  if (node == nullptr) {
    // "/graph/" for "/graph", or the other way round.
    std::string other = path;
    if (other.size() > 1 && other.back() == '/')
      other.pop_back();
    else
      other.push_back('/');
    values.clear();
    node = path.empty() ? nullptr : rep_->Find(other, values);
    if (node != nullptr && node->leaves.contains(request.method())) {
      std::string location = EscapePath(other);
      if (!request.raw_query().empty()) location += "?" + request.raw_query();
      const bool get = request.method() == "GET";
      response.SetHeader("Location", std::move(location));
      (void)response.SendError(get ? 301 : 308, get ? "Moved Permanently" : "Permanent Redirect");
    } else if (rep_->rest) {
      rep_->rest(request, response);
    } else {
      (void)response.SendError(404, "404 page not found");
    }
    return;
  }
  const auto leaf = node->leaves.find(request.method());
  if (leaf == node->leaves.end()) {
    response.SetHeader("Allow", Allow(*node));
    if (request.method() == "OPTIONS")
      (void)response.Send({});
    else
      (void)response.SendError(405, "Method Not Allowed");
    return;
  }
  request.route_ = leaf->second.pattern;
  request.path_params_.clear();
  for (size_t i = 0; i < values.size(); ++i)
    request.path_params_.emplace_back(leaf->second.names[i], values[i]);
  leaf->second.handler(request, response);
}

std::string_view Request::path_param(std::string_view name) const {
  for (const auto& [n, value] : path_params_)
    if (n == name) return value;
  return {};
}

namespace {

// "application/x-www-form-urlencoded; charset=utf-8" without its parameters.
bool IsFormBody(const Request& request) {
  const std::string& method = request.method();
  if (method != "POST" && method != "PUT" && method != "PATCH") return false;
  std::string_view type = request.header("Content-Type");
  type = type.substr(0, type.find(';'));
  type = type.substr(0, type.find_last_not_of(" \t") + 1);
  return SameHeader(type, "application/x-www-form-urlencoded");
}

}  // namespace

Result<Form> Request::FormValues(size_t limit) {
  Form out;
  if (IsFormBody(*this)) {
    CANOPY_ASSIGN_OR_RETURN(const std::string_view body, ReadBody(limit));
    CANOPY_ASSIGN_OR_RETURN(out, ParseForm(body));
  }
  CANOPY_ASSIGN_OR_RETURN(const Form query, Query());
  for (const auto& [name, value] : query.items()) out.Add(name, value);
  return out;
}

Status Response::SendError(int code, std::string_view text) {
  SetStatus(code);
  SetHeader("Content-Type", "text/plain; charset=utf-8");
  SetHeader("X-Content-Type-Options", "nosniff");
  return Send(std::string(text) + "\n");
}

}  // namespace canopy::net

// canopy query: asks a server, and shows what it says in columns.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/commands.h"
#include "app/query_answer.h"
#include "app/query_table.h"
#include "canopy/app/flags.h"
#include "canopy/app/version.h"
#include "canopy/base/clock.h"
#include "canopy/base/number.h"
#include "canopy/net/client.h"
#include "canopy/net/status_text.h"
#include "canopy/net/url.h"

namespace canopy::app {
namespace {

using enum FlagKind;

constexpr FlagSpec kFlags[] = {
    {"time", kText, "", FlagRole::kActive, false, ""},
    {"start", kText, "", FlagRole::kActive, false, ""},
    {"end", kText, "", FlagRole::kActive, false, ""},
    {"step", kText, "", FlagRole::kActive, false, ""},
    {"match", kList, "", FlagRole::kActive, false, ""},
};

// A server to ask.
class Server {
 public:
  explicit Server(std::string url) : url_(std::move(url)) {
    while (url_.ends_with('/')) url_.pop_back();
  }

  // The body of an answer of the API, also of an error. Parameters travel as a form, so that they
  // may be long; label values take only GET.
  Result<std::string> Post(const std::string& path, const net::Form& form) {
    return Fetch({.method = "POST",
                  .url = url_ + path,
                  .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                  .body = form.Encode()});
  }
  Result<std::string> Get(const std::string& path, const net::Form& form) {
    net::HttpRequest request;
    request.url = url_ + path + "?" + form.Encode();
    return Fetch(std::move(request));
  }

 private:
  Result<std::string> Fetch(net::HttpRequest request) {
    // As long as a server computes by default, and the way there and back.
    constexpr Duration kTimeout = std::chrono::seconds(150);
    net::HttpOptions options;
    options.timeout = kTimeout;
    options.max_body_bytes = size_t{1} << 30;
    net::HttpResponse response = client_->Fetch(std::move(request), std::move(options));
    if (!response.status.ok()) return response.status;
    const bool json = response.header("Content-Type").starts_with("application/json");
    if (response.code / 100 != 2 && !json) {
      return Status::Execution("server returned " + net::StatusLine(response.code) + ": " +
                               response.body);
    }
    return std::move(response.body);
  }

  std::string url_;
  std::unique_ptr<net::HttpClient> client_ =
      net::NewCurlHttpClient({.user_agent = "canopy/" + std::string(kVersion)});
};

void Show(const std::string& text) { std::fputs(text.c_str(), stdout); }

Status ShowQuery(const Result<std::string>& body) {
  if (!body.ok()) return body.status();
  CANOPY_ASSIGN_OR_RETURN(const QueryAnswer answer, ParseQueryAnswer(*body));
  for (const std::string& warning : answer.warnings) {
    std::fprintf(stderr, "%s\n", warning.c_str());
  }
  Show(FormatValue(answer.value));
  return {};
}

Status Instant(Server& server, const FlagSet& flags, const Args& rest) {
  net::Form form({{"query", rest[0]}});
  if (flags.given("time")) form.Add("time", flags.Text("time"));
  return ShowQuery(server.Post("/api/v1/query", form));
}

Status Range(Server& server, const FlagSet& flags, const Args& rest) {
  constexpr Duration kDefaultRange = std::chrono::minutes(5);
  Timestamp end = SystemClock().Now();
  if (flags.given("end")) {
    CANOPY_ASSIGN_OR_RETURN(end, ParseTimestamp(flags.Text("end")));
  }
  Timestamp start = end - kDefaultRange;
  if (flags.given("start")) {
    CANOPY_ASSIGN_OR_RETURN(start, ParseTimestamp(flags.Text("start")));
  }
  // 250 steps unless asked otherwise, as promtool has it.
  const double seconds = std::max(1.0, std::floor((end.seconds() - start.seconds()) / 250));
  std::string step = flags.Text("step");
  if (step.empty()) base::AppendFloatPlain(step, seconds);
  const auto unix_time = [](Timestamp t) {
    std::string out;
    base::AppendFloatPlain(out, t.seconds());
    return out;
  };
  return ShowQuery(server.Post("/api/v1/query_range", net::Form({{"query", rest[0]},
                                                                 {"start", unix_time(start)},
                                                                 {"end", unix_time(end)},
                                                                 {"step", step}})));
}

net::Form Span(const FlagSet& flags, const Args& selectors) {
  net::Form form;
  for (const std::string& selector : selectors) form.Add("match[]", selector);
  for (const std::string& selector : flags.List("match")) form.Add("match[]", selector);
  for (const char* name : {"start", "end"}) {
    if (flags.given(name)) form.Add(name, flags.Text(name));
  }
  return form;
}

Status Series(Server& server, const FlagSet& flags, const Args& rest) {
  CANOPY_ASSIGN_OR_RETURN(const std::string body, server.Post("/api/v1/series", Span(flags, rest)));
  CANOPY_ASSIGN_OR_RETURN(std::vector<model::Labels> series, ParseSeriesAnswer(body));
  std::sort(series.begin(), series.end());
  for (const model::Labels& labels : series) Show(labels.ToString() + "\n");
  return {};
}

Status LabelNames(Server& server, const FlagSet& flags, const Args& rest) {
  const std::string path =
      rest.empty() ? "/api/v1/labels" : "/api/v1/label/" + net::PathEscape(rest[0]) + "/values";
  CANOPY_ASSIGN_OR_RETURN(const std::string body, server.Get(path, Span(flags, {})));
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, ParseNamesAnswer(body));
  for (const std::string& name : names) Show(name + "\n");
  return {};
}

struct Kind {
  std::string_view name;
  size_t least;  // arguments after the URL
  size_t most;
  std::vector<std::string_view> flags;
  Status (*run)(Server& server, const FlagSet& flags, const Args& rest);
};

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kKinds = {
      {"instant", 1, 1, {"time"}, Instant},
      {"range", 1, 1, {"start", "end", "step"}, Range},
      {"series", 0, 1000, {"start", "end", "match"}, Series},
      {"labels", 0, 1, {"start", "end", "match"}, LabelNames},
  };
  return kKinds;
}

// Flags that the kind of query does not have.
Status RefuseOthers(const Kind& kind, const FlagSet& flags) {
  for (const FlagSpec& spec : kFlags) {
    const bool known =
        std::find(kind.flags.begin(), kind.flags.end(), spec.name) != kind.flags.end();
    if (flags.given(spec.name) && !known) {
      return Status::Invalid("--" + std::string(spec.name) + " is no flag of query " +
                             std::string(kind.name));
    }
  }
  return {};
}

}  // namespace

int RunQuery(const Args& args) {
  const auto usage = [](std::string_view why) {
    return Fail(kExitUsage, std::string(why) + "; see canopy query --help");
  };
  if (args.empty()) return usage("what to query is missing");
  const auto kind = std::find_if(Kinds().begin(), Kinds().end(),
                                 [&](const Kind& k) { return k.name == args[0]; });
  if (kind == Kinds().end()) return usage("unknown query \"" + args[0] + "\"");
  FlagSet flags(kFlags);
  Args rest;
  Status status = flags.Parse(std::span(args).subspan(1), &rest);
  if (status.ok()) status = RefuseOthers(*kind, flags);
  if (!status.ok()) return usage(status.message());
  if (rest.size() < 1 + kind->least || rest.size() > 1 + kind->most) {
    return usage("wrong number of arguments");
  }
  if (const auto url = net::ParseUrl(rest[0]); !url.ok() || url->host.empty()) {
    return usage("\"" + rest[0] + "\" is no URL of a server");
  }
  Server server(rest[0]);
  rest.erase(rest.begin());
  status = kind->run(server, flags, rest);
  return status.ok() ? kExitOk : Fail(kExitFailed, status.message());
}

}  // namespace canopy::app

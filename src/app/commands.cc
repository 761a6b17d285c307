#include "app/commands.h"

#include <algorithm>
#include <cstdio>

namespace canopy::app {
namespace {

constexpr std::string_view kCheckUsage = R"(usage: canopy check config FILE ...
       canopy check rules FILE ...
       canopy check web-config FILE ...
       canopy check metrics < PAGE

  config      Configurations, with the rule files and target files that they name.
  rules       Rule files: their form, their expressions, their templates.
  web-config  Files for --web.config.file.
  metrics     A page in the text format, from standard input: whether it can be
              parsed, and whether its names follow Prometheus's conventions.

Every error is shown at once, with file and line.
Exit status: 0 all is well, 1 something is wrong, 2 the command line is,
3 a page is well-formed but has names against the conventions.
)";

constexpr std::string_view kQueryUsage = R"(usage: canopy query instant [--time=TIME] URL EXPR
       canopy query range [--start=TIME] [--end=TIME] [--step=DURATION] URL EXPR
       canopy query series [--start=TIME] [--end=TIME] URL SELECTOR ...
       canopy query labels [--start=TIME] [--end=TIME] [--match=SELECTOR ...] URL [NAME]

  instant  The value of an expression at one time, now by default.
  range    Its values from start to end, the last five minutes by default.
  series   The series that match any of the selectors.
  labels   The values of a label, or the names of all labels.

URL is where a Canopy or a Prometheus listens: http://127.0.0.1:9090, with its
route prefix if it has one. TIME is Unix seconds or RFC 3339; DURATION is 30s,
1h30m or a number of seconds.
Exit status: 0 there is an answer, 1 there is an error, 2 the command line is wrong.
)";

constexpr std::string_view kTsdbUsage = R"(usage: canopy tsdb list [-r] [DIR]
       canopy tsdb analyze [--limit=20] [--extended] [--match=SELECTOR] [DIR] [BLOCK]
       canopy tsdb dump [--min-time=MS] [--max-time=MS] [--match=SELECTOR ...]
                        [--format=prom|seriesjson] [DIR]
       canopy tsdb dump-openmetrics [--min-time=MS] [--max-time=MS]
                        [--match=SELECTOR ...] [DIR]
       canopy tsdb create-blocks-from openmetrics [-r] [-q] [--label=NAME=VALUE ...]
                        [--max-block-duration=2h] FILE [DIR]
       canopy tsdb verify [--max-faults=100] [DIR]
       canopy tsdb bench write [--out=benchout] [--metrics=10000] [--scrapes=3000] [FILE]

  list                The blocks: times, counts, sizes. -r, --human-readable: dates and units.
  analyze             What a block (the newest by default) consists of: its largest labels,
                      names and metrics, and what comes and goes. --extended: its chunks.
  dump                Every sample of blocks and log, a line each.
  dump-openmetrics    The same as a page that create-blocks-from reads; native histograms and
                      staleness markers are left out.
  create-blocks-from  Blocks of the samples of an OpenMetrics page, in any order, each with a
                      timestamp. -q, --quiet: does not list them.
  verify              Every checksum, order and reference of all files; says what is wrong where.
  bench               How fast samples are stored, and in how many bytes.

DIR is data/ by default. But for create-blocks-from and bench nothing is locked or written: a
server may be running on the directory. Times are Unix milliseconds.
Exit status: 0 all is well, 1 something is wrong, or could not be shown, 2 the command line is.
)";

constexpr std::string_view kPromqlUsage = R"(usage: canopy promql format [FLAGS] QUERY
       canopy promql explain [FLAGS] [--time=TIME] QUERY
       canopy promql explain [FLAGS] --start=TIME [--end=TIME] [--step=15s] QUERY

  format   The query as /api/v1/format_query writes it: long ones over several lines.
  explain  What evaluating it takes, a line for each part: what selectors read,
           at which steps a subquery is evaluated, what is computed only once.

FLAGS are --enable-feature=NAMES, as the server's, and --lookback-delta=5m for
explain. TIME is Unix seconds or RFC 3339, now by default.
Exit status: 0 all is well, 1 the query is wrong, 2 the command line is.
)";

constexpr std::string_view kTestUsage = R"(usage: canopy test promql FILE ...

  promql  Scripts in the language of Prometheus's promqltest: load, eval, expect.

Everything that is not as a file says is shown, with file and line; the last
line is "N passed, N failed".
Exit status: 0 all passed, 1 some failed, 2 the command line is wrong.
)";

constexpr Command kCommands[] = {
    {"check", "config|rules|web-config|metrics ...", "Look at files before a server needs them.",
     kCheckUsage, RunCheck},
    {"query", "instant|range|series|labels URL ...", "Ask a server.", kQueryUsage, RunQuery},
    {"tsdb", "list|analyze|dump|create-blocks-from|verify|... ...", "Look into a data directory.",
     kTsdbUsage, RunTsdb},
    {"promql", "format|explain QUERY", "Look at a query.", kPromqlUsage, RunPromql},
    {"test", "promql FILE ...", "Run tests of queries.", kTestUsage, RunTest},
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }

bool AsksForHelp(const Args& args) {
  return std::any_of(args.begin(), args.end(),
                     [](const std::string& arg) { return arg == "--help" || arg == "-h"; });
}

int Fail(int status, std::string_view message) {
  std::fprintf(stderr, "canopy: %.*s\n", static_cast<int>(message.size()), message.data());
  return status;
}

}  // namespace canopy::app

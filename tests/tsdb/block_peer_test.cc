#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "canopy/base/number.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/block_support.h"
#include "tests/tsdb/peer_support.h"
#include "tsdb/block.h"
#include "tsdb/block_writer.h"
#include "tsdb/compact_blocks.h"

// Blocks between us and Debian's Prometheus, both ways. Without its programs these tests say so and
// pass.

namespace canopy::tsdb {
namespace {

using testing::RunProgram;
using testing::TempDir;

constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of two hours
constexpr int64_t kRange = 7'200'000;

std::vector<std::string> BlocksIn(const std::string& dir) {
  const auto names = PosixFs().List(dir);
  std::vector<std::string> out;
  for (const std::string& name : *names)
    if (Ulid::Parse(name)) out.push_back(JoinPath(dir, name));
  return out;
}

// Without stale markers, which the text format cannot say.
SampleMap PlainSamples() {
  SampleMap out = RandomSamples(700, 40, kStart + 5000, 3);
  for (auto& [labels, samples] : out)
    for (auto& [t, v] : samples)
      if (model::IsStale(v)) v = -0.5;
  return out;
}

BOOST_AUTO_TEST_CASE(blocks_of_promtool_are_read) {
  if (!Have("promtool")) return;
  const TempDir dir;
  // Three block ranges.
  SampleMap want = PlainSamples();
  for (auto& [labels, samples] : want) {
    const auto first = samples;
    for (const int64_t later : {kRange, 2 * kRange})
      for (const auto& [t, v] : first) samples.emplace_back(t + later, v + 1);
  }
  std::string text;
  for (const auto& [labels, samples] : want) {
    std::string series = labels.ToString();
    std::erase(series, ' ');  // OpenMetrics has none between labels
    for (const auto& [t, v] : samples) {
      text += series + " ";
      base::AppendFloatShortest(text, v);
      text +=
          " " + std::to_string(t / 1000) + "." + std::to_string(1000 + t % 1000).substr(1) + "\n";
    }
  }
  text += "# EOF\n";
  const std::string page = JoinPath(dir.path(), "page");
  const std::string data = JoinPath(dir.path(), "data");
  WriteFile(page, text);
  const auto created =
      RunProgram({"promtool", "tsdb", "create-blocks-from", "openmetrics", page, data});
  BOOST_REQUIRE_MESSAGE(created.exit_status == 0, created.out << created.err);
  const std::vector<std::string> blocks = BlocksIn(data);
  BOOST_TEST(blocks.size() == 3u);
  SampleMap got;
  std::vector<std::pair<int64_t, SampleMap>> parts;
  for (const std::string& path : blocks) {
    const auto block = Block::Open(PosixFs(), path);
    BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
    const auto querier = NewBlockQuerier(*block, Timestamp::Min(), Timestamp::Max());
    parts.emplace_back((*block)->meta().min_time.ms(), SamplesOf(**querier->Select({}, {})));
    BOOST_TEST((*block)->meta().stats.num_series == parts.back().second.size());
    // The file that they wrote comes out of us to the byte.
    BOOST_TEST(FormatBlockMeta((*block)->meta()) == *PosixFs().ReadFile(JoinPath(path, kMetaFile)));
  }
  std::sort(parts.begin(), parts.end());
  for (const auto& [mint, part] : parts)
    for (const auto& [labels, samples] : part)
      got[labels].insert(got[labels].end(), samples.begin(), samples.end());
  BOOST_TEST(SameSamples(got, want));
}

std::vector<std::string> DumpOf(const SampleMap& content) {
  std::string text;
  for (const auto& [labels, samples] : content) {
    std::string set;
    for (const model::LabelView label : labels) {
      set += set.empty() ? "{" : ", ";
      set += std::string(label.name) + "=\"" + std::string(label.value) + "\"";
    }
    for (const auto& [t, v] : samples) {
      text += set + "} ";
      base::AppendFloatShortest(text, v);
      text += " " + std::to_string(t) + "\n";
    }
  }
  return SortedLines(text);
}

// Two blocks of ours in a row, the first in several chunk segments.
SampleMap WriteOurs(const std::string& data) {
  // promtool looks for a log as well.
  BOOST_REQUIRE(PosixFs().MakeDirs(JoinPath(data, "wal")).ok());
  SampleMap all = RandomSamples(700, 300, kStart + 5000, 5);
  for (const int64_t shift : {int64_t{0}, kRange}) {
    SampleMap part = shift == 0 ? all : RandomSamples(500, 200, kStart + shift + 5000, 6);
    MapSource source(part);
    const auto meta = WriteBlock(PosixFs(), data, MetaFor(kStart + shift, kStart + shift + kRange),
                                 source, {shift == 0 ? 100'000u : kChunkSegmentBytes});
    BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
    if (shift == 0) continue;
    for (auto& [labels, samples] : part)
      all[labels].insert(all[labels].end(), samples.begin(), samples.end());
  }
  return all;
}

BOOST_AUTO_TEST_CASE(promtool_reads_our_blocks) {
  if (!Have("promtool")) return;
  const TempDir dir;
  const SampleMap ours = WriteOurs(dir.path());
  const auto list = RunProgram({"promtool", "tsdb", "list", dir.path()});
  BOOST_TEST(list.exit_status == 0);
  for (const std::string& block : BlocksIn(dir.path()))
    BOOST_TEST(list.out.find(BaseName(block)) != std::string::npos, list.out << list.err);
  const auto dump = RunProgram({"promtool", "tsdb", "dump", dir.path()});
  BOOST_TEST(dump.exit_status == 0);
  BOOST_TEST(dump.err == "");
  BOOST_TEST((SortedLines(dump.out) == DumpOf(ours)));
  for (const std::string& block : BlocksIn(dir.path())) {
    const auto analyze =
        RunProgram({"promtool", "tsdb", "analyze", dir.path(), std::string(BaseName(block))});
    BOOST_TEST(analyze.exit_status == 0, analyze.err);
    const auto meta = ReadBlockMeta(PosixFs(), block);
    BOOST_TEST(
        analyze.out.find("Series: " + std::to_string(meta->stats.num_series)) != std::string::npos,
        analyze.out);
  }
}

BOOST_AUTO_TEST_CASE(promtool_reads_what_we_compacted) {
  if (!Have("promtool")) return;
  const TempDir dir;
  const SampleMap ours = WriteOurs(dir.path());
  std::vector<std::shared_ptr<const Block>> parents;
  uint64_t series = 0;
  for (const std::string& path : BlocksIn(dir.path())) {
    const auto block = Block::Open(PosixFs(), path);
    BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
    parents.push_back(*block);
  }
  const auto meta = CompactBlocks(PosixFs(), dir.path(), parents, Timestamp::FromMs(kStart), {});
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  for (const auto& parent : parents) {
    series += parent->meta().stats.num_series;
    BOOST_REQUIRE(PosixFs().RemoveAll(parent->dir()).ok());
  }
  // Some series are in both.
  BOOST_TEST((*meta)->stats.num_series == ours.size());
  BOOST_TEST(series > ours.size());
  const std::string name = (*meta)->ulid.ToString();
  const auto list = RunProgram({"promtool", "tsdb", "list", dir.path()});
  BOOST_TEST(list.exit_status == 0);
  BOOST_TEST(list.out.find(name) != std::string::npos, list.out << list.err);
  const auto dump = RunProgram({"promtool", "tsdb", "dump", dir.path()});
  BOOST_TEST(dump.exit_status == 0);
  BOOST_TEST(dump.err == "");
  BOOST_TEST((SortedLines(dump.out) == DumpOf(ours)));
}

BOOST_AUTO_TEST_CASE(prometheus_starts_on_our_blocks) {
  if (!Have("prometheus") || !Have("promtool")) return;
  const TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  const SampleMap ours = WriteOurs(data);
  QuietPrometheus peer(dir.path(), data);
  peer.BecomesReadyWithoutComplaint();
  BOOST_TEST(peer.LogHas("Found healthy block"));
  BOOST_TEST(peer.Terminate() == 0);
  const auto dump = RunProgram({"promtool", "tsdb", "dump", data});
  BOOST_TEST((SortedLines(dump.out) == DumpOf(ours)));
}

}  // namespace
}  // namespace canopy::tsdb

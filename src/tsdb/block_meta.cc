#include "tsdb/block_meta.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace canopy::tsdb {
namespace {

using rapidjson::Value;
using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;

constexpr int kVersion = 1;
// The end of the year 9999. Times that lie behind it are in microseconds or nanoseconds, and a
// block from so far ahead would make all others older than any retention, and all samples too old.
constexpr Timestamp kLatestTime = Timestamp::FromMs(253'402'300'800'000);

// Reads members of one object, and keeps the first complaint. A member that is absent or null has
// its zero value, as Go has it.
class Reader {
 public:
  explicit Reader(Status& status) : status_(status) {}

  const Value* Find(const Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto it = object.FindMember(name);
    return it == object.MemberEnd() || it->value.IsNull() ? nullptr : &it->value;
  }
  const Value* Object(const Value& object, const char* name) {
    return Typed(Find(object, name), &Value::IsObject, name);
  }
  void Read(const Value& object, const char* name, Ulid& out) {
    const Value* const value = Find(object, name);
    if (value != nullptr) ReadUlid(*value, name, out);
  }
  void Read(const Value& object, const char* name, Timestamp& out) {
    if (const Value* v = Typed(Find(object, name), &Value::IsInt64, name))
      out = Timestamp::FromMs(v->GetInt64());
  }
  void Read(const Value& object, const char* name, uint64_t& out) {
    if (const Value* v = Typed(Find(object, name), &Value::IsUint64, name)) out = v->GetUint64();
  }
  void Read(const Value& object, const char* name, int& out) {
    if (const Value* v = Typed(Find(object, name), &Value::IsInt, name)) out = v->GetInt();
  }
  void Read(const Value& object, const char* name, bool& out) {
    if (const Value* v = Typed(Find(object, name), &Value::IsBool, name)) out = v->GetBool();
  }
  template <class T, class ReadElement>
  void ReadArray(const Value& object, const char* name, std::vector<T>& out, ReadElement read) {
    const Value* const array = Typed(Find(object, name), &Value::IsArray, name);
    if (array == nullptr) return;
    for (const Value& element : array->GetArray()) read(element, out.emplace_back());
  }
  void ReadUlid(const Value& value, const char* name, Ulid& out) {
    std::optional<Ulid> ulid;
    if (value.IsString()) ulid = Ulid::Parse({value.GetString(), value.GetStringLength()});
    if (ulid)
      out = *ulid;
    else
      Fail(name, "is no ULID");
  }
  void ReadString(const Value& value, const char* name, std::string& out) {
    if (value.IsString())
      out.assign(value.GetString(), value.GetStringLength());
    else
      Fail(name, "is no string");
  }
  void Fail(const char* name, const char* what) {
    if (status_.ok()) status_ = Status::Corrupt("\"" + std::string(name) + "\" " + what);
  }

 private:
  const Value* Typed(const Value* value, bool (Value::*is_type)() const, const char* name) {
    if (value == nullptr || (value->*is_type)()) return value;
    Fail(name, "has a value of another type");
    return nullptr;
  }

  Status& status_;
};

void ReadStats(Reader& in, const Value& object, BlockStats& out) {
  in.Read(object, "numSamples", out.num_samples);
  in.Read(object, "numFloatSamples", out.num_float_samples);
  in.Read(object, "numHistogramSamples", out.num_histogram_samples);
  in.Read(object, "numSeries", out.num_series);
  in.Read(object, "numChunks", out.num_chunks);
  in.Read(object, "numTombstones", out.num_tombstones);
}

void ReadCompaction(Reader& in, const Value& object, BlockCompaction& out) {
  in.Read(object, "level", out.level);
  in.ReadArray(object, "sources", out.sources,
               [&](const Value& v, Ulid& ulid) { in.ReadUlid(v, "sources", ulid); });
  in.Read(object, "deletable", out.deletable);
  in.ReadArray(object, "parents", out.parents, [&](const Value& v, BlockDesc& parent) {
    in.Read(v, "ulid", parent.ulid);
    in.Read(v, "minTime", parent.min_time);
    in.Read(v, "maxTime", parent.max_time);
  });
  in.Read(object, "failed", out.failed);
  in.ReadArray(object, "hints", out.hints,
               [&](const Value& v, std::string& hint) { in.ReadString(v, "hints", hint); });
}

// Members that are zero are left out where Go leaves them out.
void WriteCount(Writer& out, const char* name, uint64_t count) {
  if (count == 0) return;
  out.Key(name);
  out.Uint64(count);
}
void WriteFlag(Writer& out, const char* name, bool flag) {
  if (!flag) return;
  out.Key(name);
  out.Bool(true);
}
void WriteText(Writer& out, const std::string& text) {
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
// The members that a block and a parent have in common.
template <class Block>
void WriteIdentity(Writer& out, const Block& block) {
  out.Key("ulid");
  WriteText(out, block.ulid.ToString());
  out.Key("minTime");
  out.Int64(block.min_time.ms());
  out.Key("maxTime");
  out.Int64(block.max_time.ms());
}
template <class T, class WriteElement>
void WriteArray(Writer& out, const char* name, const std::vector<T>& all, WriteElement write) {
  if (all.empty()) return;
  out.Key(name);
  out.StartArray();
  for (const T& element : all) write(element);
  out.EndArray();
}

void WriteCompaction(Writer& out, const BlockCompaction& compaction) {
  out.StartObject();
  out.Key("level");
  out.Int(compaction.level);
  WriteArray(out, "sources", compaction.sources,
             [&](const Ulid& ulid) { WriteText(out, ulid.ToString()); });
  WriteFlag(out, "deletable", compaction.deletable);
  WriteArray(out, "parents", compaction.parents, [&](const BlockDesc& parent) {
    out.StartObject();
    WriteIdentity(out, parent);
    out.EndObject();
  });
  WriteFlag(out, "failed", compaction.failed);
  WriteArray(out, "hints", compaction.hints,
             [&](const std::string& hint) { WriteText(out, hint); });
  out.EndObject();
}

}  // namespace

bool BlockMeta::HasHint(std::string_view hint) const {
  return std::ranges::find(compaction.hints, hint) != compaction.hints.end();
}

Result<BlockMeta> ParseBlockMeta(std::string_view json) {
  rapidjson::Document document;
  // Iterative: a file of brackets must not exhaust the stack.
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError()) {
    return Status::Corrupt("offset " + std::to_string(document.GetErrorOffset()) + ": " +
                           rapidjson::GetParseError_En(document.GetParseError()));
  }
  if (!document.IsObject()) return Status::Corrupt("no JSON object");
  Status status;
  Reader in(status);
  BlockMeta meta;
  int version = 0;
  in.Read(document, "version", version);
  if (status.ok() && version != kVersion)
    return Status::Corrupt("unexpected meta file version " + std::to_string(version));
  in.Read(document, "ulid", meta.ulid);
  in.Read(document, "minTime", meta.min_time);
  in.Read(document, "maxTime", meta.max_time);
  if (const Value* stats = in.Object(document, "stats")) ReadStats(in, *stats, meta.stats);
  if (const Value* compaction = in.Object(document, "compaction"))
    ReadCompaction(in, *compaction, meta.compaction);
  if (status.ok() && meta.min_time > meta.max_time) in.Fail("minTime", "lies behind \"maxTime\"");
  if (status.ok() && meta.max_time > kLatestTime) in.Fail("maxTime", "lies behind the year 9999");
  if (!status.ok()) return status;
  return meta;
}

std::string FormatBlockMeta(const BlockMeta& meta) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.SetIndent('\t', 1);
  out.StartObject();
  WriteIdentity(out, meta);
  out.Key("stats");
  out.StartObject();
  WriteCount(out, "numSamples", meta.stats.num_samples);
  WriteCount(out, "numFloatSamples", meta.stats.num_float_samples);
  WriteCount(out, "numHistogramSamples", meta.stats.num_histogram_samples);
  WriteCount(out, "numSeries", meta.stats.num_series);
  WriteCount(out, "numChunks", meta.stats.num_chunks);
  WriteCount(out, "numTombstones", meta.stats.num_tombstones);
  out.EndObject();
  out.Key("compaction");
  WriteCompaction(out, meta.compaction);
  out.Key("version");
  out.Int(kVersion);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

BlockMeta NewBlockMeta(Timestamp now, Timestamp min_time, Timestamp max_time) {
  BlockMeta meta;
  meta.ulid = Ulid::New(now);
  meta.min_time = min_time;
  meta.max_time = max_time;
  meta.compaction.sources = {meta.ulid};
  return meta;
}

Result<BlockMeta> ReadBlockMeta(Fs& fs, const std::string& dir) {
  const std::string path = JoinPath(dir, kMetaFile);
  CANOPY_ASSIGN_OR_RETURN(const std::string json, fs.ReadFile(path));
  auto meta = ParseBlockMeta(json);
  if (!meta.ok()) return meta.status().In(path);
  return meta;
}

Status WriteBlockMeta(Fs& fs, const std::string& dir, const BlockMeta& meta) {
  return fs.ReplaceFile(JoinPath(dir, kMetaFile), FormatBlockMeta(meta));
}

}  // namespace canopy::tsdb

#include "tsdb/wal_reader.h"

#include <algorithm>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"
#include "tsdb/wal_checkpoint.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

struct Header {
  FragmentType type;
  uint8_t flags;
  uint16_t length;
  uint32_t crc;
};

// REQUIRES: kFragmentHeaderBytes at `p`.
Header ReadHeader(const char* p) {
  base::ByteReader in(std::string_view(p, kFragmentHeaderBytes));
  const uint8_t first = in.U8();
  Header out{};
  out.type = static_cast<FragmentType>(first & kFragmentTypeMask);
  out.flags = static_cast<uint8_t>(first & ~kFragmentTypeMask);
  out.length = in.Be16();
  out.crc = in.Be32();
  return out;
}

net::Encoding EncodingOf(uint8_t flags) {
  if (flags == kSnappyFlag) return net::Encoding::kSnappy;
  if (flags == kZstdFlag) return net::Encoding::kZstd;
  return net::Encoding::kIdentity;
}

// A segment is read once, from its begin: what lies behind needs no memory.
constexpr uint64_t kReleaseBytes = 4 << 20;

// The flags of a fragment are not under its checksum. A record that has lost its flag looks like
// one of a type that nobody knows, which readers would pass over.
bool HasLostItsFlag(std::string_view record, std::string& scratch) {
  if (record.empty() || TypeOfRecord(record) != RecordType::kUnknown) return false;
  for (const net::Encoding encoding : {net::Encoding::kSnappy, net::Encoding::kZstd})
    if (net::Decompress(encoding, record, kMaxWalRecordBytes, scratch).ok() &&
        TypeOfRecord(scratch) != RecordType::kUnknown)
      return true;
  return false;
}

std::string PlaceText(std::string_view path, uint64_t offset) {
  std::string out(path);
  out += ": offset ";
  out += std::to_string(offset);
  return out;
}

}  // namespace

WalPayload WalRecord::Raw(WalScratch& scratch) const {
  const std::string_view bytes = file_->bytes();
  const std::string_view first = bytes.substr(offset_ + kFragmentHeaderBytes);
  if (fragments_ == 1) return {first.substr(0, size_), encoding_};
  scratch.joined.clear();
  scratch.joined.reserve(size_);
  // Looked at before by the reader: each fragment but the last fills its page up.
  for (uint64_t at = offset_; scratch.joined.size() < size_;) {
    const Header header = ReadHeader(bytes.data() + at);
    scratch.joined.append(bytes.substr(at + kFragmentHeaderBytes, header.length));
    at += kFragmentHeaderBytes + header.length;
    if (kWalPageBytes - at % kWalPageBytes < kFragmentHeaderBytes)
      at += kWalPageBytes - at % kWalPageBytes;
  }
  return {scratch.joined, encoding_};
}

Result<std::string_view> WalRecord::Unpack(WalScratch& scratch) const {
  const WalPayload raw = Raw(scratch);
  if (raw.encoding == net::Encoding::kIdentity) {
    if (HasLostItsFlag(raw.bytes, scratch.plain))
      return Status::Corrupt("compressed record without the flag that says so");
    return raw.bytes;
  }
  const Status status = net::Decompress(raw.encoding, raw.bytes, kMaxWalRecordBytes, scratch.plain);
  if (!status.ok()) return Status::Corrupt(status.message());
  return std::string_view(scratch.plain);
}

std::string WalRecord::Place() const {
  return PlaceText((in_checkpoint_ ? "checkpoint segment " : "segment ") + EightDigits(segment_),
                   offset_);
}

Status WalCorruption::status() const { return Status::Corrupt(reason).In(PlaceText(path, offset)); }

Result<std::unique_ptr<WalReader>> WalReader::Open(Fs& fs, std::string dir,
                                                   const Options& options) {
  std::unique_ptr<WalReader> reader(new WalReader(fs));
  if (!options.checkpoint.empty())
    CANOPY_RETURN_IF_ERROR(reader->AddSegments(options.checkpoint, 0, UINT32_MAX, true));
  CANOPY_RETURN_IF_ERROR(reader->AddSegments(dir, options.first, options.last, false));
  return reader;
}

Result<std::unique_ptr<WalReader>> WalReader::OpenAll(Fs& fs, std::string dir) {
  CANOPY_ASSIGN_OR_RETURN(const auto checkpoint, LastCheckpoint(fs, dir));
  Options options;
  if (checkpoint) {
    options.checkpoint = checkpoint->dir;
    options.first = checkpoint->segment + 1;
  }
  return Open(fs, std::move(dir), options);
}

Status WalReader::AddSegments(const std::string& dir, uint32_t first, uint32_t last,
                              bool in_checkpoint) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<uint32_t> segments, ListSegments(fs_, dir));
  for (const uint32_t segment : segments) {
    if (segment < first || segment > last) continue;
    std::string path = SegmentPath(dir, segment);
    CANOPY_ASSIGN_OR_RETURN(const uint64_t size, fs_.Size(path));
    total_bytes_ += size;
    sources_.push_back({std::move(path), segment, in_checkpoint, size});
  }
  return {};
}

uint64_t WalReader::read_bytes() const {
  uint64_t out = offset_;
  for (size_t i = 0; i < current_; ++i) out += sources_[i].size;
  return out;
}

std::optional<uint32_t> WalReader::last_segment() const {
  if (sources_.empty() || sources_.back().in_checkpoint) return std::nullopt;
  return sources_.back().segment;
}

std::optional<uint32_t> WalReader::first_segment() const {
  for (const Source& source : sources_)
    if (!source.in_checkpoint) return source.segment;
  return std::nullopt;
}

std::optional<uint32_t> WalReader::current_segment() const {
  if (current_ >= sources_.size() || sources_[current_].in_checkpoint) return std::nullopt;
  return sources_[current_].segment;
}

bool WalReader::OpenSegment() {
  const Source& source = sources_[current_];
  if (current_ > 0) {
    const Source& before = sources_[current_ - 1];
    if (before.in_checkpoint == source.in_checkpoint && before.segment + 1 != source.segment) {
      SetCorruption(current_, 0, "segments before it are missing");
      return false;
    }
  }
  auto mapped = fs_.Map(source.path);
  if (!mapped.ok()) {
    status_ = mapped.status();
    return false;
  }
  file_ = std::move(mapped).value();
  offset_ = 0;
  released_ = 0;
  return true;
}

// Records may still be read there, which takes their pages from the system's cache again.
void WalReader::ReleaseRead() {
  if (offset_ - released_ < kReleaseBytes) return;
  file_->Release(file_->bytes().substr(released_, offset_ - released_));
  released_ = offset_;
}

bool WalReader::Next(WalRecord& record) {
  Partial partial;
  while (status_.ok() && current_ < sources_.size()) {
    if (!file_ && !OpenSegment()) return false;
    switch (ReadFragment(partial)) {
      case Step::kMore:
        break;
      case Step::kFault:
        return false;
      case Step::kEndOfSegment:
        if (partial.fragments > 0) {
          Torn(partial, "record is torn at the end of the segment");
          return false;
        }
        file_.reset();
        offset_ = 0;
        ++current_;
        break;
      case Step::kRecord:
        // One flipped bit of padding looks like it, and it says nothing.
        if (partial.size == 0) {
          partial = {};
          break;
        }
        record.file_ = file_;
        record.offset_ = partial.start;
        record.size_ = partial.size;
        record.fragments_ = partial.fragments;
        record.source_ = static_cast<uint32_t>(current_);
        record.segment_ = sources_[current_].segment;
        record.in_checkpoint_ = sources_[current_].in_checkpoint;
        record.encoding_ = EncodingOf(partial.flags);
        ReleaseRead();
        return true;
    }
  }
  return false;
}

WalReader::Step WalReader::ReadFragment(Partial& partial) {
  const std::string_view bytes = file_->bytes();
  if (offset_ >= bytes.size()) return Step::kEndOfSegment;
  const size_t left = bytes.size() - offset_;
  const size_t page_left = kWalPageBytes - offset_ % kWalPageBytes;
  if (bytes[offset_] == 0) return SkipPadding(partial, page_left);
  if (page_left < kFragmentHeaderBytes) return Fault(partial, "unexpected data at the page's end");
  if (left < kFragmentHeaderBytes) return Torn(partial, "header of a fragment is torn");
  const Header header = ReadHeader(bytes.data() + offset_);
  const bool opens = header.type == FragmentType::kFull || header.type == FragmentType::kFirst;
  if (header.type == FragmentType::kPageEnd || header.type > FragmentType::kLast ||
      (header.flags != 0 && header.flags != kSnappyFlag && header.flags != kZstdFlag))
    return Fault(partial, "unknown type of fragment");
  if (opens != (partial.fragments == 0)) return Fault(partial, "fragments are out of order");
  if (!opens && header.flags != partial.flags)
    return Fault(partial, "fragments of one record are compressed differently");
  if (header.length > page_left - kFragmentHeaderBytes)
    return Fault(partial, "fragment reaches beyond its page");
  if (header.length > left - kFragmentHeaderBytes) return Torn(partial, "fragment is torn");
  const std::string_view data = bytes.substr(offset_ + kFragmentHeaderBytes, header.length);
  if (base::Crc32c(data) != header.crc) return Fault(partial, "unexpected checksum");
  if (data.size() > kMaxWalRecordBytes - partial.size) return Fault(partial, "record is too long");
  if (opens) partial = {offset_, 0, 0, header.flags};
  partial.size += header.length;
  ++partial.fragments;
  offset_ += kFragmentHeaderBytes + header.length;
  const bool closes = header.type == FragmentType::kFull || header.type == FragmentType::kLast;
  return closes ? Step::kRecord : Step::kMore;
}

WalReader::Step WalReader::SkipPadding(const Partial& partial, size_t page_left) {
  const std::string_view padding = file_->bytes().substr(offset_, page_left);
  if (padding.find_first_not_of('\0') != std::string_view::npos)
    return Fault(partial, "unexpected data in a padded page");
  // A record goes on at once, but where not even a header fits.
  if (partial.fragments > 0 && page_left >= kFragmentHeaderBytes)
    return Fault(partial, "record is torn");
  offset_ += padding.size();
  return Step::kMore;
}

WalReader::Step WalReader::Fault(const Partial& partial, std::string reason) {
  SetCorruption(current_, partial.fragments > 0 ? partial.start : offset_, std::move(reason));
  return Step::kFault;
}

WalReader::Step WalReader::Torn(const Partial& partial, std::string reason) {
  const Step step = Fault(partial, std::move(reason));
  corruption_->torn = current_ + 1 == sources_.size() && !corruption_->in_checkpoint;
  return step;
}

void WalReader::SetCorruption(size_t source, uint64_t offset, std::string reason) {
  WalCorruption out;
  out.path = sources_[source].path;
  out.segment = sources_[source].segment;
  out.offset = offset;
  out.in_checkpoint = sources_[source].in_checkpoint;
  out.reason = std::move(reason);
  out.lost_bytes = sources_[source].size - std::min(offset, sources_[source].size);
  for (size_t i = source + 1; i < sources_.size(); ++i)
    if (sources_[i].in_checkpoint == out.in_checkpoint) out.lost_bytes += sources_[i].size;
  current_ = source;
  offset_ = offset;
  status_ = out.status();
  corruption_ = std::move(out);
}

void WalReader::Condemn(const WalRecord& record, std::string reason) {
  if (corruption_ &&
      std::pair(current_, offset_) <= std::pair<size_t, uint64_t>(record.source_, record.offset_))
    return;
  SetCorruption(record.source_, record.offset_, std::move(reason));
}

Status WalReader::Repair() {
  if (!corruption_) return Status::Invalid("the log is not corrupt");
  file_.reset();
  const std::string dir(DirName(corruption_->path));
  // Newest first, and the corrupt segment last: until it is cut off, the log is known as corrupt,
  // so that a repair which is interrupted starts over.
  for (size_t behind = EndOfLost(); behind > current_ + 1; --behind) {
    CANOPY_RETURN_IF_ERROR(fs_.Remove(sources_[behind - 1].path));
    sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(behind - 1));
  }
  CANOPY_RETURN_IF_ERROR(fs_.SyncDir(dir));
  if (corruption_->offset == 0) {
    CANOPY_RETURN_IF_ERROR(fs_.Remove(corruption_->path));
    CANOPY_RETURN_IF_ERROR(fs_.SyncDir(dir));
  } else {
    CANOPY_ASSIGN_OR_RETURN(const auto file, fs_.OpenAppend(corruption_->path));
    CANOPY_RETURN_IF_ERROR(file->Truncate(corruption_->offset));
    CANOPY_RETURN_IF_ERROR(file->Sync());
  }
  GoOn();
  return {};
}

void WalReader::Skip() {
  if (!corruption_) return;
  file_.reset();
  const auto first = sources_.begin() + static_cast<std::ptrdiff_t>(current_ + 1);
  sources_.erase(first, sources_.begin() + static_cast<std::ptrdiff_t>(EndOfLost()));
  GoOn();
}

size_t WalReader::EndOfLost() const {
  size_t end = current_ + 1;
  while (end < sources_.size() && sources_[end].in_checkpoint == corruption_->in_checkpoint) ++end;
  return end;
}

void WalReader::GoOn() {
  sources_[current_].size = corruption_->offset;
  ++current_;
  offset_ = 0;
  corruption_.reset();
  status_ = {};
}

}  // namespace canopy::tsdb

#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/check.h"
#include "net/chunk_decoder.h"
#include "net/http_head.h"

// A response that is understood in one piece is understood alike in two.

namespace {

using namespace canopy::net;

struct Found {
  bool ok = true;
  bool done = false;
  std::string body;
  size_t left_over = 0;
};

Found Decode(std::string_view first, std::string_view second) {
  Found out;
  ChunkDecoder decoder;
  for (std::string_view in : {first, second}) {
    while (out.ok && !in.empty() && !decoder.done()) {
      const auto piece = decoder.Next(in);
      out.ok = piece.ok();
      if (piece.ok()) out.body.append(*piece);
    }
    out.left_over += in.size();
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = FindHeadEnd(text, 0);
  ResponseHead head;
  if (end == 0 || !ParseResponseHead(text.substr(0, end), head)) return 0;
  CANOPY_CHECK(head.code >= 100 && head.code <= 999);
  CANOPY_CHECK(!head.chunked || !head.content_length);
  for (const auto& [name, value] : head.headers) CANOPY_CHECK(ValidHeader(name, value));
  const std::string_view body = text.substr(end);
  const Found whole = Decode(body, "");
  const size_t cut = body.size() * static_cast<size_t>(head.code % 100) / 100;
  const Found parts = Decode(body.substr(0, cut), body.substr(cut));
  CANOPY_CHECK(whole.ok == parts.ok && whole.done == parts.done && whole.body == parts.body);
  if (whole.ok) CANOPY_CHECK(whole.left_over == parts.left_over);
  return 0;
}

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "canopy/chunk/xor.h"
#include "canopy/chunk/xor2.h"
#include "canopy/model/sample.h"

// Any bytes as a chunk of floats, XOR and XOR2. What comes out of it goes into chunks of both
// again, and must be the same when it comes out of those, with its starts where there is room for
// them.

namespace {

using namespace canopy;

struct Columns {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> starts;
};

bool SameValues(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!model::SameBits(a[i], b[i])) return false;
  return true;
}

void Check(const Columns& want) {
  chunk::XorEncoder first;
  chunk::Xor2Encoder second;
  for (size_t i = 0; i < want.times.size(); ++i) {
    first.Append(want.times[i], want.values[i]);
    second.Append(want.times[i], want.values[i],
                  want.starts.empty() ? chunk::kNoStart : want.starts[i]);
  }
  Columns got;
  if (!chunk::DecodeXor(first.bytes(), got.times, got.values).ok()) std::abort();
  if (got.times != want.times || !SameValues(got.values, want.values)) std::abort();
  got = {};
  if (!chunk::DecodeXor2(second.bytes(), got.times, got.values, &got.starts).ok()) std::abort();
  if (got.times != want.times || !SameValues(got.values, want.values)) std::abort();
  if (!want.starts.empty() && got.starts != want.starts) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Columns columns;
  if (chunk::DecodeXor(bytes, columns.times, columns.values).ok())
    Check(columns);
  else if (!columns.times.empty() || !columns.values.empty())
    std::abort();
  columns = {};
  if (chunk::DecodeXor2(bytes, columns.times, columns.values, &columns.starts).ok())
    Check(columns);
  else if (!columns.times.empty() || !columns.values.empty() || !columns.starts.empty())
    std::abort();
  return 0;
}

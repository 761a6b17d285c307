#include "open_histogram.h"

#include <memory>

#include "canopy/model/histogram_math.h"
#include "canopy/model/sample.h"

namespace canopy::tsdb {
namespace {

// As Prometheus does: a chunk of histograms is to have some 1 KiB, and at least ten samples.
constexpr size_t kTargetBytes = 1024;
constexpr uint16_t kMinSamples = 10;

// Calls fn(encoder, histogram) with the two in their common type.
template <class Encoder, class Fn>
auto WithBoth(Encoder& encoder, const storage::HistogramValue& value, Fn fn) {
  if (const auto* const integers = std::get_if<model::Histogram>(&value))
    return fn(std::get<chunk::IntHistogramEncoder>(encoder), *integers);
  return fn(std::get<chunk::FloatHistogramEncoder>(encoder),
            std::get<model::FloatHistogram>(value));
}

std::unique_ptr<model::FloatHistogram> Floats(const storage::HistogramValue& value) {
  auto out = std::make_unique<model::FloatHistogram>();
  model::ToFloat(value, *out);
  return out;
}

template <class H>
H Marker() {
  H marker;
  marker.sum = model::StaleNan();
  return marker;
}

}  // namespace

bool IsStale(const storage::HistogramValue& value) {
  return std::visit([](const auto& h) { return model::IsStale(h.sum); }, value);
}

const storage::HistogramValue& StaleHistogram(bool integers) {
  static const storage::HistogramValue kIntegers = Marker<model::Histogram>();
  static const storage::HistogramValue kFloats = Marker<model::FloatHistogram>();
  return integers ? kIntegers : kFloats;
}

OpenHistogram::OpenHistogram(bool integers, chunk::HistogramForm form)
    : form_(form), encoder_(chunk::IntHistogramEncoder(form)) {
  if (!integers) encoder_.emplace<chunk::FloatHistogramEncoder>(form);
}

bool OpenHistogram::is_newest(const storage::HistogramValue& value) const {
  return newest_ != nullptr && integers() == HoldsIntegers(value) &&
         model::SameHistogram(*newest_, *Floats(value));
}

void OpenHistogram::SetStart(const storage::HistogramValue& value, int64_t start) {
  if (form_ == chunk::HistogramForm::kWithStarts && !IsStale(value)) start_ = start;
}

bool OpenHistogram::Append(int64_t t, const storage::HistogramValue& value, int64_t start,
                           Graveyard& graveyard) {
  SetStart(value, start);
  const bool taken = WithBoth(encoder_, value, [&](auto& encoder, const auto& h) {
    using Encoder = std::remove_reference_t<decltype(encoder)>;
    return encoder.Append(t, h, start_) != Encoder::Outcome::kNewChunk;
  });
  if (taken) Settle(value, graveyard);
  return taken;
}

void OpenHistogram::BeginNext(int64_t t, const storage::HistogramValue& value, int64_t start,
                              Graveyard& graveyard) {
  SetStart(value, start);
  WithBoth(encoder_, value, [&](auto& encoder, const auto& h) {
    encoder.Begin(t, h, encoder.HeaderBehind(h), start_);
  });
  first_time_ = t;
  Settle(value, graveyard);
}

void OpenHistogram::Settle(const storage::HistogramValue& value, Graveyard& graveyard) {
  bytes_ =
      &std::visit([](auto& encoder) -> const std::string& { return encoder.bytes(); }, encoder_);
  Bury(graveyard);
  newest_ = IsStale(value) ? nullptr : Floats(value).release();
}

void OpenHistogram::Bury(Graveyard& graveyard) {
  if (newest_ == nullptr) return;
  graveyard.Bury([](void* h, uint64_t) { delete static_cast<model::FloatHistogram*>(h); },
                 const_cast<model::FloatHistogram*>(newest_), 0);
  newest_ = nullptr;
}

bool OpenHistogram::full() const {
  return std::visit(
      [](const auto& encoder) {
        return encoder.size() >= kMinSamples && encoder.byte_size() >= kTargetBytes;
      },
      encoder_);
}

}  // namespace canopy::tsdb

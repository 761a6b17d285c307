#include "canopy/model/labels.h"

#include "canopy/base/quote.h"
#include "config/sections.h"

namespace canopy::config {

void ReadLabels(const Value& from, NameValidation names, model::Labels& to) {
  model::LabelsBuilder builder;
  for (const auto& [name, value] : from.Entries()) {
    if (!model::IsValidLabelName(name, names)) {
      value.Error(base::Quoted(name) + " is not a valid label name");
      continue;
    }
    std::string text;
    Read(value, text);
    if (!model::IsValidUtf8(text)) value.Error(base::Quoted(text) + " is not a valid label value");
    builder.Set(name, text);
  }
  to = builder.Build();
}

}  // namespace canopy::config

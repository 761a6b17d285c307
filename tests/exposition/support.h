#pragma once

#include <string>
#include <string_view>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/parse.h"

namespace canopy::exposition {

// A page as one line per entry, so that tests compare whole pages:
//   type a counter / help a "text" / unit a s / comment " text"
//   {__name__="a"} 1 @5 # {trace="x"} 2 @6
// up to "end" or "error: ...". Labels with empty values are shown.
inline std::string Describe(std::string_view page, PageFormat format) {
  std::string out;
  PageParser parser(page, format);
  const auto family = [&](std::string_view what) {
    out.append(what).append(" ").append(parser.family()).append(" ");
  };
  const auto time = [&](std::optional<Timestamp> t) {
    if (t) base::AppendInt(out.append(" @"), t->ms());
  };
  while (true) {
    const Entry entry = parser.Next();
    if (!out.empty()) out.push_back('\n');
    switch (entry) {
      case Entry::kType:
        family("type");
        out.append(model::MetricTypeText(parser.type()));
        break;
      case Entry::kHelp:
        family("help");
        out.append(base::Quoted(parser.Help()));
        break;
      case Entry::kUnit:
        family("unit");
        out.append(parser.text());
        break;
      case Entry::kComment:
        out.append("comment ").append(base::Quoted(parser.text()));
        break;
      case Entry::kSample: {
        model::LabelsBuilder labels;
        if (const Status s = parser.AddLabels(labels); !s.ok()) return out + "bad: " + s.message();
        out.push_back('{');
        for (const auto& [name, value] : labels.items()) {
          if (out.back() != '{') out.push_back(',');
          out.append(name).append("=").append(base::Quoted(value));
        }
        out.append("} ");
        base::AppendFloatShortest(out, parser.value());
        time(parser.time());
        if (parser.has_exemplar()) {
          const auto exemplar = parser.GetExemplar();
          out.append(" # {");
          for (const auto& [name, value] : exemplar.labels)
            out.append(name).append("=").append(base::Quoted(value)).append(",");
          out.append("} ");
          base::AppendFloatShortest(out, exemplar.value);
          time(exemplar.time);
        }
        break;
      }
      case Entry::kEnd:
        return out + "end";
      case Entry::kError:
        return out + "error: " + parser.error().message();
    }
  }
}

}  // namespace canopy::exposition

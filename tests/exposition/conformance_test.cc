#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "canopy/exposition/parse.h"

namespace canopy::exposition {
namespace {

// Real pages, kept outside the tree: CANOPY_CONFORMANCE names their folder.
std::filesystem::path Folder() {
  const char* const set = std::getenv("CANOPY_CONFORMANCE");
  return std::filesystem::path(set ? set : "../shared/conformance") / "exposition";
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Lines that must be samples: neither blank nor comments.
size_t SampleLines(const std::string& page) {
  std::istringstream in(page);
  size_t count = 0;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') ++count;
  return count;
}

BOOST_AUTO_TEST_CASE(real_pages_parse_whole) {
  if (!std::filesystem::is_directory(Folder())) {
    std::cerr << "skipped: no real pages in " << Folder() << " (set CANOPY_CONFORMANCE)\n";
    return;
  }
  size_t pages = 0;
  for (const auto& file : std::filesystem::directory_iterator(Folder())) {
    const std::string name = file.path().filename();
    const std::string page = ReadAll(file.path());
    BOOST_TEST_CONTEXT(name) {
      PageParser parser(page, name.find(".om.") != std::string::npos ? PageFormat::kOpenMetrics
                                                                     : PageFormat::kText);
      size_t samples = 0;
      Entry entry = parser.Next();
      for (; entry != Entry::kEnd && entry != Entry::kError; entry = parser.Next()) {
        if (entry != Entry::kSample) continue;
        ++samples;
        model::LabelsBuilder labels;
        BOOST_TEST(parser.AddLabels(labels).ok());
      }
      BOOST_TEST((entry == Entry::kEnd), parser.error().message());
      BOOST_TEST(samples == SampleLines(page));
      ++pages;
    }
  }
  BOOST_TEST(pages > 0u);
}

}  // namespace
}  // namespace canopy::exposition

#include "canopy/model/symbols.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

namespace canopy::model {
namespace {

class Words : public SymbolSource {
 public:
  std::string_view Lookup(Symbol symbol) const override { return words_[symbol]; }
  std::optional<Symbol> Find(std::string_view) const override { return std::nullopt; }

 private:
  std::vector<std::string> words_ = {"up", "job", "__name__", "leaf"};
};

BOOST_AUTO_TEST_CASE(a_stored_series_shows_its_labels) {
  const Words words;
  const std::vector<SymbolPair> pairs = {{2, 0}, {1, 3}};
  const SeriesLabelsView view(words, pairs);
  BOOST_TEST(view.Get("job") == "leaf");
  BOOST_TEST(view.Get("instance") == "");
  BOOST_CHECK(view.ToLabels() == (Labels{{"__name__", "up"}, {"job", "leaf"}}));
}

BOOST_AUTO_TEST_CASE(pairs_may_lie_side_by_side_or_apart) {
  const std::vector<SymbolPair> together = {{2, 0}, {1, 3}};
  const std::vector<Symbol> names = {2, 1};
  const std::vector<Symbol> values = {0, 3};
  for (const SymbolPairs& pairs : {SymbolPairs(together), SymbolPairs(names, values)}) {
    BOOST_TEST(pairs.size() == 2);
    BOOST_CHECK(pairs[1] == together[1]);
    BOOST_CHECK(std::vector<SymbolPair>(pairs.begin(), pairs.end()) == together);
  }
  BOOST_TEST(SymbolPairs().empty());
  BOOST_TEST(SymbolPairs(std::vector<SymbolPair>()).empty());
}

}  // namespace
}  // namespace canopy::model

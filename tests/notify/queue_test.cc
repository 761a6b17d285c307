#include "notify/queue.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <sstream>

namespace canopy::notify {
namespace {

// "a" fires, "a!5" has ended at 5.
std::vector<Notice> Notices(const std::string& text) {
  std::vector<Notice> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t mark = word.find('!');
    Notice& n = out.emplace_back();
    n.alert = word.substr(0, mark);
    n.resolved = mark != std::string::npos;
    if (n.resolved) n.ends_at = Timestamp::FromMs(std::atoi(word.c_str() + mark + 1));
    n.json = std::make_shared<const std::string>(word);
  }
  return out;
}

std::string Text(const std::vector<Notice>& notices) {
  std::string out;
  for (const Notice& n : notices) out.append(out.empty() ? "" : " ").append(*n.json);
  return out;
}

// What had no room.
std::string Push(Queue& queue, const std::string& text) {
  std::vector<Notice> out;
  for (Notice& n : Notices(text))
    for (Notice& lost : queue.Push(std::move(n))) out.push_back(std::move(lost));
  return Text(out);
}

constexpr size_t kAll = 100;

}  // namespace

BOOST_AUTO_TEST_CASE(a_later_notice_takes_the_place_of_what_it_makes_obsolete) {
  auto f = [](const std::string& pushed, std::string_view want) {
    BOOST_TEST_CONTEXT(pushed) {
      Queue queue(kAll);
      BOOST_TEST(Push(queue, pushed) == "");
      const std::string got = Text(queue.Take(kAll));
      BOOST_TEST(got == want);
      BOOST_TEST(queue.empty());
    }
  };
  f("", "");
  f("a b c", "a b c");
  f("a b a", "a b");
  f("a b a!5", "a!5 b");
  f("a!5 b a", "a!5 b a");        // that it ended is not lost
  f("a!5 b a c a", "a!5 b a c");  // nor told twice
  f("a!5 b a c a!9", "a!9 b c");  // the later end counts
  f("a!5 a!9 a!7", "a!9");        // whatever the order
  f("a!5 a a!9 a b", "a!9 a b");
}

BOOST_AUTO_TEST_CASE(the_later_content_is_what_is_sent) {
  Queue queue(kAll);
  auto old = Notices("a")[0];
  auto now = old;
  now.json = std::make_shared<const std::string>("later");
  (void)queue.Push(old);
  (void)queue.Push(now);
  BOOST_TEST(Text(queue.Take(kAll)) == "later");
}

BOOST_AUTO_TEST_CASE(what_was_not_delivered_comes_first_again) {
  auto f = [](const std::string& pushed, const std::string& meanwhile, std::string_view want) {
    BOOST_TEST_CONTEXT(pushed << " then " << meanwhile) {
      Queue queue(kAll);
      (void)Push(queue, pushed);
      auto taken = queue.Take(2);
      (void)Push(queue, meanwhile);
      BOOST_TEST(queue.PutBack(std::move(taken)).empty());
      BOOST_TEST(Text(queue.Take(kAll)) == want);
    }
  };
  f("a b c", "", "a b c");
  f("a b c", "d", "a b c d");
  f("a b c", "a", "b c a");  // told of meanwhile
  f("a b c", "b!5", "a c b!5");
  f("a!5 b c", "a", "a!5 b c a");  // the end is to be told first
  f("a!5 b c", "a!6", "b c a!6");
  f("a!5 b c", "a a!6", "b c a!6");
  f("a!5 a c", "", "a!5 a c");
  f("a!5 a c", "a!6", "c a!6");
}

BOOST_AUTO_TEST_CASE(the_oldest_have_no_room) {
  Queue queue(3);
  BOOST_TEST(Push(queue, "a b!1 c") == "");
  BOOST_TEST(Push(queue, "b!2") == "");
  BOOST_TEST(Push(queue, "d e") == "a b!2");
  auto taken = queue.Take(2);
  BOOST_TEST(Text(taken) == "c d");
  BOOST_TEST(Push(queue, "a f") == "");
  const auto lost = queue.PutBack(std::move(taken));
  BOOST_TEST(Text(lost) == "c d");
  BOOST_TEST(queue.size() == 3U);
  // What is gone is forgotten: it queues again at the end.
  BOOST_TEST(Push(queue, "c") == "e");
  BOOST_TEST(Text(queue.Take(kAll)) == "a f c");
}

}  // namespace canopy::notify

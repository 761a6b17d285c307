// Samples of hours in minutes, for tests/bench/store: the series of so many targets, pushed by
// remote write. Reads lines from its input, each the number of a step; pushes all steps up to it,
// and answers with the number of samples pushed so far.
#include <snappy.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "canopy/exposition/parse.h"
#include "canopy/model/labels.h"
#include "canopy/net/client.h"
#include "tests/bench/page.h"

namespace canopy::bench {
namespace {

constexpr int kJobs = 5;
constexpr int kSeriesOfTarget = 1000;

class Pusher {
 public:
  Pusher(std::string url, int series, const Calendar& calendar)
      : url_(std::move(url)), client_(net::NewCurlHttpClient()) {
    for (int i = 0; i < series / kSeriesOfTarget; ++i)
      pages_.push_back(std::make_unique<Page>(i, kSeriesOfTarget, calendar));
  }

  // A sample of every series. Ends the process when it is refused.
  void Step() {
    std::string body;
    for (size_t target = 0; target < pages_.size(); ++target) {
      AppendPage(target, body);
      // A few requests at a time, as a sender's shards would have it.
      if (target % 5 == 4 || target + 1 == pages_.size()) Send(body);
    }
  }

  uint64_t samples() const { return samples_; }

 private:
  void AppendPage(size_t target, std::string& body) {
    exposition::PageParser parser(pages_[target]->Next(), exposition::PageFormat::kText);
    protozero::pbf_writer request(body);
    for (;;) {
      const exposition::Entry entry = parser.Next();
      if (entry == exposition::Entry::kEnd) return;
      if (entry == exposition::Entry::kError) Fail(parser.error().message());
      if (entry != exposition::Entry::kSample) continue;
      std::string& labels = labels_[target][std::string(parser.series())];
      if (labels.empty()) labels = Encode(parser, target);
      std::string sample;
      protozero::pbf_writer s(sample);
      s.add_double(1, parser.value());
      s.add_int64(2, parser.time()->ms());
      std::string series = labels;
      protozero::pbf_writer(series).add_message(2, sample);
      request.add_message(1, series);
      ++samples_;
    }
  }

  std::string Encode(exposition::PageParser& parser, size_t target) {
    model::LabelsBuilder builder;
    if (const Status status = parser.AddLabels(builder); !status.ok()) Fail(status.message());
    builder.Set("job", "job-" + std::to_string(target % kJobs));
    builder.Set("instance", "host-" + std::to_string(target) + ":9100");
    std::string out;
    protozero::pbf_writer series(out);
    for (const model::LabelView label : builder.Build()) {
      protozero::pbf_writer pair(series, 1);
      pair.add_string(1, label.name.data(), label.name.size());
      pair.add_string(2, label.value.data(), label.value.size());
    }
    return out;
  }

  void Send(std::string& body) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers = {{"Content-Encoding", "snappy"},
                       {"Content-Type", "application/x-protobuf"},
                       {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
    snappy::Compress(body.data(), body.size(), &request.body);
    body.clear();
    const net::HttpResponse response = client_->Fetch(std::move(request));
    if (!response.status.ok()) Fail(response.status.message());
    if (response.code / 100 != 2) Fail(std::to_string(response.code) + " " + response.body);
  }

  [[noreturn]] static void Fail(const std::string& what) {
    std::fprintf(stderr, "push: %s\n", what.c_str());
    std::exit(1);
  }

  const std::string url_;
  const std::unique_ptr<net::HttpClient> client_;
  std::vector<std::unique_ptr<Page>> pages_;
  // Of each target: the message of a series' labels, by its text on the page.
  std::unordered_map<size_t, std::unordered_map<std::string, std::string>> labels_;
  uint64_t samples_ = 0;
};

}  // namespace
}  // namespace canopy::bench

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: push URL SERIES START_MS STEP_MS CHURN_MS\n");
    return 2;
  }
  canopy::bench::Pusher pusher(argv[1], std::atoi(argv[2]),
                               {std::atoll(argv[3]), std::atoll(argv[4]), std::atoll(argv[5])});
  int step = 0;
  for (std::string line; std::getline(std::cin, line);) {
    for (const int until = std::atoi(line.c_str()); step < until; ++step) pusher.Step();
    std::printf("%llu\n", static_cast<unsigned long long>(pusher.samples()));
    std::fflush(stdout);
  }
}

#include <boost/test/unit_test.hpp>

#include "canopy/promql/parser.h"

// Layouts of prometheus/prometheus@d15adb9ad7 promql/parser/prettier_test.go, with lines of ten
// characters.

namespace canopy::promql {
namespace {

BOOST_AUTO_TEST_CASE(long_nodes_are_split) {
  const auto f = [](std::string_view query, std::string_view want) {
    const auto tree = ParseExpr(query);
    BOOST_TEST_REQUIRE(tree.ok(), tree.status().message());
    const std::string got = Pretty(**tree, 10);
    BOOST_TEST(got == want);
    const auto again = ParseExpr(got);
    BOOST_TEST_REQUIRE(again.ok(), again.status().message());
    BOOST_TEST(SameTree(**tree, **again));
  };
  f(R"(sum(foo))", R"(sum(foo))");
  f(R"(sum by() (task:errors:rate10s{job="s"}))",
    R"(sum(
  task:errors:rate10s{job="s"}
))");
  f(R"(sum without(job,foo) (task:errors:rate10s{job="s"}))",
    R"(sum without (job, foo) (
  task:errors:rate10s{job="s"}
))");
  f(R"(sum(task:errors:rate10s{job="s"}) without(job,foo))",
    R"(sum without (job, foo) (
  task:errors:rate10s{job="s"}
))");
  f(R"(sum by(job,foo) (task:errors:rate10s{job="s"}))",
    R"(sum by (job, foo) (
  task:errors:rate10s{job="s"}
))");
  f(R"(sum (task:errors:rate10s{job="s"}) by(job,foo))",
    R"(sum by (job, foo) (
  task:errors:rate10s{job="s"}
))");
  f(R"(topk(10, ask:errors:rate10s{job="s"}))",
    R"(topk(
  10,
  ask:errors:rate10s{job="s"}
))");
  f(R"(sum by(job,foo) (sum by(job,foo) (task:errors:rate10s{job="s"})))",
    R"(sum by (job, foo) (
  sum by (job, foo) (
    task:errors:rate10s{job="s"}
  )
))");
  f(R"(sum by(job,foo) (sum by(job,foo) (sum by(job,foo) (task:errors:rate10s{job="s"}))))",
    R"(sum by (job, foo) (
  sum by (job, foo) (
    sum by (job, foo) (
      task:errors:rate10s{job="s"}
    )
  )
))");
  f(R"(sum by(job,foo)
(sum by(job,foo) (task:errors:rate10s{job="s"})))",
    R"(sum by (job, foo) (
  sum by (job, foo) (
    task:errors:rate10s{job="s"}
  )
))");
  f(R"(sum by(job,foo)
(sum(task:errors:rate10s{job="s"}) without(job,foo)))",
    R"(sum by (job, foo) (
  sum without (job, foo) (
    task:errors:rate10s{job="s"}
  )
))");
  f(R"(sum by(job,foo) # Comment 1.
(sum by(job,foo) ( # Comment 2.
task:errors:rate10s{job="s"})))",
    R"(sum by (job, foo) (
  sum by (job, foo) (
    task:errors:rate10s{job="s"}
  )
))");
  f(R"(a+b)", R"(a + b)");
  f(R"(a == bool 1)",
    R"(  a
== bool
  1)");
  f(R"(a + ignoring(job) b)",
    R"(  a
+ ignoring (job)
  b)");
  f(R"(foo_1 + foo_2)",
    R"(  foo_1
+
  foo_2)");
  f(R"(foo_1 + foo_2 + foo_3)",
    R"(    foo_1
  +
    foo_2
+
  foo_3)");
  f(R"(foo + baar + foo_3)",
    R"(  foo + baar
+
  foo_3)");
  f(R"(foo_1 + foo_2 + foo_3 + foo_4)",
    R"(      foo_1
    +
      foo_2
  +
    foo_3
+
  foo_4)");
  f(R"(foo_1 + ignoring(foo) foo_2 + ignoring(job) group_left foo_3 + on(instance) group_right foo_4)",
    R"(      foo_1
    + ignoring (foo)
      foo_2
  + ignoring (job) group_left ()
    foo_3
+ on (instance) group_right ()
  foo_4)");
  f(R"(rate(foo[1m]))",
    R"(rate(
  foo[1m]
))");
  f(R"(sum_over_time(foo[1m]))",
    R"(sum_over_time(
  foo[1m]
))");
  f(R"(rate(long_vector_selector[10m:1m] @ start() offset 1m))",
    R"(rate(
  long_vector_selector[10m:1m] @ start() offset 1m
))");
  f(R"(histogram_quantile(0.9, rate(foo[1m])))",
    R"(histogram_quantile(
  0.9,
  rate(
    foo[1m]
  )
))");
  f(R"(max_over_time(rate(demo_api_request_duration_seconds_count[1m])[1m:] @ start() offset 1m))",
    R"(max_over_time(
  rate(
    demo_api_request_duration_seconds_count[1m]
  )[1m:] @ start() offset 1m
))");
  f(R"(label_replace(up{job="api-server",service="a:c"}, "foo", "$1", "service", "(.*):.*"))",
    R"(label_replace(
  up{job="api-server",service="a:c"},
  "foo",
  "$1",
  "service",
  "(.*):.*"
))");
  f(R"(label_replace(label_replace(up{job="api-server",service="a:c"}, "foo", "$1", "service", "(.*):.*"), "foo", "$1", "service", "(.*):.*"))",
    R"(label_replace(
  label_replace(
    up{job="api-server",service="a:c"},
    "foo",
    "$1",
    "service",
    "(.*):.*"
  ),
  "foo",
  "$1",
  "service",
  "(.*):.*"
))");
  f(R"((foo))", R"((foo))");
  f(R"((_foo_long_))",
    R"((
  _foo_long_
))");
  f(R"(((foo_long)))",
    R"((
  (foo_long)
))");
  f(R"(((_foo_long_)))",
    R"((
  (
    _foo_long_
  )
))");
  f(R"((((foo_long))))",
    R"((
  (
    (foo_long)
  )
))");
  f(R"(a @ 1)", R"(a @ 1.000)");
  f(R"(a @ start())", R"(a @ start())");
  f(R"(vector_selector @ start())", R"(vector_selector @ start())");
  f(R"((1 + 2))", R"((1 + 2))");
  f(R"((foo + bar))",
    R"((
  foo + bar
))");
  f(R"((foo_long + bar_long))",
    R"((
    foo_long
  +
    bar_long
))");
  f(R"((foo_long + bar_long + bar_2_long))",
    R"((
      foo_long
    +
      bar_long
  +
    bar_2_long
))");
  f(R"(((foo_long + bar_long) + bar_2_long))",
    R"((
    (
        foo_long
      +
        bar_long
    )
  +
    bar_2_long
))");
  f(R"((1111 + 2222))",
    R"((
    1111
  +
    2222
))");
  f(R"((sum_over_time(foo[1m])))",
    R"((
  sum_over_time(
    foo[1m]
  )
))");
  f(R"(histogram_quantile(0.9, rate(foo[1m] @ start())))",
    R"(histogram_quantile(
  0.9,
  rate(
    foo[1m] @ start()
  )
))");
  f(R"((label_replace(up{job="api-server",service="a:c"}, "foo", "$1", "service", "(.*):.*")))",
    R"((
  label_replace(
    up{job="api-server",service="a:c"},
    "foo",
    "$1",
    "service",
    "(.*):.*"
  )
))");
  f(R"((label_replace(label_replace(up{job="api-server",service="a:c"}, "foo", "$1", "service", "(.*):.*"), "foo", "$1", "service", "(.*):.*")))",
    R"((
  label_replace(
    label_replace(
      up{job="api-server",service="a:c"},
      "foo",
      "$1",
      "service",
      "(.*):.*"
    ),
    "foo",
    "$1",
    "service",
    "(.*):.*"
  )
))");
  f(R"((label_replace(label_replace((up{job="api-server",service="a:c"}), "foo", "$1", "service", "(.*):.*"), "foo", "$1", "service", "(.*):.*")))",
    R"((
  label_replace(
    label_replace(
      (
        up{job="api-server",service="a:c"}
      ),
      "foo",
      "$1",
      "service",
      "(.*):.*"
    ),
    "foo",
    "$1",
    "service",
    "(.*):.*"
  )
))");
  f(R"((node_filesystem_avail_bytes{job="node",fstype!=""} / node_filesystem_size_bytes{job="node",fstype!=""} * 100 < 40 and predict_linear(node_filesystem_avail_bytes{job="node",fstype!=""}[6h], 24*60*60) < 0 and node_filesystem_readonly{job="node",fstype!=""} == 0))",
    R"((
            node_filesystem_avail_bytes{fstype!="",job="node"}
          /
            node_filesystem_size_bytes{fstype!="",job="node"}
        *
          100
      <
        40
    and
        predict_linear(
          node_filesystem_avail_bytes{fstype!="",job="node"}[6h],
            24 * 60
          *
            60
        )
      <
        0
  and
      node_filesystem_readonly{fstype!="",job="node"}
    ==
      0
))");
  f(R"((node_filesystem_avail_bytes{job="node",fstype!=""} / node_filesystem_size_bytes{job="node",fstype!=""} * 100 < 20 and predict_linear(node_filesystem_avail_bytes{job="node",fstype!=""}[6h], 4*60*60) < 0 and node_filesystem_readonly{job="node",fstype!=""} == 0))",
    R"((
            node_filesystem_avail_bytes{fstype!="",job="node"}
          /
            node_filesystem_size_bytes{fstype!="",job="node"}
        *
          100
      <
        20
    and
        predict_linear(
          node_filesystem_avail_bytes{fstype!="",job="node"}[6h],
            4 * 60
          *
            60
        )
      <
        0
  and
      node_filesystem_readonly{fstype!="",job="node"}
    ==
      0
))");
  f(R"((node_timex_offset_seconds > 0.05 and deriv(node_timex_offset_seconds[5m]) >= 0) or (node_timex_offset_seconds < -0.05 and deriv(node_timex_offset_seconds[5m]) <= 0))",
    R"(  (
        node_timex_offset_seconds
      >
        0.05
    and
        deriv(
          node_timex_offset_seconds[5m]
        )
      >=
        0
  )
or
  (
        node_timex_offset_seconds
      <
        -0.05
    and
        deriv(
          node_timex_offset_seconds[5m]
        )
      <=
        0
  ))");
  f(R"(1 - ((node_memory_MemAvailable_bytes{job="node"} or (node_memory_Buffers_bytes{job="node"} + node_memory_Cached_bytes{job="node"} + node_memory_MemFree_bytes{job="node"} + node_memory_Slab_bytes{job="node"}) ) / node_memory_MemTotal_bytes{job="node"}))",
    R"(  1
-
  (
      (
          node_memory_MemAvailable_bytes{job="node"}
        or
          (
                  node_memory_Buffers_bytes{job="node"}
                +
                  node_memory_Cached_bytes{job="node"}
              +
                node_memory_MemFree_bytes{job="node"}
            +
              node_memory_Slab_bytes{job="node"}
          )
      )
    /
      node_memory_MemTotal_bytes{job="node"}
  ))");
  f(R"(min by (job, integration) (rate(alertmanager_notifications_failed_total{job="alertmanager", integration=~".*"}[5m]) / rate(alertmanager_notifications_total{job="alertmanager", integration="~.*"}[5m])) > 0.01)",
    R"(  min by (job, integration) (
      rate(
        alertmanager_notifications_failed_total{integration=~".*",job="alertmanager"}[5m]
      )
    /
      rate(
        alertmanager_notifications_total{integration="~.*",job="alertmanager"}[5m]
      )
  )
>
  0.01)");
  f(R"((count by (job) (changes(process_start_time_seconds{job="alertmanager"}[10m]) > 4) / count by (job) (up{job="alertmanager"})) >= 0.5)",
    R"(  (
      count by (job) (
          changes(
            process_start_time_seconds{job="alertmanager"}[10m]
          )
        >
          4
      )
    /
      count by (job) (
        up{job="alertmanager"}
      )
  )
>=
  0.5)");
  f(R"(-1)", R"(-1)");
  f(R"(-vector_selector)", R"(-vector_selector)");
  f(R"((-vector_selector))",
    R"((
  -vector_selector
))");
  f(R"(-histogram_quantile(0.9,rate(foo[1m])))",
    R"(-histogram_quantile(
  0.9,
  rate(
    foo[1m]
  )
))");
  f(R"(-histogram_quantile(0.99, sum by (le) (rate(foo[1m]))))",
    R"(-histogram_quantile(
  0.99,
  sum by (le) (
    rate(
      foo[1m]
    )
  )
))");
  f(R"(-histogram_quantile(0.9, -rate(foo[1m] @ start())))",
    R"(-histogram_quantile(
  0.9,
  -rate(
    foo[1m] @ start()
  )
))");
  f(R"((-histogram_quantile(0.9, -rate(foo[1m] @ start()))))",
    R"((
  -histogram_quantile(
    0.9,
    -rate(
      foo[1m] @ start()
    )
  )
))");
  f(R"(rate(foo[2*1h]))",
    R"(rate(
  foo[2 * 1h]
))");
  f(R"(rate(foo[-5m+35m]))",
    R"(rate(
  foo[-5m + 35m]
))");
}

}  // namespace
}  // namespace canopy::promql

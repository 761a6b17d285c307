"""Classic histograms that become native ones with custom buckets on their way in, from a target and through a tree."""
import itertools

from harness import CANOPY, Case, config, free_ports, scrape, wait_for

CONVERT = "    convert_classic_histograms_to_nhcb: true\n"


def target_page():
    """A histogram whose observations are spread the same way each time: 40 % up to 0.1, 80 % up to 1."""
    count = itertools.count(1)

    def page():
        n = next(count)
        return f"""# HELP latency_seconds How long it took.
# TYPE latency_seconds histogram
latency_seconds_bucket{{path="/",le="0.1"}} {n * 4}
latency_seconds_bucket{{path="/",le="1"}} {n * 8}
latency_seconds_bucket{{path="/",le="+Inf"}} {n * 10}
latency_seconds_sum{{path="/"}} {n * 7.5}
latency_seconds_count{{path="/"}} {n * 10}
# TYPE broken histogram
broken_bucket{{le="1"}} {n + 5}
broken_bucket{{le="+Inf"}} {n}
# TYPE up_since gauge
up_since 1
"""

    return page


class ConvertedHistograms(Case):
    def start(self, name, *scrapes):
        port = free_ports(1)[0]
        return self.peers.server(name, CANOPY, config(*scrapes), port).start()

    def test_quantiles_of_converted_and_of_classic_ones_agree(self):
        target = self.serve_pages({"/metrics": target_page()})
        server = self.start("canopy", scrape("new", target.address, more=CONVERT), scrape("old", target.address),
                            scrape("both", target.address, more=CONVERT + "    always_scrape_classic_histograms: true\n"))
        seen = ('latency_seconds{job="new"}', 'latency_seconds{job="both"}', 'latency_seconds_count{job="old"}')
        wait_for("scrapes", lambda: all((server.value(f"count_over_time({series}[1m])") or 0) >= 3 for series in seen))
        for q in (0.2, 0.6, 0.9):
            classic = f'histogram_quantile({q}, sum by (le) (rate(latency_seconds_bucket{{job="%s"}}[1m])))'
            native = f'histogram_quantile({q}, sum(rate(latency_seconds{{job="%s"}}[1m])))'
            expected = server.value(classic % "old")
            self.assertAlmostEqual(expected, {0.2: 0.05, 0.6: 0.55, 0.9: 1}[q])
            for got in (native % "new", native % "both", classic % "both"):
                self.assertAlmostEqual(expected, server.value(got), msg=got)
        names = {job: {s["__name__"] for s in server.api("series", match=[f'{{job="{job}",__name__!~"up|scrape_.*"}}'])}
                 for job in ("new", "old", "both")}
        classic = {"latency_seconds_bucket", "latency_seconds_sum", "latency_seconds_count"}
        self.assertEqual({"latency_seconds", "up_since"}, names["new"])
        self.assertEqual(classic | {"broken_bucket", "up_since"}, names["old"])
        self.assertEqual(classic | {"latency_seconds", "broken_bucket", "up_since"}, names["both"])
        # What makes no sense is passed over: two series are left of the page's.
        self.assertEqual(2, server.value('scrape_samples_scraped{job="new"}'))

    def test_relabelling_decides_for_each_target(self):
        target = self.serve_pages({"/metrics": target_page()})
        server = self.start("canopy", f"""
  - job_name: app
    scrape_interval: 1s
    static_configs:
      - {{targets: ['{target.address}'], labels: {{kind: new}}}}
      - {{targets: ['{target.address}'], labels: {{kind: old}}}}
    relabel_configs:
      - {{source_labels: [kind], regex: new, target_label: __convert_classic_histograms_to_nhcb__, replacement: 'true'}}
""")
        wait_for("scrapes", lambda: server.instant('latency_seconds{kind="new"}') and
                 server.instant('latency_seconds_count{kind="old"}'))
        self.assertEqual([], server.instant('latency_seconds{kind="old"} or latency_seconds_count{kind="new"}'))

    def test_a_tree_hands_them_on_as_they_are(self):
        """The page of /federate shows them as classic ones; converted again they are what the leaf has."""
        target = self.serve_pages({"/metrics": target_page()})
        leaf = self.start("leaf", scrape("app", target.address, more=CONVERT))
        parent = self.start("parent", scrape("leaves", leaf.url.removeprefix("http://"), more=CONVERT + """
    metrics_path: /federate
    honor_labels: true
    params: {'match[]': ['latency_seconds']}
"""))
        selector = "latency_seconds[1m]"

        def held():
            found = parent.instant(selector)
            return found[0] if found and len(found[0]["histograms"]) >= 4 else None

        above = wait_for("federated histograms", held)
        below = leaf.instant(selector.replace("1m", "5m"))[0]
        self.assertEqual(below["metric"], above["metric"])
        at_leaf = {t: h for t, h in below["histograms"]}
        for t, histogram in above["histograms"]:
            self.assertEqual(at_leaf[t], histogram)
            self.assertEqual(3, len(histogram["buckets"]))
        self.assertEqual([], parent.instant('{__name__=~"latency_seconds_.*"}'))

"""Types and units as labels: of pages in two formats, across a change of the type, through /federate and rules."""
from harness import CANOPY, Case, Pages, config, free_ports, scrape, wait_for

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FEATURE = "--enable-feature=type-and-unit-labels"
TEXT = """# TYPE things_total counter
things_total 5
# TYPE level {}
level 7
# TYPE latency histogram
latency_bucket{{le="+Inf"}} 3
latency_sum 4
latency_count 3
bare 1
"""
UNITS = """# TYPE took_seconds gauge
# UNIT took_seconds seconds
took_seconds{__unit__="hours"} 2
# TYPE plain gauge
plain 1
# EOF
"""
FEDERATE = """    metrics_path: /federate
    honor_labels: true
    params: {'match[]': ['{__name__=~".+"}']}
"""
RULES = """groups:
- name: g
  interval: 1s
  rules:
  - {record: 'job:things', expr: 'things_total'}
  - {record: 'job:things:doubled', expr: 'things_total * 2'}
"""


class TypeAndUnit(Case):
    def labels(self, server, query):
        """Name, type and unit of what the query finds."""
        return sorted((row["metric"].get("__name__"), row["metric"].get("__type__"), row["metric"].get("__unit__"))
                      for row in server.api("query", query=query)["result"])

    def start(self, *flags):
        pages = {"/metrics": TEXT.format("gauge")}
        text, units = self.serve_pages(pages), Pages({"/metrics": UNITS}, OPENMETRICS)
        self.addCleanup(units.close)
        port = free_ports(1)[0]
        head = f"rule_files: ['{self.peers.write('rules.yml', RULES)}']"
        jobs = config(scrape("text", text.address), scrape("units", units.address), head=head)
        server = self.peers.server("canopy", CANOPY, jobs, port, *flags).start()
        wait_for("both pages", lambda: len(server.instant('{__name__=~"bare|took_seconds"}')) == 2)
        return server, pages

    def test_series_are_found_by_them(self):
        server, pages = self.start(FEATURE)
        self.assertEqual([("took_seconds", "gauge", "seconds")], self.labels(server, '{__unit__!=""}'))
        counters = [("job:things", "counter", None), ("things_total", "counter", None)]
        wait_for("the rule", lambda: self.labels(server, '{__type__="counter"}') == counters)
        self.assertEqual([(name, "histogram", None) for name in ("latency_bucket", "latency_count", "latency_sum")],
                         self.labels(server, '{__type__="histogram"}'))
        self.assertEqual([("bare", None, None), ("plain", "gauge", None)], self.labels(server, 'bare or plain'))
        # They go where the name goes.
        wait_for("the other rule", lambda: server.instant("job:things:doubled"))
        self.assertEqual([("job:things:doubled", None, None)], self.labels(server, "job:things:doubled"))
        self.assertEqual([(None, None, None)], self.labels(server, "level + 1"))
        self.assertEqual({None}, {kind for _, kind, _ in self.labels(server, '{__name__=~"up|scrape_.*"}')})

        pages["/metrics"] = TEXT.format("counter")
        wait_for("the other type", lambda: self.labels(server, "level") == [("level", "counter", None)])

    def test_a_parent_has_them_from_its_leaf(self):
        leaf, _ = self.start(FEATURE)
        for name, flags in (("with", [FEATURE]), ("without", [])):
            jobs = config(scrape("leaf", leaf.url.removeprefix("http://"), more=FEDERATE))
            parent = self.peers.server(name, CANOPY, jobs, free_ports(1)[0], *flags).start()
            wait_for("the leaf's series", lambda: parent.instant("took_seconds"))
            self.assertEqual([("took_seconds", "gauge", "seconds")], self.labels(parent, "took_seconds"), name)
            everything = '{__name__=~"things_total|level|latency.*|bare|took_seconds|plain"}'
            self.assertEqual(self.labels(leaf, everything), self.labels(parent, everything), name)

    def test_without_the_feature_there_are_none(self):
        server, _ = self.start()
        self.assertEqual([], server.instant('{__type__!=""}'))
        self.assertEqual([("took_seconds", None, "hours")], self.labels(server, '{__unit__!=""}'))

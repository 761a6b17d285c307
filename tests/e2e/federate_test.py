"""Federation between real servers: Canopy over Canopy, Canopy over Prometheus, Prometheus over Canopy; and the pages of both
kinds of leaf, byte by byte."""
import itertools
import time

import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports, peers, scrape, wait_for

SELECTOR = '{__name__=~"job:.*|requests_total|.*_bucket|temperature"}'
EXTERNAL = "global:\n  external_labels: {zone: zone-a, replica: '1'}\n"


def target_page():
    """A page whose counter moves with each scrape."""
    count = itertools.count(1)

    def page():
        n = next(count)
        return f"""# TYPE requests counter
requests_total{{path="/",code="200"}} {n * 3}
requests_total{{path="/a b\\"c\\\\d\\n",code="500"}} {n}
# TYPE temperature gauge
temperature{{room="één"}} {20 + n / 7}
temperature{{room="none"}} NaN
temperature{{room="hot",instance="mine"}} +Inf
temperature{{room="cold"}} -1.5e-07
# TYPE latency histogram
latency_bucket{{le="0.1"}} {n}
latency_bucket{{le="+Inf"}} {n * 2}
latency_sum {n / 3}
latency_count {n * 2}
"""

    return page


def federate(job, leaf, honor="true"):
    return scrape(job, leaf, "1s", f"""    metrics_path: /federate
    honor_labels: {honor}
    params:
      'match[]': ['{SELECTOR}']
""")


class Federation(Case):
    def tree(self, parent, leaf, honor="true"):
        target = self.serve_pages({"/metrics": target_page()})
        leaf_port, parent_port = free_ports(2)
        rules = self.peers.write("rules.yml", """
groups:
  - name: jobs
    interval: 1s
    rules:
      - {record: 'job:requests:sum', expr: 'sum by (job) (requests_total)'}
      - {record: 'job:up:count', expr: 'count by (job) (up)'}
""")
        head = f"{EXTERNAL}rule_files: ['{rules}']"
        low = self.peers.server("leaf", leaf, config(scrape("app", target.address, more="    honor_labels: true\n"), head=head), leaf_port).start()
        high = self.peers.server("parent", parent, config(federate("leaves", f"127.0.0.1:{leaf_port}", honor)),
                                 parent_port).start()
        return low, high

    def check(self, parent, leaf):
        low, high = self.tree(parent, leaf)

        def enough():
            held = high.samples(SELECTOR + "[5m]")
            return held if len(held) >= 10 and min(len(s) for s in held.values()) >= 4 else None

        held = wait_for("federated samples of each series", enough, 40)
        there = low.samples(SELECTOR + "[10m]", time.time())
        for labels, samples in held.items():
            name = dict(labels)
            self.assertEqual(("zone-a", "1"), (name.pop("zone"), name.pop("replica")))
            original = dict(there[tuple(sorted(name.items()))])
            for t, value in samples:
                self.assertEqual(original.get(t), value, f"{labels} at {t}")
        # honor_labels: what the leaf says stands, and an absent instance stays absent.
        names = [dict(labels) for labels in held]
        self.assertIn({"__name__": "temperature", "room": "hot", "instance": "mine", "job": "app", "zone": "zone-a",
                       "replica": "1"}, names)
        self.assertIn({"__name__": "job:requests:sum", "job": "app", "zone": "zone-a", "replica": "1"}, names)
        self.assertEqual(1, high.value('up{job="leaves"}'))
        # The samples of a scrape are those that it kept, and they carry the leaf's times, not the parent's.
        self.assertEqual(len(held), high.value('scrape_samples_scraped{job="leaves"}'))

    def test_canopy_over_canopy(self):
        self.check(CANOPY, CANOPY)

    def test_canopy_over_prometheus(self):
        self.check(CANOPY, PROMETHEUS)

    def test_prometheus_over_canopy(self):
        self.check(PROMETHEUS, CANOPY)

    def test_without_honor_labels(self):
        _, high = self.tree(CANOPY, CANOPY, honor="false")
        found = wait_for("a federated series", lambda: high.instant('temperature{room="hot"}'), 30)[0]["metric"]
        leaf = found.pop("instance")
        self.assertTrue(leaf.startswith("127.0.0.1:"))
        self.assertEqual({"__name__": "temperature", "room": "hot", "exported_instance": "mine", "job": "leaves",
                          "exported_job": "app", "zone": "zone-a", "replica": "1"}, found)
        aggregate = wait_for("a federated aggregate", lambda: high.instant("job:requests:sum"), 30)[0]["metric"]
        self.assertEqual({"__name__": "job:requests:sum", "job": "leaves", "exported_job": "app", "instance": leaf,
                          "zone": "zone-a", "replica": "1"}, aggregate)


class FederatePages(Case):
    """The same recent samples, by remote write, in Canopy and in Prometheus: /federate must show the same page."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ports = free_ports(2)
        cls.servers = [cls.shared.server(name, binary, config(head=EXTERNAL), port, "--web.enable-remote-write-receiver")
                       for name, binary, port in (("canopy", CANOPY, ports[0]), ("prometheus", PROMETHEUS, ports[1]))]
        now = int(time.time() * 1000)
        values = [0.0, -0.0, 1.0, 1e21, 1e20, 123456789.0, 1e-7, 0.1, 2.5e-300, float("nan"), float("inf"), -float("inf"), 3.0]
        series = [({"__name__": f"metric_{i % 4}", "n": str(i)}, [(now - 20000 + i, 7.0), (now - 10000 + i, v)])
                  for i, v in enumerate(values)]
        series += [
            ({"__name__": "gone", "a": "b"}, [(now - 20000, 1.0), (now - 10000, remote_write.STALE)]),
            ({"__name__": "old"}, [(now - 200_000, 5.0)]),
            ({"__name__": "too_old"}, [(now - 400_000, 5.0)]),
            ({"__name__": "own", "zone": "mine", "instance": "i:1"}, [(now - 1000, 1.0)]),
            ({"__name__": "own", "aaa": "1", "zzz": "2"}, [(now - 1000, 2.0)]),
            ({"__name__": "quoted", "l": 'a"b\\c\nd', "u": "ünïcode"}, [(now - 1000, 3.0)]),
        ]
        for server in cls.servers:
            server.start()
            status, body = remote_write.push(server.url, series)
            assert status in (200, 204), f"{server.name}: {status} {body}"

    def pages(self, *matches, headers=None):
        query = peers.urllib.parse.urlencode([("match[]", m) for m in matches])
        return [fetch(f"{s.url}/federate?{query}", headers=headers) for s in self.servers]

    @staticmethod
    def families(body):
        """The page, with the lines inside each family sorted: their order there is nobody's promise."""
        out = []
        for line in body.decode().splitlines():
            if line.startswith("# TYPE"):
                out.append([line])
            else:
                out[-1].append(line)
        return [[f[0], *sorted(f[1:])] for f in out]

    def test_pages_are_alike(self):
        for matches in [('{__name__=~".+"}',), ("metric_1",), ("metric_1", "metric_2", '{n="1"}'), ("gone",), ("old",),
                        ("too_old",), ("own", "quoted"), ("nosuch",), ('{zone="zone-a"}',), ('{zone=""}',), ()]:
            with self.subTest(matches):
                (mine, mine_body, _), (theirs, theirs_body, _) = self.pages(*matches)
                self.assertEqual((200, theirs), (mine, 200))
                self.assertEqual(self.families(theirs_body), self.families(mine_body))

    def test_refused_alike(self):
        for match in ("foo[5m]", "sum(foo)", "foo offset 5m", "-not-a-valid-metric-name", "", "{a=~'('}", "1"):
            with self.subTest(match):
                (mine, _, _), (theirs, _, _) = self.pages(match)
                self.assertEqual((400, 400), (theirs, mine))

    def test_content_types(self):
        for accept in (None, "*/*", "text/plain", "application/openmetrics-text;version=1.0.0"):
            with self.subTest(accept):
                mine, _ = self.pages("metric_1", headers={"Accept": accept} if accept else None)
                self.assertTrue(mine[2]["Content-Type"].startswith("text/plain; version=0.0.4; charset=utf-8"),
                                mine[2]["Content-Type"])

    def test_only_get(self):
        self.assertEqual(405, fetch(self.servers[0].url + "/federate?match[]=metric_1", method="POST")[0])

"""Exemplars of the same pages in Canopy and in Prometheus, and what is left of them in the other one's directory."""
import copy
import time

from harness import CANOPY, PROMETHEUS, Case, Pages, config, fetch, free_ports, scrape, wait_for

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FEATURE = "--enable-feature=exemplar-storage"
EVERYTHING = '{job="app"}'


def page(turn, start):
    """Each turn has exemplars that are new, some that stay as they were, and some without a time."""
    at = start + turn
    return f"""# TYPE requests counter
requests_total{{path="/a"}} {turn} # {{trace_id="new{turn}"}} {turn + 0.5} {at}.25
requests_total{{path="/b"}} 1 # {{trace_id="same",span_id="s-1"}} 1e-9 {start}.125
requests_total{{path="/c"}} 1 # {{trace_id="untimed"}} 7
requests_total{{path="/long"}} 1 # {{trace_id="{'x' * 121}"}} 7 {start}
# TYPE latency histogram
latency_bucket{{le="0.5"}} 1 # {{trace_id="first{turn}",k="ü"}} 0.25 {at}
latency_bucket{{le="1.0"}} 2 # {{}} 0.{turn + 6} {at}.5
latency_bucket{{le="+Inf"}} 3
latency_count 3
latency_sum 2
# EOF
"""


class Exemplars(Case):
    def start(self, name, binary, directory, *scrapes, head=""):
        port = free_ports(1)[0]
        argv = [binary, f"--config.file={self.peers.write(f'{name}.yml', config(*scrapes, head=head))}",
                f"--storage.tsdb.path={self.peers.dir / directory}", f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-lifecycle", FEATURE]
        return self.peers.add(name, argv, port).start()

    def target(self, pages):
        server = Pages(pages, OPENMETRICS)
        self.addCleanup(server.close)
        return server

    def exemplars(self, server, query, **times):
        return server.api("query_exemplars", query=query, **times)

    def comparable(self, answer):
        """Without what a scrape's own time decides."""
        answer = copy.deepcopy(answer)
        for series in answer:
            del series["seriesLabels"]["instance"]
            for exemplar in series["exemplars"]:
                if exemplar["labels"].get("trace_id") == "untimed":
                    exemplar["timestamp"] = "some time"
        return answer

    def test_canopy_and_prometheus_agree_and_read_each_other(self):
        pages, start = {}, int(time.time())
        target = self.target(pages)
        pages["/metrics"] = page(0, start)
        both = [self.start("canopy", CANOPY, "ours", scrape("app", target.address)),
                self.start("prometheus", PROMETHEUS, "theirs", scrape("app", target.address))]
        for turn in range(3):
            pages["/metrics"] = page(turn, start)
            for server in both:
                wait_for(f"turn {turn}", lambda: any(e["labels"].get("trace_id") == f"new{turn}"
                                                     for s in self.exemplars(server, 'requests_total{path="/a"}')
                                                     for e in s["exemplars"]))
        # Once more the same: nothing is stored twice.
        for server in both:
            done = server.value("count_over_time(up[1h])")
            wait_for("another scrape", lambda: server.value("count_over_time(up[1h])") > done)
        ours, theirs = (self.exemplars(server, EVERYTHING) for server in both)
        self.assertEqual(self.comparable(theirs), self.comparable(ours))
        self.assertEqual([3, 3, 3, 1, 1], [len(s["exemplars"]) for s in ours])
        for query in ("sum(rate(requests_total[5m])) by (path) / ignoring(path) group_left() latency_count",
                      'latency_bucket{le="0.5"} or requests_total{path=~"/[bc]"}', "nosuch", "histogram_quantile(0.9, latency_bucket)"):
            for times in ({}, {"start": start + 1, "end": start + 2.25}, {"start": start + 100}):
                answers = [self.comparable(self.exemplars(server, query, **times)) for server in both]
                if times:  # the one without a time of its own has each server's
                    answers = [[s for s in a if s["seriesLabels"].get("path") != "/c"] for a in answers]
                self.assertEqual(answers[1], answers[0], (query, times))
        # The bodies as they are, where no time differs.
        bodies = [fetch(f"{s.url}/api/v1/query_exemplars", data=b"query=requests_total%7Bpath%3D~%22%2F%5Bab%5D%22%7D") for s in both]
        self.assertEqual(bodies[1][:2], bodies[0][:2])
        for server in both:
            server.stop()
        # Where they moved to, and back where they came from.
        moved = [self.start("canopy-moved", CANOPY, "theirs"), self.start("prometheus-moved", PROMETHEUS, "ours")]
        self.assertEqual([theirs, ours], [self.exemplars(server, EVERYTHING) for server in moved])
        for server in moved:
            server.stop()
        again = [self.start("canopy-again", CANOPY, "ours"), self.start("prometheus-again", PROMETHEUS, "theirs")]
        self.assertEqual([ours, theirs], [self.exemplars(server, EVERYTHING) for server in again])

    def test_their_number_follows_the_configuration(self):
        target = self.target({"/metrics": page(0, int(time.time()))})
        job = scrape("app", target.address)
        server = self.start("canopy", CANOPY, "ours", job, head="storage: {exemplars: {max_exemplars: 3}}")
        wait_for("exemplars", lambda: len(self.exemplars(server, EVERYTHING)) == 3)

        def maximum():
            body = fetch(f"{server.url}/metrics")[1].decode()
            return next(line.split()[1] for line in body.splitlines()
                        if line.startswith("prometheus_tsdb_exemplar_max_exemplars "))
        self.assertEqual("3", maximum())
        for count, shown in ((1, 1), (-1, 0)):
            self.peers.write("canopy.yml", config(head=f"storage: {{exemplars: {{max_exemplars: {count}}}}}"))
            self.assertEqual(200, fetch(f"{server.url}/-/reload", method="POST")[0])
            self.assertEqual(str(shown), maximum())
            self.assertEqual(shown, len(self.exemplars(server, EVERYTHING)))
        self.assertNotIn("takes effect at the next start", server.tail(1000))
        self.peers.write("canopy.yml", config(job))
        self.assertEqual(200, fetch(f"{server.url}/-/reload", method="POST")[0])
        self.assertEqual("100000", maximum())
        wait_for("all", lambda: len(self.exemplars(server, EVERYTHING)) == 5)
        federated = fetch(f"{server.url}/federate?match[]={{job='app'}}", headers={"Accept": OPENMETRICS})[1]
        self.assertNotIn(b"trace_id", federated)

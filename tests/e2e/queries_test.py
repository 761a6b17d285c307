"""Queries as an operator meets them: limits, cancellation, the query log, queries that were running, and the commands."""
import http.client
import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.parse

from harness import CANOPY, Case, config, fetch, free_ports, wait_for
from remote_write import push

# Over the data below it takes a minute or so.
ENDLESS = "deriv(deriv(deriv(deriv(m[1h:1s])[1h:1s])[1h:1s])[1h:1s])"
SERIES = 200
STEP = 15


def metric(server, name):
    page = fetch(server.url + "/metrics")[1].decode()
    return sum(float(v) for v in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", page, re.MULTILINE))


class Queries(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rules = cls.shared.write("rules.yml", "groups: [{name: g, interval: 1s, rules: [{record: r, expr: count(m)}]}]\n")
        cls.log = cls.shared.dir / "queries.log"
        head = f"global: {{query_log_file: {cls.log}}}\nrule_files: [{rules}]"
        cls.server = cls.shared.server("canopy", CANOPY, config(head=head), free_ports(1)[0],
                                       "--web.enable-remote-write-receiver", "--query.max-concurrency=2",
                                       "--query.max-samples=30000000")
        cls.server.start()
        cls.end = int(time.time()) // STEP * STEP
        times = range(cls.end - 7200, cls.end + 1, STEP)
        push(cls.server.url, [({"__name__": "m", "i": str(i)}, [(t * 1000, float(t % 97 + i)) for t in times])
                              for i in range(SERIES)])

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def range_url(self, query, **more):
        parameters = {"query": query, "start": self.end - 3600, "end": self.end, "step": "1s", **more}
        return "/api/v1/query_range?" + urllib.parse.urlencode(parameters)

    def running(self):
        """Without the rules' own, which take no time."""
        return metric(self.server, "prometheus_engine_queries")

    def test_a_query_ends_soon_after_its_deadline(self):
        began = time.monotonic()
        status, body, _ = fetch(self.server.url + self.range_url(ENDLESS, timeout="300ms"), timeout=60)
        took = time.monotonic() - began
        self.assertEqual(503, status)
        self.assertEqual("timeout", json.loads(body)["errorType"])
        self.assertEqual("query timed out in expression evaluation", json.loads(body)["error"])
        # 100 ms is what it takes; the rest is for machines with other things to do.
        self.assertLess(took, 5)

    def test_a_query_ends_when_its_client_goes(self):
        host = urllib.parse.urlsplit(self.server.url).netloc
        for method in ("GET", "POST"):
            target = self.range_url(ENDLESS)
            body = target.split("?")[1] if method == "POST" else ""
            head = f"{method} {target.split('?')[0] if body else target} HTTP/1.1\r\nHost: {host}\r\n"
            if body:
                head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            client = socket.create_connection(host.split(":"))
            client.sendall(f"{head}\r\n{body}".encode())
            wait_for("a running query", lambda: self.running() >= 1)
            client.close()
            wait_for("its end", lambda: self.running() == 0, 10)
        ended = [line for line in self.lines() if line["params"]["query"] == ENDLESS]
        self.assertIn("query was canceled in expression evaluation", [line.get("error") for line in ended])

    def test_queries_wait_for_their_turn(self):
        host = urllib.parse.urlsplit(self.server.url).netloc
        clients = []
        for _ in range(2):
            client = http.client.HTTPConnection(host)
            client.request("GET", self.range_url(ENDLESS))
            clients.append(client)
        try:
            wait_for("two running queries", lambda: self.running() >= 2)
            status, body, _ = fetch(self.server.url + "/api/v1/query?query=1&timeout=200ms", timeout=60)
            self.assertEqual((503, "query timed out in query queue"), (status, json.loads(body)["error"]))
        finally:
            for client in clients:
                client.close()
        wait_for("an answer", lambda: fetch(self.server.url + "/api/v1/query?query=1")[0] == 200)

    def test_samples_are_bounded(self):
        status, body, _ = fetch(self.server.url + self.range_url("sum_over_time(m[1d:1ms])"), timeout=60)
        self.assertEqual((422, "execution"), (status, json.loads(body)["errorType"]))
        self.assertIn("too many samples", json.loads(body)["error"])

    def test_statistics_on_request(self):
        url = self.server.url + "/api/v1/query_range?" + urllib.parse.urlencode(
            {"query": "sum(sum_over_time(m[2m]))", "start": self.end - 120, "end": self.end, "step": 60, "stats": "all"})
        stats = json.loads(fetch(url)[1])["data"]["stats"]
        self.assertEqual({"evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execQueueTime",
                          "execTotalTime"}, set(stats["timings"]))
        samples = stats["samples"]
        self.assertEqual(3 * 8 * SERIES, samples["totalQueryableSamples"])
        self.assertEqual((8 + 4 + 4) * SERIES, samples["samplesRead"])
        self.assertEqual([[self.end - 120 + 60 * i, 8 * SERIES] for i in range(3)], samples["totalQueryableSamplesPerStep"])
        self.assertEqual([8 * SERIES, 4 * SERIES, 4 * SERIES], [n for _, n in samples["samplesReadPerStep"]])
        self.assertGreater(samples["peakSamples"], 0)
        plain = json.loads(fetch(url.replace("stats=all", "stats=true"))[1])["data"]["stats"]["samples"]
        self.assertEqual({"totalQueryableSamples", "samplesRead", "peakSamples"}, set(plain))

    def test_the_query_log(self):
        fetch(self.server.url + "/api/v1/query_range?query=m%7Bi%3D%221%22%7D&start=1000.5&end=1001&step=2")
        wait_for("a rule's line", lambda: any("ruleGroup" in line for line in self.lines()))
        line = [line for line in self.lines() if line["params"]["query"] == 'm{i="1"}'][-1]
        self.assertEqual({"query": 'm{i="1"}', "start": "1970-01-01T00:16:40.500Z", "end": "1970-01-01T00:16:41.000Z",
                          "step": 2}, line["params"])
        self.assertEqual({"clientIP": "127.0.0.1", "method": "GET", "path": "/api/v1/query_range"}, line["httpRequest"])
        self.assertEqual({"timings", "samples"}, set(line["stats"]))
        rule = [line for line in self.lines() if "ruleGroup" in line][0]
        self.assertEqual(("count(m)", str(self.shared.dir / "rules.yml"), "g"),
                         (rule["params"]["query"], rule["ruleGroup"]["file"], rule["ruleGroup"]["name"]))
        self.assertNotIn("httpRequest", rule)
        # Rotation: after a reload the name is another file.
        self.log.rename(self.log.with_suffix(".1"))
        self.assertEqual(200, fetch(self.server.url + "/-/reload", method="POST")[0])
        wait_for("the new file", lambda: self.lines() != [])


class ActiveQueries(Case):
    def test_what_ran_when_the_process_died_is_told(self):
        server = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0], "--web.enable-remote-write-receiver",
                                   "--query.max-concurrency=3")
        server.start()
        path = self.peers.dir / "canopy" / "queries.active"
        self.assertEqual(b"[" + bytes(3000), path.read_bytes())
        end = int(time.time())
        push(server.url, [({"__name__": "m", "i": str(i)}, [(t * 1000, float(t % 97)) for t in range(end - 3600, end, 5)])
                          for i in range(100)])
        client = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
        client.request("GET", "/api/v1/query_range?" + urllib.parse.urlencode(
            {"query": ENDLESS, "start": end - 3600, "end": end, "step": "1s"}))
        wait_for("its entry", lambda: b"deriv" in path.read_bytes())
        server.kill()
        client.close()
        left = json.loads(path.read_bytes().replace(b"\0", b"").rstrip(b",") + b"]")
        self.assertEqual([ENDLESS], [entry["query"] for entry in left])
        self.assertLess(abs(left[0]["timestamp_sec"] - end), 60)
        server.start()
        log = pathlib.Path(server.log).read_text()
        self.assertIn("These queries didn't finish in the last run", log)
        self.assertIn("deriv(deriv", log)
        self.assertEqual(b"[" + bytes(3000), path.read_bytes())


class Commands(Case):
    def run_it(self, *args):
        return subprocess.run([CANOPY, *args], capture_output=True, text=True, timeout=60)

    def test_scripts_that_pass_and_fail(self):
        good = self.peers.write("good.test", "load 1m\n  m 0+1x5\n\neval instant at 2m m\n  m 2\n")
        bad = self.peers.write("bad.test", "load 1m\n  m 0+1x5\n\neval instant at 2m m\n  m 3\n\n"
                                           "eval instant at 2m m\n  expect warn\n  m 2\n\neval instant at 2m m\n  m 2\n")
        no_script = self.peers.write("none.test", "lod 1m\n")
        done = self.run_it("test", "promql", good)
        self.assertEqual((0, "1 passed, 0 failed\n", ""), (done.returncode, done.stdout, done.stderr))
        done = self.run_it("test", "promql", good, bad, no_script, "missing.test")
        self.assertEqual(1, done.returncode)
        lines = done.stdout.splitlines()
        self.assertEqual(f"{bad}:4: m: expected 3 for m, got 2", lines[0])
        self.assertEqual(f"{bad}:7: m: expected a warning, got none", lines[1])
        self.assertEqual(f'{no_script}: line 1: invalid command "lod 1m"', lines[2])
        self.assertIn("missing.test", lines[3])
        self.assertEqual("2 passed, 4 failed", lines[4])
        self.assertEqual(2, self.run_it("test").returncode)
        self.assertEqual(2, self.run_it("test", "promql").returncode)

    def test_format(self):
        query = 'sum(rate(foo_bar_baz_total{namespace="some-namespace",job="some-job"}[5m]))by(instance)/ignoring(x)group_left 2>1'
        done = self.run_it("promql", "format", 'sum(rate(m{a="b"}[5m]))by(job)>1')
        self.assertEqual((0, 'sum by (job) (rate(m{a="b"}[5m])) > 1\n'), (done.returncode, done.stdout))
        done = self.run_it("promql", "format", "sum(")
        self.assertEqual((1, "canopy: 1:5: parse error: unclosed left parenthesis\n"), (done.returncode, done.stderr))
        self.assertEqual(2, self.run_it("promql", "format").returncode)
        self.assertEqual(1, self.run_it("promql", "format", query).returncode)

    def test_explain(self):
        done = self.run_it("promql", "explain", "--time=6000", "rate(m[5m])")
        self.assertEqual((0, "rate\n  m[5m]  reads (1970-01-01T01:35:00Z, 1970-01-01T01:40:00Z]\n\n"
                             "evaluated at 1 step at 1970-01-01T01:40:00Z\nreads the series of 1 selector, "
                             "samples of (1970-01-01T01:35:00Z, 1970-01-01T01:40:00Z]\n"), (done.returncode, done.stdout))
        self.assertEqual(1, self.run_it("promql", "explain", "--start=10", "--end=5", "m").returncode)
        self.assertEqual(2, self.run_it("promql", "explain", "--nosuch=5", "m").returncode)

"""The HTTP API next to Prometheus's own, over the same samples: whole answers, status codes and error types."""
import json

import promql_data
import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports, peers

T = promql_data.START + 1500
SPAN = {"start": promql_data.START, "end": promql_data.END}


class Api(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ports = free_ports(2)
        cls.servers = [cls.shared.server(name, binary, config(), port, "--web.enable-remote-write-receiver")
                       for name, binary, port in (("canopy", CANOPY, ports[0]), ("prometheus", PROMETHEUS, ports[1]))]
        series = list(promql_data.gauges()) + list(promql_data.oddities())
        for server in cls.servers:
            server.start()
            status, body = remote_write.push(server.url, series)
            assert status in (200, 204), f"{server.name}: {status} {body}"

    def ask(self, path, parameters=(), form=None, method=None):
        pairs = parameters.items() if isinstance(parameters, dict) else parameters
        query = peers.urllib.parse.urlencode([(k, v) for k, v in pairs])
        data = peers.urllib.parse.urlencode(form).encode() if form is not None else None
        return [fetch(f"{s.url}/api/v1/{path}?{query}", data=data, method=method) for s in self.servers]

    @staticmethod
    def ordered(value):
        """Series in an order of our own: the API promises none."""
        if isinstance(value, dict):
            return {k: Api.ordered(v) for k, v in value.items()}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return sorted(value, key=lambda v: json.dumps(v, sort_keys=True))
        return value

    def alike(self, path, parameters=(), form=None, method=None):
        with self.subTest(path=path, parameters=parameters, form=form):
            mine, theirs = self.ask(path, parameters, form, method)
            self.assertEqual(theirs[0], mine[0], mine[1][:300])
            expected, got = json.loads(theirs[1]), json.loads(mine[1])
            self.assertEqual(expected["status"], got["status"])
            self.assertEqual(theirs[2]["Content-Type"], mine[2]["Content-Type"])
            if expected["status"] == "error":
                self.assertEqual(expected["errorType"], got["errorType"], got)
                self.assertTrue(got["error"])
            else:
                if path == "targets":  # newer than the Prometheus at hand
                    self.assertIn("droppedTargetCounts", got["data"])
                    del got["data"]["droppedTargetCounts"]
                self.assertEqual(self.ordered(expected["data"]), self.ordered(got["data"]))

    def test_query(self):
        for query in ("load1", "1", "'text'", "load1[2m]", "sum by (zone) (load1) > bool 1", "nosuch", "odd", "-Inf", "1e100",
                      "odd{kind='special'}[20m]", "memory_bytes / 3"):
            self.alike("query", {"query": query, "time": T})
            self.alike("query", form={"query": query, "time": T})
        for at in (T, f"{T}.5", f"{T}.123", "2023-11-14T22:40:00Z", "2023-11-14T23:40:00.25+01:00"):
            self.alike("query", {"query": "load1", "time": at})
        self.alike("query", {"query": "load1", "time": T, "timeout": "5s"})

    def test_query_refused(self):
        for parameters in ({}, {"query": ""}, {"query": "sum("}, {"query": "load1", "time": "yesterday"},
                           {"query": "load1", "timeout": "soon"}, {"query": "load1 + on () memory_bytes", "time": T},
                           {"query": "label_replace(load1, 'zone', '', 'zone', '(')", "time": T}):
            self.alike("query", parameters)

    def test_query_range(self):
        for query in ("load1", "1", "rate(memory_bytes[1m])", "nosuch", "odd", "count by (zone) (load1)"):
            self.alike("query_range", {"query": query, **SPAN, "step": "60"})
            self.alike("query_range", form={"query": query, **SPAN, "step": "1m"})
        self.alike("query_range", {"query": "load1", "start": T, "end": T, "step": "1"})
        self.alike("query_range", {"query": "time()", "start": T, "end": T + 10, "step": "2.5"})

    def test_query_range_refused(self):
        good = {"query": "load1", **SPAN, "step": "60"}
        for change in ({"start": ""}, {"end": "x"}, {"step": ""}, {"step": "0"}, {"step": "-1"}, {"step": "1e-3"},
                       {"end": promql_data.START - 1}, {"query": "'text'"}, {"query": "load1[1m]"}, {"query": "sum("},
                       {"step": "x"}, {"timeout": "x"}):
            self.alike("query_range", good | change)

    def test_series(self):
        for matches in (["load1"], ["load1", "odd"], ['{zone="a"}'], ["nosuch"], ['{__name__=~"l.*|m.*",zone!="a"}']):
            self.alike("series", [("match[]", m) for m in matches] + list(SPAN.items()))
        self.alike("series", form=[("match[]", "load1"), ("match[]", "odd"), *SPAN.items()])
        # Outside of the data there is nothing; a day away, so that no store's granularity matters.
        self.alike("series", [("match[]", "load1"), ("start", T - 172800), ("end", T - 86400)])
        for bad in ([], [("match[]", "load1[1m]")], [("match[]", "{}")], [("match[]", "sum(")],
                    [("match[]", "load1"), ("start", "x")], [("match[]", "load1"), ("end", "x")],
                    [("match[]", "load1"), ("start", 10), ("end", 5)]):
            self.alike("series", bad)

    def test_labels(self):
        span = list(SPAN.items())
        self.alike("labels", span)
        self.alike("labels", form=SPAN)
        self.alike("labels", [("match[]", "odd"), *span])
        self.alike("labels", [("match[]", "load1"), ("match[]", "build_info"), *span])
        for bad in ([("match[]", "sum(")], [("match[]", "{}")], [("start", "x")], [("end", "x")]):
            self.alike("labels", bad)

    def test_label_values(self):
        span = list(SPAN.items())
        for name in ("__name__", "zone", "kind", "nosuch", "instance"):
            self.alike(f"label/{name}/values", span)
            self.alike(f"label/{name}/values", [("match[]", "load1"), *span])
        for bad in ([("match[]", "sum(")], [("start", "x")]):
            self.alike("label/zone/values", bad)

    def test_nothing_is_there_yet(self):
        for path in ("targets", "rules", "alerts", "alertmanagers", "metadata"):
            self.alike(path)
        self.alike("targets", {"state": "active"})
        self.alike("rules", {"type": "alert"})
        self.alike("rules", {"type": "nosuch"})
        self.alike("metadata", {"limit": "x"})

    def test_status(self):
        for path, keys in (("status/buildinfo", {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}),
                           ("status/runtimeinfo", {"startTime", "CWD", "reloadConfigSuccess", "lastConfigTime", "storageRetention"}),
                           ("status/flags", {"config.file", "storage.tsdb.path", "web.listen-address", "query.lookback-delta"}),
                           ("status/tsdb", {"headStats", "seriesCountByMetricName", "labelValueCountByLabelName"}),
                           ("status/config", {"yaml"})):
            mine, theirs = (json.loads(body)["data"] for _, body, _ in self.ask(path))
            with self.subTest(path):
                self.assertLessEqual(keys, theirs.keys())
                self.assertLessEqual(keys, mine.keys())
        counted = [json.loads(body)["data"]["headStats"]["numSeries"] for _, body, _ in self.ask("status/tsdb")]
        self.assertEqual(counted[1], counted[0])

    def test_unknown_paths_and_methods(self):
        mine, theirs = self.ask("nosuch")
        self.assertEqual(theirs[0], mine[0])
        for path, method in (("query", "PUT"), ("series", "PATCH"), ("targets", "POST")):
            mine, theirs = self.ask(path, method=method)
            self.assertEqual(theirs[0], mine[0], path)


class RemoteWrite(Case):
    def start(self, *flags):
        return self.peers.server("canopy", CANOPY, config(), free_ports(1)[0], *flags).start()

    def test_samples_of_1970(self):
        # Time is the data's: a node that holds nothing takes what comes, however old.
        server = self.start("--web.enable-remote-write-receiver")
        samples = [(1000 * i, float(i)) for i in range(60)]
        status, body = remote_write.push(server.url, [({"__name__": "old", "a": "b"}, samples)])
        self.assertIn(status, (200, 204), body)
        self.assertEqual(59, server.value("old", at=60))
        held = server.samples("old[70s]", at=60)
        self.assertEqual([[float(v) for _, v in samples]], [[float(v) for _, v in s] for s in held.values()])
        self.assertEqual([{"__name__": "old", "a": "b"}], server.api("series", match=["old"], start=0, end=60))

    def test_refused(self):
        server = self.start("--web.enable-remote-write-receiver")
        for body in (b"not snappy", remote_write.snappy(b"\xff\xff\xff"), remote_write.snappy(b"\x0a\x05ab")):
            headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
            self.assertEqual(400, fetch(server.url + "/api/v1/write", data=body, headers=headers)[0], body)
        self.assertEqual(415, fetch(server.url + "/api/v1/write", data=b"")[0])
        # A good one after the bad ones.
        self.assertIn(remote_write.push(server.url, [({"__name__": "a"}, [(1000, 1.0)])])[0], (200, 204))
        self.assertEqual(1, server.value("a", at=1))

    def test_only_where_it_is_enabled(self):
        self.assertEqual(404, remote_write.push(self.start().url, [({"__name__": "a"}, [(1, 1.0)])])[0])

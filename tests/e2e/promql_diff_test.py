"""Several hundred queries, each asked of Canopy and of Debian's Prometheus, both loaded with the same samples."""
import json
import os

import promql_data
import promql_queries
import promql_random
import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports, peers

INSTANTS = [promql_data.START + 600, promql_data.START + 1500, promql_data.END + 120]
# (start, end, step): the whole of the data and both its ends; a window inside at the scrape interval.
SPANS = [(promql_data.START - 300, promql_data.END + 300, 60), (promql_data.START + 900, promql_data.START + 1500, 15)]
SHOWN = 12  # differences of a family that are printed
# Functions whose order of results is a promise, at an instant; that of groups is none.
ORDERED = ("sort", "topk", "bottomk")
GROUPED = (" by", " without")


def ask(url, path, **parameters):
    query = peers.urllib.parse.urlencode(parameters)
    status, body, _ = fetch(f"{url}/api/v1/{path}?{query}")
    return status, json.loads(body)


def points(data):
    """{labels: [(time, value)]} of any result type; labels of a scalar or string are ()."""
    if data["resultType"] in ("scalar", "string"):
        return {(): [tuple(data["result"])]}
    return {tuple(sorted(r["metric"].items())): [tuple(p) for p in r.get("values", [r.get("value")])]
            for r in data["result"]}


def difference(a, b):
    """What differs between two answers, as text; empty when nothing does."""
    if a[0] != b[0] or a[1]["status"] != b[1]["status"]:
        return f"{brief(a)}\n    but {brief(b)}"
    if a[1]["status"] == "error":
        return "" if a[1]["errorType"] == b[1]["errorType"] else f"{brief(a)}\n    but {brief(b)}"
    if a[1]["data"]["resultType"] != b[1]["data"]["resultType"]:
        return f"{brief(a)}\n    but {brief(b)}"
    mine, theirs = points(a[1]["data"]), points(b[1]["data"])
    if mine.keys() != theirs.keys():
        return f"series: only here {sorted(mine.keys() - theirs.keys())[:3]}, only there {sorted(theirs.keys() - mine.keys())[:3]}"
    if len(mine) != len(a[1]["data"]["result"]) and a[1]["data"]["resultType"] in ("vector", "matrix"):
        return "a series is there twice"
    for labels, here in mine.items():
        there = theirs[labels]
        if [t for t, _ in here] != [t for t, _ in there]:
            only = sorted(set(t for t, _ in here) ^ set(t for t, _ in there))
            return f"{dict(labels)}: {len(here)} and {len(there)} points; not in both: {only[:5]}"
        for (t, x), (_, y) in zip(here, there):
            if a[1]["data"]["resultType"] == "string" and x != y:
                return f"{x!r} and {y!r}"
            if a[1]["data"]["resultType"] != "string" and not remote_write.same(float(x), float(y), 1e-10):
                return f"{dict(labels)} at {t}: {x} and {y}"
    return ""


def explained(query, answers):
    """Whether the two differ as docs/queries.md says that 2.42 and 3.14 do."""
    refused = "many-to-one matching must be explicit" in answers[0][1].get("error", "")
    return refused and any(op in query for op in ("==", "!=", ">", "<"))


def brief(answer):
    return f"{answer[0]} {json.dumps(answer[1])[:300]}"


class PromqlDifferential(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ports = free_ports(2)
        cls.servers = [cls.shared.server(name, binary, config(), port, "--web.enable-remote-write-receiver")
                       for name, binary, port in (("canopy", CANOPY, ports[0]), ("prometheus", PROMETHEUS, ports[1]))]
        for server in cls.servers:
            server.start()
        series = promql_data.series()
        for server in cls.servers:
            for i in range(0, len(series), 25):
                status, body = remote_write.push(server.url, series[i : i + 25])
                assert status in (200, 204), f"{server.name}: {status} {body}"

    def compare(self, queries):
        asked, wrong = 0, []
        requests = [("query", {"time": t}) for t in INSTANTS]
        requests += [("query_range", {"start": a, "end": b, "step": s}) for a, b, s in SPANS]
        for query in queries:
            for path, when in requests:
                answers = [ask(s.url, path, query=query, **when) for s in self.servers]
                asked += 1
                found = difference(*answers)
                ordered = path == "query" and query.startswith(ORDERED) and not any(g in query for g in GROUPED)
                if not found and answers[0][0] == 200 and ordered:
                    orders = [[r["metric"] for r in a[1]["data"]["result"]] for a in answers]
                    found = "" if orders[0] == orders[1] else f"order: {orders[0]} and {orders[1]}"
                if found:
                    wrong.append(f"{query}   ({path} {when})\n    {found}")
                    break  # one difference a query says enough
        if wrong:
            self.fail(f"{len(wrong)} queries of {asked} answers differ:\n" + "\n".join(wrong[:SHOWN]))

    def test_generated(self):
        """PROMQL_GENERATED=1500 queries by chance, of PROMQL_SEED=1: of each kind a few that nobody would have thought of."""
        queries, wrong = promql_random.Queries(int(os.environ.get("PROMQL_SEED", "1"))), []
        count, empty = int(os.environ.get("PROMQL_GENERATED", "1500")), 0
        for i in range(count):
            query = queries.query()
            # Three seconds off the interval: no border of a range or lookback meets a sample, or a step of a subquery.
            path, when = (("query", {"time": promql_data.START + queries.random.randrange(200) * 15 + 3}) if i % 2 else
                          ("query_range", {"start": promql_data.START + 303, "end": promql_data.END - 297, "step": 60}))
            answers = [ask(s.url, path, query=query, **when) for s in self.servers]
            empty += not answers[0][1].get("data", {}).get("result")
            found = difference(*answers)
            if found and not explained(query, answers):
                wrong.append(f"{query}   ({path} {when})\n    {found}")
        print("\n".join(wrong[:SHOWN] + [f"{count - len(wrong)} of {count} generated queries agree; {empty} have no result"]))
        self.assertLess(empty, count / 3, "most queries should have a result")
        self.assertLessEqual(len(wrong), count / 1000, "\n".join(wrong[:SHOWN]))

    def test_refused_alike(self):
        self.compare(promql_queries.BAD)


def add(family):
    setattr(PromqlDifferential, f"test_{family.__name__}", lambda self: self.compare(dict.fromkeys(family())))


for each in promql_queries.FAMILIES:
    add(each)

"""When counters started, from pages of OpenMetrics: as zeros, and as what queries count with."""
import pathlib
import subprocess
import time

from harness import CANOPY, Case, Pages, config, fetch, free_ports, scrape, wait_for

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FEATURE = "--enable-feature=created-timestamp-zero-ingestion"


def page(created, count):
    return f"""# TYPE requests counter
requests_total{{path="/a"}} {count}
requests_created{{path="/a"}} {created}
# TYPE latency histogram
latency_bucket{{le="1.0"}} {count}
latency_bucket{{le="+Inf"}} {count * 2}
latency_count {count * 2}
latency_sum {count}
latency_created {created}
# TYPE temperature gauge
temperature 20
# EOF
"""


class StartTimes(Case):
    def zeros(self, server, series):
        """Times of samples that count nothing."""
        return [float(t) for samples in server.samples(f"{series}[1h]").values() for t, value in samples if value == "0"]

    def test_zeros_go_in_where_counters_started(self):
        started = int(time.time()) - 60
        pages = {"/metrics": page(started, 30)}
        target = Pages(pages, OPENMETRICS)
        self.addCleanup(target.close)
        port = free_ports(1)[0]
        jobs = config(scrape("classic", target.address),
                      scrape("native", target.address, more="    convert_classic_histograms_to_nhcb: true\n"))
        server = self.peers.server("canopy", CANOPY, jobs, port, FEATURE).start()

        def scrapes():
            return min(server.value(f'count_over_time(up{{job="{job}"}}[1h])') or 0 for job in ("classic", "native"))

        wait_for("scrapes", lambda: scrapes() >= 3)
        for series in ('requests_total{job="classic"}', 'requests_total{job="native"}', "latency_count", 'latency_bucket{le="1.0"}'):
            self.assertEqual([started], self.zeros(server, series), series)
        self.assertEqual(30, max(float(v) for _, v in next(iter(server.samples('requests_total{job="classic"}[1h]').values()))))
        self.assertEqual([], server.instant("requests_created or latency_created"))
        self.assertEqual([], self.zeros(server, "temperature"))
        histograms = server.instant('latency{job="native"}[1h]')[0]["histograms"]
        self.assertEqual((started, "0"), (histograms[0][0], histograms[0][1]["count"]))
        self.assertEqual("60", histograms[1][1]["count"])

        # The target starts again: another zero. A server that starts again adds none.
        again = int(time.time() * 1000) / 1000
        pages["/metrics"] = page(again, 5)
        wait_for("the new count", lambda: server.instant('requests_total{job="classic"} == 5'))
        self.assertEqual([started, again], self.zeros(server, 'requests_total{job="classic"}'))
        done = scrapes()
        server.stop()
        server.start()
        wait_for("more scrapes", lambda: scrapes() >= done + 2)
        self.assertEqual([started, again], self.zeros(server, 'requests_total{job="classic"}'))
        self.assertIn("PrometheusProto", fetch(f"{server.url}/api/v1/status/config")[1].decode())


class KeptStarts(Case):
    """With st-storage."""
    FLAGS = ["--enable-feature=st-storage,histograms-st-encoding,use-start-timestamps,promql-experimental-functions",
             "--storage.tsdb.min-block-duration=5s", "--storage.tsdb.max-block-duration=5s", "--storage.tsdb.block-reload-interval=200ms"]
    HEAD = "storage: {tsdb: {chunk_encoding: {floats: %s}}}"

    def starts(self, server, series):
        """Of the newest sample of each series."""
        return {float(r["value"][1]) for r in server.instant(f"start_timestamp({series})")}

    def test_counters_that_start_again_are_seen_though_they_have_not_fallen(self):
        started = int(time.time()) - 60
        pages = {"/metrics": page(started, 30)}
        target = Pages(pages, OPENMETRICS)
        self.addCleanup(target.close)
        jobs = config(scrape("classic", target.address),
                      scrape("native", target.address, more="    convert_classic_histograms_to_nhcb: true\n"),
                      head=self.HEAD % "xor2")
        server = self.peers.server("canopy", CANOPY, jobs, free_ports(1)[0], *self.FLAGS).start()
        counters = ['requests_total{job="classic"}', 'latency_bucket', 'latency_count', 'latency{job="native"}']

        def shows(start):
            return all(self.starts(server, series) == {start} for series in counters)

        wait_for("the first start", lambda: shows(started))
        self.assertEqual({0}, self.starts(server, "temperature"))
        self.assertEqual([], server.instant("requests_created or latency_created"))
        self.assertEqual(0, server.value('resets(requests_total{job="classic"}[1h])'))

        # It has counted more since than before: the values alone say nothing of a reset.
        again = int(time.time() * 1000) / 1000
        pages["/metrics"] = page(again, 40)
        wait_for("the second start", lambda: shows(again))

        def check():
            for series in counters:
                self.assertEqual({"1"}, {r["value"][1] for r in server.instant(f"resets({series}[1h])")}, series)
            # 40 since then, and none of those before the first sample.
            self.assertGreater(server.value('increase(requests_total{job="classic"}[1h])'), 35)

        check()
        server.kill()
        server.start()
        self.assertTrue(shows(again))
        check()
        data = next(a.split("=", 1)[1] for a in server.argv if a.startswith("--storage.tsdb.path="))
        wait_for("blocks that have both starts", lambda: len(list(pathlib.Path(data).glob("*/meta.json"))) >= 3)
        check()

    def test_xor_has_no_place_for_them(self):
        for head in ("", self.HEAD % "xor"):
            server = self.peers.server("canopy", CANOPY, config(head=head), free_ports(1)[0], *self.FLAGS)
            done = subprocess.run(server.argv, capture_output=True, text=True, timeout=60)
            self.assertNotEqual(0, done.returncode)
            self.assertIn("'storage.tsdb.chunk_encoding.floats' must be 'xor2'", done.stderr)

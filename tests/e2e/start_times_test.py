"""Zeros where counters started, from pages of OpenMetrics and across a restart of the target and of the server."""
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

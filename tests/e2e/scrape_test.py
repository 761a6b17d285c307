"""What a scrape meets: pages that are fine, broken, gone, slow or too large."""
import time

from harness import CANOPY, Case, config, free_ports, scrape, wait_for


class Scraping(Case):
    def start(self, *scrapes):
        server = self.peers.server("canopy", CANOPY, config(*scrapes), free_ports(1)[0])
        return server.start()

    def target(self, server, job):
        return next(t for t in server.api("targets")["activeTargets"] if t["labels"]["job"] == job)

    def test_series_about_the_scrape(self):
        target = self.serve_pages({"/metrics": "a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\n"})
        server = self.start(scrape("app", target.address, more="""    metric_relabel_configs:
      - {source_labels: [x], regex: '2', action: drop}
"""))
        wait_for("two scrapes", lambda: server.value("count_over_time(up[1m])") == 2, every=0.01)
        labels = {"job": "app", "instance": target.address}
        for name, value in (("up", 1), ("scrape_samples_scraped", 3), ("scrape_samples_post_metric_relabeling", 2)):
            found = server.instant(name)
            self.assertEqual([({"__name__": name, **labels}, value)], [(f["metric"], float(f["value"][1])) for f in found])
        added = next(iter(server.samples("scrape_series_added[1m]").values()))
        self.assertEqual(["2", "0"], [v for _, v in added][:2])
        self.assertEqual({"a": 1, "b": 1}, {n: len(server.instant(n)) for n in ("a", "b")})

    def test_a_malformed_page_touches_nothing(self):
        pages = {"/metrics": "a 1\nb 2\n"}
        target = self.serve_pages(pages)
        server = self.start(scrape("app", target.address))
        wait_for("a good scrape", lambda: server.value("up") == 1)
        pages["/metrics"] = "a 7\nb{ 8\n"
        wait_for("a bad scrape", lambda: server.value("up") == 0)
        found = self.target(server, "app")
        self.assertEqual("down", found["health"])
        self.assertNotEqual("", found["lastError"])
        values = {v for samples in server.samples("a[5m]").values() for _, v in samples}
        self.assertEqual({"1"}, values)
        self.assertEqual([], server.instant("a"))  # stale: what a failed scrape would have shown is unknown

    def test_a_series_that_goes_is_stale_at_once(self):
        pages = {"/metrics": "a 1\nb 2\n"}
        target = self.serve_pages(pages)
        server = self.start(scrape("app", target.address))
        wait_for("both", lambda: server.value("a") == 1 and server.value("b") == 2)
        pages["/metrics"] = "a 1\n"
        wait_for("b to go", lambda: server.instant("b") == [], 15)
        self.assertEqual(1, server.value("a"))

    def test_slow_targets_do_not_hold_up_the_others(self):
        def slow():
            time.sleep(2)
            return "s 1\n"

        lazy = self.serve_pages({f"/{i}": slow for i in range(60)})
        quick = self.serve_pages({"/metrics": "q 1\n"})
        slow_jobs = [scrape(f"slow{i}", lazy.address, more=f"    metrics_path: /{i}\n") for i in range(60)]
        server = self.start(scrape("quick", quick.address), *slow_jobs)
        wait_for("five scrapes", lambda: (server.value('count_over_time(up{job="quick"}[1m])') or 0) >= 5, 30)
        times = [float(t) for t, _ in next(iter(server.samples('up{job="quick"}[1m]').values()))]
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.assertLess(max(gaps), 1.5)
        self.assertEqual(60, wait_for("timeouts", lambda: server.value('count(up{job=~"slow.*"} == 0)')))
        self.assertIn("deadline", self.target(server, "slow0")["lastError"])

    def test_limits(self):
        target = self.serve_pages({"/metrics": "".join(f"a{{i=\"{i}\"}} 1\n" for i in range(20))})
        server = self.start(scrape("fits", target.address, more="    sample_limit: 20\n"),
                            scrape("samples", target.address, more="    sample_limit: 19\n"),
                            scrape("body", target.address, more="    body_size_limit: 10B\n"),
                            scrape("value", target.address, more="    label_value_length_limit: 1\n"))
        wait_for("a scrape of each", lambda: server.value("count(up)") == 4)
        self.assertEqual({"fits": 1.0, "samples": 0.0, "body": 0.0, "value": 0.0},
                         {f["metric"]["job"]: float(f["value"][1]) for f in server.instant("up")})
        self.assertIn("sample limit", self.target(server, "samples")["lastError"])
        self.assertIn("body size limit", self.target(server, "body")["lastError"])

    def test_nobody_there(self):
        port = free_ports(1)[0]
        server = self.start(scrape("away", f"127.0.0.1:{port}"))
        wait_for("a failed scrape", lambda: server.value("up") == 0)
        self.assertNotEqual("", self.target(server, "away")["lastError"])

    def test_discovery_by_file(self):
        target = self.serve_pages({"/metrics": "a 1\n"})
        listed = self.peers.write("targets.json", f'[{{"targets": ["{target.address}"], "labels": {{"team": "x"}}}}]')
        server = self.start(f"""
  - job_name: files
    scrape_interval: 1s
    scrape_timeout: 1s
    file_sd_configs: [{{files: ['{listed.parent}/targets*.json'], refresh_interval: 1s}}]
""")
        wait_for("the target", lambda: server.value('a{team="x"}') == 1)
        listed.write_text("[]")
        wait_for("it to go", lambda: server.instant("a") == [] and server.api("targets")["activeTargets"] == [], 20)

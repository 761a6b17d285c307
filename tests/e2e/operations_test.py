"""What an operator meets: reload, a bad configuration, a port or a folder in use, the way down."""
import base64
import os
import pathlib
import signal
import ssl
import subprocess
import time
import urllib.request

from harness import CANOPY, Case, config, fetch, free_ports, scrape, wait_for

PAGE = "# TYPE thing gauge\nthing 1\n"


class Reload(Case):
    def setUp(self):
        super().setUp()
        self.target = self.serve_pages({"/metrics": PAGE})
        self.server = self.peers.server("canopy", CANOPY, config(scrape("one", self.target.address)), free_ports(1)[0])
        self.server.start()
        self.path = self.peers.dir / "canopy.yml"

    def jobs(self):
        return sorted(t["labels"]["job"] for t in self.server.api("targets")["activeTargets"])

    def succeeded(self):
        page = fetch(self.server.url + "/metrics")[1].decode()
        return [line.split()[1] for line in page.splitlines()
                if line.startswith("prometheus_config_last_reload_successful ")] == ["1"]

    def test_by_request(self):
        wait_for("the first job", lambda: self.jobs() == ["one"])
        self.path.write_text(config(scrape("one", self.target.address), scrape("two", self.target.address)))
        self.assertEqual(200, fetch(self.server.url + "/-/reload", method="POST")[0])
        wait_for("both jobs", lambda: self.jobs() == ["one", "two"])
        wait_for("a scrape of the new job", lambda: self.server.value('up{job="two"}') == 1)
        self.assertTrue(self.succeeded())

    def test_by_signal(self):
        self.path.write_text(config(scrape("other", self.target.address)))
        self.server.signal(signal.SIGHUP)
        wait_for("the other job", lambda: self.jobs() == ["other"])

    def test_of_itself_when_files_change(self):
        rules = self.peers.dir / "more.rules.yml"
        watched = self.peers.server("watched", CANOPY, config(scrape("one", self.target.address)), free_ports(1)[0],
                                    "--config.auto-reload", "--config.auto-reload-interval=1s")
        path = self.peers.dir / "watched.yml"
        path.write_text(f"rule_files: ['{self.peers.dir}/*.rules.yml']\n" + path.read_text())
        watched.start()
        self.assertEqual([], watched.api("rules")["groups"])
        rules.write_text("groups: [{name: g, rules: [{record: r, expr: '1'}]}]\n")
        wait_for("the rules", lambda: [g["name"] for g in watched.api("rules")["groups"]] == ["g"])
        path.write_text(config(scrape("two", self.target.address)))
        wait_for("the other job", lambda: [t["labels"]["job"] for t in watched.api("targets")["activeTargets"]] == ["two"])

    def test_a_job_that_goes_leaves_staleness(self):
        wait_for("a scrape", lambda: self.server.value("thing") == 1)
        self.path.write_text(config())
        self.assertEqual(200, fetch(self.server.url + "/-/reload", method="POST")[0])
        # Far sooner than the lookback of five minutes would make it so.
        wait_for("staleness", lambda: self.server.instant("thing") == [] and self.server.instant("up") == [], 15)

    def test_a_bad_file_changes_nothing(self):
        wait_for("the first job", lambda: self.jobs() == ["one"])
        before = self.server.api("status/config")["yaml"]
        for bad in ("scrape_configs: [}", "nosuch_key: 1\n", config(scrape("a", "x"), scrape("a", "y"))):
            self.path.write_text(bad)
            status, body, _ = fetch(self.server.url + "/-/reload", method="POST")
            self.assertEqual(500, status)
            self.assertIn("canopy.yml", body.decode())
            self.assertFalse(self.succeeded())
        self.assertEqual((before, ["one"]), (self.server.api("status/config")["yaml"], self.jobs()))
        scraped = self.target.served.get("/metrics", 0)
        wait_for("further scrapes", lambda: self.target.served.get("/metrics", 0) > scraped)

    def test_only_where_it_is_enabled(self):
        port = free_ports(1)[0]
        closed = self.peers.server("closed", CANOPY, config(), port)
        closed.argv.remove("--web.enable-lifecycle")
        closed.start()
        for path in ("/-/reload", "/-/quit"):
            self.assertEqual(403, fetch(closed.url + path, method="POST")[0])

    def test_quit_by_request(self):
        self.assertEqual(200, fetch(self.server.url + "/-/quit", method="POST")[0])
        self.assertEqual(0, self.server.process.wait(20))


class Start(Case):
    def run_to_end(self, *flags, seconds=20):
        return subprocess.run([CANOPY, *flags], capture_output=True, text=True, timeout=seconds)

    def flags(self, name="canopy.yml", port=None):
        return [f"--config.file={self.peers.dir / name}", f"--storage.tsdb.path={self.peers.dir / 'data'}",
                f"--web.listen-address=127.0.0.1:{port or free_ports(1)[0]}"]

    def test_every_error_of_a_file_at_once(self):
        path = self.peers.write("canopy.yml", "\n".join([
            "global:", "  scrape_interval: fast", "  nosuch_key: 1", "scrape_configs:", "  - job_name: a",
            "    metric_relabel_configs:", "      - action: explode", "    static_configs: [{targets: ['x:1']}]", ""]))
        done = self.run_to_end(*self.flags())
        self.assertEqual(1, done.returncode)
        for line in (2, 3, 7):
            self.assertIn(f"{path}:{line}", done.stderr)

    def test_not_supported_is_not_unknown(self):
        # Prometheus knows it, so the answer is "not yet" and not "what is that".
        path = self.peers.write("canopy.yml", "scrape_configs:\n  - job_name: a\n    kubernetes_sd_configs: [{role: node}]\n")
        done = self.run_to_end(*self.flags())
        self.assertEqual(1, done.returncode)
        self.assertIn(f"{path}:3", done.stderr)
        self.assertIn("not supported yet", done.stderr)

    def test_a_missing_file(self):
        done = self.run_to_end(*self.flags("nosuch.yml"))
        self.assertEqual(1, done.returncode)
        self.assertIn("nosuch.yml", done.stderr)

    def test_an_unknown_flag(self):
        done = self.run_to_end("--nosuch.flag=1")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("--nosuch.flag", done.stderr)

    def test_a_port_in_use(self):
        self.peers.write("canopy.yml", config())
        target = self.serve_pages({})
        port = int(target.address.split(":")[1])
        done = self.run_to_end(*self.flags(port=port))
        self.assertEqual(1, done.returncode)
        self.assertIn(f"127.0.0.1:{port}", done.stderr)

    def test_a_folder_in_use(self):
        first = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0]).start()
        flags = self.flags()
        flags[1] = f"--storage.tsdb.path={self.peers.dir / 'canopy'}"
        done = self.run_to_end(*flags)
        self.assertEqual(1, done.returncode)
        self.assertIn(str(first.process.pid), done.stderr)
        # Who holds the folder is not disturbed, and the next one gets it once the holder is gone.
        self.assertEqual(200, fetch(first.url + "/-/healthy")[0])
        first.stop()
        first.start()

    def test_version_and_help(self):
        self.assertIn("canopy", self.run_to_end("--version").stdout)
        done = self.run_to_end("--help")
        self.assertEqual(0, done.returncode)
        self.assertIn("--config.file", done.stdout)


class WebConfig(Case):
    # bcrypt of "secret"
    HASH = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"

    def start(self, text, **more):
        path = self.peers.write("web.yml", text)
        server = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0], f"--web.config.file={path}")
        return server.start(**more)

    def test_users(self):
        server = self.start(f"""
basic_auth_users: {{alice: '{self.HASH}'}}
http_server_config: {{headers: {{X-Frame-Options: deny}}}}
""", wait=False)

        def status(credentials=None):
            headers = {"Authorization": "Basic " + base64.b64encode(credentials).decode()} if credentials else {}
            return fetch(server.url + "/-/ready", headers=headers)[0]

        wait_for("readiness", lambda: status(b"alice:secret") == 200)
        self.assertEqual([401, 401, 401], [status(), status(b"alice:wrong"), status(b"bob:secret")])
        self.assertEqual("deny", fetch(server.url + "/-/healthy")[2]["X-Frame-Options"])

    def test_tls(self):
        cert, key = self.peers.dir / "tls.crt", self.peers.dir / "tls.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=canopy",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
        server = self.start("tls_server_config: {cert_file: tls.crt, key_file: tls.key, min_version: TLS13}\n", wait=False)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=cert)))
        url = server.url.replace("http:", "https:") + "/-/ready"
        body = wait_for("readiness", lambda: opener.open(url, timeout=5).read())
        self.assertEqual(b"Canopy is Ready.\n", body)

    def test_errors_of_the_file(self):
        path = self.peers.write("web.yml", "basic_auth_users: {bob: plain}\nnosuch: 1\n")
        self.peers.write("canopy.yml", config())
        done = subprocess.run([CANOPY, f"--config.file={self.peers.dir / 'canopy.yml'}", "--web.listen-address=127.0.0.1:0",
                               f"--storage.tsdb.path={self.peers.dir / 'data'}", f"--web.config.file={path}"],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(1, done.returncode)
        for line in (1, 2):
            self.assertIn(f"{path}:{line}: ", done.stderr)


class Stop(Case):
    def test_term_ends_it_while_clients_and_targets_are_slow(self):
        def slow():
            time.sleep(3)
            return PAGE

        target = self.serve_pages({"/metrics": slow})
        server = self.peers.server("canopy", CANOPY, config(scrape("slow", target.address, "5s")), free_ports(1)[0])
        server.start()
        began = time.monotonic()
        self.assertEqual(0, server.stop(20))
        self.assertLess(time.monotonic() - began, 15)

    def test_term_while_it_starts(self):
        server = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0]).start(wait=False)
        wait_for("its first line", lambda: "Starting Canopy" in server.tail(), every=0.001)
        self.assertEqual(0, server.stop(20))

    def test_what_was_scraped_is_there_after_a_restart(self):
        target = self.serve_pages({"/metrics": PAGE})
        server = self.peers.server("canopy", CANOPY, config(scrape("one", target.address)), free_ports(1)[0]).start()
        wait_for("three scrapes", lambda: (server.value("count_over_time(thing[1m])") or 0) >= 3)
        server.stop()
        at = time.time()
        held = None
        for _ in range(2):
            server.start()
            before, held = held, server.samples("thing[5m]", at)
            self.assertGreaterEqual(len(next(iter(held.values()))), 3)
            self.assertIn(before, (None, held))
            server.stop()


class Commands(Case):
    def run_command(self, *arguments):
        return subprocess.run([CANOPY, *arguments], capture_output=True, text=True, timeout=20, cwd=self.peers.dir)

    def test_check_config(self):
        configs = pathlib.Path(os.path.abspath(__file__)).parents[2] / "configs"
        for name in ("leaf.yml", "parent.yml"):
            self.assertEqual(0, self.run_command("check", "config", str(configs / name)).returncode, name)
        self.peers.write("bad.yml", "scrape_configs:\n  - job_nam: a\n")
        done = self.run_command("check", "config", "bad.yml")
        self.assertEqual(1, done.returncode)
        self.assertIn("bad.yml:2", done.stdout + done.stderr)

    def test_check_rules(self):
        self.peers.write("good.yml", "groups:\n  - name: g\n    rules:\n      - {record: a, expr: sum(b)}\n")
        self.peers.write("bad.yml", "groups:\n  - name: g\n    rules:\n      - {record: a, expr: sum(b}\n")
        self.assertEqual(0, self.run_command("check", "rules", "good.yml").returncode)
        self.assertEqual(1, self.run_command("check", "rules", "bad.yml").returncode)

    def test_check_metrics(self):
        for page, status in (("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n", 0), ("a{ 1\n", 1), ("a 1\n", 3)):
            done = subprocess.run([CANOPY, "check", "metrics"], input=page, capture_output=True, text=True, timeout=20)
            theirs = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=20)
            self.assertEqual((status, status), (done.returncode, theirs.returncode))
            if status == 3:
                self.assertEqual(theirs.stderr.splitlines(), done.stdout.splitlines())

    def test_help_of_commands(self):
        for command in ("check", "query"):
            done = self.run_command(command, "--help")
            self.assertEqual(0, done.returncode)
            self.assertIn(f"usage: canopy {command}", done.stdout)
            self.assertEqual(2, self.run_command(command, "nosuch").returncode)
        self.assertEqual(2, self.run_command("nosuch").returncode)

    def test_query(self):
        target = self.serve_pages({"/metrics": PAGE})
        server = self.peers.server("canopy", CANOPY, config(scrape("one", target.address)), free_ports(1)[0]).start()
        wait_for("a scrape", lambda: server.value("thing") == 1)
        done = self.run_command("query", "instant", server.url, "thing")
        self.assertEqual(0, done.returncode)
        self.assertIn("thing", done.stdout)
        self.assertIn("one", self.run_command("query", "labels", server.url, "job").stdout)
        self.assertIn("thing", self.run_command("query", "series", server.url, "thing").stdout)
        self.assertEqual(1, self.run_command("query", "instant", server.url, "sum(").returncode)

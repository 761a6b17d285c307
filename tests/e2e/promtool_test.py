"""`promtool query` as a client: it must read Canopy's answers as it reads Prometheus's."""
import subprocess

import promql_data
import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, free_ports


class Promtool(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ports = free_ports(2)
        cls.servers = [cls.shared.server(name, binary, config(), port, "--web.enable-remote-write-receiver")
                       for name, binary, port in (("canopy", CANOPY, ports[0]), ("prometheus", PROMETHEUS, ports[1]))]
        for server in cls.servers:
            server.start()
            status, body = remote_write.push(server.url, list(promql_data.gauges()))
            assert status in (200, 204), f"{server.name}: {status} {body}"

    def alike(self, *arguments, wanted_status=0):
        """Runs promtool against both, with URL put in where the address belongs; both must print the same lines."""
        printed = []
        for server in self.servers:
            argv = ["promtool", "query", *(server.url if a == "URL" else a for a in arguments)]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
            self.assertEqual(wanted_status, done.returncode, f"{argv}: {done.stderr}")
            printed.append((sorted(done.stdout.splitlines()), done.stdout))
        self.assertEqual(printed[1][0], printed[0][0])
        return printed[0][1]

    def test_instant(self):
        at = str(promql_data.START + 1500)
        self.assertIn("load1{", self.alike("instant", f"--time={at}", "URL", "load1"))
        self.alike("instant", f"--time={at}", "URL", "sum by (zone) (load1) > 0")
        self.alike("instant", f"--time={at}", "URL", "load1[1m]")
        self.alike("instant", f"--time={at}", "URL", "42")
        self.alike("instant", f"--time={at}", "--format=json", "URL", "load1{instance='n0:9100'}")

    def test_instant_refused(self):
        self.alike("instant", "URL", "sum(", wanted_status=1)

    def test_range(self):
        span = [f"--start={promql_data.START}", f"--end={promql_data.START + 600}"]
        self.assertIn("load1{", self.alike("range", *span, "--step=60s", "URL", "load1"))
        self.alike("range", *span, "--step=30s", "URL", "avg by (zone) (rate(memory_bytes[2m]))")

    def test_series(self):
        span = [f"--start={promql_data.START}", f"--end={promql_data.END}"]
        self.assertIn("memory_bytes", self.alike("series", *span, "--match=memory_bytes", "--match={zone='a'}", "URL"))

    def test_labels(self):
        span = [f"--start={promql_data.START}", f"--end={promql_data.END}"]
        self.assertIn("n0:9100", self.alike("labels", *span, "URL", "instance"))
        self.alike("labels", *span, "URL", "__name__")
        self.alike("labels", *span, "URL", "nosuch")

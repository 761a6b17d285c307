"""Deletions, clean-ups and snapshots over HTTP, next to Debian's Prometheus: same answers, same samples, same directory."""
import json
import os
import re
import subprocess
import urllib.parse

import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports

START = 1_700_006_400  # a multiple of two hours
PUSHED = START + 5 * 3600  # behind the blocks
FLAGS = ["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"]
ADMIN = "/api/v1/admin/tsdb/"


def dump(tool, data):
    os.makedirs(f"{data}/wal", exist_ok=True)  # promtool asks for one
    done = subprocess.run([*tool, "tsdb", "dump", data], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


class Admin(Case):
    def fresh(self, name):
        """A directory with two blocks of `old`, and what it holds: {(metric, i): {second: value}}."""
        data, samples, lines = str(self.peers.dir / name), {}, []
        for i in range(12):
            for n in range(200):
                t = START + n * 60
                samples.setdefault(("old", i), {})[t] = n + i / 4
                lines.append(f'old{{i="{i}"}} {n + i / 4} {t}')
        page = self.peers.write(f"{name}.page", "\n".join(lines) + "\n# EOF\n")
        subprocess.run([CANOPY, "tsdb", "create-blocks-from", "openmetrics", "-q", page, data], check=True)
        return data, samples

    def serve(self, name, binary, data, *flags):
        port = free_ports(1)[0]
        argv = [binary, f"--config.file={self.peers.write('empty.yml', config())}", f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{port}", *FLAGS, *flags]
        return self.peers.add(name, argv, port).start()

    def push(self, server, samples, first, count=40):
        """`count` samples of `new`, half a minute from each other, from the one numbered `first` on."""
        for n in range(first, first + count):
            t = PUSHED + n * 30
            series = [({"__name__": "new", "i": str(i)}, [(t * 1000, n + i / 4)]) for i in range(12)]
            status, body = remote_write.push(server.url, series)
            self.assertIn(status, (200, 204), body)
            for i in range(12):
                samples.setdefault(("new", i), {})[t] = n + i / 4

    def admin(self, server, what, method="POST", **parameters):
        query = urllib.parse.urlencode({name.replace("match", "match[]"): v for name, v in parameters.items()}, doseq=True)
        return fetch(f"{server.url}{ADMIN}{what}?{query}", method=method)[:2]

    def delete(self, server, samples, metric, numbers, start=None, end=None):
        times = {name: t for name, t in (("start", start), ("end", end)) if t is not None}
        match = f'{{__name__=~"{metric}",i=~"{numbers}"}}'
        status, body = self.admin(server, "delete_series", match=match, **times)
        self.assertEqual((204, b""), (status, body))
        for (name, i), column in samples.items():
            if re.fullmatch(metric, name) and re.fullmatch(numbers, str(i)):
                for t in [t for t in column if (start or 0) <= t <= (end or t)]:
                    del column[t]

    def shown(self, server):
        held = {}
        for metric in ("old", "new"):
            for labels, column in server.samples(f"{metric}[12h]", PUSHED + 7200).items():
                held[(metric, int(dict(labels)["i"]))] = {round(float(t)): float(v) for t, v in column}
        return held

    def check(self, server, samples):
        self.assertEqual({key: column for key, column in samples.items() if column}, self.shown(server))

    def check_directory(self, data, samples):
        want = sorted(f'{{__name__="{metric}", i="{i}"}} {value:g} {t * 1000}'
                      for (metric, i), column in samples.items() for t, value in column.items())
        self.assertEqual(want, dump([CANOPY], data))
        self.assertEqual(want, dump(["promtool"], data))

    def test_answers_are_those_of_prometheus(self):
        servers = [self.serve(name, binary, self.fresh(name)[0], "--web.enable-admin-api")
                   for name, binary in (("canopy", CANOPY), ("prometheus", PROMETHEUS))]
        requests = [("POST", "delete_series?match[]=none"), ("PUT", "delete_series?match[]=old%7Bi%3D%221%22%7D"), ("POST", "delete_series"),
                    ("POST", "delete_series?match[]=old&start=x"), ("PUT", "delete_series?match[]=old&end=x"), ("GET", "delete_series?match[]=old"),
                    ("POST", "clean_tombstones"), ("PUT", "clean_tombstones"), ("GET", "clean_tombstones"),
                    ("POST", "snapshot?skip_head=maybe"), ("POST", "snapshot?skip_head=true"), ("PUT", "snapshot"), ("GET", "snapshot")]
        for method, path in requests:
            ours, theirs = (fetch(f"{server.url}{ADMIN}{path}", method=method) for server in servers)
            shape = lambda answer: (answer[0], re.sub(rb"\d{8}t\d{6}z-[0-9a-f]{16}", b"NAME", answer[1].lower()).strip())
            self.assertEqual(shape(theirs), shape(ours), f"{method} {path}")
        self.assertEqual(*(self.shown(server) for server in servers))
        for server in servers:
            server.stop()

    def test_off_unless_it_was_enabled(self):
        data, samples = self.fresh("data")
        server = self.serve("canopy", CANOPY, data)
        for what in ("delete_series", "clean_tombstones", "snapshot"):
            status, body = self.admin(server, what, match="old")
            self.assertEqual(500, status)
            self.assertEqual({"status": "error", "errorType": "unavailable", "error": "admin APIs disabled"}, json.loads(body))
        self.check(server, samples)

    def test_deletions_go_with_the_directory(self):
        data, samples = self.fresh("shared")
        for turn, binary in enumerate((CANOPY, PROMETHEUS, CANOPY, PROMETHEUS, CANOPY)):
            server = self.serve(f"turn{turn}", binary, data, "--web.enable-admin-api")
            self.check(server, samples)
            self.push(server, samples, turn * 40)
            pushed = PUSHED + turn * 40 * 30
            self.delete(server, samples, "old|new", str(turn))
            self.delete(server, samples, "old", f"{6 + turn}", START + 3600, START + 9000)
            self.delete(server, samples, "new", "[5-9]", pushed + 300, pushed + 600)
            self.delete(server, samples, "new", "11", pushed + 900)
            self.check(server, samples)
            if turn == 2:
                server.kill()  # what was deleted is, whatever happens
            else:
                server.stop()
            self.check_directory(data, samples)
        server = self.serve("last", CANOPY, data, "--web.enable-admin-api")
        before = {name for name in os.listdir(data) if len(name) == 26}
        self.assertEqual((204, b""), self.admin(server, "clean_tombstones"))
        self.assertEqual(set(), before & {name for name in os.listdir(data) if len(name) == 26})
        self.check(server, samples)
        # Nothing comes back once all is gone.
        self.delete(server, samples, ".*", ".*")
        self.assertEqual((204, b""), self.admin(server, "clean_tombstones"))
        self.assertEqual(set(), {name for name in os.listdir(data) if len(name) == 26})
        server.kill()
        self.check(server.start(), samples)
        server.stop()
        self.check(self.serve("after", PROMETHEUS, data), samples)

    def test_a_snapshot_is_a_directory_of_its_own(self):
        data, samples = self.fresh("data")
        server = self.serve("canopy", CANOPY, data, "--web.enable-admin-api")
        self.push(server, samples, 0)
        self.delete(server, samples, "old|new", "3")
        status, body = self.admin(server, "snapshot")
        self.assertEqual(200, status)
        snapshot = f"{data}/snapshots/{json.loads(body)['data']['name']}"
        then = {key: dict(column) for key, column in samples.items()}
        self.delete(server, samples, "old|new", "4|5")
        self.assertEqual((204, b""), self.admin(server, "clean_tombstones"))
        server.stop()
        self.check_directory(data, samples)
        self.check_directory(snapshot, then)
        self.check(self.serve("copy", PROMETHEUS, snapshot), then)

"""kill -9 under load: whatever was acknowledged must be there afterwards, twenty times in a row, in one data folder.

Acknowledged means: a query has shown the scrape, or a remote write was answered with success.
"""
import itertools
import os
import random
import subprocess
import threading
import time

import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports, scrape, wait_for

ROUNDS = 20
TARGETS = 8
SERIES = 250  # of a target


class KillNine(Case):
    def page(self):
        """All series of a page show the number of the scrape: a scrape that came half through shows."""
        count = itertools.count(1)

        def make():
            n = next(count)
            return "".join(f'load{{i="{i}"}} {n}\n' for i in range(SERIES))

        return make

    def write(self, url, acknowledged, end):
        """Pushes numbered samples until told to end; remembers those that were acknowledged."""
        while not end.is_set():
            t = int(time.time() * 1000)
            try:
                status, _ = remote_write.push(url, [({"__name__": "pushed", "i": str(i)}, [(t, float(t))]) for i in range(50)])
            except OSError:
                continue  # killed in mid-request: nothing was promised
            if status in (200, 204):
                acknowledged.append(t)

    def test_nothing_acknowledged_is_lost(self):
        target = self.serve_pages({f"/{i}": self.page() for i in range(TARGETS)})
        jobs = [scrape(f"t{i}", target.address, "200ms", f"    metrics_path: /{i}\n") for i in range(TARGETS)]
        server = self.peers.server("canopy", CANOPY, config(*jobs), free_ports(1)[0], "--web.enable-remote-write-receiver")
        seen, pushed = {}, []  # what was ever acknowledged: {labels: {time: value}}, [milliseconds]
        for i in range(ROUNDS):
            server.start()
            self.check_present(server, seen, pushed)
            end = threading.Event()
            writer = threading.Thread(target=self.write, args=(server.url, pushed, end))
            writer.start()
            try:
                before = sum(target.served.values())
                wait_for("scrapes", lambda: sum(target.served.values()) > before + TARGETS * (1 + i % 4), every=0.01)
                self.remember(server, seen)
                server.kill()
            finally:
                end.set()
                writer.join()
        server.start()
        self.check_present(server, seen, pushed)
        self.assertGreater(len(pushed), ROUNDS)
        self.assertGreater(sum(len(s) for s in seen.values()), ROUNDS * TARGETS)

    def remember(self, server, seen):
        for labels, samples in server.samples('load{i=~"0|249"}[10m]').items():
            seen.setdefault(labels, {}).update(dict(samples))

    def check_present(self, server, seen, pushed):
        at = time.time() + 1
        held = server.samples("load[15m]", at)
        for labels, samples in seen.items():
            there = dict(held.get(labels, ()))
            lost = {t: v for t, v in samples.items() if there.get(t) != v}
            self.assertEqual({}, lost, f"{labels}: {len(lost)} of {len(samples)} samples are lost")
        # A scrape is there whole or not at all: all series of a target have the same times (but for staleness).
        whole = {}
        for labels, samples in held.items():
            whole.setdefault(dict(labels)["job"], set()).add(tuple(samples))
        self.assertEqual({job: 1 for job in whole}, {job: len(kinds) for job, kinds in whole.items()})
        there = {labels: {float(v) for _, v in samples} for labels, samples in server.samples("pushed[15m]", at).items()}
        for labels, values in there.items():
            lost = [t for t in pushed if float(t) not in values]
            self.assertEqual([], lost, f"{labels}: acknowledged remote writes are lost")
        if pushed:
            self.assertEqual(50, len(there))


class KillNineWhileBlocksAreMade(Case):
    """Time of the data flies, so that the head is cut, the log truncated and blocks are joined all the while: kill -9 hits
    any of it. CRASH_ROUNDS=300 for a thorough run."""

    rounds = int(os.environ.get("CRASH_ROUNDS", "25"))
    flags = ("--web.enable-remote-write-receiver", "--storage.tsdb.min-block-duration=10m",
             "--storage.tsdb.max-block-duration=90m", "--storage.tsdb.retention.time=20y", "--storage.tsdb.wal-segment-size=1MB",
             "--storage.tsdb.block-reload-interval=20ms")
    series = 20
    step = 30_000  # ms between two samples

    def write(self, url, first, sent, acknowledged, end):
        """Numbers of samples: one of each series a push. Every hundredth push brings series that live no longer than that."""
        for n in itertools.count(first):
            if end.is_set():
                return
            t = self.begin + n * self.step
            names = [str(i) for i in range(self.series)] + [f"{n // 100}-{i}" for i in range(5)]
            try:
                sent.append(n)
                status, body = remote_write.push(url, [({"__name__": "pushed", "i": i}, [(t, float(n))]) for i in names])
            except OSError:
                return  # killed in mid-request: nothing was promised
            assert status in (200, 204), body
            acknowledged.append(n)

    def held(self, server, first, last):
        """{i: [numbers]} of what the server has of these."""
        seconds = (last - first) * self.step // 1000
        answer = server.samples(f"pushed[{seconds}s]", (self.begin + last * self.step) / 1000)
        return {dict(labels)["i"]: [int(float(v)) for _, v in samples] for labels, samples in answer.items()}

    def check(self, server, first, sent, acknowledged):
        if not sent:
            return
        # A range is open on its left: the sample before is not of it.
        held = self.held(server, first - 1, sent[-1])
        for i in map(str, range(self.series)):
            numbers = held.get(i, [])
            self.assertEqual(sorted(set(numbers)), numbers, f"series {i}: not in order, or twice")
            self.assertEqual([], sorted(set(acknowledged) - set(numbers)), f"series {i}: acknowledged and lost")
            self.assertLessEqual(set(numbers), set(sent), f"series {i}: never sent")

    def test_nothing_acknowledged_is_lost(self):
        self.begin = (int(time.time()) - 400 * 86400) * 1000
        server = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0], *self.flags)
        chance, sent, acknowledged, rounds = random.Random(1), [], [], []
        for _ in range(self.rounds):
            server.start()
            before = (rounds[-1] if rounds else 0), list(sent), list(acknowledged)
            self.check(server, *before)
            rounds.append(sent[-1] + 1 if sent else 0)
            sent, acknowledged = [], []
            end = threading.Event()
            writer = threading.Thread(target=self.write, args=(server.url, rounds[-1], sent, acknowledged, end))
            writer.start()
            wait_for("some pushes", lambda: len(acknowledged) > 5, every=0.01)
            end.wait(chance.uniform(0.05, 1.0))  # the moment of the kill is what is tried, not waited for
            server.kill()
            end.set()
            writer.join()
        server.start()
        # All of it once more, in one go.
        last = sent[-1]
        numbers = self.held(server, -1, last)["0"]
        self.assertEqual(sorted(set(numbers)), numbers)
        self.assertGreater(len(numbers), self.rounds * 5)
        blocks = server.value("prometheus_tsdb_blocks_loaded") or len(list((self.peers.dir / "canopy").glob("*/meta.json")))
        self.assertGreater(blocks, 1)
        server.stop()
        data = self.peers.dir / "canopy"
        done = subprocess.run([CANOPY, "tsdb", "verify", str(data)], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout[-2000:] + done.stderr[-2000:])
        self.open_with_prometheus(data, numbers, last)

    def open_with_prometheus(self, data, numbers, last):
        port = free_ports(1)[0]
        argv = [PROMETHEUS, f"--config.file={self.peers.write('empty.yml', config())}", f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=20y",
                "--storage.tsdb.min-block-duration=10m", "--storage.tsdb.max-block-duration=90m"]
        peer = self.peers.add("prometheus", argv, port).start(seconds=60)
        self.assertEqual(numbers, self.held(peer, -1, last)["0"])
        log = open(peer.log, encoding="utf-8").read()
        # "caller=repair.go" says of each block that it is healthy.
        log = log.replace("caller=repair.go", "")
        for word in ("repair", "corrupt", "level=error"):
            self.assertNotIn(word, log.lower())
        peer.stop()


class TornLog(Case):
    """A torn or corrupt end of the write-ahead log is dropped and counted, and the server starts."""

    def damaged(self, damage):
        target = self.serve_pages({"/metrics": "a 1\n"})
        server = self.peers.server("canopy", CANOPY, config(scrape("one", target.address, "200ms")), free_ports(1)[0]).start()
        wait_for("ten scrapes", lambda: (server.value("count_over_time(a[1m])") or 0) >= 10)
        at = time.time()
        held = dict(next(iter(server.samples("a[5m]", at).values())))
        server.kill()
        segments = sorted((self.peers.dir / "canopy" / "wal").glob("[0-9]*"))
        damage(segments[-1])
        server.start()
        now = dict(next(iter(server.samples("a[5m]", at).values()), ()))
        self.assertGreaterEqual(len(now), len(held) - 3)
        self.assertEqual({t: held[t] for t in now}, now)
        corruptions = [line for line in fetch(server.url + "/metrics")[1].decode().splitlines()
                       if line.startswith("prometheus_tsdb_wal_corruptions_total ")]
        count = server.api("status/runtimeinfo")["corruptionCount"]
        self.assertEqual([f"prometheus_tsdb_wal_corruptions_total {count}"], corruptions)
        wait_for("scrapes go on", lambda: (server.value("count_over_time(a[1m])") or 0) > len(now))
        server.stop()
        server.start()  # and the log is sound again
        return corruptions

    def test_cut_short(self):
        # A kill leaves a log like this, so it is no corruption.
        self.damaged(lambda path: path.write_bytes(path.read_bytes().rstrip(b"\0")[:-3]))

    def test_flipped(self):
        def flip(path):
            data = bytearray(path.read_bytes())
            last = len(data.rstrip(b"\0"))
            data[last - 5] ^= 0xFF
            path.write_bytes(data)

        self.assertEqual(["prometheus_tsdb_wal_corruptions_total 1"], self.damaged(flip))

    def test_rubbish_behind(self):
        self.damaged(lambda path: path.write_bytes(path.read_bytes().rstrip(b"\0") + b"\x01rubbish" * 40))

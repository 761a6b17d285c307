"""Samples that come after later ones of their series: pushed, killed, handed to Debian's Prometheus and taken from it."""
import random
import shutil
import time

import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports

WINDOW = 3 * 3600  # seconds
FLAGS = ["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"]


def with_window(text):
    return config(head=f"storage:\n  tsdb:\n    out_of_order_time_window: {text}\n")


def numbered(i):
    return {"__name__": "late", "i": str(i)}


class OutOfOrder(Case):
    def data_of(self, server):
        return next(a.split("=", 1)[1] for a in server.argv if a.startswith("--storage.tsdb.path="))

    def push(self, server, rows, want=(200, 204)):
        """`rows`: [(series, seconds, value)], one request."""
        series = [(numbered(i), [(int(t * 1000), v)]) for i, t, v in rows]
        status, body = remote_write.push(server.url, series)
        self.assertIn(status, want, body)
        return body

    def fill(self, server, now, seed, sent):
        """Batches of samples in any order over the window, none of them in `sent` yet, to which they are added."""
        rng = random.Random(seed)
        self.push(server, [(i, now, 0.0) for i in range(20)])
        for i in range(20):
            sent.setdefault(i, {})[now] = 0.0
        for _ in range(60):
            rows = []
            for i in rng.sample(range(20), 12):
                t = now - rng.randrange(1, WINDOW - 60)
                if t in sent[i]:
                    continue
                sent[i][t] = float(rng.randrange(1000))
                rows.append((i, t, sent[i][t]))
            self.push(server, rows)
        return sent

    def shown(self, server, at):
        found = server.samples(f"late[{2 * WINDOW}s]", at)
        return {int(dict(labels)["i"]): {t: float(v) for t, v in samples} for labels, samples in found.items()}

    def test_what_was_pushed_survives_the_process(self):
        server = self.peers.server("canopy", CANOPY, with_window("3h"), free_ports(1)[0], *FLAGS).start()
        now = int(time.time()) - 60
        sent = self.fill(server, now, 1, {})
        self.assertEqual(sent, self.shown(server, now + 1))
        for _ in range(2):
            server.kill()
            server.start()
            self.assertEqual(sent, self.shown(server, now + 1))
        body = self.push(server, [(3, now - WINDOW - 1, 1.0)], want=(400,))
        self.assertTrue(body.startswith("too old sample"), body)
        # What is there already stays, and that is no error.
        again = next(t for t in sent[3] if t != now)
        self.push(server, [(3, again, sent[3][again])])
        self.push(server, [(3, again, sent[3][again] + 1)])
        self.assertEqual(sent, self.shown(server, now + 1))

    def test_a_reload_opens_and_closes_the_window(self):
        server = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0], *FLAGS).start()
        path = next(a.split("=", 1)[1] for a in server.argv if a.startswith("--config.file="))
        now = int(time.time()) - 60
        self.push(server, [(1, now, 1.0)])
        self.push(server, [(1, now - 100, 1.0)], want=(400,))
        for text, want in (("10m", (200, 204)), ("0s", (400,)), ("1m", (400,)), ("1h", (200, 204))):
            with open(path, "w") as out:
                out.write(with_window(text))
            self.assertEqual(200, fetch(server.url + "/-/reload", method="POST", data=b"")[0])
            self.push(server, [(1, now - 100 - len(text), 1.0 + len(text))], want=want)

    def handed_over(self, giver, taker, seed):
        """What the one stored, killed in mid-life, as the other one shows it; and all that was stored."""
        first = self.peers.server("giver", giver, with_window("3h"), free_ports(1)[0], *FLAGS).start()
        now = int(time.time()) - 60
        sent = self.fill(first, now, seed, {})
        self.assertEqual(sent, self.shown(first, now + 1))
        first.kill()
        second = self.peers.server("taker", taker, with_window("3h"), free_ports(1)[0], *FLAGS)
        shutil.rmtree(self.data_of(second), ignore_errors=True)
        shutil.copytree(self.data_of(first), self.data_of(second))
        second.start()
        self.assertEqual(sent, self.shown(second, now + 1))
        # It goes on from there.
        self.fill(second, now + 5, seed + 1, sent)
        self.assertEqual(sent, self.shown(second, now + 6))
        second.kill()
        second.start()
        self.assertEqual(sent, self.shown(second, now + 6))

    def test_prometheus_takes_ours_over(self):
        self.handed_over(CANOPY, PROMETHEUS, 10)

    def test_we_take_over_what_prometheus_has(self):
        self.handed_over(PROMETHEUS, CANOPY, 20)

    def test_what_prometheus_has_deleted_does_not_come_back(self):
        first = self.peers.server("giver", PROMETHEUS, with_window("3h"), free_ports(1)[0], *FLAGS,
                                  "--web.enable-admin-api").start()
        now = int(time.time()) - 60
        # It deletes no more than lies between the samples that are in order.
        self.push(first, [(i, now - 9000, 1.0) for i in range(20)])
        sent = self.fill(first, now, 30, {i: {now - 9000: 1.0} for i in range(20)})
        self.assertEqual(sent, self.shown(first, now + 1))
        start, end = now - 8000, now - 1000
        status = fetch(f"{first.url}/api/v1/admin/tsdb/delete_series?match[]=late&start={start}&end={end}",
                       method="POST", data=b"")[0]
        self.assertEqual(204, status)
        # Prometheus 3 hides late samples as well; that of Debian 12 leaves them.
        left = {i: {t: v for t, v in rows.items() if not start <= t <= end} for i, rows in sent.items()}
        first.kill()
        second = self.peers.server("taker", CANOPY, with_window("3h"), free_ports(1)[0], *FLAGS)
        shutil.copytree(self.data_of(first), self.data_of(second), dirs_exist_ok=True)
        second.start()
        self.assertEqual(left, self.shown(second, now + 1))
        self.push(second, [(i, start + 10, 7.0) for i in range(20)])
        for rows in left.values():
            rows[start + 10] = 7.0
        for _ in range(2):
            self.assertEqual(left, self.shown(second, now + 1))
            second.kill()
            second.start()

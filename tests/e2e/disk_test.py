"""What the disk and the system may do to a server: no room, no right to write, no file left to open, bytes that are wrong."""
import os
import random
import socket
import shutil
import subprocess
import unittest

import remote_write
from harness import CANOPY, Case, config, free_ports, wait_for

START = 1_700_006_400  # a multiple of two hours


def push(server, minute, series=400):
    """One sample of each series at that minute; the HTTP status."""
    t = (START + minute * 60) * 1000
    rows = [({"__name__": "kept", "i": str(i)}, [(t, float(minute * 7 + i) / 3)]) for i in range(series)]
    return remote_write.push(server.url, rows)[0]


def shown(server):
    """{(series, seconds): text of the value} of all that is kept."""
    found = server.samples("kept[1w]", at=START + 6 * 86400)
    return {(dict(labels)["i"], t): v for labels, samples in found.items() for t, v in samples}


class Disk(Case):
    def server_on(self, name, data, *flags, **more):
        port = free_ports(1)[0]
        path = self.peers.write(f"{name}.yml", config())
        return self.peers.add(name, [CANOPY, f"--config.file={path}", f"--storage.tsdb.path={data}",
                                     f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                                     "--storage.tsdb.retention.time=100y", *flags], port, **more)

    def verify(self, data, status=0):
        done = subprocess.run([CANOPY, "tsdb", "verify", data], capture_output=True, text=True, timeout=60)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_a_full_disk(self):
        data = self.peers.dir / "small"
        data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", data], capture_output=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest("no right to mount a small disk")
        self.addCleanup(subprocess.run, ["umount", "-l", data])
        filler = data / "filler"
        filler.write_bytes(bytes(600 << 10))
        server = self.server_on("canopy", data).start()
        stored, refused = set(), 0
        for minute in range(2000):
            if push(server, minute) in (200, 204):
                stored.add(minute)
            else:
                refused += 1
            if refused == 3:
                break
        self.assertEqual(3, refused)
        self.assertIn("No space left on device", server.tail(5))
        # Readers notice nothing.
        self.assertEqual({START + m * 60 for m in stored}, {t for _, t in shown(server)})
        filler.unlink()
        after = max(stored) + 10
        self.assertIn(push(server, after), (200, 204))
        stored.add(after)
        self.assertEqual({START + m * 60 for m in stored}, {t for _, t in shown(server)})
        server.kill()
        self.verify(data)
        server.start()
        self.assertEqual({START + m * 60 for m in stored}, {t for _, t in shown(server)})

    def test_too_few_files(self):
        data = self.peers.dir / "files"
        server = self.server_on("canopy", data)
        server.argv = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *server.argv]
        server.start()
        self.assertIn(push(server, 0), (200, 204))
        # All that it may open: connections that say nothing.
        held = []
        self.addCleanup(lambda: [s.close() for s in held])
        address = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        for _ in range(80):
            held.append(socket.create_connection(address, timeout=5))
        for s in held:
            s.close()
        held.clear()
        wait_for("an answer", lambda: push(server, 1) in (200, 204))
        self.assertEqual({START, START + 60}, {t for _, t in shown(server)})
        self.assertEqual(0, server.stop())
        self.verify(data)

    def test_a_directory_that_may_not_be_written(self):
        data = self.peers.dir / "readonly"
        data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "none", data], capture_output=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest("no right to mount a disk")
        self.addCleanup(subprocess.run, ["umount", "-l", data])
        server = self.server_on("canopy", data)
        server.start(wait=False)
        self.assertEqual(1, server.process.wait(20))
        self.assertIn("Read-only file system", server.tail())
        # Tools need no right to write.
        self.verify(data)

    def test_damage_anywhere(self):
        """Bits flip and files are cut short, while nobody looks. A server starts, and shows no sample that is wrong."""
        whole = self.peers.dir / "whole"
        server = self.server_on("writer", whole, "--storage.tsdb.min-block-duration=1h").start()
        for minute in range(0, 400, 2):
            self.assertIn(push(server, minute, 60), (200, 204))
        want = shown(server)
        self.assertEqual(200 * 60, len(want))
        server.stop()
        page = self.peers.write("page", "".join(f'kept{{i="{i}"}} {float((m * 7 + i) / 3)!r} {START + m * 60}\n'
                                                for i in range(60) for m in range(-300, -60, 2)) + "# EOF\n")
        subprocess.run([CANOPY, "tsdb", "create-blocks-from", "openmetrics", "-q", page, whole], check=True)
        for i in range(60):
            want.update({(str(i), START + m * 60): None for m in range(-300, -60, 2)})
        rng = random.Random(5)
        for turn in range(12):
            data = self.peers.dir / "damaged"
            shutil.copytree(whole, data)
            files = [os.path.join(path, name) for path, _, names in os.walk(data) for name in names if name != "lock"]
            damaged = rng.sample([f for f in sorted(files) if os.path.getsize(f) > 0], 2)
            for path in damaged:
                size = os.path.getsize(path)
                with open(path, "r+b") as file:
                    if turn % 3 == 2:
                        file.truncate(rng.randrange(size))
                        continue
                    at = rng.randrange(size)
                    file.seek(at)
                    byte = file.read(1)[0]
                    file.seek(at)
                    file.write(bytes([byte ^ 1 << rng.randrange(8)]))
            with self.subTest(turn=turn, damaged=damaged):
                told = subprocess.run([CANOPY, "tsdb", "verify", data], capture_output=True, text=True, timeout=60)
                self.assertIn(told.returncode, (0, 1), told.stderr)
                self.assertEqual(told.returncode == 0, "SUCCESS" in told.stdout)
                server = self.server_on(f"damaged{turn}", data).start()
                for i in range(60):
                    try:
                        found = server.samples(f'kept{{i="{i}"}}[1w]', at=START + 6 * 86400)
                    except ValueError as e:  # the query fails, and says why
                        self.assertRegex(str(e), "checksum|corrupt|damaged")
                        continue
                    for samples in found.values():
                        for t, v in samples:
                            minute = (t - START) // 60
                            self.assertIn((str(i), t), want)
                            self.assertEqual(float((minute * 7 + i) / 3), float(v))
                # No sum protects meta.json: a block that claims a time to come makes the head refuse what is older.
                if not any(path.endswith("meta.json") for path in damaged):
                    self.assertIn(push(server, 500, 60), (200, 204))
                server.stop()
            shutil.rmtree(data)

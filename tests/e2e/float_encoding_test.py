"""What floats are written as: by the configuration, the feature flag and reloads, and what Debian's promtool makes of it."""
import pathlib
import shutil
import subprocess
import time

import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, fetch, free_ports, wait_for

HOUR = 3600
XOR, XOR2 = 1, 4
FLAGS = ["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y", "--storage.tsdb.max-block-duration=2h",
         "--storage.tsdb.block-reload-interval=50ms"]


def with_floats(encoding):
    return config(head=f"storage: {{tsdb: {{chunk_encoding: {{floats: {encoding}}}}}}}" if encoding else "")


def encodings(block):
    """The encodings of all chunks of a block."""
    found = set()
    for segment in sorted((block / "chunks").iterdir()):
        data, at = segment.read_bytes(), 8
        while at < len(data):
            size = shift = 0
            while True:
                byte = data[at]
                size |= (byte & 127) << shift
                at, shift = at + 1, shift + 7
                if byte < 128:
                    break
            found.add(data[at])
            at += 1 + size + 4
    return found


class FloatEncoding(Case):
    def start(self, encoding, *flags):
        server = self.peers.server("canopy", CANOPY, with_floats(encoding), free_ports(1)[0], *FLAGS, *flags).start()
        self.data = pathlib.Path(next(a.split("=", 1)[1] for a in server.argv if a.startswith("--storage.tsdb.path=")))
        self.begin = int(time.time()) // (2 * HOUR) * 2 * HOUR - 48 * HOUR
        return server

    def blocks(self):
        return sorted(p for p in self.data.iterdir() if len(p.name) == 26 and (p / "meta.json").exists())

    def next_block(self, server):
        """Samples of two hours more, which make a block of the oldest two; the encodings of its chunks."""
        before = self.blocks()
        end = self.begin + (2 if before else 4) * HOUR
        samples = [(t * 1000, float(t % 7)) for t in range(self.begin, end, 60)]
        self.begin = end
        status, body = remote_write.push(server.url, [({"__name__": "a"}, samples)])
        self.assertIn(status, (200, 204), body)
        wait_for("a block", lambda: len(self.blocks()) > len(before))
        return encodings(next(b for b in self.blocks() if b not in before))

    def reload(self, server, encoding):
        self.peers.write("canopy.yml", with_floats(encoding))
        self.assertEqual(200, fetch(f"{server.url}/-/reload", method="POST")[0])

    def test_a_reload_changes_what_is_written_from_then_on(self):
        server = self.start("xor2")
        self.assertEqual({XOR2}, self.next_block(server))
        self.reload(server, "")  # what it was started with
        self.assertEqual({XOR2}, self.next_block(server))
        self.reload(server, "xor")
        self.assertIn(XOR, self.next_block(server))
        self.assertEqual({XOR}, self.next_block(server))
        self.reload(server, "")
        self.assertIn(XOR2, self.next_block(server))
        self.assertNotIn("takes effect at the next start", server.tail(1000))
        self.peers.write("canopy.yml", with_floats("xor3"))
        status, body, _ = fetch(f"{server.url}/-/reload", method="POST")
        self.assertEqual(500, status)
        self.assertIn(b"must be 'xor' or 'xor2', or the field must be omitted entirely, got \"xor3\"", body)
        server.stop()
        done = subprocess.run([CANOPY, "tsdb", "verify", str(self.data)], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_the_feature_flag_is_the_default(self):
        server = self.start("", "--enable-feature=xor2-encoding")
        self.assertIn("is being phased out", server.tail(1000))
        self.assertEqual({XOR2}, self.next_block(server))
        # As docs/migration.md says.
        server.stop()
        done = subprocess.run(["promtool", "tsdb", "dump", str(self.data)], capture_output=True, text=True)
        rows = done.stdout.splitlines()
        self.assertEqual(120, len(rows), "of 240: promtool 2.42 leaves the block out without a word")
        shutil.copytree(self.data, self.peers.dir / "prometheus")
        theirs = self.peers.server("prometheus", PROMETHEUS, config(), free_ports(1)[0], "--storage.tsdb.retention.time=100y").start()
        status, body, _ = fetch(f"{theirs.url}/api/v1/query?query=a%5B4h%5D&time={self.begin}")
        self.assertEqual(422, status)
        self.assertIn(b"invalid chunk encoding", body)

    def test_the_configuration_counts_before_the_feature_flag(self):
        server = self.start("xor", "--enable-feature=xor2-encoding")
        self.assertEqual({XOR}, self.next_block(server))

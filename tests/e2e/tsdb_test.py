"""`canopy tsdb` next to Debian's promtool, on the same directories, in both directions, sample for sample."""
import os
import random
import re
import shutil
import subprocess

import remote_write
from harness import CANOPY, PROMETHEUS, Case, config, free_ports, wait_for

START = 1_700_006_400  # a multiple of two hours


def run(*argv, status=0):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{argv}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def canopy(*arguments, status=0):
    return run(CANOPY, "tsdb", *arguments, status=status)


def promtool(*arguments, status=0):
    return run("promtool", "tsdb", *arguments, status=status)


def page(seed=1, series=60, samples=500):
    """An OpenMetrics page over more than two ranges, with gaps, counters that start again, and special values."""
    rng = random.Random(seed)
    lines = []
    for i in range(series):
        name = f'metric_{i % 5}{{i="{i}",zone="z{i % 3}",text="quote \\" and \\\\"}}'
        value, t = 0.0, START + rng.random()
        for _ in range(samples):
            value = rng.choice([0.0, value + rng.randrange(100), value + rng.random(), value, value])
            text = rng.choice(["+Inf", "-Inf", "NaN"]) if rng.random() < 0.01 else repr(value)
            lines.append(f"{name} {text} {t:.3f}")
            t += 15 + rng.choice([0, 0, 0, 0.001, 30])
    return "\n".join(lines) + "\n# EOF\n"


def lines(text):
    return sorted(text.splitlines())


def sections(text):
    """The parts of an analysis, without the order of equal counts, which promtool leaves to chance."""
    text = text.replace("Total Series:", "Series:")
    return [sorted(part.splitlines()) for part in text.split("\n\n")]


class Tsdb(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = cls.shared.write("page", page())

    def fresh(self, name):
        path = os.path.join(self.peers.dir, name)
        self.assertFalse(os.path.exists(path))
        return path

    def same_dump(self, data):
        """What both read out of the directory."""
        ours, theirs = canopy("dump", data), promtool("dump", data)
        self.assertEqual(lines(theirs), lines(ours))
        return ours

    def test_blocks_are_created_alike(self):
        ours, theirs = self.fresh("ours"), self.fresh("theirs")
        printed = canopy("create-blocks-from", "openmetrics", self.page, ours)
        expected = promtool("create-blocks-from", "openmetrics", self.page, theirs)
        # Names aside, and what depends on where a chunk ends: their number and the size.
        columns = lambda text: [row.split()[1:5] + row.split()[6:7] for row in text.splitlines() if not row.startswith("BLOCK")]
        self.assertEqual(columns(expected), columns(printed))
        self.assertGreater(len(columns(printed)), 1)
        for data in (ours, theirs):
            os.makedirs(f"{data}/wal")  # promtool asks for one
        self.assertEqual(lines(promtool("dump", theirs)), lines(self.same_dump(ours)))
        self.assertEqual("", canopy("create-blocks-from", "openmetrics", "-q", self.page, ours))

    def test_list_and_analyze(self):
        data = self.fresh("data")
        promtool("create-blocks-from", "openmetrics", self.page, data)
        os.makedirs(f"{data}/wal")
        canopy("create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=6h", self.page, data)
        self.assertEqual(promtool("list", data), canopy("list", data))
        self.assertEqual(promtool("list", "-r", data), canopy("list", "-r", data))
        for block in [row.split()[0] for row in canopy("list", data).splitlines()[1:]]:
            self.assertEqual(sections(promtool("analyze", "--limit=1000", data, block)),
                             sections(canopy("analyze", "--limit=1000", data, block)))
            self.assertIn("samples per float chunk (min/avg/max): ", canopy("analyze", "--extended", data, block))
        newest = max(row.split()[0] for row in canopy("list", data).splitlines()[1:])
        self.assertEqual(f"Block ID: {newest}", canopy("analyze", data).splitlines()[0])

    def test_dump_takes_times_and_selectors(self):
        data = self.fresh("data")
        canopy("create-blocks-from", "openmetrics", "-q", self.page, data)
        os.makedirs(f"{data}/wal")
        span = [f"--min-time={START * 1000 + 500_000}", f"--max-time={START * 1000 + 900_000}"]
        chosen = ["--match={zone='z1',__name__=~'metric_[12]'}"]
        self.assertEqual(lines(promtool("dump", *span, *chosen, data)), lines(canopy("dump", *span, *chosen, data)))
        both = canopy("dump", *span, "--match=metric_1", "--match={i='7'}", data)
        self.assertEqual(lines(promtool("dump", *span, "--match={__name__=~'metric_[12]',i=~'7|[0-9]*[16]'}", data)),
                         lines(both))
        self.assertEqual(60, len(lines(canopy("dump", "--format=seriesjson", data))))

    def test_openmetrics_there_and_back(self):
        data, copy = self.fresh("data"), self.fresh("copy")
        promtool("create-blocks-from", "openmetrics", self.page, data)
        os.makedirs(f"{data}/wal")
        text = self.peers.write("again", canopy("dump-openmetrics", data))
        canopy("create-blocks-from", "openmetrics", "--label=copy=yes", text, copy)
        want = [re.sub(r"^{__name__=\"(\w+)\", ", r'{__name__="\1", copy="yes", ', row) for row in lines(promtool("dump", data))]
        self.assertEqual(sorted(want), lines(canopy("dump", copy)))

    def push(self, server, count=40):
        for n in range(count):
            t = (START + 3600 * 5 + n * 15) * 1000
            series = [({"__name__": "pushed", "i": str(i)}, [(t, float(n * i))]) for i in range(50)]
            status, body = remote_write.push(server.url, series)
            self.assertIn(status, (200, 204), body)

    def test_a_directory_whose_server_runs(self):
        for name, binary in (("canopy", CANOPY), ("prometheus", PROMETHEUS)):
            flags = ["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"]
            server = self.peers.server(name, binary, config(), free_ports(1)[0], *flags)
            data = next(a.split("=", 1)[1] for a in server.argv if a.startswith("--storage.tsdb.path="))
            canopy("create-blocks-from", "openmetrics", "-q", self.page, data)
            server.start()
            self.push(server)
            before = {path: os.stat(path).st_mtime_ns for path, _, _ in os.walk(data)}
            running = canopy("dump", data)
            self.assertEqual(2000, running.count("pushed"))
            self.assertIn("SUCCESS", canopy("verify", data))
            self.assertEqual(before, {path: os.stat(path).st_mtime_ns for path, _, _ in os.walk(data)})
            server.stop()
            self.assertEqual(lines(running), lines(self.same_dump(data)))
            self.assertIn("SUCCESS", canopy("verify", data))

    def test_blocks_come_and_go_while_the_server_runs(self):
        server = self.peers.server("canopy", CANOPY, config(), free_ports(1)[0], "--storage.tsdb.retention.time=100y",
                                   "--storage.tsdb.block-reload-interval=100ms").start()
        data = next(a.split("=", 1)[1] for a in server.argv if a.startswith("--storage.tsdb.path="))

        def shown():
            return len(server.api("query", query="metric_1", time=START + 3600)["result"])

        self.assertEqual(0, shown())
        broken = os.path.join(data, "01HF7YAT006D980C0HQ6JWJY73")
        os.mkdir(broken)
        promtool("create-blocks-from", "openmetrics", "-q", self.page, data)
        wait_for("the blocks", lambda: shown() == 12)
        blocks = [name for name in os.listdir(data) if len(name) == 26 and name != os.path.basename(broken)]
        self.assertGreater(len(blocks), 1)

        def said(what, name):
            return len([row for row in server.tail(1000).splitlines() if what in row and name in row])

        # One look may find some of them, and the next one the others.
        wait_for("all of them", lambda: all(said("has come into the directory", name) for name in blocks))
        for name in blocks:
            shutil.rmtree(os.path.join(data, name))
        wait_for("their end", lambda: shown() == 0 and all(said("has gone from the directory", name) for name in blocks))
        os.rmdir(broken)
        self.assertEqual(1, said("cannot be read", broken))
        for name in blocks:
            self.assertEqual((1, 1), (said("has come into the directory", name), said("has gone from the directory", name)))

    def test_one_directory_from_prometheus_to_canopy_and_back(self):
        data, want = self.fresh("shared"), set()
        for turn, binary in enumerate((PROMETHEUS, CANOPY, PROMETHEUS, CANOPY)):
            port = free_ports(1)[0]
            server = self.peers.add(f"turn{turn}", [binary, f"--config.file={self.peers.write('empty.yml', config())}",
                                                    f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}",
                                                    "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"], port)
            server.start()
            # Three hours a turn, so that there is something to cut blocks from. Half of the series are new each time.
            for n in range(36):
                t = (START + (turn * 36 + n) * 300) * 1000
                series = [({"__name__": "moved", "i": str(i + turn * 10)}, [(t, n + i / 4)]) for i in range(20)]
                status, body = remote_write.push(server.url, series)
                self.assertIn(status, (200, 204), body)
                want |= {f'{{__name__="moved", i="{i + turn * 10}"}} {n + i / 4:g} {t}' for i in range(20)}
            server.stop()
            if binary == PROMETHEUS:
                # A compaction that it was about to do when it was told to end is no complaint.
                told = [row for row in server.tail(1000).splitlines()
                        if "Received SIGTERM" not in row and "context canceled" not in row]
                self.assertEqual([], [row for row in told if re.search("level=(warn|error)|corrupt", row)])
            self.assertIn("SUCCESS", canopy("verify", data))
            self.assertEqual(sorted(want), lines(self.same_dump(data)))

    def test_verify_says_where(self):
        data = self.fresh("data")
        canopy("create-blocks-from", "openmetrics", "-q", self.page, data)
        block = canopy("list", data).splitlines()[1].split()[0]
        chunks = f"{data}/{block}/chunks/000001"
        with open(chunks, "r+b") as file:
            file.seek(5000)
            byte = file.read(1)
            file.seek(5000)
            file.write(bytes([byte[0] ^ 4]))
        told = canopy("verify", data, status=1)
        self.assertRegex(told, rf"FAILED: .*{re.escape(chunks)}: offset \d+: unexpected checksum")
        self.assertNotIn("SUCCESS", told)
        # The rest is shown, and the exit status says that it is not all.
        whole = run(CANOPY, "tsdb", "dump", data, status=1)
        self.assertGreater(len(lines(whole)), 20_000)

    def test_bench(self):
        out = self.fresh("bench")
        told = canopy("bench", "write", f"--out={out}", "--metrics=200", "--scrapes=700")
        self.assertIn(" > total samples: 140000\n", told)
        self.assertRegex(told, r" > bytes per sample in blocks: \d+\.\d+\n")
        self.assertIn("SUCCESS", canopy("verify", f"{out}/storage"))
        canopy("bench", "write", f"--out={out}", status=1)

    def test_wrong_command_lines(self):
        for arguments in ([], ["nonsense"], ["list", "a", "b"], ["dump", "--nope"], ["create-blocks-from", "rules"],
                          ["dump", "--format=xml"], ["create-blocks-from", "openmetrics"], ["list", "-x"]):
            canopy(*arguments, status=2)
        missing = self.fresh("missing")
        for command in ("list", "analyze", "dump", "verify"):
            canopy(command, missing, status=1)
        self.assertFalse(os.path.exists(missing))

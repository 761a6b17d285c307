"""What pages say of their metrics, in the log: written when it changes, and nothing for Prometheus to repair."""
import os
import re

from harness import CANOPY, PROMETHEUS, Case, Pages, config, free_ports, scrape, wait_for

FEATURE = "--enable-feature=metadata-wal-records"


def page(words):
    return f"# HELP things_total {words}\n# TYPE things_total counter\n" + "".join(f'things_total{{i="{i}"}} {i}\n' for i in range(5))


class Metadata(Case):
    def start(self, name, binary, *flags):
        port = free_ports(1)[0]
        argv = [binary, f"--config.file={self.peers.write('scrape.yml', config(scrape('app', self.target.address, '100ms')))}",
                f"--storage.tsdb.path={self.data}", f"--web.listen-address=127.0.0.1:{port}", *flags]
        return self.peers.add(name, argv, port).start()

    def said(self, words):
        """How often the log says so. It is not compressed."""
        wal = os.path.join(self.data, "wal")
        found = 0
        for name in os.listdir(wal):
            with open(os.path.join(wal, name), "rb") as segment:
                found += segment.read().count(words.encode())
        return found

    def setUp(self):
        super().setUp()
        self.data = self.peers.dir / "data"
        self.target = Pages({"/metrics": page("first words")})
        self.addCleanup(self.target.close)

    def scrapes(self, server, more=3):
        count = lambda: server.value('count_over_time(up{job="app"}[1h])')
        wait_for("a scrape", lambda: server.api("query", query="up")["result"])
        before = count()
        wait_for("more scrapes", lambda: count() >= before + more)

    def test_it_is_logged_when_it_changes(self):
        flags = [FEATURE, "--no-storage.tsdb.wal-compression"]
        server = self.start("canopy", CANOPY, *flags)
        self.scrapes(server)
        self.assertEqual(5, self.said("first words"))
        self.target.pages["/metrics"] = page("second words")
        wait_for("other words", lambda: self.said("second words"))
        self.scrapes(server)
        for end in ("stop", "kill"):
            getattr(server, end)()
            server = self.start("canopy-again", CANOPY, *flags)
            self.scrapes(server)
            self.assertEqual((5, 5), (self.said("first words"), self.said("second words")))
        server.stop()
        prometheus = self.start("prometheus", PROMETHEUS)
        self.scrapes(prometheus)
        told = [row for row in prometheus.tail(1000).splitlines() if re.search("level=(warn|error)|repair|corrupt", row)]
        self.assertEqual([], told)

    def test_without_the_feature_it_is_not(self):
        self.scrapes(self.start("canopy", CANOPY, "--no-storage.tsdb.wal-compression"))
        self.assertEqual(0, self.said("first words"))

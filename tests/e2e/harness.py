"""What the end-to-end tests share: the program under test, pages to scrape, and cases that end what they started."""
import http.server
import os
import pathlib
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import peers  # noqa: E402 (found through the line above)
from peers import Failure, free_ports, http as fetch, wait_for  # noqa: E402, F401

CANOPY = os.path.abspath(os.environ.get("CANOPY_BINARY", ROOT / "build/canopy"))
PROMETHEUS = peers.PROMETHEUS
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Case(unittest.TestCase):
    """Processes of `self.peers` live until the case ends; those of `self.shared` until its class ends."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shared = peers.Peers("canopy-e2e-")
        cls.addClassCleanup(cls.shared.close)

    def setUp(self):
        self.peers = peers.Peers("canopy-e2e-")
        self.addCleanup(self.peers.close)

    def logs(self):
        """The end of every log, for the report of a failure."""
        return "\n".join(p.tail() for p in self.shared.all + self.peers.all)

    def serve_pages(self, pages):
        server = Pages(pages)
        self.addCleanup(server.close)
        return server


class Pages:
    """Targets in this process: `pages` maps a path to a body, or to a function that makes one. Counts what it served."""

    def __init__(self, pages, content_type=TEXT):
        self.pages, self.content_type, self.served = pages, content_type, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.split("?")[0]
                page = outer.pages.get(path)
                body = page() if callable(page) else page
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", outer.content_type)
                data = (body or "").encode() if not isinstance(body, bytes) else body
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                outer.served[path] = outer.served.get(path, 0) + 1

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # a scraper that was killed in mid-answer is part of some tests
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def scrape(job, target, interval="1s", more=""):
    """One entry of scrape_configs; `more` is indented by four."""
    return f"""
  - job_name: {job}
    scrape_interval: {interval}
    scrape_timeout: {interval}
    static_configs: [{{targets: ['{target}']}}]
{more}"""


def config(*scrapes, head=""):
    """A prometheus.yml: `head` stands above the scrape_configs."""
    return f"{head}\nscrape_configs: {'[]' if not scrapes else ''}{''.join(scrapes)}\n"

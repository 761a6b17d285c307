"""Real processes on loopback, for the demo, the end-to-end tests and the bench: started on free ports, watched, ended by id.

Nothing here sleeps for luck: whoever waits names a condition and a deadline.
"""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMETHEUS = "prometheus"
ALERTMANAGER = "prometheus-alertmanager"
NODE_EXPORTER = "prometheus-node-exporter"
# Only loopback is ever asked: a proxy of the environment must not see it.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """A peer did not do what it must; the message says which, and shows the end of its log."""


def end_with_parent():
    """For preexec_fn: the kernel ends the child should we be killed ourselves, so no process stays behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count):
    """Ports that nobody held a moment ago; all are taken at once, so they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def wait_for(what, condition, seconds=30.0, every=0.05):
    """The first true value of condition(); Failure when there is none in time. A refused connection is not yet true."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            if value := condition():
                return value
        except (OSError, urllib.error.URLError, ValueError) as e:
            last = e
        if time.monotonic() > deadline:
            raise Failure(f"no {what} within {seconds:g} s" + (f": {last}" if last else ""))
        time.sleep(every)


def http(url, data=None, headers=None, method=None, timeout=30.0):
    """(status, body, headers), whatever the status is."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with OPENER.open(request, timeout=timeout) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read(), e.headers


def get_json(url, timeout=30.0):
    status, body, _ = http(url, timeout=timeout)
    if status // 100 != 2:
        raise ValueError(f"{url}: {status} {body[:300].decode(errors='replace')}")
    return json.loads(body)


class Peer:
    """One process. Its output goes to DIR/NAME.log; `url` is where it listens."""

    def __init__(self, name, argv, log, url="", ready="/-/ready"):
        self.name, self.argv, self.log, self.url, self.ready = name, [str(a) for a in argv], log, url, ready
        self.process = None

    def start(self, wait=True, seconds=30.0):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, preexec_fn=end_with_parent)
        if wait:
            self.wait_ready(seconds)
        return self

    def wait_ready(self, seconds=30.0):
        def answers():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with status {self.process.returncode}\n{self.tail()}")
            return http(self.url + self.ready, timeout=2)[0] == 200

        try:
            wait_for(f"answer of {self.name} at {self.url}{self.ready}", answers, seconds)
        except Failure as e:
            raise Failure(f"{e}\n{self.tail()}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=20.0):
        """SIGTERM, then SIGKILL should it not obey. Returns the exit status."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def tail(self, lines=20):
        text = pathlib.Path(self.log).read_text(errors="replace").splitlines() if os.path.exists(self.log) else []
        return "\n".join(f"  {self.name}| {line}" for line in text[-lines:])

    # --- Prometheus's HTTP API ---

    def api(self, path, **parameters):
        """The `data` of an answer of /api/v1; lists become repeated parameters (match=[..] is sent as match[])."""
        pairs = [(f"{k}[]" if isinstance(v, list) else k, x)
                 for k, v in parameters.items() for x in (v if isinstance(v, list) else [v])]
        query = "?" + urllib.parse.urlencode(pairs) if pairs else ""
        return get_json(f"{self.url}/api/v1/{path}{query}")["data"]

    def instant(self, query, at=None):
        return self.api("query", query=query, **({} if at is None else {"time": at}))["result"]

    def value(self, query, at=None):
        """The one value of a query with one result; None when there is none."""
        found = self.instant(query, at)
        return float(found[0]["value"][1]) if found else None

    def samples(self, selector, at=None):
        """Raw samples of a range selector: {labels as a sorted tuple: [(seconds, text of the value)]}."""
        return {tuple(sorted(s["metric"].items())): [tuple(v) for v in s["values"]]
                for s in self.instant(selector, at)}


class Peers:
    """A set of processes in a temporary folder; all are ended, newest first, and the folder is removed on exit."""

    def __init__(self, prefix="canopy-"):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.all = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for peer in self.all:  # all at once, then wait for each: servers take a while to close their files
            if peer.running():
                peer.process.terminate()
        for peer in reversed(self.all):
            peer.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def add(self, name, argv, port, **more):
        peer = Peer(name, argv, self.dir / f"{name}.log", f"http://127.0.0.1:{port}", **more)
        self.all.append(peer)
        return peer

    def server(self, name, binary, config, port, *flags):
        """A Canopy or a Prometheus: they take the same flags. `config` is the text of its prometheus.yml."""
        path = self.write(f"{name}.yml", config)
        argv = [binary, f"--config.file={path}", f"--storage.tsdb.path={self.dir / name}",
                f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle", *flags]
        return self.add(name, argv, port)

    def alertmanager(self, port, config, name="alertmanager"):
        path = self.write(f"{name}.yml", config)
        argv = [ALERTMANAGER, f"--config.file={path}", f"--storage.path={self.dir / name}",
                f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        return self.add(name, argv, port)

    def node_exporter(self, port, name="node-exporter"):
        # The collectors that a container or a laptop can always answer; the rest depends on the machine.
        collectors = ("cpu", "loadavg", "meminfo", "netdev", "stat", "uname", "filesystem", "vmstat")
        argv = [NODE_EXPORTER, f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults",
                *(f"--collector.{c}" for c in collectors)]
        return self.add(name, argv, port, ready="/metrics")

"""What the benches share: servers under the load of load_bench.cc, what is read from them, and the table of ratios."""
import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"))

import peers  # noqa: E402 (found through the line above)

A_TARGET = 1000
JOBS = 5
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def config(load_port, series, interval, rest=""):
    """JOBS jobs that share the targets, each of them at an address of its own, as load_bench.cc says."""
    text = f"global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s}}\n{rest}scrape_configs:\n"
    for job in range(JOBS):
        text += f"""  - job_name: job-{job}
    relabel_configs:
      - {{source_labels: [path], target_label: __metrics_path__}}
      - {{source_labels: [path], regex: '/(.*)/metrics', target_label: instance, replacement: 'host-$1:9100'}}
      - {{regex: path, action: labeldrop}}
    static_configs:
"""
        for target in range(job, series // A_TARGET, JOBS):
            text += f"      - {{targets: ['127.1.{target // 250}.{target % 250 + 1}:{load_port}'], labels: {{path: /{target}/metrics}}}}\n"
    return text


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_seconds_of_threads(pid):
    """Of the threads that live: to the nanosecond, for what takes less than a tick."""
    return sum(int(task.read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_SIZE


def metric(page, name):
    return sum(float(v) for v in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", page, re.MULTILINE))


class Subject:
    """A server under load, and what is read from it."""

    def __init__(self, folder, name, binary, text, *flags):
        self.name = name
        port = peers.free_ports(1)[0]
        if name == "victoria-metrics":
            path = folder.write("victoria-metrics.yml", text)
            self.server = folder.add(name, [name, f"-promscrape.config={path}", f"-httpListenAddr=127.0.0.1:{port}",
                                            f"-storageDataPath={folder.dir / name}"], port, ready="/health")
            self.appended_name, self.appended_label = 'vm_rows_inserted_total{type="promscrape"}', True
        else:
            self.server = folder.server(name, binary, text, port, *flags)
            self.appended_label = False
        self.server.start()
        self.pid = self.server.process.pid

    def read(self, name):
        """The sum of a metric of its own over all labels."""
        return metric(peers.http(self.server.url + "/metrics")[1].decode(), name)

    def appended(self):
        page = peers.http(self.server.url + "/metrics")[1].decode()
        if self.appended_label:
            return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(self.appended_name))
        return metric(page, "prometheus_tsdb_head_samples_appended_total")

    def timed(self, path, times, **parameters):
        """The median wall time of a request over a kept connection, to its last byte, by curl's own clock; and an answer's body."""
        url = f"{self.server.url}{path}?{peers.urllib.parse.urlencode(parameters)}"
        status, body, _ = peers.http(url, timeout=300)
        if status != 200:
            raise peers.Failure(f"{url}: {status} {body[:200]!r}")
        argv = ["curl", "--silent", "--globoff", "--noproxy", "*", "--write-out", "%{time_total}\\n"]
        # The first one makes the connection and does not count.
        argv += ["--output", os.devnull, url] * (times + 1)
        walls = subprocess.run(argv, capture_output=True, check=True, text=True).stdout.split()
        return statistics.median(map(float, walls[1:])), body


def binaries(canopy):
    return {"canopy": os.path.abspath(canopy), "prometheus": peers.PROMETHEUS, "victoria-metrics": ""}


def show(found, names):
    """The rows of {server: {row: figure}}, lower is better; a figure may be None where a server has no such thing."""
    def cell(value):
        return f"{'-':>18}" if value is None else f"{value:18.2f}"

    def ratio(value, base):
        return "-" if not value or not base else f"{value / base:.3f}  (1/{base / value:.1f})"

    print(f"\n{'':46}" + "".join(f"{name:>18}" for name in names) +
          "".join(f"{name + ' / ' + names[0]:>30}" for name in names[1:]))
    for row in found[names[0]]:
        values = [found[name].get(row) for name in names]
        print(f"{row:46}" + "".join(map(cell, values)) + "".join(f"{ratio(v, values[0]):>30}" for v in values[1:]), flush=True)

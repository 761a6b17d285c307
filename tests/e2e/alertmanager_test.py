"""Alerts on their way to Alertmanager: what happens while it is away, and across restarts of the sender."""
import datetime
import http.server
import json
import threading
import time

from harness import CANOPY, Case, config, free_ports, peers, scrape, wait_for

RULES = """
groups:
  - name: alerts
    interval: 1s
    rules:
      - alert: Hot
        expr: temperature > 30
        labels: {severity: page, where: 'in {{ $labels.room }}'}
        annotations: {summary: '{{ $labels.room }} has {{ $value | humanize }} degrees'}
      - alert: Slow
        expr: temperature > 30
        for: 3s
"""


class Receiver:
    """An Alertmanager as far as its clients see one, which can be told to refuse."""

    def __init__(self, port):
        self.status, self.refused, self.alerts = 200, 0, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.alerts += json.loads(body)
                else:
                    outer.refused += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def told(self, name, ended):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        return [a for a in self.alerts if a["labels"]["alertname"] == name and (a.get("endsAt", "~")[:19] < now[:19]) == ended]


class Alerts(Case):
    def setUp(self):
        super().setUp()
        self.pages = {"/metrics": 'temperature{room="a"} 20\ntemperature{room="b"} 20\n'}
        target = self.serve_pages(self.pages)
        self.receiver_port, port = free_ports(2)
        self.alertmanager = self.peers.alertmanager(self.receiver_port, (peers.ROOT / "configs/alertmanager.yml").read_text())
        rules = self.peers.write("rules.yml", RULES)
        head = f"""global:
  external_labels: {{zone: zone-a, drop_me: x}}
rule_files: ['{rules}']
alerting:
  alert_relabel_configs: [{{regex: drop_me, action: labeldrop}}]
  alertmanagers:
    - static_configs: [{{targets: ['127.0.0.1:{self.receiver_port}']}}]
"""
        self.server = self.peers.server("canopy", CANOPY, config(scrape("app", target.address), head=head), port,
                                        # Alerts that wait less than this are not worth restoring; all of ours are short.
                                        "--rules.alert.for-grace-period=1s")

    def heat(self, room, degrees):
        self.pages["/metrics"] = "".join(f'temperature{{room="{r}"}} {degrees if r == room else 20}\n' for r in "ab")

    def received(self, name, room):
        """Active alerts of this name and room."""
        found = peers.get_json(self.alertmanager.url + "/api/v2/alerts")
        return [a for a in found if (a["labels"]["alertname"], a["labels"]["room"]) == (name, room)]

    def state(self, name):
        found = [a["state"] for a in self.server.api("alerts")["alerts"] if a["labels"]["alertname"] == name]
        return found[0] if found else "inactive"

    def test_delivered_whole_and_resolved(self):
        self.alertmanager.start()
        self.server.start()
        self.heat("a", 35.5)
        alert = wait_for("the alert", lambda: self.received("Hot", "a"), 40)[0]
        self.assertEqual({"alertname": "Hot", "room": "a", "severity": "page", "where": "in a", "zone": "zone-a", "job": "app",
                          "instance": self.server.instant("temperature")[0]["metric"]["instance"]}, alert["labels"])
        self.assertEqual({"summary": "a has 35.5 degrees"}, alert["annotations"])
        self.assertIn("/graph?g0.expr=temperature", alert["generatorURL"])
        wait_for("the slower alert", lambda: self.received("Slow", "a"), 20)
        self.assertEqual(1, self.server.value('ALERTS{alertname="Hot",alertstate="firing",room="a"}'))
        self.assertEqual(1, len(self.server.instant('ALERTS_FOR_STATE{alertname="Slow"}')))
        self.heat("a", 20)
        wait_for("its end", lambda: not self.received("Hot", "a"), 20)
        self.assertEqual([], self.server.instant("ALERTS"))

    def test_alertmanager_away_then_back(self):
        self.server.start()
        self.heat("b", 40)
        wait_for("firing", lambda: self.state("Hot") == "firing", 30)
        fired = next(a["activeAt"] for a in self.server.api("alerts")["alerts"] if a["labels"]["alertname"] == "Hot")
        self.alertmanager.start()
        alert = wait_for("the alert", lambda: self.received("Hot", "b"), 40)[0]
        self.assertEqual(fired[:19], alert["startsAt"][:19])  # since when it fires, not since when it could be told
        # Away again while the alert ends: the notice of its end waits, too.
        self.alertmanager.kill()
        self.heat("b", 20)
        wait_for("the end of it", lambda: self.state("Hot") == "inactive", 20)
        self.alertmanager.start()
        # The restarted Alertmanager may still know the alert from its disk; either way it must not be active for long.
        wait_for("no active alert", lambda: not self.received("Hot", "b"), 40)

    def test_a_crash_loses_no_notice(self):
        with Receiver(self.receiver_port) as receiver:
            self.server.start()
            self.heat("a", 40)
            wait_for("the alert", lambda: receiver.told("Hot", ended=False), 40)
            receiver.status = 503
            self.heat("a", 20)
            wait_for("the end of it", lambda: self.state("Hot") == "inactive", 20)
            wait_for("an attempt to tell", lambda: receiver.refused > 0, 20)
            self.server.kill()
            receiver.status = 200
            self.assertFalse(receiver.told("Hot", ended=True))
            self.server.start()
            wait_for("the notice of its end", lambda: receiver.told("Hot", ended=True), 30)

    def test_state_is_restored_after_a_restart(self):
        self.server.start()
        self.heat("a", 40)
        wait_for("firing", lambda: self.state("Slow") == "firing", 30)
        active = [a["activeAt"] for a in self.server.api("alerts")["alerts"] if a["labels"]["alertname"] == "Slow"]
        self.server.stop()
        began = time.monotonic()
        self.server.start()
        wait_for("firing again", lambda: self.state("Slow") == "firing", 30)
        self.assertLess(time.monotonic() - began, 25)
        again = [a["activeAt"] for a in self.server.api("alerts")["alerts"] if a["labels"]["alertname"] == "Slow"]
        self.assertEqual([a[:19] for a in active], [a[:19] for a in again])

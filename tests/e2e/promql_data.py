"""The samples of the differential run: every shape that PromQL treats in a way of its own.

Samples stand at t % 15 == 7 s and queries ask at t % 15 == 0 s, so no sample lies on the border of a range: there
Prometheus 2.x (closed) and 3.x (open on the left) differ on purpose.
"""
import math

from remote_write import STALE

STEP = 15
START = 1_700_000_100  # a multiple of 60 and of STEP
COUNT = 200  # 50 minutes: within an hour, so that samples may arrive series by series
END = START + COUNT * STEP


def noise(seed):
    """A small linear congruential generator: the same numbers on every machine and version."""
    state = seed * 2654435761 + 12345
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        yield (state >> 33) / (1 << 31)


def at(i):
    return (START + i * STEP + 7) * 1000


def counter(seed, rate, resets=()):
    # Not from zero on: where a series begins within a range, 2.x and 3.x take what follows from that differently.
    random, value, out = noise(seed), 1e5, []
    for i in range(COUNT):
        value = 0.0 if i in resets else value + math.floor(next(random) * rate * 2)
        out.append((at(i), value))
    return out


def gauge(seed, middle, swing):
    random = noise(seed)
    return [(at(i), round(middle + swing * math.sin(i / 11 + seed) + next(random), 3)) for i in range(COUNT)]


def requests():
    seed = 0
    for job, instances in (("api", 3), ("web", 2)):
        for instance in range(instances):
            for method in ("GET", "POST"):
                for code in ("200", "404", "500"):
                    seed += 1
                    yield ({"__name__": "http_requests_total", "job": job, "instance": f"{job}-{instance}:80",
                            "method": method, "code": code},
                           counter(seed, 40 / seed + 1, resets=(37 + seed, 120 + 2 * seed) if seed % 3 == 0 else ()))


def latencies():
    bounds = ("0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf")
    for k, instance in enumerate(("api-0:80", "api-1:80", "web-0:80")):
        below = [0.0] * COUNT
        for j, le in enumerate(bounds):
            below = [b + c for b, (_, c) in zip(below, counter(100 + 10 * k + j, 8 - j))]
            yield ({"__name__": "latency_seconds_bucket", "job": instance[:3], "instance": instance, "le": le},
                   [(at(i), v) for i, v in enumerate(below)])


def gauges():
    for k in range(4):
        labels = {"job": "node", "instance": f"n{k}:9100", "zone": "ab"[k % 2]}
        yield {"__name__": "load1", **labels}, gauge(k, 3 * k - 2, 2.5)
        yield {"__name__": "memory_bytes", **labels}, [(t, v * 1e9) for t, v in gauge(20 + k, 8, 1)]
        yield ({"__name__": "build_info", **labels, "version": f"1.{k // 2}"}, [(at(i), 1.0) for i in range(COUNT)])


def oddities():
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300, 1e300, 5e-324]
    yield {"__name__": "odd", "kind": "special"}, [(at(i), special[i // 9 % len(special)]) for i in range(COUNT)]
    yield {"__name__": "odd", "kind": "nan"}, [(at(i), math.nan) for i in range(COUNT)]
    yield {"__name__": "odd", "kind": "constant"}, [(at(i), 42.0) for i in range(COUNT)]
    yield {"__name__": "odd", "kind": "gap"}, [(at(i), float(i)) for i in range(COUNT) if not 60 <= i < 100]
    yield {"__name__": "odd", "kind": "stale"}, [(at(i), STALE if i in (50, 140) else float(i)) for i in range(COUNT)
                                                 if not 50 < i < 70 and i <= 140]
    yield {"__name__": "odd", "kind": "late"}, [(at(i), float(i * i)) for i in range(COUNT) if i >= 120]
    yield {"__name__": "odd", "kind": "sparse"}, [(at(i), float(-i)) for i in range(0, COUNT, 13)]
    yield {"__name__": "odd", "kind": "once"}, [(at(90), 7.25)]
    yield {"__name__": "odd", "kind": "ünïcode \"quoted\"\\"}, [(at(i), float(i % 7)) for i in range(COUNT)]


def series():
    return [s for family in (requests, latencies, gauges, oddities) for s in family()]

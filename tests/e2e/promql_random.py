"""Queries by chance: expressions of the right types, put together to some depth, the same for the same seed.

They keep off what 2.x and 3.x mean differently: see docs/queries.md for the list.
"""
import random

# Every family of the data that is finite everywhere.
COUNTERS = ["http_requests_total", 'http_requests_total{job="api"}', 'http_requests_total{code!="200"}',
            'http_requests_total{method=~"P.*"}', "latency_seconds_bucket", 'latency_seconds_bucket{le!="+Inf"}']
GAUGES = ["load1", "memory_bytes", 'load1{zone="a"}', '{__name__=~"load1|memory_bytes"}', 'odd{kind=~"gap|sparse|stale"}',
          'odd{kind!~"nan|special"}', "build_info"]
# Whose values differ from one another, for what picks the largest: which of two equal ones it is, is no promise.
DISTINCT = ["load1", "memory_bytes", '{__name__=~"load1|memory_bytes"}', "deriv(load1[5m])"]
# Sorted before "value", the label of count_values: for 2.42 again.
LABELS = ["job", "instance", "method", "code", "zone", "kind", "le", "nosuch"]
# Multiples of the interval of the samples: then no border of a range meets one.
SPANS = ["45s", "1m", "2m30s", "5m", "10m", "17m"]
OFFSETS = ["", "", "", "", " offset 1m", " offset 5m", " offset -90s", " @ 1700001003", " @ start()", " @ end()",
           " @ 1700002203 offset 2m"]
OVER_TIME = ["avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time",
             "present_over_time", "changes", "resets", "delta", "idelta", "deriv"]
OF_COUNTERS = ["rate", "increase", "irate"]
SIMPLE = ["abs", "ceil", "floor", "exp", "sgn", "sqrt", "deg", "rad", "atan", "cos", "sin", "timestamp", "minute", "hour",
          "day_of_week", "days_in_month"]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group"]
ARITHMETIC = ["+", "-", "*", "/"]
COMPARISONS = ["==", "!=", ">", "<", ">=", "<="]
SETS = ["and", "or", "unless"]


class Queries:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def one_of(self, choices):
        return self.random.choice(choices)

    def query(self):
        return self.scalar(3) if self.random.random() < 0.05 else self.vector(self.random.randint(1, 4))

    # --- of each type, `depth` more levels at most ---

    def vector(self, depth):
        if depth <= 0 or self.random.random() < 0.12:
            return self.selector()
        return self.one_of([self.aggregation, self.aggregation, self.over_range, self.over_range, self.function, self.binary,
                            self.binary, self.with_scalar, self.matched, self.relabelled, self.histogram, self.picked,
                            self.odds])(depth - 1)

    def scalar(self, depth):
        if depth <= 0 or self.random.random() < 0.5:
            return self.pick("1", "2", "0.5", "-3", "1e3", "0", "time()", "pi()", "1700001003")
        if self.random.random() < 0.5:
            return f"scalar({self.vector(depth - 1)})"
        return f"({self.scalar(depth - 1)} {self.one_of(ARITHMETIC + ['^', '%'])} {self.scalar(depth - 1)})"

    def selector(self):
        return self.one_of(GAUGES + COUNTERS) + self.one_of(OFFSETS)

    def over_range(self, depth):
        if self.random.random() < 0.45:
            return f"{self.one_of(OF_COUNTERS)}({self.one_of(COUNTERS)}[{self.one_of(SPANS)}]{self.one_of(OFFSETS)})"
        inner = self.ranged(depth)
        kind = self.random.random()
        if kind < 0.1:
            return f"quantile_over_time({self.pick('0', '0.3', '0.5', '0.99', '1')}, {inner})"
        if kind < 0.15:
            # Not with "@": 2.42 then has only some steps of a range query.
            return f"predict_linear({self.one_of(GAUGES)}[{self.one_of(SPANS)}], {self.pick('60', '-300', '3600')})"
        if kind < 0.2:
            return f"absent_over_time({inner})"
        return f"{self.one_of(OVER_TIME)}({inner})"

    def ranged(self, depth):
        if depth <= 0 or self.random.random() < 0.6:
            return f"{self.one_of(GAUGES)}[{self.one_of(SPANS)}]{self.one_of(OFFSETS)}"
        step = self.pick("15s", "30s", "1m", "")
        return f"({self.vector(min(depth - 1, 1))})[{self.one_of(SPANS)}:{step}]{self.one_of(OFFSETS)}"

    def grouping(self):
        # Sorted: count_values of 2.42 loses labels otherwise.
        names = ", ".join(sorted(self.random.sample(LABELS, self.random.randint(0, 3))))
        return self.pick("", f" by ({names})", f" by ({names})", f" without ({names})")

    def aggregation(self, depth):
        return f"{self.one_of(AGGREGATIONS)}{self.grouping()} ({self.vector(depth)})"

    def picked(self, depth):
        kind = self.random.random()
        if kind < 0.3:
            return f"quantile{self.grouping()} ({self.pick('0', '0.25', '0.9', '1')}, {self.vector(depth)})"
        if kind < 0.5:
            return f'count_values{self.grouping()} ("value", round({self.one_of(GAUGES[:4])}, {self.pick("1", "5")}))'
        return f"{self.pick('topk', 'bottomk')}{self.grouping()} ({self.pick('1', '2', '5')}, {self.one_of(DISTINCT)})"

    def function(self, depth):
        inner = self.vector(depth)
        kind = self.random.random()
        if kind < 0.2:
            return f"clamp_min({inner}, {self.scalar(1)})"
        if kind < 0.3:
            return f"round({inner}, {self.pick('0.25', '10', '3')})"
        if kind < 0.4:
            return f"absent({inner})"
        return f"{self.one_of(SIMPLE)}({inner})"

    def with_scalar(self, depth):
        a, b = self.vector(depth), self.scalar(depth)
        if self.random.random() < 0.5:
            a, b = b, a
        if self.random.random() < 0.5:
            return f"({a} {self.one_of(ARITHMETIC + ['%'])} {b})"
        return f"({a} {self.one_of(COMPARISONS)}{self.pick('', ' bool')} {b})"

    def binary(self, depth):
        """Of one vector with a part or a sum of itself: so that much matches."""
        a = self.vector(depth)
        b = self.pick(a, self.vector(depth), f"({a} > 10)")
        op = self.one_of(ARITHMETIC + COMPARISONS + SETS)
        names = ", ".join(self.random.sample(LABELS, self.random.randint(0, 3)))
        match = self.pick("", "", f" on ({names})", f" ignoring ({names})")
        if op in COMPARISONS:
            op += self.pick("", " bool")
        return f"({a} {op}{match} {b})"

    def matched(self, _depth):
        """Many to one."""
        names = self.random.sample(["job", "instance", "method", "code"], self.random.randint(1, 2))
        many = self.pick("http_requests_total", "rate(http_requests_total[5m])", "increase(http_requests_total[10m])")
        include = self.pick("", "", "zone")
        on = ", ".join(names)
        # A sum is compared with nothing: its last digit depends on the order of what it adds.
        op, aggregation = self.pick((self.pick("+", "*", "/"), self.one_of(AGGREGATIONS)),
                                    (self.one_of(COMPARISONS), self.pick("min", "max", "count")))
        return f"({many} {op} on ({on}) group_left ({include}) {aggregation} by ({on}) ({many}))"

    def relabelled(self, depth):
        inner = self.vector(depth)
        if self.random.random() < 0.5:
            return f'label_replace({inner}, "{self.pick("new", "job", "zone")}", "$1-x", "{self.one_of(LABELS)}", "(.).*")'
        return f'label_join({inner}, "{self.pick("new", "job")}", "/", "instance", "{self.one_of(LABELS)}")'

    def histogram(self, _depth):
        q = self.pick("0", "0.5", "0.9", "0.99", "1", "-1", "2")
        inner = self.pick("rate(latency_seconds_bucket[5m])", "latency_seconds_bucket",
                          "sum by (le, job) (rate(latency_seconds_bucket[2m30s]))",
                          "sum without (instance) (increase(latency_seconds_bucket[10m]))")
        return f"histogram_quantile({q}, {inner})"

    def odds(self, depth):
        return self.pick(f"-{self.selector()}", f"({self.vector(depth)})", f"vector({self.scalar(depth)})",
                         f"sort({self.vector(depth)})", f"scalar({self.vector(depth)}) * {self.one_of(DISTINCT)}")

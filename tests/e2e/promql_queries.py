"""The queries of the differential run, generated from families: functions x selectors x modifiers, in a fixed order."""
import itertools

COUNTERS = ["http_requests_total", 'http_requests_total{job="api",code!="200"}']
GAUGES = ["load1", 'memory_bytes{zone=~"a|c"}', "odd"]
VECTORS = COUNTERS + GAUGES
RANGES = ["1m", "5m", "17m"]
MODIFIERS = ["", " offset 5m", " offset -2m", " @ 1700001000", " @ start()", " @ end() offset 1m"]
GROUPINGS = ["", "by (job)", "by (job, zone, nosuch)", "without (instance)", "without (code, kind)", "by ()"]

OVER_TIME = ["avg", "min", "max", "sum", "count", "stddev", "stdvar", "last", "present"]
OF_COUNTERS = ["rate", "increase", "irate", "resets", "changes"]
OF_GAUGES = ["delta", "idelta", "deriv", "changes", "resets"]
MATHS = ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "round", "acos", "acosh", "asin", "asinh",
         "atan", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh", "deg", "rad"]
CLOCK = ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"]
# Where 2.x and 3.x differ on purpose, or 2.x is wrong, queries keep off:
# - sums that are not finite: 3.x says Inf where 2.x says NaN;
# - the deviation of a single Inf or NaN: NaN in 3.x, 0 in 2.x;
# - Go's logarithm takes numbers below 2.2e-308 for larger ones on some processors.
FINITE = {"odd": 'odd{kind!~"nan|special"}'}
OF_FINITE = ["stddev", "stdvar", "ln", "log10"]

AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"]
COMPARISONS = ["==", "!=", ">", "<", ">=", "<="]
SETS = ["and", "or", "unless"]


def fit_for(name, selector):
    return FINITE.get(selector, selector) if name in OF_FINITE else selector


def selectors():
    yield from VECTORS
    for modifier in MODIFIERS[1:]:
        yield from (v + modifier for v in VECTORS)
    yield from ('{__name__=~"load1|memory_.*"}', '{job="api",method=~"P.*",code!~"4..|5.."}', 'odd{kind!=""}',
                'odd{nosuch=""}', 'http_requests_total{code=~".+",instance=~".*-0:80"}', "nosuch", 'odd{kind=~"[a-m].*"}',
                'odd{kind="ünïcode \\"quoted\\"\\\\"}', "odd{kind='stale'}", "odd{kind=`gap`}")


def range_functions():
    for name, selector, span in itertools.product(OF_COUNTERS, COUNTERS, RANGES):
        yield f"{name}({selector}[{span}])"
    for name, selector, span in itertools.product(OF_GAUGES, GAUGES, RANGES[1:]):
        yield f"{name}({selector}[{span}])"
    for name, selector, span in itertools.product(OVER_TIME, GAUGES + COUNTERS[1:], RANGES):
        yield f"{name}_over_time({fit_for(name, selector)}[{span}])"
    for selector, q in itertools.product(GAUGES, ["0", "0.5", "0.99", "1", "-1", "2", "NaN"]):
        yield f"quantile_over_time({q}, {selector}[5m])"
    for selector, ahead in itertools.product(GAUGES, ["60", "3600", "-600"]):
        yield f"predict_linear({selector}[10m], {ahead})"
    for selector in GAUGES + ["nosuch", 'nosuch{a="b",c=~"d"}']:
        yield f"absent_over_time({selector}[5m])"
        yield f"absent({selector})"
    for name, modifier in itertools.product(["rate", "increase", "irate"], MODIFIERS[1:]):
        yield f"{name}(http_requests_total[5m]{modifier})"
    for name, modifier in itertools.product(["avg_over_time", "deriv"], MODIFIERS[1:]):
        yield f"{name}(load1[5m]{modifier})"


def maths():
    for name, selector in itertools.product(MATHS, GAUGES):
        yield f"{name}({fit_for(name, selector)})"
    for name, argument in itertools.product(CLOCK, ["", "vector(1700001000)", "load1 * 1e8", "odd", "timestamp(load1)"]):
        yield f"{name}({argument})"
    for selector in GAUGES:
        yield from (f"round({selector}, 0.25)", f"round({selector}, 100)", f"clamp({selector}, -1, 2)",
                    f"clamp({selector}, 2, 1)", f"clamp_min({selector}, 0)", f"clamp_max({selector}, 0)",
                    f"timestamp({selector})", f"timestamp({selector} + 0)", f"timestamp({selector} offset 1m)",
                    f"scalar({selector})", f"vector(scalar({selector}))", f"-{selector}", f"+{selector}")
    yield from ("time()", "pi()", "vector(1)", "vector(time())", "scalar(vector(3))", 'scalar(load1{instance="n0:9100"})')


def scalars():
    numbers = ["1", "-2.5", "0x1F", "1e3", "Inf", "-Inf", "NaN", "0", ".5", "017"]
    for number in numbers:
        yield number
    for (a, b), op in itertools.product([("7", "3"), ("-7", "3"), ("7", "0"), ("0", "0"), ("2", "-0.5")], ARITHMETIC):
        yield f"{a} {op} {b}"
    for (a, b), op in itertools.product([("1", "2"), ("2", "2"), ("NaN", "NaN")], COMPARISONS):
        yield f"{a} {op} bool {b}"
    yield from ("1 + 2 * 3 ^ 2 ^ 0.5 % 4", "-2 ^ 2", "(1 + 2) * -3", '"a string"', "2 ^ 3 ^ 2", "10 - 4 - 3", "1 - -1")


def aggregations():
    for name, grouping, selector in itertools.product(AGGREGATIONS, GROUPINGS, ["http_requests_total", "load1", "odd"]):
        yield f"{name} {grouping} ({fit_for(name, selector)})"
    for name, grouping in itertools.product(["topk", "bottomk"], GROUPINGS):
        yield f"{name} {grouping} (2, load1)"
        yield f"{name} {grouping} (3, avg_over_time(memory_bytes[5m]))"  # no two alike: ties are nobody's promise
    for q, grouping in itertools.product(["0.5", "0.9", "0", "1", "-0.1", "1.1"], GROUPINGS[:3]):
        yield f"quantile {grouping} ({q}, http_requests_total)"
    for grouping in GROUPINGS:
        if "zone" in grouping:  # 2.x loses labels that sort behind the new one
            continue
        yield f'count_values {grouping} ("value", build_info)'
        yield f'count_values {grouping} ("code", http_requests_total{{code="404"}} > bool 50)'
    yield from ("sum(load1) by (zone)", "sum by (zone) (load1) / count by (zone) (load1)", "topk(0, load1)", "topk(100, load1)",
                "sum(sum by (job, code) (rate(http_requests_total[5m]))) by (job)", "sort(load1)", "sort_desc(memory_bytes)",
                "topk(scalar(count(load1{zone='a'})), load1)", "sum(nosuch)", "count(nosuch)")


def binaries():
    # 2.x keeps the metric's name over atan2; a sum drops it.
    for query in binary_queries():
        yield f"sum without () ({query})" if " atan2 " in query else query


def binary_queries():
    for op, (a, b) in itertools.product(ARITHMETIC + COMPARISONS, [("load1", "2"), ("2", "load1"), ("odd", "42")]):
        yield f"{a} {op} {b}"
    for op in COMPARISONS:
        yield f"load1 {op} bool 1"
        yield f"load1 {op} bool ignoring () build_info{{version!=''}}"
    for op in ARITHMETIC + COMPARISONS:
        yield f"load1 {op} ignoring (version) build_info"
        yield f"load1 {op} on (instance, job) group_left (version) build_info"
        yield f"build_info {op} on (instance) group_right () load1"
        yield f"http_requests_total {op} ignoring (code) group_left sum without (code) (http_requests_total)"
        yield f"sum by (zone) (load1) {op} on (zone) sum by (zone) (memory_bytes)"
    for op, matching in itertools.product(SETS, ["", "on (instance)", "ignoring (version)", "on ()"]):
        yield f"load1 {op} {matching} build_info{{version='1.0'}}"
        yield f"load1 {op} {matching} (memory_bytes > 8e9)"
    yield from ("load1 > 0 and load1 < 3 or memory_bytes > 9e9", "load1 unless load1 > 1 or load1 < -1",
                "load1 + memory_bytes * 2 - build_info", "load1 > on (zone) group_left sum by (zone) (load1) / 2",
                "http_requests_total / 0", "load1 == load1", "odd != odd", "load1 * on () group_left vector(2)",
                "-load1 ^ 2", "(load1 > 1) * 2", "1 > bool 0 + load1 * 0 or vector(9)")


def subqueries():
    # The spans keep a subquery's first step off the border of its range as well.
    for name, inner, span in itertools.product(["avg", "max", "sum", "count", "last", "stddev"],
                                               ["load1", "rate(http_requests_total[2m])", "odd"],
                                               ["5m3s:30s", "9m1s:1m", "4m2s:15s"]):
        yield f"{name}_over_time({fit_for(name, inner)}[{span}])"
    for modifier in MODIFIERS[1:]:
        yield f"max_over_time(load1[5m3s:30s]{modifier})"
        yield f"rate(sum(http_requests_total)[5m3s:15s]{modifier})"
    yield from ("max_over_time(deriv(load1[2m])[7m3s:1m])", "quantile_over_time(0.5, (load1 > 0)[6m2s:30s])",
                "sum(avg_over_time(max_over_time(load1[2m])[5m3s:30s])) by (zone)", "min_over_time(load1[5m3s:])",
                "max_over_time((time() - max(timestamp(load1)))[5m3s:30s])", "sum_over_time(vector(1)[10m1s:1m])",
                "increase((http_requests_total{code='200'} * 10)[10m3s:30s])", "avg_over_time(avg_over_time(load1[3m3s:30s])[5m3s:1m])")


def histograms():
    for q in ["0", "0.25", "0.5", "0.9", "0.99", "1", "-1", "2", "NaN"]:
        yield f"histogram_quantile({q}, latency_seconds_bucket)"
        yield f"histogram_quantile({q}, rate(latency_seconds_bucket[5m]))"
        yield f"histogram_quantile({q}, sum by (job, le) (rate(latency_seconds_bucket[5m])))"
    yield from ('histogram_quantile(0.9, latency_seconds_bucket{le!="+Inf"})', 'histogram_quantile(0.9, load1)',
                'histogram_quantile(0.5, latency_seconds_bucket{le="+Inf"})')


def labels():
    yield from ('label_replace(load1, "host", "$1", "instance", "(.*):.*")',
                'label_replace(load1, "instance", "x-$1$2", "instance", "(n)([0-9]).*")',
                'label_replace(load1, "new", "${first}", "zone", "(?P<first>.).*")', 'label_replace(load1, "zone", "", "zone", ".*")',
                'label_replace(load1, "zone", "y", "nosuch", "")', 'label_replace(load1, "zone", "y", "zone", "b")',
                'label_replace(load1, "__name__", "other", "zone", "a")',
                'label_join(load1, "both", "-", "zone", "instance")', 'label_join(load1, "zone", "", "nosuch")',
                'label_join(load1, "both", "/", "job", "zone", "instance", "nosuch")',
                'sum by (host) (label_replace(load1, "host", "$1", "instance", "(n[0-1]).*"))')


# Refused, each in the same way (`by` is a name like any other).
# Not here: what Prometheus 3.x takes and 2.x refuses, such as numbers for durations and names of any characters.
BAD = ["", "(", "load1{", 'load1{zone="a"', "load1[5m]]", "rate(load1)", "sum(load1[5m])", "load1[5m] + 1", "load1 offset",
       "1 and 2", "load1 + 'a'", "nofunction(load1)", "rate(load1[5m], 2)", "abs()", "load1{zone=~'('}", "{}", '{zone=""}',
       '{zone=~".*"}', "load1 @", "load1[0s]", "sum by (load1", "topk(load1)", "load1 == bool", "bool 1",
       "1 + ", "load1 on (zone) load1", "load1 group_left build_info", "count_values(1, load1)", "label_replace(load1, 1)",
       "1[5m]", "(load1)[5m]", "rate(load1[5m])[5m]", "'unclosed", "load1 and on (a) group_left build_info",
       "load1{zone==\"a\"}", "load1 == 1 == bool", "by", "sum(1)", "-'a'", "load1 offset 5m offset 5m", "1 == 1",
       'label_replace(load1, "a", "", "zone", "(")', "load1 * on (zone) build_info",
       "load1 * on (job) group_left build_info", "histogram_quantile(load1, load1)", "time(1)", "hour(1)", "min_over_time(time()[5m3s:30s])", "vector(load1)"]
FAMILIES = [selectors, range_functions, maths, scalars, aggregations, binaries, subqueries, histograms, labels]

"""Remote write 1.0 in a few lines: a protobuf WriteRequest in a snappy block made of literals alone."""
import math
import struct

from harness import fetch

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def double(value):
    # Python may quieten a signalling NaN on its way through a float, so the staleness marker is written by its bits.
    if value is STALE:
        return struct.pack("<Q", 0x7FF0000000000002)
    return struct.pack("<d", value)


def write_request(series):
    """`series`: [({label: value}, [(milliseconds, value)])]."""
    out = bytearray()
    for labels, samples in series:
        body = bytearray()
        for name, value in sorted(labels.items()):
            body += field(1, field(1, name.encode()) + field(2, value.encode()))
        for t, value in samples:
            body += field(2, b"\x09" + double(value) + b"\x10" + varint(t))
        out += field(1, bytes(body))
    return bytes(out)


def snappy(data):
    out = bytearray(varint(len(data)))
    for at in range(0, len(data), 65536):
        piece = data[at : at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece  # 61: a length of two bytes follows
    return bytes(out)


def push(url, series):
    """The status and body of POST /api/v1/write."""
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
               "X-Prometheus-Remote-Write-Version": "0.1.0"}
    status, body, _ = fetch(url + "/api/v1/write", data=snappy(write_request(series)), headers=headers)
    return status, body.decode(errors="replace")


def same(a, b, tolerance=1e-12):
    """Whether two sample values are the same but for the order in which floats were added."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-300)

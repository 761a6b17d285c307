#!/usr/bin/env python3
"""Holds the order of the modules that scripts/layers.txt fixes, by reading every #include.

Refused: a neighbour of the same floor, a floor above, a pair that a `deny` line names, and another module's private
header. Public headers are include/canopy/MODULE/x.h; private ones lie beside their sources and are included as
"MODULE/x.h".
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def read_layers(path):
    floor, denied = {}, set()
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["deny"]:
            colon = words.index(":")
            denied |= {(a, b) for a in words[1:colon] for b in words[colon + 1 :]}
        elif words:
            number = len(set(floor.values()))
            floor.update((module, number) for module in words)
    return floor, denied


def module_of(path):
    parts = path.relative_to(ROOT).parts
    return "federation" if parts[0] == "federation" else parts[2] if parts[0] == "include" else parts[1]


def fault(own, include, floor, denied):
    public = include.startswith("canopy/")
    other = include.split("/")[1 if public else 0]
    if other == own or (other not in floor and not public):
        return None  # our own, or somebody else's library
    if other not in floor:
        return f"module '{other}' is not in scripts/layers.txt"
    if not public:
        return f"{include} is private to {other}"
    if floor[other] == floor[own]:
        return f"{own} and {other} share a floor"
    if floor[other] > floor[own]:
        return f"{other} is above {own}"
    return f"{own} must not know {other}" if (own, other) in denied else None


def main():
    floor, denied = read_layers(ROOT / "scripts/layers.txt")
    files = [p for top in ("include/canopy", "src", "federation") for p in sorted((ROOT / top).rglob("*.*"))]
    faults = 0
    for path in (p for p in files if p.suffix in (".h", ".cc")):
        own = module_of(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            why = f"module '{own}' is not in scripts/layers.txt" if own not in floor else None
            if include and (why := why or fault(own, include[1], floor, denied)):
                print(f"{path.relative_to(ROOT)}:{number}: {why}", file=sys.stderr)
                faults += 1
    print(f"layers: {len(files)} files, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

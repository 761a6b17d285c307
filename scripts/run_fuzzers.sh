#!/bin/sh
# run_fuzzers.sh FUZZER...: each for FUZZ_SECONDS, beginning with the inputs in tests/fuzz/corpus/NAME.
set -eu
for fuzzer in "$@"; do
  found="$(dirname "$fuzzer")/corpus/$(basename "$fuzzer")"
  seeds="tests/fuzz/corpus/$(basename "$fuzzer")"
  mkdir -p "$found"
  [ -d "$seeds" ] || seeds=""
  echo "fuzz: $(basename "$fuzzer")"
  # shellcheck disable=SC2086 # no word at all when there are no seeds
  "$fuzzer" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_funcs=0 -print_final_stats=1 \
    -artifact_prefix="$(dirname "$fuzzer")/" "$found" $seeds
done

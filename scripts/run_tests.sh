#!/bin/bash
# run_tests.sh [TEST_BINARY...] [-- CANOPY_BINARY]
# Runs each Boost.Test binary and, when the program is named too, the end-to-end tests with it. Shows the output of what
# failed. The last line is the sum over all cases, "N passed, N failed"; the exit status is 1 when one failed. A binary that
# takes more than TEST_LIMIT=1200 seconds is ended.
set -u
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

# count NAME PASSED FAILED STATUS: a binary that died before it could say how many failed counts as one more failure.
count() {
  local bad=$3
  if [ "$4" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + $2)) failed=$((failed + bad))
  if [ "$bad" -gt 0 ]; then
    grep -vE ': (Entering|Leaving) test (module|suite|case) ' "$log"
    [ "$4" -lt 124 ] || grep ': Entering test case ' "$log" | tail -n 1
    [ "$4" -ne 124 ] || echo "$1 was ended after ${TEST_LIMIT:-1200} seconds"
    [ "$4" -le 128 ] || [ "$4" -gt 192 ] || echo "$1 was ended by signal $(($4 - 128))"
  fi
  printf '%-28s %5d passed %5d failed\n' "$1" "$2" "$bad"
}

while [ $# -gt 0 ] && [ "$1" != -- ]; do
  # Signals end the binary: Boost's handler would go on with the next case on the thread that crashed, locks held.
  timeout -s ABRT -k 10 "${TEST_LIMIT:-1200}" "$1" --report_level=detailed --log_level=test_suite \
    --catch_system_errors=no --color_output=no >"$log" 2>&1
  status=$?
  good=$(grep -cE '^ *Test case "[^"]*" has passed' "$log")
  bad=$(grep -cE '^ *Test case "[^"]*" (has failed|was aborted|has timed out)' "$log")
  count "$(basename "$1")" "$good" "$bad" "$status"
  shift
done

if [ $# -eq 2 ]; then
  CANOPY_BINARY=$2 python3 tests/e2e/run.py 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  read -r good bad < <(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
  : >"$log"
  count e2e "${good:-0}" "${bad:-0}" "$status"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

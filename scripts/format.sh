#!/bin/sh
# Formats our sources in place; with --check it only names those that differ, and fails.
set -eu
cd "$(dirname "$0")/.."
format=$(command -v clang-format-14 || command -v clang-format)
files=$(find include src federation tests -name "*.cc" -o -name "*.h" 2>/dev/null | sort)
[ -n "$files" ] || exit 0
if [ "${1:-}" = --check ]; then
  # shellcheck disable=SC2086 # a list of words on purpose
  "$format" --dry-run --Werror $files
  echo "format: clean"
else
  # shellcheck disable=SC2086
  "$format" -i $files
fi

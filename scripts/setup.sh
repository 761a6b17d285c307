#!/bin/sh
# Installs what the build, the tests and the demo need and this Debian lacks. Silent and quick when nothing is missing.
# `setup.sh fuzz` and `setup.sh bench` add what only those targets need.
set -eu

# package                    what for
packages="$(sed 's/#.*//' <<'LIST'
g++                          # the compiler
make                         # reads the Makefile
ccache                       # unchanged sources are not compiled again
mold                         # links in a fraction of ld's time
pkg-config                   # asks for abseil's many libraries
clang-format-14              # make format, make check
python3                      # layering check, end-to-end tests, demo; standard library only
libpoco-dev                  # HTTP server, TLS, application frame
libssl-dev                   # TLS of Poco and curl
libcurl4-openssl-dev         # HTTP client
rapidjson-dev                # JSON
libre2-dev                   # regular expressions with Prometheus's own syntax
libsqlite3-dev               # ledger, alert state, outbox
libyaml-cpp-dev              # configuration files
libprotozero-dev             # protobuf wire format
libsnappy-dev                # compression of remote write and the write-ahead log
libzstd-dev                  # compression between nodes
libdeflate-dev               # gzip of whole bodies
zlib1g-dev                   # gzip of streams
libxxhash-dev                # hashes of labels
libabsl-dev                  # flat hash maps
libroaring-dev               # posting lists
libfast-float-dev            # text to double
libjemalloc-dev              # memory allocator
libboost-test-dev            # unit tests
prometheus                   # the peer of the end-to-end tests and the bench; brings promtool
prometheus-alertmanager      # where alerts go, in the demo and the tests
prometheus-node-exporter     # a real target of the demo
curl                         # looking at a running node by hand
procps                       # ps and friends, for the scripts
ca-certificates              # TLS to the outside
LIST
)"

case "${1:-}" in
  fuzz) packages="$packages clang" ;;             # libFuzzer
  bench) packages="$packages victoria-metrics" ;; # another peer to measure
esac

missing=""
installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${binary:Package} ' 2>/dev/null | sed 's/:[a-z0-9]* / /g') "
for package in $packages; do
  case "$installed" in
    *"ii $package "* | *"hi $package "*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: these packages are missing, and neither root nor sudo is here:$missing" >&2; exit 1; }
  as_root=sudo
fi
echo "setup: installing$missing"

# Debian starts the services of a package that it installs. Canopy needs the programs alone: a policy of our own says no
# while apt runs. A policy that is there already stays as it is.
policy=/usr/sbin/policy-rc.d
ours=""
drop_policy() { [ -z "$ours" ] || $as_root rm -f "$policy"; }
trap drop_policy EXIT
trap 'exit 1' INT TERM HUP
if [ ! -e "$policy" ]; then
  ours=yes
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
fi

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@"; }
# shellcheck disable=SC2086 # a list of words on purpose
apt install -y --no-install-recommends $missing >/dev/null 2>&1 || {
  apt update
  apt install -y --no-install-recommends $missing >/dev/null
}

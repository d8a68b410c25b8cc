# What every bench begins with: . lib.bash. It opens a room as tests have it (tests/helpers.bash).
#
#   measure ROUNDS [--before COMMAND] NAME=COMMAND...   interleaved; medians go to ${T[NAME]}
#   note WHAT UNIT OURS [PEER FIGURE [TARGET]]          a row of the table, see tests/bench/table
#   heading TEXT
#
# The rounds of a bench are to be multiplied by $BENCH_ROUNDS, when that is set.
# shellcheck shell=bash
# shellcheck disable=SC2034 # for those who read this in

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BATS_TEST_FILENAME=$0
BATS_TEST_DIRNAME=$(dirname "$here")
bats_require_minimum_version() { :; }
skip() {
    echo "$(basename "$0"): $1" >&2
    exit 1
}
# `make bench` as root has a file system for it alone
[ ! -d "$POD_TEST_TOP/d" ] || POD_TEST_TOP=$POD_TEST_TOP/d
# shellcheck source=tests/helpers.bash disable=SC1091
. "$BATS_TEST_DIRNAME/helpers.bash"
BENCH_ROWS=${BENCH_ROWS:-/dev/null}

say() { printf '%s %s\n' "$(date +%T)" "$*" >&2; }

declare -A T
measure() {
    local rounds=$(($1 * ${BENCH_ROUNDS:-1})) name seconds lines
    shift
    lines=$("$here/interleave" "$rounds" "$@") || return
    while IFS=$'\t' read -r name seconds; do
        T[$name]=$seconds
        say "  $name $seconds s"
    done <<<"$lines"
}

note() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" "${5-}" "${6-}" >>"$BENCH_ROWS"; }
heading() { echo "$*" >>"$BENCH_ROWS"; }

room_open
touch "$ROOM/.podman-used"
trap room_close EXIT

#!/usr/bin/env bats
# What `make demo` shows works, and leaves nothing.
load helpers.bash

setup_file() { room_open; }

@test "the demo, from its first command to its last" {
    run_cmd 0 "$BATS_TEST_DIRNAME/demo"
    assert_line 'hello from a container'
    assert_line 3
    assert_contains '$ pod rmi localhost/demo' "$output"
    assert_match 'That was all of it'
    refute_match '^Error'
    run_pod ps -aq
    assert_empty
    run_pod images -q
    assert_empty
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# Many at once, and people who do not wait: races between commands, signals, slow and gone readers,
# input that nobody reads.

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
    head -c 30000000 /dev/urandom >"$ROOM/random"
}
setup() { IMAGE=localhost/busybox:latest; }
teardown() { pod rm -f -a -t 0 >/dev/null 2>&1 || true; }

# Ids out of sentences, so that they can be counted.
told() { sed 's/[0-9a-f]\{64\}/ID/g' "$@" | sort -u; }

@test "a hundred runs at once, none lost" {
    local i
    for i in {1..100}; do
        [ "$(pod run --rm --network none "$IMAGE" echo "r$i" 2>&1)" = "r$i" ] || echo "lost $i" &
    done >"$TMPDIR/lost"
    wait
    assert_equal "$(cat "$TMPDIR/lost")" ""
    run_pod ps -aq
    assert_empty
}

@test "one name, many creators: one wins, the others are told" {
    local i
    for i in {1..15}; do
        pod create --name one --network none "$IMAGE" true 2>"$TMPDIR/c.$i" &
        pod pod create --name onepod 2>"$TMPDIR/p.$i" >>"$TMPDIR/pods" &
    done >"$TMPDIR/won"
    wait
    assert_equal "$(wc -l <"$TMPDIR/won")" 1 containers
    assert_equal "$(grep -l 'name "one" is already in use by' "$TMPDIR"/c.* | wc -l)" 14
    assert_equal "$(wc -l <"$TMPDIR/pods")" 1 pods
    assert_equal "$(grep -l 'name "onepod" is already in use by pod' "$TMPDIR"/p.* | wc -l)" 14
    run_pod pod rm -f onepod
    run_pod rm one
}

@test "start against rm, stop and kill against exit, ten times rm" {
    local i
    for i in {1..10}; do
        pod create --name sr --network none "$IMAGE" sleep 90 >/dev/null
        pod start sr >/dev/null 2>>"$TMPDIR/start" &
        pod rm -f -t 0 sr >/dev/null 2>>"$TMPDIR/rm" &
        wait
        pod rm -f -i -t 0 sr >/dev/null
    done
    assert_equal "$(cat "$TMPDIR/rm")" ""
    # whoever was too late was told that there is no such container
    refute_match changed "$(cat "$TMPDIR/start")"
    for i in {1..10}; do
        pod run -d --name se --network none "$IMAGE" sleep "0.0$((i % 4))" >/dev/null
        pod stop -t 1 se >/dev/null 2>>"$TMPDIR/stop" &
        pod kill se >/dev/null 2>>"$TMPDIR/kill" &
        wait
        run_pod rm -f se
    done
    assert_equal "$(cat "$TMPDIR/stop")" ""
    refute_match 'changed|No such' "$(told "$TMPDIR/kill")"
    for i in {1..5}; do
        pod run -d --name rf --network none "$IMAGE" sleep 90 >/dev/null
        for _ in {1..10}; do pod rm -f -i -t 0 rf >/dev/null 2>>"$TMPDIR/rf" & done
        wait
    done
    assert_equal "$(cat "$TMPDIR/rf")" ""
    run_pod ps -aq
    assert_empty
}

@test "fifty execs at once, the namespace holder killed meanwhile" {
    local i holder
    run_pod run -d --name many --network none "$IMAGE" sleep 90
    for i in {1..50}; do
        [ "$(echo "e$i" | pod exec -i many cat 2>&1)" = "e$i" ] || echo "lost $i" &
    done >"$TMPDIR/lost"
    wait
    assert_equal "$(cat "$TMPDIR/lost")" ""
    for i in {1..15}; do
        holder=$("$POD_LIBEXEC/pod-userns" info)
        [ "$holder" -le 1 ] || kill -9 "$holder" 2>/dev/null || true
        assert_equal "$(pod run --rm --network none "$IMAGE" echo "r$i" 2>&1)" "r$i"
        holder=$("$POD_LIBEXEC/pod-userns" info)
        [ "$holder" -le 1 ] || kill -9 "$holder" 2>/dev/null || true
        assert_equal "$(pod exec many echo "e$i" 2>&1)" "e$i"
    done
}

@test "pulls, rmi, gc, runs and rm in loops: listing never fails and never waits" {
    local stop=$TMPDIR/stop out=$TMPDIR/complaints
    rm -f "$stop"
    (for _ in {1..8}; do pod pull -q "oci:$ROOM/layout:busybox" >/dev/null 2>>"$out" || echo pull >>"$out"; done
        touch "$stop") &
    (until [ -e "$stop" ]; do pod rmi -f localhost/layout:busybox >/dev/null 2>&1; done) &
    (until [ -e "$stop" ]; do pod store gc -a -q 2>>"$out" || echo gc >>"$out"; done) &
    (until [ -e "$stop" ]; do pod run --rm --pull never localhost/layout:busybox true >/dev/null 2>&1; done) &
    (until [ -e "$stop" ]; do
        pod run -d --name lp --network none "$IMAGE" sleep 0.03 >/dev/null 2>>"$out" || echo run >>"$out"
        pod rm -f -t 0 lp >/dev/null 2>>"$out" || echo rm >>"$out"
    done) &
    until [ -e "$stop" ]; do
        timeout "$(slow 5)" pod ps -a >/dev/null 2>>"$out" || echo "ps $?" >>"$out"
        timeout "$(slow 5)" pod images >/dev/null 2>>"$out" || echo "images $?" >>"$out"
        timeout "$(slow 5)" pod pod ps >/dev/null 2>>"$out" || echo "pod ps $?" >>"$out"
    done
    wait
    assert_equal "$(told "$out")" ""
}

@test "bytes arrive whole, both ways at once, to files and to slow readers" {
    local sum
    sum=$(sha256sum <"$ROOM/random")
    assert_equal "$(timeout "$(slow 60)" pod run -i --rm --network none "$IMAGE" cat <"$ROOM/random" | sha256sum)" "$sum"
    timeout "$(slow 60)" pod run -i --rm --log-driver none --network none "$IMAGE" cat <"$ROOM/random" >"$ROOM/copy"
    cmp "$ROOM/random" "$ROOM/copy"
    rm "$ROOM/copy"
    run_pod run -d --name b --network none "$IMAGE" sleep 90
    assert_equal "$(timeout "$(slow 60)" pod exec -i b cat <"$ROOM/random" | sha256sum)" "$sum"
    assert_equal "$(timeout "$(slow 60)" pod run --rm --network none "$IMAGE" seq 50000 | (
        sleep 0.5
        tail -n 1
    ))" 50000
}

@test "a reader that goes ends run and exec" {
    run bash -c 'timeout 100 pod run --rm --network none "$0" yes | head -n 1; echo "${PIPESTATUS[0]}"' "$IMAGE"
    assert_output $'y\n141'
    run_pod run -d --name b --network none "$IMAGE" sleep 90
    run bash -c 'timeout 100 pod exec b yes | head -n 1; echo "${PIPESTATUS[0]}"'
    assert_output $'y\n141'
    # in the container too: SIGPIPE is not ignored there
    run_pod run --rm --network none "$IMAGE" grep SigIgn /proc/self/status
    assert_equal "$((0x${output##*[[:space:]]} & 0x7fffffff))" 0 "ignored signals"
}

@test "signals are passed on, also past input that nobody reads; none is lost in a start" {
    local sig client rc
    for sig in INT TERM HUP; do
        # a background job's SIGINT is ignored by its shell, but not by the payload
        pod run --rm --network none "$IMAGE" sh -c \
            'trap "exit 7" INT TERM HUP; touch /ready; while :; do sleep 0.05; done' &
        client=$!
        sleep 0.3
        kill "-$sig" "$client"
        rc=0
        wait "$client" || rc=$?
        assert_equal "$rc" 7 "$sig"
    done
    (exec pod run -i --rm --name z --network none "$IMAGE" sh -c \
        'trap "exit 3" INT; while :; do sleep 0.05; done' </dev/zero) &
    client=$!
    wait_for 5 pod exec z true
    sleep 0.3
    kill -INT "$client"
    rc=0
    wait "$client" || rc=$?
    assert_equal "$rc" 3
    # at once: before the container is there
    (exec pod run --rm --init --network none "$IMAGE" sleep 30) &
    client=$!
    sleep 0.01
    kill -TERM "$client"
    rc=0
    wait "$client" || rc=$?
    assert_equal "$rc" 143
    wait_for 5 sh -c '[ -z "$(pod ps -q)" ]'
}

@test "stop and rm do not wait for clients that are stuck or stopped" {
    local client
    (exec pod run -i --rm --name z --network none "$IMAGE" sleep 90 </dev/zero) &
    wait_for 5 pod exec z true
    sleep 0.2
    POD_TIMEOUT=4 run_pod stop -t 0 z
    # rm may come when its monitor has told all others of the end
    for _ in 1 2 3 4 5 6; do
        pod run --rm --name z --network none "$IMAGE" yes >/dev/null &
        client=$!
        wait_for 5 pod exec z true
        kill -STOP "$client"
        sleep 0.2
        POD_TIMEOUT=4 run_pod rm -f -t 0 z
        kill -CONT "$client"
        wait "$client" || true
    done
    run_pod ps -aq
    assert_empty
    # our reader takes nothing: a signal still comes through
    mkfifo "$TMPDIR/full"
    exec 9<>"$TMPDIR/full"
    (exec pod run --rm --init --name z --network none "$IMAGE" yes >"$TMPDIR/full" 9>&-) &
    client=$!
    wait_for 5 pod exec z true
    sleep 0.2
    kill -TERM "$client"
    wait_for 5 sh -c '[ -z "$(pod ps -aq)" ]'
    kill -9 "$client"
    exec 9>&-
    wait "$client" || true
}

@test "without --sig-proxy the client goes alone; attach and detach eighty times" {
    local client rc=0
    pod run --rm --sig-proxy=false --name z --network none "$IMAGE" sleep 90 &
    client=$!
    wait_for 5 pod exec z true
    kill -TERM "$client"
    wait "$client" || rc=$?
    assert_equal "$rc" 143
    run_pod ps --format '{{.Names}}'
    assert_output z
    run_pod rm -f -t 0 z
    pod run -d --name z --network none "$IMAGE" \
        sh -c 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done' >/dev/null
    for _ in {1..80}; do timeout -s KILL 0.3 pod attach --no-stdin z >/dev/null 2>&1 & done
    wait || true
    run_pod exec z echo alive
    assert_output alive
}

@test "a container that is always restarted can be stopped, started and removed" {
    run_pod run -d --name ra --restart always --network none "$IMAGE" false
    sleep 1 # in its pause by now
    POD_TIMEOUT=3 run_pod stop ra
    run_pod start ra
    sleep 0.8
    POD_TIMEOUT=3 run_pod rm -f ra
    run_pod ps -aq
    assert_empty
}

@test "monitors killed at random: no run hangs, rm clears all" {
    local done=$TMPDIR/done pid
    rm -f "$done"
    (until [ -e "$done" ]; do
        pid=$(pgrep -n -f "pod-monitor.*--ctr-dir $ROOM/") && kill -9 "$pid" 2>/dev/null
        sleep 0.02
    done) &
    for _ in {1..25}; do
        local rc=0
        timeout "$(slow 10)" pod run --rm --network none "$IMAGE" sleep 0.02 >/dev/null 2>&1 || rc=$?
        [ "$rc" -ne 124 ] || fail "it hangs"
    done
    touch "$done"
    wait
    run_pod rm -f -a -t 0
    run_pod store gc -a
    assert_equal "$(ls -A "$STORE"/pod/{containers,names,staging,trash})" "$(printf '%s:\n\n' "$STORE"/pod/{containers,names,staging,trash} | sed '$d')"
}

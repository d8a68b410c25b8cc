#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # bats sets $stderr; some words are for an inner shell
# attach: any number of clients, streams kept apart, input, detaching, terminals.
load helpers

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
}
teardown_file() {
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    room_close
}
setup() { export TMUX_TMPDIR=$ROOM IMAGE=localhost/busybox:latest; }
teardown() {
    ! tmux kill-server 2>/dev/null || true
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
}

# How many have attached: the monitor's open sockets, but for those it always has.
attached() { # NAME
    local id monitor
    id=$(pod inspect --format '{{.Id}}' "$1")
    monitor=$(sed -n 's/^monitor=//p' "$XDG_DATA_HOME/containers/storage/pod/containers/$id/live")
    find "/proc/$monitor/fd" -lname 'socket:*' | wc -l
}

@test "a hundred clients: each gets both streams and the exit code" {
    local i base dir=$ROOM/many
    mkdir "$dir"
    run_pod run -d --name many --network none "$IMAGE" sh -c '
        until [ -e /tmp/go ]; do sleep 0.05; done; echo out; echo err >&2; exit 3'
    base=$(attached many)
    for ((i = 0; i < 100; i++)); do
        (
            code=0
            pod attach --no-stdin many >"$dir/out.$i" 2>"$dir/err.$i" 3>&- || code=$?
            echo "$code" >"$dir/code.$i"
        ) &
    done
    wait_for 20 eval "[ \$(attached many) -eq $((base + 100)) ]"
    run_pod exec many touch /tmp/go
    wait
    assert_equal "$(cat "$dir"/out.* | sort | uniq -c | tr -s ' ')" " 100 out"
    assert_equal "$(cat "$dir"/err.* | sort | uniq -c | tr -s ' ')" " 100 err"
    assert_equal "$(cat "$dir"/code.* | sort | uniq -c | tr -s ' ')" " 100 3"
}

@test "input: what an attached client sends arrives, and its end too" {
    run_pod run -d -i --name eats --network none "$IMAGE" sh -c 'cat >/tmp/got; echo all; wc -c </tmp/got'
    run_cmd 0 sh -c 'head -c 300000 /dev/zero | pod attach eats'
    assert_output $'all\n300000'
}

@test "input: the last words of a client that goes with output unread" {
    local id dir monitor
    run_pod run -d -i --name last --network none "$IMAGE" sh -c 'while :; do echo; sleep 0.1; done & cat; kill $!'
    id=$(pod inspect --format '{{.Id}}' last)
    dir=$(find "$XDG_RUNTIME_DIR" -type s -name attach -path "*$id*" -printf '%h\n')
    monitor=$(sed -n 's/^monitor=//p' "$XDG_DATA_HOME/containers/storage/pod/containers/$id/live")
    (cd "$dir" && python3 - "$monitor" <<'PY')
import os, select, signal, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("attach")
s.send(b"aoe")
select.select([s], [], [])
os.kill(int(sys.argv[1]), signal.SIGSTOP)
s.send(b"ilast words\n")
s.send(b"c")
s.close()
os.kill(int(sys.argv[1]), signal.SIGCONT)
PY
    wait_for 5 eval 'pod logs last | grep -x "last words"'
    run_cmd 0 timeout 10 pod wait last
}

@test "a client that stops reading is let go and wedges nothing" {
    run_pod run -d --name talks --network none "$IMAGE" sh -c '
        until [ -e /tmp/go ]; do sleep 0.05; done; seq 1 200000; echo end'
    pod attach --no-stdin talks >"$ROOM/stuck" 3>&- &
    local stuck=$!
    wait_for 10 eval "[ \$(attached talks) -ge 2 ]"
    kill -STOP "$stuck"
    run_pod exec talks touch /tmp/go
    POD_TIMEOUT=30 run_pod wait talks
    kill -KILL "$stuck"
    run_pod logs --tail 1 talks
    assert_output end
}

@test "a terminal has the caller's size from the first moment on" {
    local round # script(1) gives a terminal 10 ms to bring the last output, too little at times
    for round in 1 2 3 4 5 6 7 8 9 10; do
        run_cmd 0 script -qec "stty rows 29 cols 44; pod run --rm -t --network none $IMAGE stty size; sleep 0.1" /dev/null
        assert_match '^29 44' || fail "round $round"
    done
}

@test "a terminal: its size, detaching by keys, attaching again" {
    need tmux
    local t=(tmux -f /dev/null)
    "${t[@]}" new-session -d -x 101 -y 33 \
        "pod run -it --name term --network none $IMAGE sh; echo left=\$?; exec sleep 100"
    wait_for 10 eval "pod ps --format '{{.Names}}' | grep -qx term"
    "${t[@]}" send-keys 'stty size; tty' Enter
    wait_for 10 eval "${t[*]} capture-pane -p | grep -q '^33 101'"
    "${t[@]}" resize-window -x 90 -y 30
    "${t[@]}" send-keys 'clear; stty size' Enter
    wait_for 10 eval "${t[*]} capture-pane -p | grep -q '^30 90'"
    "${t[@]}" send-keys C-p C-q
    wait_for 10 eval "${t[*]} capture-pane -p | grep -q 'left=0'"
    run_pod ps --format '{{.Names}} {{.State}}'
    assert_output "term running"
    "${t[@]}" respawn-window -k "pod attach term; echo left=\$?; exec sleep 100"
    sleep 0.3
    "${t[@]}" send-keys 'exit 7' Enter
    wait_for 10 eval "${t[*]} capture-pane -p | grep -q 'left=7'"
}

@test "last words are read, however late the end is noticed" {
    need strace
    run_pod run -d --name late --network none "$IMAGE" sh -c \
        'while [ ! -e /go ]; do sleep 0.02; done; echo last words'
    local monitor
    monitor=$(pod inspect --format '{{.State.ConmonPid}}' late)
    # woken for another child, the monitor finds the container ended that was still running then
    strace -qq -o "$ROOM/late.trace" -p "$monitor" -e trace=wait4 -e inject=wait4:delay_enter="$(slow 1)s" \
        2>"$ROOM/late.err" &
    sleep "$(slow 1)"
    ! grep -q 'not permitted' "$ROOM/late.err" || skip "no process may be traced here"
    kill -CHLD "$monitor"
    run_pod exec late touch /go
    run_pod wait late
    wait
    run_pod logs late
    assert_output "last words"
}

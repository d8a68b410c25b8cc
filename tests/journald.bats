#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # some words are for an inner shell
# Logs in systemd's journal: the real one where there is one, else one of our own that speaks its
# native protocol, in a mount namespace that has it at the usual place.
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
    mkdir "$ROOM/fresh"
    chmod 700 "$ROOM/fresh"
    # ids of others look like nobody's in there
    INSIDE=$(tools_but newuidmap newgidmap journalctl)
    export INSIDE
    cat >"$ROOM/journald.py" <<'PY'
import json, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
n = sum(1 for _ in open(sys.argv[1]))
out = open(sys.argv[1], "a", buffering=1)
while True:
    d, fields = s.recv(1 << 20), {}
    while d:
        line, _, d = d.partition(b"\n")
        key, eq, value = line.partition(b"=")
        if not eq:
            n = struct.unpack("<Q", d[:8])[0]
            value, d = d[8:8 + n], d[9 + n:]
        try: fields[key.decode()] = value.decode()
        except UnicodeDecodeError: fields[key.decode()] = list(value)
    n += 1
    fields["__CURSOR"] = "s=%d" % n
    fields["__REALTIME_TIMESTAMP"] = str(int(time.time() * 1e6))
    out.write(json.dumps(fields) + "\n")
PY
    cat >"${INSIDE##*:}/journalctl" <<'PY'
#!/usr/bin/python3
import json, os, sys, time
wanted = dict(a.split("=", 1) for a in sys.argv[1:] if not a.startswith("-"))
lines = ([a.split("=")[1] for a in sys.argv if a.startswith("--lines=")] or ["all"])[0]
after = ([int(a.split("=")[2]) for a in sys.argv if a.startswith("--after-cursor=")] or [0])[0]
time.sleep(float(os.environ.get("SLOW", 0)))
f = open(os.environ["JOURNAL"])
def mine(): return [l for l in f if int(json.loads(l)["__CURSOR"][2:]) > after and all(json.loads(l).get(k) == v for k, v in wanted.items())]
first = mine()
for l in first if lines == "all" else first[len(first) - int(lines):]: sys.stdout.write(l)
sys.stdout.flush()
while "--follow" in sys.argv:
    for l in mine(): sys.stdout.write(l)
    sys.stdout.flush()
    time.sleep(0.05)
PY
    chmod 755 "${INSIDE##*:}/journalctl"
    cat >"$ROOM/inside" <<'SH'
journal() {
    python3 "$ROOM/journald.py" "$JOURNAL" &
    daemon=$!
    while [ ! -S /run/systemd/journal/socket ]; do sleep 0.02; done
}
end() {
    kill $daemon
    pod rm -f -t 0 -a >/dev/null
    "$POD_LIBEXEC/pod-userns" stop
}
trap end EXIT
journal
eval "$1"
SH
}
setup() { IMAGE=localhost/busybox:latest; }
# with_journal SCRIPT: where there is such a journal; what it has is in $JOURNAL
with_journal() {
    export JOURNAL=$BATS_TEST_TMPDIR/journal
    : >"$JOURNAL"
    run_cmd 0 unshare --user --map-current-user --keep-caps --mount sh -euc '
        mount -t tmpfs none /run; mkdir -p /run/systemd/journal
        exec setpriv --inh-caps=-all --ambient-caps=-all sh -eu "$0" "$1"' "$ROOM/inside" "$1" 3>&-
}
journal_env() {
    export ROOM IMAGE XDG_RUNTIME_DIR=$ROOM/fresh
    PATH=$INSIDE
}

@test "lines, streams, unfinished ones and bytes that are no text go there and come back" {
    journal_env
    with_journal '
        pod run --name talks --network none --log-driver journald --log-opt tag={{.Name}}/{{.ID}} $IMAGE \
            sh -c "echo one; echo two >&2; printf part; sleep 0.3; echo ial; printf \"\\377x\\n\"" >/dev/null 2>&1
        sleep 0.3
        pod logs talks; echo =; pod logs --tail 1 talks; echo =; pod logs -t talks | wc -w
        pod inspect -f "{{.HostConfig.LogConfig.Type}}" talks'
    assert_equal "$output" "$(printf 'one\npartial\n\377x\n=\n\377x\n=\n6\njournald')"
    assert_contains two "$stderr"
    run_cmd 0 jq -r 'select(.MESSAGE == "one") | .CONTAINER_NAME, .PRIORITY, .CONTAINER_TAG, .SYSLOG_IDENTIFIER,
        (.CONTAINER_ID_FULL | length), .CONTAINER_ID == .CONTAINER_ID_FULL[:12]' "$BATS_TEST_TMPDIR/journal"
    assert_match "^talks
6
talks/[0-9a-f]{12}
talks/[0-9a-f]{12}
64
true$"
    run_cmd 0 jq -rs '[.[] | select(.MESSAGE == "two").PRIORITY, select(.CONTAINER_PARTIAL_MESSAGE).MESSAGE] | sort | join(" ")' \
        "$BATS_TEST_TMPDIR/journal"
    assert_output "3 part"
}

@test "logs -f goes on to the end, and no journalctl is left" {
    journal_env
    with_journal '
        pod run -d --name goes --network none --log-driver journald $IMAGE \
            sh -c "for i in 1 2 3 4 5; do echo \$i; sleep 0.1; done" >/dev/null
        pod logs -f goes; pgrep -u $(id -u) -x journalctl || echo none
        SLOW=1 pod logs -f --tail 2 goes # it has not begun when the end is seen'
    assert_output "1
2
3
4
5
none
4
5"
}

@test "a journal that is started anew is found again" {
    journal_env
    with_journal '
        pod run -d --name long --network none --log-driver journald $IMAGE \
            sh -c "echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after" >/dev/null
        sleep 0.3; kill $daemon; rm /run/systemd/journal/socket
        journal
        pod exec long touch /go; pod wait long; sleep 0.3; pod logs long'
    assert_output "0
before
after"
}

@test "where there is none, it is said, and a default of containers.conf is passed over" {
    [ ! -S /run/systemd/journal/socket ] || skip "there is a journal here"
    run_pod 125 run --rm --log-driver journald "$IMAGE" true
    assert_error_match "journald log driver finds no journal" "--log-driver k8s-file"
    printf '[containers]\nlog_driver = "journald"\n' >"$ROOM/conf"
    CONTAINERS_CONF_OVERRIDE=$ROOM/conf run_pod run --name plain --network none "$IMAGE" echo kept
    run_pod logs plain
    assert_output kept
    run_pod rm plain
    run_pod 125 run --rm --log-opt 'tag={{.Nam' "$IMAGE" true
    assert_error_match "log option tag"
}

@test "the journal of this machine" {
    [ -S /run/systemd/journal/socket ] || skip "no systemd's journal here (make check-vm)"
    run_pod run --name real --network none --log-driver journald "$IMAGE" sh -c 'echo to the journal; echo bad >&2'
    wait_for 20 sh -c 'pod logs real 2>/dev/null | grep -q "to the journal"'
    run_pod logs real
    assert_output "to the journal"
    assert_contains bad "$stderr"
    run_cmd 0 journalctl -q CONTAINER_NAME=real -o cat
    assert_line "to the journal"
    run_pod rm real
}

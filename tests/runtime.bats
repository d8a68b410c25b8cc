#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# pod-runtime as an OCI runtime by itself: bundles of our own, called as an engine calls it.

load helpers.bash

setup_file() {
    room_open
    "$LIB/mkbusybox" "$ROOM/root"
    export RT=$POD_LIBEXEC/pod-runtime
}
teardown_file() {
    local id
    for id in $(rt list -q 2>/dev/null); do rt delete --force "$id" || true; done
    room_close
}
setup() {
    cd "$(mktemp -d "$ROOM/b.XXXX")" || return
    ID=c$BATS_TEST_NUMBER
}
teardown() {
    rt delete --force "$ID"
    cd "$ROOM" || return
}

rt() { "$RT" --root "$XDG_RUNTIME_DIR/rt" "$@"; }
# For what leaves a process behind, which would hold the pipes that `run` reads.
apart() { "$@" </dev/null >/dev/null 2>&1; }

# bundle [JQ-PROGRAM] -- ARG...: config.json in here; the root is shared by all tests
bundle() {
    local change=.
    [ "$1" = -- ] || { change=$1 && shift; }
    shift
    "$RT" spec --rootless --config base.json
    jq --arg root "$ROOM/root" '.root = {path: $root, readonly: false} | .process.terminal = false |
        .linux.namespaces -= [{"type": "user"}] | del(.linux.uidMappings, .linux.gidMappings) |
        .process.args = $ARGS.positional | '"$change" base.json --args -- "$@" >config.json
    rm base.json
}
status_of() { rt state "$ID" | jq -r .status; }
listen_notify() { # SOCKET FILE: the first message that comes goes to FILE
    python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); s.settimeout(20)
open(sys.argv[2], "w").write(s.recv(4096).decode())' "$1" "$2" 3>&- &
    wait_for 10 test -S "$1"
}
# The container goes on until told.
waiting() { bundle "${1:-.}" -- sh -c 'trap "exit 5" TERM; while :; do sleep 0.05; done'; }

# --- verbs and states

@test "features: JSON with what an engine looks for" {
    run_cmd 0 "$RT" features
    jq -e '.ociVersionMin == "1.0.0" and (.hooks | index("startContainer")) and
        (.mountOptions | index("rro") and index("idmap") and index("tmpcopyup")) and
        (.linux.namespaces | length) == 8 and (.linux.capabilities | index("CAP_SYS_ADMIN")) and
        (.linux.seccomp.actions | index("SCMP_ACT_NOTIFY")) and .linux.cgroup.v2' <<<"$output"
    run_cmd 0 "$RT" --version
    assert_match '^pod-runtime version .*spec: 1\.'
}

@test "a life: created, running, stopped; what is not allowed is an error without effect" {
    waiting '.annotations = {"a": "b"}'
    apart rt create --pid-file pid "$ID"
    run_cmd 0 rt state "$ID"
    jq -e --arg d "$PWD" --argjson pid "$(cat pid)" '.status == "created" and .pid == $pid and
        .bundle == $d and .id != "" and .annotations.a == "b" and .ociVersion' <<<"$output"
    run_cmd 125 rt create "$ID"
    assert_error "container with id exists: $ID"
    run_cmd 0 rt start "$ID"
    assert_equal "$(status_of)" running
    run_cmd 125 rt start "$ID"
    assert_error "cannot start a container in the state running"
    run_cmd 125 rt delete "$ID"
    assert_error "cannot delete container $ID: it is running"
    assert_equal "$(status_of)" running
    run_cmd 0 rt kill "$ID" TERM
    wait_for 5 eval '[ "$(status_of)" = stopped ]'
    run_cmd 125 rt kill "$ID" TERM
    assert_error "container not running"
    run_cmd 125 rt start "$ID"
    run_cmd 0 rt delete "$ID"
    run_cmd 125 rt state "$ID"
    assert_error "container $ID does not exist"
    run_cmd 125 rt delete "$ID"
    run_cmd 0 rt delete --force "$ID"
    run_cmd 125 rt run a/b
    assert_error 'invalid character `/` in the ID `a/b`'
    run_cmd 125 rt state
}

@test "list, ps and patterns" {
    waiting
    apart rt run -d "$ID-1"
    apart rt run -d "$ID-2"
    run_cmd 0 rt list
    assert_match "$ID-1 +[0-9]+ +running"
    run_cmd 0 rt list -f json
    jq -e --arg id "$ID-2" 'map(select(.id == $id))[0].status == "running"' <<<"$output"
    run_cmd 0 rt ps -f json "$ID-1"
    jq -e 'length >= 1' <<<"$output"
    run_cmd 0 rt ps "$ID-1"
    assert_match 'PID'
    run_cmd 0 rt delete --force --regex "^$ID-[12]\$"
    run_cmd 0 rt list -q
    refute_match "$ID-"
}

@test "a config.json that changes after create changes nothing" {
    bundle -- echo first
    rt create "$ID" </dev/null >out 2>&1
    bundle -- echo second
    rt start "$ID"
    wait_for 5 eval '[ "$(status_of)" = stopped ]'
    assert_equal "$(cat out)" first
}

@test "a container without process is created, and start says why not" {
    bundle 'del(.process)' -- x
    apart rt create "$ID"
    run_cmd 125 rt start "$ID"
    assert_error_match "no process"
    assert_equal "$(status_of)" created
    run_cmd 0 rt delete "$ID"
    run_cmd 125 rt run "$ID"
}

@test "run waits, passes signals on and ends with the process's code; --keep" {
    bundle -- sh -c 'exit 7'
    run_cmd 7 rt run "$ID"
    run_cmd 125 rt state "$ID"
    run_cmd 7 rt run --keep "$ID"
    assert_equal "$(status_of)" stopped
    rt delete "$ID"
    bundle -- sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
    "$RT" --root "$XDG_RUNTIME_DIR/rt" run "$ID" >said 3>&- 4>&- &
    local pid=$!
    wait_for 5 grep ready said
    kill -TERM "$pid"
    local code=0
    wait "$pid" || code=$?
    assert_equal "$code" 5
}

# --- hooks

@test "hooks: order, the state on standard input, the environment" {
    local stage change=.
    cat >hook <<SH
#!/bin/sh
state=\$(cat)
printf '%s %s %s %s\n' "\$1" "\$(printf %s "\$state" | sed 's/.*"status":"\([a-z]*\)".*/\1/')" "\$VAR" "\$2" >>$PWD/log
SH
    chmod +x hook
    for stage in prestart createRuntime createContainer poststart poststop; do
        change+=" | .hooks.$stage = [range(2) | {path: \"$PWD/hook\", args: [\"hook\", \"$stage\", tostring], env: [\"VAR=x\", \"PATH=/bin:/usr/bin\"]}]"
    done
    bundle "$change" -- true
    run_cmd 0 rt run "$ID"
    assert_equal "$(cat log)" "prestart creating x 0
prestart creating x 1
createRuntime creating x 0
createRuntime creating x 1
createContainer creating x 0
createContainer creating x 1
poststart running x 0
poststart running x 1
poststop stopped x 0
poststop stopped x 1"
}

@test "hooks: startContainer runs inside, before the process" {
    bundle '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/tmp/hook.state"]}] |
        .mounts += [{destination: "/tmp", type: "tmpfs"}]' -- cat /tmp/hook.state
    run_cmd 0 rt run "$ID"
    jq -e '.status == "created" and .pid == 1' <<<"$output"
}

@test "hooks: a failing one stops the container, a late one only warns; time-outs" {
    local stage
    for stage in prestart createRuntime createContainer startContainer; do
        bundle ".hooks.$stage = [{path: \"/bin/false\"}]" -- touch "/ran"
        run_cmd 125 rt run "$ID"
        assert_error_match "$stage: hook \"/bin/false\" failed: exit code 1"
        refute_file "$ROOM/root/ran"
        run_cmd 125 rt state "$ID"
    done
    bundle '.hooks.poststart = [{path: "/bin/false"}, {path: "/bin/touch", args: ["touch", "'"$PWD"'/late"]}]' -- true
    run_cmd 0 rt run "$ID"
    assert_contains "Warning: poststart" "$stderr"
    assert_file late
    bundle '.hooks.prestart = [{path: "/bin/sleep", args: ["sleep", "20"], timeout: 1}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error_match 'did not end within 1 s'
    bundle '.hooks.prestart = [{path: "/bin/true", timeout: 0}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error_match 'greater than zero'
    bundle '.hooks.prestart = [{path: "true"}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error_match 'not absolute'
}

# --- the process

@test "descriptors: none of the caller's, whatever the filter forbids; --preserve-fds" {
    cp "$POD_TEST_TOP/tools/probe" "$ROOM/root/probe"
    bundle -- /probe fds
    with() { "$@" 3</etc/passwd 5</etc/passwd 17</etc/passwd 20</etc/passwd; }
    run_cmd 0 with rt run "$ID"
    assert_empty
    run_cmd 0 with rt run --preserve-fds 3 "$ID"
    assert_line 3
    assert_line 5
    refute_line 17
    bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
        {names: ["close_range", "close"], action: "SCMP_ACT_ERRNO"}]}' -- /probe fds
    run_cmd 0 with rt run "$ID"
    assert_empty
    bundle '.process.noNewPrivileges = false | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
        {names: ["close_range", "close"], action: "SCMP_ACT_ERRNO"}]}' -- /probe fds
    run_cmd 0 with rt run "$ID"
    assert_empty
}

@test "socket activation: descriptors that LISTEN_FDS counts are the process's, and say so" {
    bundle . -- sh -c 'echo "$LISTEN_FDS $LISTEN_PID $$"; cat <&3; cat <&4; ls /proc/self/fd | wc -l'
    run_cmd 0 sh -c 'LISTEN_FDS=2 LISTEN_PID=$$ exec "$0" --root "$1/rt" run "$2"' "$RT" "$XDG_RUNTIME_DIR" "$ID" \
        3< <(echo three) 4< <(echo four) 5</dev/null
    assert_output "2 1 1
three
four
6"
}

@test "NOTIFY_SOCKET: a socket of its own, and only that it is ready gets out" {
    cp "$POD_TEST_TOP/tools/probe" "$ROOM/root/probe"
    listen_notify "$BATS_TEST_TMPDIR/host" "$BATS_TEST_TMPDIR/told"
    bundle -- /probe notify STATUS=warming $'STATUS=x\nREADY=1' STATUS=later
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/host apart rt create --pid-file pid "$ID"
    sleep 0.1
    [ ! -s "$BATS_TEST_TMPDIR/told" ]
    apart rt start "$ID"
    wait_for 5 grep -q READY=1 "$BATS_TEST_TMPDIR/told"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/told")" "MAINPID=$(cat pid)
READY=1"
    rt delete -f "$ID"
    # nobody is asked, nothing is there; one that is never ready leaves nobody behind
    bundle -- sh -c 'echo ${NOTIFY_SOCKET-none}; ls /run/notify'
    run_cmd any rt run "$ID"
    assert_output none
    bundle -- true
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/host run_cmd 0 rt run "$ID"
    wait_for 5 sh -c '! pgrep -u $(id -u) -x pod-notify'
}

@test "capabilities: unknown ones are ignored with a warning, all five sets" {
    bundle '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NEVER_HEARD"],
        permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"], inheritable: ["CAP_CHOWN"], ambient: ["CAP_CHOWN"]}' \
        -- grep Cap /proc/self/status
    run_cmd 0 rt run "$ID"
    assert_contains "cap_never_heard" "$stderr"
    assert_equal "$(tr -d '\t' <<<"$output")" "CapInh:0000000000000001
CapPrm:0000000000000001
CapEff:0000000000000001
CapBnd:0000000000000021
CapAmb:0000000000000001"
}

@test "limits: endless ones, twice the same, none such" {
    bundle -- sh -c 'ulimit -f; ulimit -n'
    sed -i 's/"rlimits": \[/"rlimits": [{"type": "RLIMIT_FSIZE", "hard": 18446744073709551615, "soft": 18446744073709551615},/' config.json
    run_cmd 0 rt run "$ID"
    assert_output "unlimited
1024"
    bundle '.process.rlimits += .process.rlimits' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'resource limit "RLIMIT_NOFILE" is given twice'
    bundle '.process.rlimits = [{type: "RLIMIT_NONE", soft: 1, hard: 1}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'unknown resource limit "RLIMIT_NONE"'
}

@test "umask, groups, OOM score, input and output priority, personality, domain name" {
    bundle '.process.user = {uid: 33, gid: 34, umask: 63, additionalGids: [35, 36]} |
        .process.oomScoreAdj = 777 | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0} |
        .hostname = "h" | .domainname = "d.example" | .linux.personality = {domain: "LINUX32"}' -- sh -c '
        umask; id; cat /proc/self/oom_score_adj; ionice -p $$; hostname; cat /proc/sys/kernel/domainname; uname -m'
    run_cmd 0 rt run "$ID"
    assert_equal "${lines[0]}" 0077
    assert_match 'uid=33 gid=34 groups=.*35.*36' "${lines[1]}"
    assert_equal "${lines[2]}" 777
    assert_match idle "${lines[3]}"
    assert_equal "${lines[4]} ${lines[5]}" "h d.example"
    [ "$(uname -m)" != x86_64 ] || assert_equal "${lines[6]}" i686
}

@test "time namespace: offsets" {
    [ -e /proc/self/ns/time ] || skip "no time namespaces here"
    bundle '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000000}}' -- cut -d . -f 1 /proc/uptime
    run_cmd 0 rt run "$ID"
    [ "$output" -ge 1000000000 ]
    bundle '.linux.timeOffsets = {boottime: {secs: 1}}' -- true
    run_cmd 125 rt run "$ID"
    assert_error "linux.timeOffsets needs a time namespace"
}

@test "working directory: made below a read-only root too; HOME is the container's user's" {
    mkdir ro
    cp -r "$ROOM/root/bin" "$ROOM/root/etc" ro/
    mkdir ro/proc ro/dev ro/sys
    bundle '.root = {path: "ro", readonly: true} | .process.cwd = "/made/here"' -- sh -c 'pwd; touch x || echo "$HOME"'
    run_cmd 0 rt run "$ID"
    assert_output "/made/here
/root"
    bundle '.process.cwd = "here"' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'process.cwd "here" is not an absolute path'
}

@test "pipes become the user's, files of the caller do not" {
    bundle '.process.user = {uid: 33, gid: 33}' -- sh -c 'echo again >/dev/stdout'
    [ "$(timeout 10 "$RT" --root "$XDG_RUNTIME_DIR/rt" run "$ID" | cat)" = again ]
    rt run "$ID" >file 2>/dev/null || true
    assert_equal "$(stat -c %u file)" "$(id -u)"
}

@test "a terminal: ours in the foreground, a console socket otherwise" {
    bundle '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}' -- sh -c 'tty; stty size; ls -l /dev/console | cut -c 1; exit 3'
    run_cmd 3 rt run "$ID" </dev/null
    assert_output "/dev/pts/0
33 77
c"
    run_cmd 125 rt create "$ID"
    assert_error_match "no console socket"
}

# --- exec

@test "what engines add to an error is left to them; exec makes no working directory" {
    bundle -- nosuch
    run_cmd 127 rt run "$ID"
    assert_error 'executable file `nosuch` not found in $PATH: No such file or directory'
    waiting
    apart rt run -d "$ID"
    run_cmd 127 rt exec "$ID" nosuch
    assert_error 'executable file `nosuch` not found in $PATH: No such file or directory'
    run_cmd 126 rt exec "$ID" /etc
    assert_error 'open executable `/etc`: Is a directory'
    run_cmd 125 rt exec --cwd /not/there "$ID" true
    assert_error 'cannot enter working directory "/not/there": No such file or directory'
}

@test "exec: user, environment, directory, capabilities, privileges, codes, the pid file" {
    waiting '.process.capabilities = {} | .process.env += ["KEPT=1", "OVER=1"]'
    apart rt run -d "$ID"
    run_cmd 0 rt exec --user 33:34 -g 35 --cwd /etc -e OVER=2 --pid-file "$PWD/pid" "$ID" sh -c 'id -u; id -G; pwd; echo $KEPT$OVER'
    assert_output "33
34 35
/etc
12"
    assert_match '^[0-9]+$' "$(cat pid)"
    run_cmd 0 rt exec --cap CAP_KILL "$ID" grep CapEff /proc/self/status
    assert_match 0000000000000020
    run_cmd 0 rt exec --no-new-privs "$ID" grep NoNewPrivs /proc/self/status
    assert_match '1$'
    run_cmd 9 rt exec "$ID" sh -c 'exit 9'
    run_cmd 127 rt exec "$ID" nosuch
    run_cmd 126 rt exec "$ID" /etc
    run_cmd 127 rt exec -d "$ID" nosuch
    run_cmd 125 rt exec "$ID"
    run_cmd 4 rt exec -t "$ID" sh -c 'tty; exit 4' </dev/null
    assert_output /dev/pts/0
    echo '{"args": ["echo", "described"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]}' >p.json
    run_cmd 0 rt exec --process p.json "$ID"
    assert_output described
    rt kill "$ID" KILL
    wait_for 5 eval '[ "$(status_of)" = stopped ]'
    run_cmd 125 rt exec "$ID" true
    assert_error "cannot exec in a container that is not running"
}

# --- mounts

@test "mounts: what binds may be, and where links lead" {
    mkdir -p src/sub vol && echo data >src/file && ln -s nowhere src/broken && mkfifo src/fifo
    mkdir -p root && cp -r "$ROOM/root/bin" "$ROOM/root/etc" root/ && mkdir root/proc root/dev root/sys
    ln -s ../made/by/runtime root/etc/dangling
    ln -s /etc root/outside
    bundle '.root.path = "root" | .mounts += [
        {destination: "/relative", type: "bind", source: "src", options: ["rbind", "rro"]},
        {destination: "/etc/dangling", type: "bind", source: "src/file", options: ["bind", "ro"]},
        {destination: "/outside/in", type: "bind", source: "src/file", options: ["bind"]},
        {destination: "/a//b/", type: "bind", source: "src", options: ["bind", "noexec", "nosuid"]},
        {destination: "/link", type: "bind", source: "src/broken", options: ["bind", "copy-symlink"]},
        {destination: "/fifo", type: "bind", source: "src/fifo", options: ["bind", "rro"]},
        {destination: "/../../../../up", type: "tmpfs"}]' -- sh -c '
        cat /relative/file /made/by/runtime /etc/in; touch /relative/sub/x || echo read-only
        readlink /link; [ -p /fifo ] && echo fifo; grep -c " /a/b .*noexec" /proc/mounts; ls -d /up'
    run_cmd 0 rt run "$ID"
    assert_output "data
data
data
read-only
nowhere
fifo
1
/up"
    refute_file "$ROOM/up"
    assert_file root/made/by/runtime
}

@test "mounts: a tmpfs looks like what it covers, or as its options say; tmpcopyup" {
    mkdir -p root/covered && cp -r "$ROOM/root/bin" "$ROOM/root/etc" root/ && mkdir root/proc root/dev root/sys
    chmod 712 root/covered && echo kept >root/covered/file
    bundle '.root.path = "root" | .mounts += [
        {destination: "/covered", type: "tmpfs", options: ["tmpcopyup", "ro"]},
        {destination: "/other", type: "tmpfs", options: ["mode=1777", "tmpcopyup"]}]' -- sh -c '
        stat -c %a /covered /other; cat /covered/file; touch /covered/x || echo read-only'
    run_cmd 0 rt run "$ID"
    assert_output "712
1777
kept
read-only"
}

@test "mounts: proc and sys are refused behind a link, other mistakes named" {
    mkdir -p root && cp -r "$ROOM/root/bin" root/ && mkdir root/dev root/sys root/elsewhere
    ln -s /elsewhere root/proc
    bundle '.root.path = "root"' -- true
    run_cmd 125 rt run "$ID"
    assert_error '"/proc" in the container must be a directory and not a link'
    bundle '.mounts += [{destination: "/x", source: "/y"}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'mount "/x" has no type'
    bundle '.mounts += [{destination: "/x", type: "bind", source: "/not/here"}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error_match 'mount source "/not/here": No such file or directory'
    bundle '.root.path = "none"' -- true
    run_cmd 125 rt run "$ID"
    assert_error_match 'root filesystem ".*/none": No such file or directory'
}

@test "masked and read-only paths: files and directories, with their other flags" {
    bundle '.linux.maskedPaths = ["/proc/version", "/etc", "/not/here"] |
        .linux.readonlyPaths = ["/proc/bus", "/var"] |
        .mounts |= map(if .destination == "/proc" then .options = ["nosuid", "noexec", "nodev"] else . end)' -- sh -c '
        cat /proc/version; ls -A /etc; touch /var/x || echo read-only
        grep -E "^[^ ]+ /proc/(bus|version) " /proc/mounts | cut -d " " -f 2,4 | cut -d , -f 1-4 | cut -d " " -f 1,2'
    run_cmd 0 rt run "$ID"
    assert_match '^read-only' "$output"
    assert_line "/proc/bus ro,nosuid,nodev,noexec"
    assert_match '/proc/version ro,nosuid,noexec'
    bundle '.linux.maskedPaths = ["etc"]' -- true
    run_cmd 125 rt run "$ID"
}

@test "devices: the usual ones, one more, and a file that is in its way" {
    bundle '.mounts += [{destination: "/dev/taken", type: "tmpfs"}] |
        .linux.devices = [{path: "/dev/taken", type: "c", major: 1, minor: 3}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'device "/dev/taken": there is another file of that name'
    bundle '.linux.devices = [{path: "/dev/fifo/", type: "p", fileMode: 384}]' -- sh -c '
        cd /dev && stat -c "%n %a" null zero full random urandom tty fifo; for l in fd stdin ptmx; do readlink $l; done'
    run_cmd 0 rt run "$ID"
    assert_equal "${output//$'\n'/ }" "null 666 zero 666 full 666 random 666 urandom 666 tty 666 fifo 600 /proc/self/fd /proc/self/fd/0 pts/ptmx"
    bundle '.mounts |= map(if .destination == "/dev" then .options += ["ro"] else . end)' -- sh -c 'touch /dev/x || echo hi >/dev/null && echo "$?"'
    run_cmd 0 rt run "$ID"
    assert_output 0
}

# --- namespaces and the rest of linux

@test "namespaces by path: joined; a wrong type, a relative path, a second of a kind" {
    waiting
    apart rt run -d --pid-file pid "$ID"
    local pid
    pid=$(cat pid)
    bundle '.linux.namespaces = [{type: "mount"}, {type: "user", path: "/proc/'"$pid"'/ns/user"},
        {type: "network", path: "/proc/'"$pid"'/ns/net"}, {type: "pid"}] | del(.hostname) |
        .mounts |= map(select(.type != "mqueue"))' -- readlink /proc/self/ns/net
    run_cmd 0 rt run "$ID-j"
    assert_output "$(readlink "/proc/$pid/ns/net")"
    # with hooks, for which the runtime stays outside
    bundle '.linux.namespaces += [{type: "time", path: "/proc/'"$pid"'/ns/time"}] |
        .hooks.poststop = [{path: "/bin/true"}]' -- readlink /proc/self/ns/time
    run_cmd 0 rt run "$ID-t"
    assert_output "$(readlink "/proc/$pid/ns/time")"
    bundle '.linux.namespaces += [{type: "time", path: "/proc/self/ns/net"}]' -- true
    run_cmd 125 rt run "$ID-j"
    assert_error '"/proc/self/ns/net" is not a namespace of type "time"'
    bundle '.linux.namespaces += [{type: "pid"}]' -- true
    run_cmd 125 rt run "$ID-j"
    assert_error 'namespace "pid" is named twice'
    bundle '.linux.namespaces += [{type: "time", path: "proc/self/ns/time"}]' -- true
    run_cmd 125 rt run "$ID-j"
    assert_error_match 'not absolute'
}

@test "namespaces made ahead: lived in where they come and fit, made by init where not" {
    need python3
    local userns=$POD_LIBEXEC/pod-userns net user host
    host=$(readlink /proc/self/ns/net)
    lent() { # HOW
        run_cmd 0 python3 "$LIB/lent.py" "$1" "$userns" "$userns" enter -- "$RT" \
            --root "$XDG_RUNTIME_DIR/rt" run --lent-fd @FD@ "$ID-$1"
    }
    local own='.linux.namespaces = [{type: "mount"}, {type: "pid"}, {type: "user"},
        {type: "network"}] | del(.hostname) | .mounts |= map(select(.type != "mqueue")) |
        .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1},
            {containerID: 1, hostID: 1, size: 9}] | .linux.gidMappings = .linux.uidMappings'
    bundle "$own" -- sh -c 'echo $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/user)
        ip -o addr show lo; cat /proc/self/uid_map'
    lent whole
    read -r net user <<<"${lines[0]}"
    assert_equal "${lines[1]}" "$net $user"
    assert_contains 'inet 127.0.0.1/8'
    assert_match ' 1 +1 +9'
    lent killed
    [[ ${lines[0]} == net:* && ${lines[0]} != "$host"* ]]
    assert_contains 'inet 127.0.0.1/8'
    # the spec wants the host's network, or has one by path: what was lent is let go
    bundle "$own | .linux.namespaces |= map(select(.type != \"network\")) |
        .mounts |= map(select(.type != \"sysfs\"))" -- readlink /proc/self/ns/net
    lent whole
    assert_equal "${lines[1]}" "$host"
    # nobody of the host's is in the container's user namespace, whose root may trace there
    bundle "$own | .process.capabilities |= map_values(. + [\"CAP_SYS_PTRACE\"]) |
        .linux.namespaces |= map(select(.type != \"pid\")) | .mounts |= map(
        if .destination == \"/proc\" then .type = \"bind\" | .source = \"/proc\" |
            .options = [\"rbind\"] else . end)" -- sh -c 'own=$(readlink /proc/self/ns/user)
        for p in /proc/[0-9]*; do
            [ "$(readlink "$p/ns/user")" != "$own" ] || ! [ -e "$p/root/." ] || echo "$p $(cat "$p/comm")"
        done 2>/dev/null | grep -v -e " sh$" -e " grep$"; echo looked'
    lent whole
    assert_equal "${#lines[@]} ${lines[1]}" "2 looked"
    bundle "$own" -- sh -c 'ip -o addr show lo'
    lent silent
    assert_contains 'inet 127.0.0.1/8'
    # a number that is nobody's, and one that is no socket
    run_cmd 0 "$userns" enter -- "$RT" --root "$XDG_RUNTIME_DIR/rt" run --lent-fd 77 "$ID-n"
    run_cmd 0 "$userns" enter -- "$RT" --root "$XDG_RUNTIME_DIR/rt" run --lent-fd 9 "$ID-f" 9<config.json
    assert_contains 'inet 127.0.0.1/8'
}

@test "sysctls: those of namespaces that are ours, and no others" {
    bundle '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "8192"}' -- cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
    run_cmd 0 rt run "$ID"
    assert_output "1
8192"
    bundle '.linux.sysctl = {"kernel.panic": "1"}' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'sysctl "kernel.panic" is not allowed: it is not namespaced'
    bundle '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces -= [{type: "network"}]' -- true
    run_cmd 125 rt run "$ID"
    assert_error 'sysctl "net.ipv4.ip_forward" is not allowed without a new network namespace'
    bundle '.linux.sysctl = {"kernel.hostname": "x"}' -- true
    run_cmd 125 rt run "$ID"
    assert_error_match 'use hostname instead'
}

@test "what is not supported, or wrong, is an error and not silence" {
    local change
    for change in '.ociVersion = "2.0.0"' 'del(.ociVersion)' '.process.selinuxLabel = "x:y:z:s0"' \
        '.linux.mountLabel = "x:y:z:s0"' '.linux.intelRdt = {closID: "x"}' '.linux.rootfsPropagation = "odd"' \
        '.process.apparmorProfile = "none-such"' '.linux.personality = {domain: "LINUX", flags: ["X"]}' \
        '.process.args = []' '.process.ioPriority = {class: "X"}' '.process.scheduler = {policy: "X"}' \
        '.linux.namespaces += [{type: "odd"}]' '.linux.seccomp = {defaultAction: "SCMP_ACT_ODD"}' \
        '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: ["ODD"]}' \
        '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", errnoRet: 1, syscalls: [{names: ["read"], action: "SCMP_ACT_KILL", errnoRet: 5}]}' \
        '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}' \
        '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x"}' '.linux.cgroupsPath = "/../x"' \
        '.linux.devices = [{path: "/dev/x", type: "z"}]' '.linux.devices = [{path: "x", type: "c", major: 1, minor: 3}]' \
        '.annotations = {a: 1}' '.process.env = [1]' '.linux.resources = {unified: {"no-dot": "1"}}' '.mounts += [{destination: "/x", type: "tmpfs", uidMappings: [{containerID: 0, hostID: 0, size: 1}]}]'; do
        bundle "$change" -- true
        run_cmd 125 rt run "$ID"
        assert_match '^Error: .+' "$stderr"
        run_cmd 125 rt state "$ID"
    done
}

@test "seccomp: errno, kill, 64-bit arguments, and hooks under the filter" {
    bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
        {names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28},
        {names: ["sethostname"], action: "SCMP_ACT_KILL_PROCESS"}]}' -- sh -c 'mkdir /x; hostname y; echo $?'
    run_cmd 0 rt run "$ID"
    assert_contains "No space left" "$stderr"
    assert_output 159
    bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO",
        args: [{index: 0, value: 77, op: "SCMP_CMP_EQ"}]}]}' -- true
    sed -i 's/"value": 77/"value": 18446744073709551615/' config.json
    run_cmd 0 rt run "$ID"
    bundle '.hooks.startContainer = [{path: "/bin/mkdir", args: ["mkdir", "/tmp/hooked"]}] |
        .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}' -- true
    run_cmd 125 rt run "$ID"
    assert_contains 'startContainer: hook "/bin/mkdir" failed' "$stderr"
}

@test "seccomp: notifications go to the agent, from create and from exec" {
    need python3
    local nnp
    for nnp in true false; do
        rm -f agent out
        "$LIB/agent.py" agent out 3>&- 4>&- &
        wait_for 5 test -S agent
        bundle ".process.noNewPrivileges = $nnp | .linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$PWD/agent\",
            listenerMetadata: \"meta\", syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_NOTIFY\"}]}" -- mkdir /tmp/x
        run_cmd 1 rt run "$ID"
        assert_contains "not supported" "$stderr"
        jq -e '.fds == ["seccompFd"] and .metadata == "meta" and .state.status == "creating" and .pid == .state.pid and .pid > 1' out
        wait
    done
    bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$PWD/none\",
        syscalls: [{names: [\"mkdir\"], action: \"SCMP_ACT_NOTIFY\"}]}" -- true
    run_cmd 125 rt run "$ID"
    assert_error_match "seccomp listener: cannot connect"
}

# --- cgroups

@test "cgroup: made and removed, paused, limits applied and updated, all processes killed" {
    local own
    own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    [ -w "$own/cgroup.procs" ] || skip "no cgroup v2 of our own"
    waiting '.linux.cgroupsPath = "'"${own#/sys/fs/cgroup}/rt-$ID"'"'
    apart rt run -d "$ID"
    assert_file "$own/rt-$ID"
    run_cmd 0 rt exec "$ID" true
    run_cmd 0 rt pause "$ID"
    assert_equal "$(status_of)" paused
    run_cmd 125 rt exec "$ID" true
    assert_error "cannot exec in a paused container"
    run_cmd 125 rt pause "$ID"
    run_cmd 0 rt resume "$ID"
    assert_equal "$(status_of)" running
    apart rt exec -d "$ID" sleep 50
    run_cmd 0 rt ps -f json "$ID"
    jq -e 'length >= 2' <<<"$output"
    if [ -e "$own/rt-$ID/pids.max" ]; then
        run_cmd 0 rt update --pids-limit 50 "$ID"
        assert_equal "$(cat "$own/rt-$ID/pids.max")" 50
    else
        run_cmd 125 rt update --pids-limit 50 "$ID"
        assert_error_match 'the requested cgroup controller `pids` is not available'
    fi
    run_cmd 0 rt kill --all "$ID" KILL
    wait_for 5 eval '[ "$(status_of)" = stopped ]'
    run_cmd 0 rt delete "$ID"
    refute_file "$own/rt-$ID"
}

@test "events: what the cgroup counts, once or at intervals, and that memory was short" {
    local own memory=false
    own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    waiting
    apart rt --cgroup-manager disabled run -d "$ID"
    run_cmd 125 rt events --stats "$ID"
    assert_error "container $ID has no cgroup of its own that could count"
    run_cmd 125 rt events --interval 0s "$ID"
    assert_error_match 'invalid interval "0s"'
    rt delete --force "$ID"
    run_cmd 125 rt events "$ID"
    assert_error "container $ID does not exist"
    [ -w "$own/cgroup.procs" ] || skip "no cgroup v2 of our own"
    # limits can be where nobody lives
    if [ -w "${own%/*}/cgroup.procs" ] && [ -z "$(cat "${own%/*}/cgroup.procs")" ]; then
        own=${own%/*}
        ! grep -qw memory "$own/cgroup.controllers" || memory=true
    fi
    waiting '.linux.cgroupsPath = "'"${own#/sys/fs/cgroup}/rt-$ID"'" |
        if '$memory' then .linux.resources.memory = {limit: 33554432, swap: 33554432} else . end'
    apart rt run -d "$ID"
    run_cmd 0 rt events --stats "$ID"
    assert_equal "${#lines[@]}" 1 lines
    jq -e --arg id "$ID" '.type == "stats" and .id == $id and .data.cpu.usage.total > 0 and
        (.data.memory.usage | has("usage") and has("limit")) and (.data.pids | has("current"))' <<<"$output"
    rt events --interval 50ms "$ID" >said 3>&- &
    local reader=$!
    wait_for 10 eval '[ "$(wc -l <said)" -ge 2 ]'
    if $memory; then
        run_cmd any rt exec "$ID" dd if=/dev/zero of=/dev/null bs=64M count=1
        wait_for 10 grep -q '"type":"oom"' said
    fi
    rt kill "$ID" KILL
    wait_for 10 eval '! kill -0 '"$reader"' 2>/dev/null'
    wait "$reader"
    run_cmd 125 rt events "$ID"
    assert_error "container with id $ID is not running"
}

@test "cgroup: limits below processes are an error, and no harm to others there" {
    local own
    own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    [ -w "$own/cgroup.procs" ] || skip "no cgroup v2 of our own"
    waiting '.linux.cgroupsPath = "'"${own#/sys/fs/cgroup}/rt-$ID"'" | .linux.resources.pids = {limit: 50}'
    run_cmd 125 rt run -d "$ID"
    assert_error_match 'the requested cgroup controller `pids` is not available'
    assert_equal "$(cat "$own/cgroup.type")" domain
    waiting '.linux.cgroupsPath = "'"${own#/sys/fs/cgroup}/rt-$ID"'"'
    apart rt run -d "$ID"
}

# --- the program itself

@test "called by a user who has nothing but his own id, time after time" {
    local i
    "$RT" spec --rootless
    jq --arg root "$ROOM/root" '.root.path = $root | .process.terminal = false | .process.args = ["id", "-u"]' \
        config.json >one
    mv one config.json
    for i in $(seq 40); do
        run_cmd 0 rt run "$ID-$i"
        assert_output 0
    done
}

@test "what is no option of a verb is named" {
    local verb
    for verb in create run start state kill delete exec list ps pause resume update events features spec; do
        run_cmd 125 rt "$verb" --bogus "$ID"
        assert_error "unknown flag: --bogus" "See 'pod-runtime $verb --help'"
        run_cmd 0 rt "$verb" --help
        assert_contains "Usage: pod-runtime $verb" "$output"
    done
    run_cmd 125 rt run -x
    assert_error "unknown shorthand flag: 'x' in -x"
}

@test "the runtime that a container can reach cannot be written to" {
    mkdir mine
    cp "$RT" mine/
    bundle '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "readlink /proc/$PPID/exe >'"$PWD"'/outside"]}] |
        .hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "readlink /proc/$PPID/exe || : >'"$PWD"'/hidden"]}]' -- true
    run_cmd 0 mine/pod-runtime --root "$XDG_RUNTIME_DIR/rt" run "$ID"
    assert_match '^/memfd:pod-runtime' "$(cat outside)"
    assert_file hidden
}

# --- those who call it

# They hand no environment on, and a build with sanitizers needs its options.
runtime_of_others() {
    [ -n "${ASAN_OPTIONS:-}" ] || { echo "$RT" && return; }
    printf '#!/bin/sh\nexport ASAN_OPTIONS="%s" UBSAN_OPTIONS="%s"\nexec "%s" "$@"\n' \
        "$ASAN_OPTIONS" "${UBSAN_OPTIONS:-}" "$RT" >"$ROOM/pod-runtime"
    chmod +x "$ROOM/pod-runtime"
    echo "$ROOM/pod-runtime"
}

@test "podman with this runtime: run, exec, stop, logs, codes, terminals" {
    need podman conmon
    local p runtime
    runtime=$(runtime_of_others)
    p=(as_podman --runtime "$runtime")
    image_busybox "$ROOM/layout" busybox
    as_podman pull -q "oci:$ROOM/layout:busybox" >id
    IMAGE=$(cat id)
    run_cmd 0 "${p[@]}" run --rm --network none "$IMAGE" echo hello
    assert_output hello
    run_cmd 3 "${p[@]}" run --rm --network none "$IMAGE" sh -c 'exit 3'
    run_cmd 127 "${p[@]}" run --rm --network none "$IMAGE" nosuch
    run_cmd 0 "${p[@]}" run --rm --network none -u 33 --ulimit fsize=-1:-1 "$IMAGE" sh -c 'id -u >/dev/stdout'
    assert_output 33
    run_cmd 0 "${p[@]}" run -d --name rt-c --network none "$IMAGE" sh -c 'echo out; trap "exit 5" TERM; while :; do sleep 0.1; done'
    run_cmd 0 "${p[@]}" exec rt-c echo in
    assert_output in
    run_cmd 127 "${p[@]}" exec rt-c nosuch
    run_cmd 0 script -qec "podman --log-level error --runtime $runtime exec -t rt-c tty" /dev/null
    assert_match /dev/pts/0
    run_cmd 0 "${p[@]}" logs rt-c
    assert_output out
    run_cmd 0 "${p[@]}" stop -t 5 rt-c
    run_cmd 0 "${p[@]}" inspect -f '{{.State.ExitCode}}' rt-c
    assert_output 5
    run_cmd 0 "${p[@]}" rm rt-c
    run_cmd 255 "${p[@]}" run --rm --network none --timeout 1 "$IMAGE" sleep 20
}

@test "Buildah with this runtime" {
    need buildah
    local c
    c=$(buildah from "$(as_podman images -q | head -n 1)")
    run_cmd 4 buildah run --network host --isolation oci --runtime "$(runtime_of_others)" "$c" sh -c 'echo hi; exit 4'
    assert_output hi
    buildah rm "$c" >/dev/null
}

@test "--runtime-flag: what comes before the runtime's verb, at each of its starts" {
    pull_busybox
    # where a runtime lies nothing can be written while it runs
    mkdir "$ROOM/wrap"
    printf '#!/bin/sh\necho "$@" >>%q\nexec crun "$@"\n' "$ROOM/flags" >"$ROOM/wrap/told"
    chmod 755 "$ROOM/wrap/told"
    run_pod --runtime-flag debug run -d --name told --network none --runtime "$ROOM/wrap/told" \
        --runtime-flag=cgroup-manager=disabled "$IMAGE" sleep 50
    run_pod exec told true
    run_pod rm -f -t 0 told
    run_cmd 0 grep -c -- ' --cgroup-manager=disabled --debug.* \(create\|start\|exec\|delete\) ' "$ROOM/flags"
    [ "$output" -ge 4 ]
    run_pod run --rm --network none --runtime-flag debug "$IMAGE" echo ours
    assert_output ours
    run_pod 125 run --rm --network none --runtime-flag nonsense "$IMAGE" true
    assert_error_match nonsense
}

@test "crun and runc under pod: the same answers as ours" {
    pull_busybox
    local r
    for r in crun runc; do
        need "$r"
        run_pod run --rm --network none --runtime "$r" "$IMAGE" echo hello
        assert_output hello
        run_pod 127 run --rm --network none --runtime "$r" "$IMAGE" nosuch
        run_pod run -d --name "x-$r" --network none --runtime "$r" "$IMAGE" sleep 50
        run_pod exec "x-$r" echo in
        assert_output in
        [ "$(echo piped | pod exec -i "x-$r" cat)" = piped ]
        run_pod 9 exec "x-$r" sh -c 'exit 9'
        run_pod 127 exec "x-$r" nosuch
        run_pod 126 exec "x-$r" /etc
        run_cmd 4 script -qec "pod exec -it x-$r sh -c 'tty; exit 4'" /dev/null
        assert_match /dev/pts/0
        run_cmd 0 bash -c 'exec 3>three; script -qec "pod exec -t --preserve-fds 1 $1 sh -c \"echo words >&3\"" /dev/null' \
            bash "x-$r"
        assert_equal "$(cat three)" words
        run_pod kill "x-$r"
        run_pod wait "x-$r"
        run_pod start "x-$r"
        run_pod rm -f -t 0 "x-$r"
    done
}

@test "--no-pivot: the root is moved instead" {
    need strace
    local pivot
    for pivot in "" --no-pivot; do
        bundle -- sh -c 'echo "$(ls -d /bin /usr /tests 2>/dev/null)"; grep -c " / " /proc/self/mountinfo; cd ../../..; pwd'
        # shellcheck disable=SC2086
        run_cmd 0 pod unshare strace -f -qq -o trace -e trace=pivot_root,chroot "$RT" --root "$XDG_RUNTIME_DIR/rt" run $pivot "$ID"
        assert_match "^/bin"
        refute_match "^/usr"
        assert_equal "${lines[-1]}" /
        case $pivot in
        "") assert_match 'pivot_root\(' "$(cat trace)" ;;
        *) refute_match 'pivot_root' "$(cat trace)" && assert_match 'chroot\("\."\)' "$(cat trace)" ;;
        esac
    done
}

#!/usr/bin/env bats
# The verbs that work on containers which exist, as podman's users know them.
# shellcheck disable=SC2016,SC2154 # bats sets output and stderr; some words are the container's
load helpers

IMAGE=localhost/busybox:latest

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" "$IMAGE"
}
teardown() { quietly pod rm -f -a -t 0; }

sleeper() { run_pod run -d --name "$1" --network none "${@:2}" "$IMAGE" sleep 100; }

@test "restart: a running one anew, a stopped one too, by filter" {
    sleeper one --label set=a
    run_pod create --name two --network none --label set=b "$IMAGE" sleep 100
    run_pod inspect -f '{{.State.Pid}}' one
    local before=$output
    run_pod restart -t 0 one two
    assert_output $'one\ntwo'
    run_pod inspect -f '{{.State.Pid}}' one
    [ "$output" != "$before" ] || fail "the same process"
    run_pod restart -t 0 --filter label=set=b
    assert_match '^[0-9a-f]{64}$'
    run_pod stop -t 0 two
    run_pod restart -t 0 --running
    assert_match '^[0-9a-f]{64}$'
    run_pod 125 restart nosuch
    assert_error 'no container with name or ID "nosuch" found: no such container'
}

@test "rename: running or not; a name in use stays whose it was" {
    sleeper old
    run_pod rename old new
    run_pod ps --format '{{.Names}}'
    assert_output new
    run_pod 1 container exists old
    run_pod create --name other "$IMAGE"
    run_pod 125 rename other new
    assert_match "is already in use by" "$stderr"
    run_pod 125 rename other a/b
    run_pod rename other other
    assert_empty
    run_pod rename other old
    run_pod create --name other "$IMAGE"
    # one that removes itself frees the name it has then
    run_pod run -d --rm --name fleeting --network none "$IMAGE" sleep 100
    run_pod rename fleeting renamed
    run_pod stop -t 0 renamed
    run_pod create --name renamed "$IMAGE"
}

@test "port: all, one, none of that number" {
    local port
    port=$(free_port)
    run_pod create --name web -p "127.0.0.1:$port:80" -p "$port:53/udp" "$IMAGE" true
    run_pod port web
    assert_output $'80/tcp -> 127.0.0.1:'"$port"$'\n53/udp -> 0.0.0.0:'"$port"
    run_pod port web 80
    assert_output "127.0.0.1:$port"
    run_pod port web 53/udp
    assert_output "0.0.0.0:$port"
    run_pod 125 port web 99/tcp
    assert_error 'failed to find published port "99/tcp"'
    run_pod 125 port nosuch
}

@test "top: the container's processes under its own numbers and names" {
    run_pod run -d --name busy --network none --user nobody "$IMAGE" sh -c 'sleep 100; :'
    wait_for 10 eval "pod top busy pid | grep -q 2"
    run_pod top busy
    assert_match '^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND'
    assert_match 'nobody +1 +0 +[0-9.]+ +[0-9a-zµ.]+ +\? +0s +sh -c'
    assert_match 'nobody +2 +1 .*sleep 100'
    run_pod inspect -f '{{.State.Pid}}' busy
    local host=$output
    run_pod top busy hpid,huser comm
    assert_match "$host +[0-9]+ +sh"
    run_pod top busy -o pid,comm # ps of the container
    assert_match 'PID'
    run_pod stop -t 0 busy
    run_pod 125 top busy
    assert_error "top can only be used on running containers: container state improper"
    run_pod 125 top nosuch
    assert_error 'unable to look up requested container: no container with name or ID "nosuch" found: no such container'
}

@test "container: exists, prune, inspect, and the verbs that need no such word" {
    sleeper stays
    run_pod create --name idle --label keep=no "$IMAGE"
    run_pod create --name kept --label keep=yes "$IMAGE"
    run_pod container exists stays
    run_pod 1 container exists nosuch
    run_pod container prune -f --filter label=keep=no
    assert_match '^[0-9a-f]{64}$'
    run_cmd 0 sh -c 'echo n | pod container prune'
    run_pod container exists kept
    run_cmd 0 sh -c 'echo y | pod container prune'
    run_pod container ls -a --format '{{.Names}}'
    assert_output stays
    run_pod 125 container inspect nosuch
    assert_output '[]'
    assert_error "no such container nosuch"
    run_pod 125 container images
    assert_error 'unrecognized command `pod container images`'
    need buildah
    local ctr
    ctr=$(buildah from --name external "$IMAGE")
    run_pod 1 container exists "$ctr"
    run_pod container exists --external "$ctr"
    run_pod ps -a --external --format '{{.Names}} {{.Status}}'
    assert_line "external Storage"
    run_pod ps -a --format '{{.Names}}'
    refute_line external
    buildah rm external
}

@test "names: Docker's leading slash, one that a pod has, none at all" {
    run_pod create --name /slashed "$IMAGE"
    run_pod ps -a --filter 'name=^/slashed$' --format '{{.Names}}'
    assert_output slashed
    run_pod rm /slashed
    assert_output /slashed
    run_pod 125 create --name a/b "$IMAGE"
    run_pod 125 start
    assert_error "start requires at least one argument"
    run_pod 125 start --all x
    assert_error "either start all containers or the container(s) provided in the arguments"
    run_pod 125 stop --all x
    assert_error "no arguments are needed with --all"
    run_pod 125 logs
    assert_error "specify at least one container name or ID to log"
    run_pod 125 inspect
    assert_error "no names or ids specified"
    run_pod 125 inspect --type bogus x
    run_pod rm -f nosuch
    assert_empty
    run_pod 1 rm nosuch
}

@test "signals: checked before anything is looked up, with a dash or without" {
    local s
    for s in 0 SIGBADSIG SIG BADSIG; do
        run_pod 125 kill -s $s nosuch
        assert_equal "$stderr" "Error: invalid signal: $s"
        run_pod 125 kill -s -$s nosuch
        assert_equal "$stderr" "Error: invalid signal: $s"
    done
    for s in 65 -65 99999999999; do
        run_pod 125 kill -s $s nosuch
        assert_equal "$stderr" "Error: valid signals are 1 through 64"
    done
    # shellcheck disable=SC2016 # for the container's shell
    run_pod run -d --name hears --network none "$IMAGE" sh -c \
        'for i in 1 2 10 12; do trap "echo got: $i" $i; done; echo ready; while :; do sleep 0.02; done'
    wait_for 10 eval "pod logs hears | grep -q ready"
    for s in -1 -INT SIGUSR1 -sigusr2; do
        run_pod kill -s $s hears
        wait_for 10 eval "pod logs hears | tail -n 1 | grep -q got"
    done
    wait_for 10 eval "[ \$(pod logs hears | grep -c got) = 4 ]"
}

@test "stop: a warning when it had to kill, «stopping» while it waits, --timeout, cidfiles" {
    run_pod run -d --name deaf --network none "$IMAGE" sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    wait_for 10 eval "pod logs deaf | grep -q ready"
    pod stop -t 30 deaf 3>&- &
    local stopper=$!
    wait_for 10 eval "[ \$(pod inspect -f '{{.State.Status}}' deaf) = stopping ]"
    run_pod kill deaf
    wait "$stopper"
    run_pod start deaf
    wait_for 10 eval "[ \$(pod logs deaf | grep -c ready) = 2 ]"
    run_pod inspect -f '{{.State.Status}}' deaf
    assert_output running
    run_pod stop --timeout 1 deaf
    assert_match 'level=warning msg="StopSignal SIGTERM failed to stop container deaf in 1 seconds, resorting to SIGKILL"' "$stderr"
    run_pod inspect -f '{{.State.ExitCode}}' deaf
    assert_output 137
    run_pod 125 stop --cidfile "$ROOM/none"
    assert_error "reading CIDFile: open $ROOM/none: no such file or directory"
    run_pod stop --ignore --cidfile "$ROOM/none" nosuch
    assert_empty
}

@test "filters choose what start, stop and rm work on" {
    run_pod create --name a --network none --restart always "$IMAGE" sleep 100
    run_pod create --name b --network none --restart on-failure "$IMAGE" sleep 100
    run_pod start --filter restart-policy=always
    run_pod ps --format '{{.Names}}'
    assert_output a
    run_pod start --filter restart-policy=on-failure a b
    assert_output b
    run_pod start --filter restart-policy=none --all
    assert_empty
    run_pod 125 start --filter restart-policy=bogus a
    assert_error "bogus invalid restart policy"
    run_pod stop -t 0 --filter name=a
    run_pod ps --format '{{.Names}}'
    assert_output b
    run_pod rm --filter status=exited
    run_pod ps -a --format '{{.Names}}'
    assert_output b
    run_pod start --all # what runs is left alone
    assert_empty
}

@test "wait: for other states, for several, for one that is not there" {
    run_pod create --name waits --network none "$IMAGE" sh -c 'exit 7'
    run_pod wait --condition created waits
    assert_output -1
    run_pod start waits
    run_pod wait waits
    assert_output 7
    run_pod wait --condition exited --condition running --interval 20ms waits
    assert_output 7
    run_pod wait --ignore nosuch
    assert_output -1
    run_pod 125 wait nosuch
    run_pod 125 wait --condition bogus waits
    assert_error "unknown container state: bogus: invalid argument"
}

@test "logs: since, until, several containers, the order of both streams" {
    run_pod run -d --name talks --network none "$IMAGE" sh -c \
        'echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three; printf rest'
    run_pod wait talks
    run_cmd 0 sh -c 'pod logs -n talks 2>&1'
    assert_output $'talks one\ntalks two\ntalks three\ntalks rest'
    run_pod logs --since 1h talks
    assert_line one
    run_pod logs --since -1h talks
    assert_empty
    run_pod logs --until 1000 talks
    assert_empty
    run_pod logs --until 1h --tail 1 talks
    assert_output rest
    run_pod logs -f --since -1s talks
    assert_empty
    run_pod 125 logs --since bogus talks
    run_pod run -d --name more --network none "$IMAGE" sh -c 'echo a; sleep 0.3; echo b'
    run_pod inspect -f '{{.Id}}' more
    local id=${output:0:12}
    run_pod logs -f more talks
    assert_line "$id a"
    assert_line "$id b"
    run_pod inspect -f '{{.Id}}' talks
    assert_line_in "${output:0:12} three" "$(pod logs more talks)"
    run_pod run -d --name lasts --network none "$IMAGE" sh -c 'while :; do echo x; sleep 0.1; done'
    local begin=$SECONDS
    run_pod logs -f --until 1s lasts
    [ $((SECONDS - begin)) -le 4 ] || fail "went on for $((SECONDS - begin)) s"
    run_pod run --name unlogged --network none --log-driver none "$IMAGE" echo x
    run_pod 125 logs unlogged
    assert_error "this container is using the 'none' log driver, cannot read logs: this container is not logging output"
    run_pod run --name json --network none --log-driver json-file "$IMAGE" echo x
    run_pod logs json
    assert_output x
    run_pod inspect -f '{{.HostConfig.LogConfig.Type}}' json
    assert_output json-file
}
assert_line_in() { grep -qxF -- "$1" <<<"$2" || fail "no line «$1» in:" "$2"; }

@test "options before the verb: another store, quiet, another runtime" {
    local far=(--root "$ROOM/far" --runroot "$ROOM/farrun")
    run_pod "${far[@]}" ps -a -q
    assert_empty
    run_pod "${far[@]}" info --format '{{.Store.GraphRoot}} {{.Store.RunRoot}}'
    assert_output "$ROOM/far $ROOM/farrun/pod"
    run_pod --noout create --name silent "$IMAGE"
    assert_empty
    run_pod --out "$ROOM/out" create --name written "$IMAGE"
    assert_empty
    run_pod inspect -f '{{.Id}}' written
    assert_output "$(cat "$ROOM/out")"
    run_pod --runtime crun create --name foreign "$IMAGE"
    run_pod inspect -f '{{.OCIRuntime}}' foreign
    assert_output crun
    run_pod --cgroup-manager=cgroupfs --events-backend file --context=default ps -q
    run_pod 125 --context=swarm ps
    run_pod 1 --log-level telepathic ps
    assert_match 'Log Level "telepathic" is not supported' "$stderr"
    run_pod 125 --bogus ps
    assert_error "unknown flag: --bogus" "See 'pod --help'"
    run_pod 125 --noout
    run_pod unshare true
    run_cmd 127 sh -c 'exec 3>"$1"; pod unshare nosuchcommand' sh "$ROOM/three"
    [ ! -s "$ROOM/three" ] || fail "written to the caller's descriptor 3"
    run_pod 127 unshare nosuchcommand
    assert_error 'exec: "nosuchcommand": executable file not found in $PATH'
    "$POD_LIBEXEC/pod-userns" info >/dev/null
    POD_RUNROOT=$ROOM/farrun quietly "$POD_LIBEXEC/pod-userns" stop
}

@test "clone: made as the other was asked for, with what is to differ" {
    mkdir -p "$ROOM/elsewhere/data"
    (cd "$ROOM/elsewhere" && pod create --name first --cidfile "$ROOM/cid" -e A=b -v ./data:/data --network none \
        --label x=y "$IMAGE" sh -c 'echo "$A $0 $1"; ls -d /data' one two)
    run_pod start -a first
    local said=$output
    run_pod container clone first
    assert_match '^[0-9a-f]{64}$'
    run_pod start -a first-clone
    assert_output "$said"
    run_pod container clone first
    run_pod container exists first-clone1
    run_pod container clone --cpu-shares 500 first second
    run_pod inspect --format '{{.HostConfig.CpuShares}} {{.Config.Labels.x}} {{.Name}}' second
    assert_output "500 y second"
    run_pod container clone --destroy --run first third
    run_pod wait third
    run_pod logs third
    assert_output "$said"
    run_pod 1 container exists first
    run_pod 125 container clone third second
    assert_error_match "name \"second\" is already in use|the container name \"second\" is in use"
    run_pod 125 container clone nobody
    run_pod rm -a
    rm -f "$ROOM/cid"
}

@test "mount: inside pod unshare; what does not run, what runs; what is written stays" {
    run_pod create --name still --network none "$IMAGE" cat /etc/mine
    run_pod 125 mount still
    assert_error 'cannot run command "pod mount" in rootless mode, must execute `pod unshare` first' \
        "pod unshare pod mount still"
    # to list needs no rights
    run_pod mount
    assert_empty
    run_pod 125 unmount
    assert_error_match "must execute"
    run_pod unshare sh -euc 'm=$(pod mount still); echo new >"$m/etc/mine"; ls -d "$m/bin/busybox" >/dev/null
        pod mount | cut -d " " -f 2; [ "$(pod mount)" = "$(pod mount -l | sed "s,^,$(pod ps -aq --filter name=still) ,")" ]
        pod unmount still >/dev/null; ls "$m"; pod mount; pod unmount --all'
    assert_equal "$(wc -l <<<"$output")" 1 "only the list"
    run_pod start -a still
    assert_output new
    run_pod run -d --name moves --network none "$IMAGE" sleep 1000
    run_pod unshare sh -euc 'echo "from outside" >"$(pod mount moves)/note"; pod mount --format json | grep -c mountpoint'
    assert_output 1
    run_pod exec moves cat /note
    assert_output "from outside"
    run_pod 125 unshare sh -c 'pod mount nobody 2>&1; echo $?; pod mount --format yaml 2>&1'
    assert_contains "no such container"
    run_pod events --since 1m --stream=false --filter container=still --filter event=mount --filter event=unmount \
        --format '{{.Status}}'
    assert_equal "$(paste -sd ' ' <<<"$output")" "mount unmount"
    run_pod rm -f -t 0 still moves
}

@test "generate spec: the configuration that it runs with, or would" {
    run_pod create --name plan --network none -e A=b --cap-drop all "$IMAGE" sleep 1000
    run_pod generate spec plan
    assert_equal "$(jq -c '[.process.args, (.process.env | index("A=b") != null), .process.capabilities.bounding, (.linux.seccomp.syscalls | length > 10)]' <<<"$output")" \
        '[["sleep","1000"],true,[],true]'
    local before
    before=$(jq -S 'del(.hostname)' <<<"$output")
    run_pod ps -a --filter name=plan --format '{{.State}}'
    assert_output created
    refute_file "$XDG_RUNTIME_DIR/pod/$(pod ps -aq --no-trunc --filter name=plan)"
    run_pod start plan
    run_pod generate spec -c -f "$ROOM/spec" plan
    assert_equal "$(wc -l <"$ROOM/spec")" 0
    assert_equal "$(jq -S 'del(.hostname)' "$ROOM/spec")" "$before"
    run_pod 125 generate spec nobody
    run_pod pod create --name idle --network none
    run_pod create --pod idle --name member "$IMAGE" true
    run_pod 125 generate spec member
    assert_error "container member is in a pod that does not run" "pod pod start"
    run_pod pod rm -f idle
    run_pod rm -f -t 0 plan
}

@test "start of many: side by side, told in order, each with its own fault" {
    local names=() name
    for name in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        run_pod create --name "s$name" --network none "$IMAGE" sleep 100
        names+=("s$name")
    done
    run_pod create --name bad --network none "$IMAGE" /nosuch
    run_pod create --name joins --network container:s20 "$IMAGE" sleep 100
    run_pod create --name wants --network none --requires s1,s19 "$IMAGE" sleep 100
    run_pod 125 start s1 nosuch s2 s1 bad "${names[@]:2}" joins wants
    assert_output "$(printf '%s\n' s1 s2 s1 "${names[@]:2}" joins wants)"
    assert_match 'no container with name or ID "nosuch" found' "$stderr"
    assert_match "executable file \`/nosuch\` not found" "$stderr"
    run_cmd 0 sh -c 'pod ps -q | wc -l'
    assert_output 22
    run_pod rm -f -t 0 -a
}

@test "start: namespaces are made beside it, by nobody who stays; at its own place when not" {
    lent() { # NAME: was its monitor given some?
        local monitor
        monitor=$(pod inspect -f '{{.State.ConmonPid}}' "$1")
        tr '\0' '\n' <"/proc/$monitor/cmdline" | grep -c -x -e --lent-fd | sed 's/[12]/yes/;s/0/no/'
    }
    [ "$(nproc)" -gt 1 ] || skip "needs a second processor"
    run_pod run -d --name a --restart on-failure:1 --network none "$IMAGE" sleep 100
    assert_equal "$(lent a)" yes
    # by what is ours only: other tests run beside this one
    run_cmd 0 bash -c 'for p in $(pgrep -u "$(id -u)" -f "[p]od-userns lend"); do
        tr "\0" "\n" <"/proc/$p/environ" | grep -q -x "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" && echo "$p"; done; true'
    assert_empty
    run_pod exec a ip -o addr show lo
    assert_contains "inet 127.0.0.1/8"
    # once more, by the monitor, whose caller has long gone
    local net pid
    pid=$(pod inspect -f '{{.State.Pid}}' a)
    net=$(readlink "/proc/$pid/ns/net")
    kill -9 "$pid"
    wait_for 10 sh -c "pod inspect -f '{{.RestartCount}} {{.State.Running}}' a | grep -q '1 true'"
    pid=$(pod inspect -f '{{.State.Pid}}' a)
    [ "$(readlink "/proc/$pid/ns/net")" != "$net" ]
    run_pod exec a ip -o addr show lo
    assert_contains "inet 127.0.0.1/8"
    # another's, the host's, ids of its own; several at once; one processor
    run_pod run -d --name b --network container:a "$IMAGE" sleep 100
    run_pod run -d --name c --network host "$IMAGE" sleep 100
    run_pod run -d --name d --network none --userns keep-id "$IMAGE" sleep 100
    assert_equal "$(lent b) $(lent c) $(lent d)" "no no no"
    run_pod stop -t 0 c d
    run_pod start c d
    assert_equal "$(lent c) $(lent d)" "no no"
    run_pod stop -t 0 a
    run_cmd 0 taskset -c 0 pod start a
    assert_equal "$(lent a)" no
    run_pod stop -t 0 a
    run_pod start a
    assert_equal "$(lent a)" yes
    run_pod rm -f -t 0 -a
}

@test "init: created in the runtime, held there, started later" {
    run_pod create --name held --network none "$IMAGE" sh -c 'echo out; sleep 100'
    run_pod init held
    assert_output held
    run_pod ps -a --filter name=held --format '{{.State}} {{.Status}}'
    assert_output "initialized Initialized"
    run_pod inspect -f '{{.State.Pid}}' held
    local pid=$output
    # its namespaces are there, its command is not
    run_cmd 0 readlink "/proc/$pid/ns/net"
    refute_match "$(readlink /proc/self/ns/net)"
    run_pod logs held
    assert_empty
    run_pod 125 init held
    assert_error_match "has already been created in runtime"
    run_pod 255 exec held true
    run_pod 125 kill held
    run_pod start held
    run_pod inspect -f '{{.State.Pid}} {{.State.Status}}' held
    assert_output "$pid running"
    wait_for 5 sh -c 'pod logs held | grep -q out'
    run_pod 125 init held
    # one that has run before is initialized again, and taken back by stop
    run_pod stop -t 0 held
    run_pod container init held
    run_pod ps -a --filter name=held --format '{{.State}}'
    assert_output initialized
    run_pod stop held
    run_pod ps -a --filter name=held --format '{{.State}}'
    assert_output exited
    # whoever wants it started is answered, all at once or too late
    run_pod init held
    run_cmd 0 sh -c 'for i in 1 2 3 4 5 6 7 8; do timeout 5 pod start held & p="$p $!"; done; for i in $p; do wait $i || exit; done'
    assert_equal "${#lines[@]}" 8
    run_pod stop -t 0 held
    # several, and one that cannot be
    run_pod create --name ends "$IMAGE" sh -c 'echo first; exit 3'
    run_pod create --name bad --network none "$IMAGE" /nosuch
    run_pod 125 init held bad ends
    assert_output "held
ends"
    assert_match "/nosuch" "$stderr"
    run_pod 125 init --all # what is that far already is passed over
    refute_line ends
    assert_equal "$(grep -c ^Error: <<<"$stderr")" 1 "only the bad one"
    assert_error_match "unable to init container"
    run_pod 3 start -a ends
    assert_output first
    run_pod rm held # without force: nothing of it has run
    # a monitor that is killed, a runtime of others
    run_pod init ends
    kill -9 "$(lock_holder ends)"
    run_pod ps -a --filter name=ends --format '{{.Status}}'
    assert_output Initialized
    run_pod 255 exec ends true
    run_pod stop ends
    run_pod ps -a --filter name=ends --format '{{.State}}'
    assert_output exited
    run_pod init ends
    kill -9 "$(lock_holder ends)"
    run_pod start ends
    # killed while it is asked
    run_pod wait ends
    run_pod init ends
    run_cmd 0 bash -c 'kill -STOP "$1"; timeout 10 pod start ends & sleep 0.2; kill -9 "$1"; wait $!' \
        bash "$(lock_holder ends)"
    run_pod rm -f ends bad
    run_pod create --name other --network none --runtime runc "$IMAGE" sleep 100
    run_pod init other
    run_pod start other
    run_pod rm -f -t 0 other
}
lock_holder() { # CONTAINER: its monitor's pid
    pgrep -u "$(id -u)" -f "^[^ ]*pod-monitor.*$(pod inspect -f '{{.Id}}' "$1")"
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# kill -9 of any process of ours at any instruction: tools/killat ends a chosen program before its
# Nth system call that changes something. Whatever was hit: every command answers at once, nothing
# half-made is to be seen, names can be used again, nothing runs on or stays behind. Samples of N;
# with POD_TEST_STEPS=all (`make crash`) every one.
# serial

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    KILLAT=$POD_TEST_TOP/tools/killat
    [ -x "$KILLAT" ] || KILLAT=$BATS_TEST_DIRNAME/../${BUILD:-build}/tests/killat
    export KILLAT NAP=97.531
    pull_it
    if ! "$KILLAT" none 0 "$TMPDIR/hit" true; then export NO_PTRACE=1; fi
}
setup() {
    IMAGE=localhost/busybox:latest
    [ -z "${NO_PTRACE:-}" ] || skip "this machine does not let programs be traced"
    pod image exists "$IMAGE" || pull_it
}
teardown() { sound_end >/dev/null 2>&1 || true; }

pull_it() { pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest; }

# Answers at once, with nothing to complain about.
answers() {
    local complaint
    local rc=0
    complaint=$(timeout "$(slow 5)" "$@" 2>&1 >/dev/null) || rc=$?
    [ "$rc$complaint" = 0 ] || fail "$WHERE: ${*@Q} answers $rc: $complaint"
}
sound() {
    local found
    answers pod ps -a
    answers pod images
    answers pod pod ps
    found=$(timeout "$(slow 5)" pod store check 2>&1) || [ $? -eq 1 ] || fail "$WHERE: store check: $found"
    found=$(grep -v -e '^$' -e 'no record names it$' -e 'left by programs that were ended$' <<<"$found") ||
        return 0
    fail "$WHERE: store check: $found"
}

left_running() {
    local pid
    for pid in $(pgrep -f -- "$ROOM/|^sleep $NAP"); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
        pod-userns | bats* | bash | docker-registry | '') ;;
        *) echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline")" ;;
        esac
    done
}
nothing_runs() { [ -z "$(left_running)" ]; }
on_disk() {
    local own=$STORE/pod
    find "$own/containers" "$own/pods" "$own/names" "$own/trash" "$own/staging" "$own"/nursery/? -mindepth 1 -maxdepth 1
    find "$XDG_RUNTIME_DIR/pod" -mindepth 1 -maxdepth 1 ! -name 'userns*' ! -name runtime
    find "$XDG_RUNTIME_DIR/pod/runtime" -mindepth 1 -maxdepth 1 2>/dev/null
    find "$STORE/overlay-images" "$STORE/overlay-layers" -name '.tmp-*'
}
# After rm, pod rm and gc nothing is left, and the next command works.
sound_end() {
    answers pod rm -f -a -t 0
    answers pod pod rm -f -a -t 0
    wait_for 5 nothing_runs || fail "$WHERE: $(left_running)"
    answers pod store gc --all --quiet
    answers pod store check
    assert_equal "$(on_disk)" "" "$WHERE: left on disk"
}

# sweep [-b BEFORE] [-a AFTER] PROGRAM COMMAND...: PROGRAM is killed in the course of COMMAND at
# some of its steps (SAMPLES; all with POD_TEST_STEPS=all), each time anew.
sweep() {
    local before=true after=true total n rc said
    while [[ $1 == -? ]]; do
        [ "$1" != -b ] || before=$2
        [ "$1" != -a ] || after=$2
        shift 2
    done
    local program=$1
    shift
    WHERE="$program in ${*@Q}"
    $before
    "$KILLAT" "$program" 0 "$TMPDIR/hit" "$@" >/dev/null 2>"$TMPDIR/err" </dev/null || true
    read -r _ total <"$TMPDIR/hit"
    [ "$total" -gt 0 ] || fail "$WHERE: it did nothing: $(cat "$TMPDIR/err")"
    sound_end
    local samples=${SAMPLES:-3}
    [ "${POD_TEST_STEPS:-}" != all ] || samples=$total
    [ "$samples" -lt "$total" ] || samples=$total
    # spread over the whole, in the middle of each part
    for ((i = 0; i < samples; i++)); do
        n=$((1 + (2 * i + 1) * total / (2 * samples)))
        [ "$samples" -lt "$total" ] || n=$((i + 1))
        rc=0
        $before
        "$KILLAT" "$program" "$n" "$TMPDIR/hit" "$@" >/dev/null 2>"$TMPDIR/err" </dev/null || rc=$?
        WHERE="$program in ${*@Q}, step $n ($(cat "$TMPDIR/hit")), status $rc"
        [ "$rc" -ne 124 ] || fail "$WHERE: it hangs"
        # what ended with an error said so in one sentence; a payload's own code is below 125
        if [ "$rc" -eq 125 ]; then
            assert_equal "$(grep -c '^Error: ' "$TMPDIR/err")" 1 "$WHERE: sentences"
        fi
        sound
        $after
        sound_end
        said=$(pod run --rm --name x --network none "$IMAGE" echo again 2>&1) || said="$said, status $?"
        assert_equal "$said" again "$WHERE"
    done
}

made() { answers pod create --name x --network none "$IMAGE" sleep "$NAP"; }
running() { answers pod run -d --name x --network none "$IMAGE" sleep "$NAP"; }
usable() { # x, if it is to be seen
    pod ps -a --format '{{.Names}}' | grep -qx x || return 0
    answers pod start x
    answers pod exec x true
    answers pod stop -t 0 x
}
there() {
    pod ps -a --format '{{.Names}}' | grep -qx x || fail "$WHERE: the container is lost"
    usable
}

@test "run --rm: each of its processes" {
    local program
    for program in pod-run pod-monitor pod-userns pod-rootfs pod-runtime pod-trash; do
        sweep "$program" pod run --rm --name x --network none "$IMAGE" true
    done
}

@test "run -d: what runs can be used, what does not is gone or can be started" {
    local program
    for program in pod-run pod-monitor pod-runtime; do
        sweep -a usable "$program" pod run -d --name x --network none "$IMAGE" sleep "$NAP"
    done
}

@test "run with a network, through fuse-overlayfs, with limits" {
    sweep pod-netns pod run -d --name x "$IMAGE" sleep "$NAP"
    sweep pod-monitor pod run -d --name x "$IMAGE" sleep "$NAP"
    sweep pod-ports pod run -d --name x -p "127.0.0.1:$(free_port):80" "$IMAGE" sleep "$NAP"
    sweep pod-netns pod run -d --name x -p "127.0.0.1:$(free_port):80" "$IMAGE" sleep "$NAP"
    POD_ROOTFS=fuse sweep pod-rootfs pod run -d --name x --network none "$IMAGE" sleep "$NAP"
    if pod run --rm --network none --memory 64m "$IMAGE" true 2>/dev/null; then
        sweep pod-cgroup pod run -d --name x --network none --memory 64m "$IMAGE" sleep "$NAP"
        assert_equal "$(find /sys/fs/cgroup -user "$(id -un)" -name 'pod-????????????????????????????????????????????????????????????????')" ""
    fi
}

@test "create, start, stop, kill, exec, rm" {
    sweep -a usable pod-run pod create --name x --network none "$IMAGE" sleep "$NAP"
    sweep -b made -a there pod-start pod start x
    sweep -b made -a there pod-monitor pod start x
    sweep -b running -a there pod-stop pod stop -t 0 x
    sweep -b running -a there pod-stop pod kill x
    sweep -b running -a there pod-exec pod exec x true
    sweep -b running -a there pod-runtime pod exec x true
    sweep -b running -a usable pod-rm pod rm -f -t 0 x
    sweep pod-monitor sh -c "pod run -d --name x --network none $IMAGE sleep $NAP && pod stop -t 0 x"
}

a_pod() {
    answers pod pod create --name p --network none
    answers pod create --pod p --name m "$IMAGE" sleep "$NAP"
}
a_running_pod() { a_pod && answers pod pod start p; }
# A pod is there whole, or its name is free.
pod_usable() {
    if pod pod exists p; then
        answers pod pod start p
        answers pod pod stop -t 0 p
    else
        assert_equal "$(pod ps -aq)" "" "$WHERE: containers of a pod that is not there"
        answers pod pod create --name p
    fi
    assert_equal "$(pod pod ps --format '{{.Name}}')" p
}

@test "pods: create, start, stop, rm" {
    SAMPLES=6 sweep -a pod_usable pod-pod pod pod create --name p
    sweep -b a_pod -a pod_usable pod-pod pod pod start p
    sweep -b a_pod -a pod_usable pod-monitor pod pod start p
    sweep -b a_running_pod -a pod_usable pod-pod pod pod stop -t 0 p
    SAMPLES=6 sweep -b a_running_pod pod-pod pod pod rm -f -t 0 p
}

no_image() {
    pod rmi -f -a >/dev/null 2>&1 || true
    answers pod store gc --all --quiet
    assert_equal "$(pod images -q)" ""
}
# What is shown runs; the same pull works again.
pulls_again() {
    local image
    for image in $(pod images -q); do answers pod run --rm --network none "$image" true; done
    answers pod pull -q "oci:$ROOM/layout:busybox"
    pull_it
}

no_volumes() { answers pod volume rm -f -a; }
filled() { # whoever was killed: the next one finds all that the image has there
    answers pod rm -f -a -t 0
    assert_equal "$(pod run --rm --network none -v v:/etc "$IMAGE" ls /etc 2>&1 | tr '\n' ' ')" "group passwd " "$WHERE"
    answers pod volume rm v
    no_volumes
}

# It stands or it moves; either way it can be made to move, and be used.
moves() {
    local state
    state=$(pod inspect --format '{{.State.Status}}' x 2>&1)
    case $state in
    paused) answers pod unpause x ;;
    running) pod unpause x >/dev/null 2>&1 || true ;; # half-way: helped on, or nothing to do
    *) fail "$WHERE: it is $state" ;;
    esac
    answers pod exec x true
}
a_paused() { running && answers pod pause x; }
no_secret() { pod secret rm -i s >/dev/null 2>&1 || true; }
a_secret() { no_secret && printf old | answers pod secret create s -; }
# There is one or there is none, and never half of one.
secret_usable() {
    local said
    answers pod secret ls
    if pod secret exists s; then
        said=$(pod secret inspect --showsecret --format '{{.SecretData}}' s 2>&1)
        [[ $said =~ ^(old|new)$ ]] || fail "$WHERE: the secret is $said"
    fi
    printf new >"$TMPDIR/secret"
    answers pod secret create --replace s "$TMPDIR/secret"
    assert_equal "$(pod secret inspect --showsecret --format '{{.SecretData}}' s)" new "$WHERE"
    no_secret
}

@test "pause, unpause, update" {
    sweep -b running -a moves pod-pause pod pause x
    sweep -b a_paused -a moves pod-pause pod unpause x
    [ ! -w "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)" ] ||
        sweep -b running -a moves pod-update pod update --cgroup-conf cgroup.max.depth=5 x
}

@test "secrets: create, replace, rm" {
    printf new >"$TMPDIR/secret"
    sweep -b no_secret -a secret_usable pod-secret pod secret create s "$TMPDIR/secret"
    sweep -b a_secret -a secret_usable pod-secret pod secret create --replace s "$TMPDIR/secret"
    sweep -b a_secret -a secret_usable pod-secret pod secret rm s
}

@test "volumes: create, fill, import, rm" {
    local program
    sweep -b no_volumes -a filled pod-volume pod volume create v
    for program in pod-run pod-rootfs pod-monitor; do
        sweep -b no_volumes -a filled "$program" pod run --rm --name x --network none -v v:/etc -v /anonymous "$IMAGE" true
    done
    pod volume create kept
    tar -C "$ROOM/busybox" -cf "$ROOM/etc.tar" etc
    sweep pod-volume pod volume import kept "$ROOM/etc.tar"
    sweep -b 'answers pod volume create --ignore v' pod-volume pod volume rm -a
    pod volume rm -a -f
}

@test "pull: each of its processes" {
    SAMPLES=6 sweep -b no_image -a pulls_again pod-pull pod pull "oci:$ROOM/layout:busybox"
    sweep -b no_image -a pulls_again pod-unpack pod pull "oci:$ROOM/layout:busybox"
    pulls_again
}

@test "pull from a registry: pod-fetch" {
    need docker-registry skopeo
    registry_start plain
    push_image "$ROOM/layout:busybox" busybox:latest
    sweep -b no_image -a pulls_again pod-fetch pod pull --tls-verify=false --retry 1 "$REGISTRY/busybox"
    sweep -b no_image -a pulls_again pod-pull pod pull --tls-verify=false "$REGISTRY/busybox"
    registry_stop
    pulls_again
}

@test "tag, untag, rmi, gc" {
    tagged() { pull_it && pod tag "$IMAGE" localhost/other; }
    sweep pod-store pod tag "$IMAGE" localhost/other
    sweep -b tagged pod-store pod untag "$IMAGE" localhost/other
    sweep -b pull_it -a pulls_again pod-store pod rmi -a -f
    sweep -b pull_it -a pulls_again pod-trash pod rmi -a -f
    garbage() { mkdir -p "$STORE/pod/staging/layer-1/d" "$STORE/pod/trash/2/d"; }
    sweep -b garbage pod-store pod store gc
}

@test "what killed commands left in the runtime directory and among the names is swept" {
    local id=1111111111111111111111111111111111111111111111111111111111111111
    mkdir -p "$XDG_RUNTIME_DIR/pod/.gone-$id" "$XDG_RUNTIME_DIR/pod/runtime/$id"
    ln -s "../containers/$id" "$STORE/pod/names/nobody"
    ln -s "../containers/$id" "$STORE/pod/names/.tmp-1"
    mkdir -p "$STORE/pod/pods/$id"
    ln -s "../../containers/$id" "$STORE/pod/pods/$id/infra"
    ln -s "../pods/$id" "$STORE/pod/names/p"
    run_pod pod ps -q
    assert_empty
    run_pod create --name nobody --network none "$IMAGE" true
    run_pod pod create --name p
    run_pod pod rm p
    WHERE=gc sound_end
}

@test "a start that fails half-way leaves nothing running, whoever was killed" {
    # the monitor dies before it has recorded the start; the runtime before it has said ok
    "$KILLAT" pod-monitor 6 "$TMPDIR/hit" pod run -d --name x --network none "$IMAGE" sleep "$NAP" \
        >/dev/null 2>&1 || true
    wait_for 5 nothing_runs
    "$KILLAT" pod-runtime 0 "$TMPDIR/hit" pod run -d --name y --network none "$IMAGE" sleep "$NAP"
    pod rm -f -t 0 -a
    read -r _ steps <"$TMPDIR/hit"
    "$KILLAT" pod-runtime $((steps - 1)) "$TMPDIR/hit" \
        pod run -d --name y --network none "$IMAGE" sleep "$NAP" >/dev/null 2>&1 || true
    assert_equal "$(cat "$TMPDIR/hit")" "hit write"
    wait_for 5 nothing_runs
    run_pod ps -q
    assert_empty
}

@test "a payload that runs though its start was never recorded is seen, stopped, replaced, removed" {
    local verb id
    for verb in "stop -t 0" "rm -f" start kill; do
        id=$(pod run -d --name x --network none "$IMAGE" sleep "$NAP")
        kill -9 "$(pgrep -f "pod-monitor.*--ctr-dir $ROOM/")"
        wait_for 5 eval "! pgrep -f 'pod-monitor.*--ctr-dir $ROOM/'" # and its lock is free
        rm "$STORE/pod/containers/$id/live" "$XDG_RUNTIME_DIR/pod/$id/live"
        run_pod ps --format '{{.Names}} {{.State}}'
        assert_output "x running"
        # shellcheck disable=SC2086 # words
        run_pod $verb x
        [ "$verb" != start ] || assert_equal "$(pgrep -c -f "^sleep $NAP")" 1 payloads
        WHERE=$verb sound_end
    done
}

@test "a monitor that is killed before a start is on disk: it is seen, and kept when it has ended" {
    local id before
    id=$(pod run -d --name x --network none "$IMAGE" sleep "$NAP")
    kill -9 "$(pgrep -f "pod-monitor.*--ctr-dir $ROOM/")"
    wait_for 5 eval "! pgrep -f 'pod-monitor.*--ctr-dir $ROOM/'"
    rm "$STORE/pod/containers/$id/live" "$STORE/pod/running/$id"
    run_pod ps --format '{{.Names}} {{.State}}'
    assert_output "x running"
    run_pod stop -t 0 x
    run_pod ps -a --format '{{.Names}} {{.State}}'
    assert_output "x exited"
    # another start gets what is in memory out of the way: what it told of goes to disk
    before=$(pod inspect -f '{{.State.Status}} {{.State.StartedAt}}' x)
    rm -rf "$STORE/pod/containers/$id/upper"
    touch "$STORE/pod/containers/$id/upper" # no start can come of it
    run_pod 125 start x
    refute_file "$XDG_RUNTIME_DIR/pod/$id"
    assert_equal "$(pod inspect -f '{{.State.Status}} {{.State.StartedAt}}' x)" "$before"
    rm "$STORE/pod/containers/$id/upper"
    mkdir "$STORE/pod/containers/$id/upper"
    WHERE=unkept sound_end
}

@test "an attached client says so when the monitor is killed" {
    pod run --rm --name x --network none "$IMAGE" sleep 3 >"$TMPDIR/out" 2>"$TMPDIR/err" &
    local client=$! rc=0
    wait_for 10 pod exec x true
    kill -9 "$(pgrep -f "pod-monitor.*--ctr-dir $ROOM/")"
    wait "$client" || rc=$?
    assert_equal "$rc" 125
    assert_match "^Error: container [0-9a-f]{64} has lost its monitor: its exit code is not known" \
        "$(cat "$TMPDIR/err")"
    run_pod ps -aq
    assert_empty
}

@test "single-id mode: run and exec, by what takes part in it" {
    "$POD_LIBEXEC/pod-userns" stop
    wait_for 5 sh -c '[ "$("$POD_LIBEXEC/pod-userns" info)" = 0 ]'
    local full=$PATH
    PATH=$(tools_but newuidmap newgidmap)
    run_pod unshare cat /proc/self/uid_map # a tracer's programs make no namespace
    assert_match " 1$"
    pod run --rm --network none "$IMAGE" true 2>/dev/null # and nobody needs to be told any more
    sweep pod-fakeroot pod run --rm --name x --network none "$IMAGE" chown 5 /tmp
    sweep pod-runtime pod run --rm --name x --network none "$IMAGE" chown 5 /tmp
    sweep -a usable pod-fakeroot pod run -d --name x --network none "$IMAGE" sleep "$NAP"
    sweep -b running -a there pod-runtime pod exec x chown 5 /tmp
    "$POD_LIBEXEC/pod-userns" stop
    PATH=$full
}

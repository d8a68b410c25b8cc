#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# A full disk, directories that are not ours or gone, low limits: one clear sentence, 125, nothing
# half-made, and what frees space works.

load helpers.bash

setup_file() {
    room_open
    rm "$XDG_CONFIG_HOME/containers/storage.conf" # the store goes where XDG_DATA_HOME says
    image_busybox "$ROOM/layout" busybox
    pull_it
}
teardown_file() {
    rm -rf "${POD_TEST_TOP:?}"/small/* 2>/dev/null || true
    room_close
}
setup() {
    IMAGE=localhost/busybox:latest
}
teardown() {
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    [ -z "${SMALL:-}" ] || emptied
}
pull_it() { pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest; }

# From here on the store is on a disk of 12 MB.
small() {
    mountpoint -q "$POD_TEST_TOP/small" || skip "no small file system: root has to mount it"
    SMALL=$POD_TEST_TOP/small
    export XDG_DATA_HOME=$SMALL
    STORE=$SMALL/containers/storage
    pull_it
}
fill() { # [KB to leave]
    local free
    free=$(df -k --output=avail "$SMALL" | tail -n 1)
    dd if=/dev/zero of="$SMALL/fill" bs=1k count=$((free - ${1:-0})) 2>/dev/null || true
    [ $# -gt 0 ] || dd if=/dev/zero of="$SMALL/fill2" bs=512 2>/dev/null || true
}
emptied() {
    rm -f "$SMALL"/fill*
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    pod pod rm -f -a >/dev/null 2>&1 || true
    pod rmi -f -a >/dev/null 2>&1 || true
    pod store gc -a -q || true
}

@test "full disk: what needs room says so in one sentence, what frees it works" {
    small
    run_pod create --name a --network none "$IMAGE" true
    run_pod run -d --name r --network none "$IMAGE" sleep 90
    fill
    run_pod 125 create --network none "$IMAGE" true
    assert_error_match "No space left on device"
    assert_contains "pod store gc" "$stderr"
    run_pod 125 run --rm --network none "$IMAGE" true
    assert_error_match "No space left on device"
    run_pod start a # takes no room
    run_pod wait a
    assert_output 0
    run_pod 125 tag "$IMAGE" localhost/other
    assert_error_match "No space left on device"
    run_pod 125 pull -q "oci:$ROOM/layout:busybox"
    assert_error_match "No space left on device"
    run_pod 125 pod create --name p
    assert_error_match "No space left on device"
    run_pod ps -a --format '{{.Names}} {{.State}}'
    assert_line "a exited"
    assert_line "r running"
    run_pod images -q
    run_pod pod ps -q
    assert_empty
    run_pod store check
    run_pod exec r echo in
    assert_output in
    run_pod stop -t 0 r
    run_pod rm a r
    run_pod store gc
}

@test "full disk: how a container ended is kept all the same" {
    small
    run_pod run -d --name e --network none "$IMAGE" sh -c 'trap "exit 5" TERM; while :; do sleep 0.05; done'
    run_pod run --name earlier --network none "$IMAGE" true
    run_pod run -d --name again --network none "$IMAGE" sh -c 'trap "exit 6" TERM; while :; do sleep 0.05; done'
    run_pod stop again
    run_pod start again
    fill
    run_pod stop e again
    run_pod inspect --format '{{.State.ExitCode}} {{.State.Status}}' e again earlier
    assert_output $'5 exited\n6 exited\n0 exited'
}

@test "full disk: rmi makes its own room" {
    small
    run_pod run --rm --network none "$IMAGE" true
    fill
    run_pod rmi -f -a
    run_pod images -q
    assert_empty
    rm -f "$SMALL"/fill*
    run_pod store check
    pull_it
    run_pod run --rm --network none "$IMAGE" echo again
    assert_output again
}

@test "full disk: a log loses whole lines, and goes on when there is room" {
    small
    run_pod run -d --name l --network none "$IMAGE" \
        sh -c 'i=0; while :; do i=$((i+1)); echo "line $i of many"; sleep 0.001; done'
    fill
    sleep 0.3
    rm -f "$SMALL"/fill*
    sleep 0.3
    run_pod stop -t 0 l
    run_pod logs l
    [ "${#lines[@]}" -gt 100 ]
    assert_equal "$(grep -v -x 'line [0-9]* of many' <<<"$output")" ""
}

@test "pull with too little room, at many points: nothing is shown, nothing stays" {
    small
    local left
    run_pod rmi -f -a
    run_pod store gc -a
    for left in 16 200 800 1500 2000 2080 2120; do
        fill "$left"
        run_pod any pull -q "oci:$ROOM/layout:busybox"
        rm -f "$SMALL/fill"
        if [ "$status" -eq 0 ]; then
            run_pod run --rm --network none "$output" true
            run_pod rmi -f -a
        else
            assert_equal "$status" 125
            assert_error_match "[Nn]o space left on device"
        fi
        run_pod images -q
        assert_empty
        run_pod store check
        run_pod store gc -a -q
        assert_equal "$(find "$STORE"/pod/{staging,trash} -mindepth 1)" ""
    done
}

@test "a home that cannot be written or read" {
    mkdir "$ROOM/ro"
    chmod 500 "$ROOM/ro"
    XDG_DATA_HOME=$ROOM/ro run_pod 125 ps -a
    assert_error_match "cannot open storage root .*Permission denied"
    chmod 700 "$ROOM/ro"
    # readable only: looking works
    chmod 500 "$STORE" "$STORE/overlay-images" "$STORE"/pod "$STORE"/pod/*/
    run_pod ps -a
    run_pod images -q
    assert_match '^[0-9a-f]{12}$'
    run_pod 125 run --rm --network none "$IMAGE" true
    assert_error_match "Permission denied"
    run_pod 125 tag "$IMAGE" localhost/other
    assert_error_match "Permission denied"
    chmod 700 "$STORE" "$STORE/overlay-images" "$STORE"/pod "$STORE"/pod/*/
    run_pod run --rm --network none "$IMAGE" echo again
    assert_output again
}

@test "no HOME, no runtime directory, somebody else's" {
    run_cmd 0 env -u HOME pod ps -q
    run_cmd 125 env -u XDG_DATA_HOME HOME=/nonexistent pod ps -q
    assert_error_match 'cannot open storage root "/nonexistent/'
    local dir
    for dir in / /nonexistent relative; do
        XDG_RUNTIME_DIR=$dir run_pod run --rm --network none "$IMAGE" echo hi
        assert_output hi
    done
    XDG_RUNTIME_DIR=/nonexistent quietly "$POD_LIBEXEC/pod-userns" stop
    rm -rf "/tmp/pod-run-$(id -u)"
}

@test "a runtime directory that is removed while containers run: they are seen, stopped, removed" {
    local holder
    run_pod run -d --name k --network none "$IMAGE" sleep 90
    holder=$("$POD_LIBEXEC/pod-userns" info)
    rm -rf "$XDG_RUNTIME_DIR/pod"
    # who can no longer be found by anybody goes by itself
    wait_for 5 sh -c "! kill -0 $holder"
    run_pod ps --format '{{.Names}} {{.State}}'
    assert_output "k running"
    run_pod 125 exec k true
    assert_error_match "was started with another runtime directory"
    run_pod stop -t 0 k
    run_pod inspect --format '{{.State.ExitCode}}' k
    assert_output 137
    run_pod start k
    run_pod exec k echo again
    assert_output again
    rm -rf "$XDG_RUNTIME_DIR/pod"
    run_pod rm -f -t 0 k
    run_pod ps -aq
    assert_empty
}

# Through a pipe: the limit is on files, and what bats reads is one.
too_large() {
    run_cmd 125 bash -c '(ulimit -f 0; exec pod "$@") 2>&1 | cat; exit "${PIPESTATUS[0]}"' - "$@"
    assert_match "^Error: .*File too large"
}

@test "low limits: open files, size of files, processes" {
    run_cmd 0 bash -c 'ulimit -s 128; pod run --rm --network none "$0" echo hi' "$IMAGE"
    assert_output hi
    run_cmd 0 bash -c 'ulimit -n 32; pod run --rm --network none "$0" echo hi' "$IMAGE"
    assert_output hi
    run_cmd 125 bash -c 'ulimit -n 16; pod run --rm --network none "$0" echo hi' "$IMAGE"
    assert_error_match "[Nn]o file descriptors|Too many open files"
    too_large run --rm --network none "$IMAGE" echo hi
    too_large pull -q "oci:$ROOM/layout:busybox"
    too_large tag "$IMAGE" localhost/other
    run_pod images
    run_pod store check
    run_pod rm -f -a
    run_pod run --rm --network none "$IMAGE" echo again
    assert_output again
}

@test "wrong words: podman's sentence and exit code" {
    run_pod 127 run --rm --network none "$IMAGE" nosuch
    assert_error_match 'executable file `nosuch` not found in \$PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found$'
    run_pod 126 run --rm --network none "$IMAGE" /etc
    assert_error_match "OCI permission denied$"
    run_pod 126 run --rm --network none "$IMAGE" /etc/passwd
    assert_error_match "open executable.*: Permission denied: OCI permission denied$"
    run_pod 126 run --rm --network none -u nobodyatall "$IMAGE" true
    assert_error "unable to find user nobodyatall: no matching entries in passwd file"
    run_pod 125 run --rm --pull never nosuchimage true
    assert_error "nosuchimage: image not known"
    run_pod 125 run --nosuchflag "$IMAGE"
    assert_error "unknown flag: --nosuchflag" "See 'pod run --help'"
    run_pod 125 run --rm -v /nosuch:/x "$IMAGE" true
    assert_error "statfs /nosuch: no such file or directory"
    run_pod create --name dup --network none "$IMAGE" true
    local id=$output
    run_pod 125 create --name dup --network none "$IMAGE" true
    assert_error "creating container storage: the container name \"dup\" is already in use by $id. You have to remove that container to be able to reuse that name: that name is already in use" "pod rm dup"
    run_pod 125 kill dup
    assert_error "can only kill running containers. $id is in state created: container state improper"
    run_pod ps -a --format '{{.Names}}'
    assert_output dup
    for verb in start stop kill wait logs attach; do
        run_pod 125 "$verb" nosuch
        assert_error 'no container with name or ID "nosuch" found: no such container'
    done
    run_pod 1 rm nosuch
    run_pod 1 rmi nosuch
    assert_error "nosuch: image not known"
}

@test "single-id mode: an owner that cannot be remembered is not given" {
    small
    "$POD_LIBEXEC/pod-userns" stop
    wait_for 5 sh -c '[ "$("$POD_LIBEXEC/pod-userns" info)" = 0 ]'
    local full=$PATH
    PATH=$(tools_but newuidmap newgidmap)
    run_pod run -d --name links --network none "$IMAGE" sh -c 'ln -s x /l; ln -s x /m; sleep 100'
    wait_for 5 pod exec links test -L /m
    fill
    run_pod 1 exec links chown -h 5:6 /l
    assert_match "No space left on device" "$stderr"
    rm -f "$SMALL"/fill*
    run_pod exec links chown -h 7:8 /m
    run_cmd 0 sh -c 'pod export links | tar --numeric-owner -tvf - l m'
    assert_match "0/0 .* l -> x"
    assert_match "7/8 .* m -> x"
    run_pod rm -f -t 0 links
    "$POD_LIBEXEC/pod-userns" stop
    PATH=$full
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # some words are for an inner shell; bats sets $stderr
# Started by root: here by that of a namespace, with mounts that are shared, as systemd leaves them.

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
}

# as_root SCRIPT: what it mounted or unmounted in the end is told on stderr
as_root() {
    unshare --map-root-user --map-auto --mount sh -euc '
        mkdir -p "$ROOM/mounted"
        # mounts that came from the host cannot be unmounted from here; one of our own on another
        # can, as /sys/fs/cgroup on /sys can by root
        mount -t tmpfs tmpfs "$ROOM/mounted"
        mkdir "$ROOM/mounted/on"
        mount -t tmpfs tmpfs "$ROOM/mounted/on"
        mount --make-rshared /
        mounts() { cut -d " " -f 5,7- /proc/self/mountinfo | sort; }
        export CONTAINERS_STORAGE_CONF=/dev/null XDG_DATA_HOME=$ROOM/root
        mounts >"$ROOM/before"
        IMAGE=$(pod pull -q "oci:$ROOM/layout:busybox")
        eval "$1"
        mounts | diff "$ROOM/before" - >&2' sh "$1" 3>&-
}

@test "the host's mounts are as they were, whatever the network" {
    local network
    for network in none slirp4netns pasta; do
        run_cmd 0 as_root "pod run --rm --network $network \$IMAGE echo ran"
        assert_output ran
    done
}

@test "a pod, a detached container, exec" {
    run_cmd 0 as_root 'pod pod create --name both >/dev/null
        pod run -d --pod both --name one $IMAGE sleep 100 >/dev/null
        pod exec one id -u
        pod pod rm -f -t 0 both >/dev/null'
    assert_output 0
}

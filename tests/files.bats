#!/usr/bin/env bats
# What became of a container's files: diff and export.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr…; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_layers "$ROOM/layout" layers
    local id
    id=$(pod pull -q "oci:$ROOM/layout:layers")
    pod untag "$id"
    pod tag "$id" localhost/layers:latest
}
setup() { IMAGE=localhost/layers:latest; }
teardown() { quietly pod rm -f -a -t 0; }

changing='echo x >>/etc/passwd; mkdir -p /new/sub; echo y >/new/sub/f; rm /etc/group; touch /tmp/t
    chmod 700 /var; ln -s a /lnk; rm -r /root; mkdir /root; touch /root/z; mkfifo /fifo'

@test "diff: what podman says of the same changes" {
    need podman
    local id
    id=$(as_podman pull -q "oci:$ROOM/layout:layers")
    as_podman run --name theirs --network none "$id" sh -c "$changing" 2>/dev/null
    run_pod run --name ours --network none "$IMAGE" sh -c "$changing"
    run_pod diff ours
    assert_equal "$output" "$(as_podman diff theirs)"
    local table=$output
    run_pod container diff --format json ours
    assert_equal "$(jq -S . <<<"$output")" "$(as_podman diff --format json theirs | jq -S .)"
    as_podman rm -f theirs >/dev/null
    as_podman run --name little --network none "$id" touch /here
    run_pod run --name small --network none "$IMAGE" touch /here
    run_pod diff small
    # what podman's runtime mounts on is made in each container's layer, and changes its /etc
    assert_output "$(as_podman diff little | grep -vx 'C /etc')"
    assert_output 'A /here'
    as_podman rm -f little >/dev/null
    run_pod diff ours
    table=$output
    run_pod diff --latest
    assert_match 'A /here'
    POD_ROOTFS=fuse run_pod run --name fuse --network none "$IMAGE" sh -c "$changing"
    run_pod diff fuse
    assert_output "$table"
}

@test "diff: while it runs, of an image, of what is not there" {
    run_pod run -d --name c --network none "$IMAGE" sleep 100
    run_pod exec c touch /here
    run_pod diff c
    assert_match 'A /here'
    run_pod create --name idle "$IMAGE"
    run_pod diff idle
    assert_output ""
    run_pod diff "$IMAGE"
    assert_contains $'A /d/new\nD /d/one' "$output"
    run_pod 125 diff nosuch
    assert_error "nosuch not found: layer not known" "pod ps -a"
    run_pod 125 diff
    assert_error_match 'requires a name, id, or the "--latest" flag'
    run_pod 125 diff --format '{{.}}' c
    assert_error "only supported value for '--format' is 'json'"
}

@test "what a runtime mounts on is nobody's change: it lies in one layer below all" {
    upper() { find "$XDG_DATA_HOME/containers/storage/pod/containers/$(pod inspect --format '{{.Id}}' "$1")/upper" -mindepth 1 -printf '%P '; }
    run_pod run --name bare --network none "$IMAGE" sh -c 'cat /etc/hostname /run/.containerenv >/dev/null && ls -d /proc/1 /dev/null /sys/fs >/dev/null'
    assert_equal "$(upper bare)" ""
    POD_ROOTFS=fuse run_pod run --name fuse --network none "$IMAGE" true
    assert_equal "$(upper fuse)" ""
    run_pod run --name reads --read-only --network none "$IMAGE" sh -c 'ls -A /run; mount | grep -c " on /run "'
    assert_equal "$(paste -sd ' ' <<<"$output")" ".containerenv 1"
    assert_equal "$(upper reads)" "var var/tmp "
    # only where something is mounted on each: an image without /etc/hosts has none with --no-hosts
    for without in --no-hosts --no-hostname --dns=none; do
        run_pod run --rm --network none $without "$IMAGE" sh -c 'ls /etc'
        case $without in
        --no-hosts) refute_match '^hosts$' ;;
        --no-hostname) refute_match '^hostname$' ;;
        *) refute_match '^resolv.conf$' ;;
        esac
    done
    # nor does a new volume begin with it
    run_pod run --rm --network none -v fresh:/etc "$IMAGE" true
    run_pod run --rm --network none -v fresh:/v "$IMAGE" cat /v/passwd
    assert_match '^root:'
    # one of a killed command is made anew, a half-made one is swept
    rm -rf "$XDG_DATA_HOME/containers/storage/pod/skeleton.2"
    mkdir -p "$XDG_DATA_HOME/containers/storage/pod/staging/skeleton.2-killed/etc"
    run_pod create --name anew --network none "$IMAGE" true
    run_pod start anew
    run_pod start bare
    run_pod store gc
    assert_equal "$(ls "$XDG_DATA_HOME/containers/storage/pod/staging")" ""
}

@test "/etc/mtab is there, also where the image has none or has lost it" {
    run_pod run --name c --network none "$IMAGE" sh -c 'readlink /etc/mtab; rm /etc/mtab'
    assert_output /proc/mounts
    run_pod commit -q c lost
    run_pod run --rm --network none lost readlink /etc/mtab
    assert_output /proc/mounts
    # a link that is the image's leads nowhere out of it
    run_pod create --name out --network none "$IMAGE" readlink /real/mtab
    run_pod unshare sh -c 'd=$(pod mount out) && rm "$d/etc/mtab" && mv "$d/etc" "$d/real" && ln -s ../../../../real "$d/etc"'
    run_pod start -a out
    assert_output /proc/mounts
}

@test "export: the files of the image and the changes, ids and modes, no mounts" {
    run_pod run --name c --network none -v v:/vol "$IMAGE" sh -c "$changing; chown 33:44 /new/sub/f; echo z >/vol/z"
    run_pod export -o "$ROOM/c.tar" c
    assert_equal "$(tar -xOf "$ROOM/c.tar" new/sub/f)" y
    assert_equal "$(tar --numeric-owner -tvf "$ROOM/c.tar" new/sub/f etc/motd | tr -s ' ' | cut -d ' ' -f 1,2)" \
        $'-rwsr-xr-x 0/0\n-rw-r--r-- 33/44'
    assert_equal "$(tar -tf "$ROOM/c.tar" | grep -cE '^(etc/group|d/one|vol/z|proc/.)')" 0
    assert_equal "$(tar -tf "$ROOM/c.tar" | grep -xE '(d/new|lnk|fifo|vol/)' | sort | tr '\n' ' ')" "d/new fifo lnk vol/ "
    # the same through a pipe, from one that runs, with other ids, without changes
    run_pod run -d --name k --network none --userns keep-id "$IMAGE" sleep 100
    run_pod exec -u 0 k touch /rooted
    run_pod exec k sh -c 'touch /tmp/mine'
    run_cmd 0 sh -c 'pod export k | tar --numeric-owner -tv rooted tmp/mine | tr -s " " | cut -d " " -f 2'
    assert_output $'0/0\n'"$(id -u)/$(id -g)"
    run_pod volume rm -f v
}

@test "export: to a terminal, of nobody, to nowhere" {
    run_pod create --name c "$IMAGE"
    run_cmd 125 script -qec "pod export c" /dev/null </dev/null
    assert_match 'refusing to export to terminal. Use -o flag or redirect'
    run_pod 125 export nosuch
    assert_error 'no container with name or ID "nosuch" found: no such container'
    run_pod 125 export -o /no/such/dir c
    assert_error_match 'cannot write "/no/such/dir"'
    run_cmd 125 sh -c 'pod export c >/dev/full'
    # a reader that has seen enough is no error: the tool ends as tar would, and says nothing
    run_pod create --name unread --network none "$IMAGE" true
    run_pod volume create unread
    pod run --rm --network none -v unread:/v "$IMAGE" dd if=/dev/zero of=/v/big bs=1M count=2 2>/dev/null
    for what in "export unread" "volume export unread"; do
        # shellcheck disable=SC2086
        run bash -o pipefail -c "pod $what | head -c 9 >/dev/null"
        assert_equal "$status $output" "141 "
    done
}

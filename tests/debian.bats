#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # bats sets $stderr; some words are for an inner shell
# A whole Debian, debootstrap'd, through a real registry: package manager, interpreter, web server.
load helpers

setup_file() {
    room_open
    need_debian
    registry_start plain
    skopeo copy -q "$DEBIAN" "docker://$REGISTRY/debian:test" --dest-tls-verify=false
    pod tag "$(pod pull -q --tls-verify=false "$REGISTRY/debian:test")" localhost/debian:test
    registry_stop
}
teardown_file() {
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    room_close
}
setup() { IMAGE=localhost/debian:test; }

@test "apt-get and dpkg" {
    run_pod run --rm --network none "$IMAGE" apt-get --version
    assert_match '^apt [0-9]'
    run_pod run --rm --network none "$IMAGE" dpkg -l
    assert_match $'\nii +base-files '
    [ "$(grep -c ^ii <<<"$output")" -gt 50 ] || fail "only $(grep -c ^ii <<<"$output") packages"
    run_pod run --rm --network none "$IMAGE" dpkg --verify
    assert_output "missing     /var/lib/apt/lists/partial" # emptied when the image was made
}

@test "a package is installed and removed: owners, setgid, scripts" {
    local deb=$ROOM/deb
    mkdir -p "$deb/DEBIAN" "$deb/opt/tool"
    printf 'Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: x\n' \
        >"$deb/DEBIAN/control"
    printf '#!/bin/sh\nset -e\ngroupadd -f -g 999 toolers\nchgrp toolers /opt/tool/file\nchmod 2755 /opt/tool/file\n' \
        >"$deb/DEBIAN/postinst"
    chmod 755 "$deb/DEBIAN/postinst"
    echo data >"$deb/opt/tool/file"
    dpkg-deb --root-owner-group -b "$deb" "$ROOM/tool.deb" >/dev/null
    run_pod run --name inst --network none -v "$ROOM/tool.deb:/tool.deb:ro" "$IMAGE" \
        sh -c 'dpkg -i /tool.deb >/dev/null && stat -c "%G %a" /opt/tool/file'
    assert_line "toolers 2755"
    run_pod start -a inst # the same command again, on what the first run left
    assert_line "toolers 2755"
    run_pod rm inst
}

@test "a python3 script, from a file and from standard input" {
    printf 'import sys, os, json, hashlib\nprint(json.dumps({"uid": os.getuid(), "argv": sys.argv[1:]}))\n' \
        >"$ROOM/script.py"
    run_pod run --rm --network none -v "$ROOM/script.py:/script.py:ro" "$IMAGE" \
        python3 /script.py one "two three"
    assert_output '{"uid": 0, "argv": ["one", "two three"]}'
    run_cmd 0 sh -c 'echo "print(sum(range(101)))" | pod run -i --rm --network none "$1" python3 -' \
        sh "$IMAGE"
    assert_output 5050
    run_pod 3 run --rm --network none "$IMAGE" python3 -c 'import sys; sys.exit(3)'
}

@test "a static web server behind -p, read by the host's curl; as another user too" {
    local port user
    mkdir -p "$ROOM/www"
    echo "a page" >"$ROOM/www/index.html"
    head -c 3000000 /dev/urandom >"$ROOM/www/blob"
    for user in root nobody; do
        port=$(free_port)
        run_pod run -d --name "web-$user" --user "$user" -p "127.0.0.1:$port:80" \
            -v "$ROOM/www:/www:ro" -w /www "$IMAGE" python3 -m http.server 80
        wait_for 15 curl -fs --noproxy '*' "http://127.0.0.1:$port/"
        run_cmd 0 curl -fs --noproxy '*' "http://127.0.0.1:$port/"
        assert_output "a page"
        curl -fs --noproxy '*' "http://127.0.0.1:$port/blob" | cmp - "$ROOM/www/blob"
        run_pod logs "web-$user"
        assert_match 'GET /blob HTTP' "$output$stderr"
        run_pod rm -f -t 0 "web-$user"
    done
}

@test "processes, users and files as in any Debian" {
    run_pod run --rm --network none "$IMAGE" bash -c '
        set -e
        useradd -m someone
        su someone -c "id -un; touch ~/mine; stat -c %U ~/mine"
        chown someone:someone /mnt
        setpriv --reuid someone --clear-groups touch /mnt/file
        stat -c %U /mnt/file
        (sleep 0.1 & wait)
        mknod /tmp/fifo p && ln -s a /tmp/link && ln /etc/passwd /tmp/hard
        getent passwd root | cut -d: -f1'
    assert_output $'someone\nsomeone\nsomeone\nroot'
}

@test "the whole root file system goes out through a pipe and is the same" {
    local here there
    run_pod run -d --name tree --network none "$IMAGE" sleep 100
    here=$(pod exec tree sh -c 'cd /usr && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum')
    there=$(pod exec tree sh -c 'cd /usr && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat' | sha256sum)
    assert_equal "$there" "$here"
    run_pod rm -f -t 0 tree
}

@test "podman and Buildah work on it, with no copy" {
    run_cmd 0 as_podman run --rm --network none "$IMAGE" dpkg --print-architecture
    assert_output "$(machine_arch)"
    run_cmd 0 buildah from --pull-never --name work "$IMAGE"
    run_cmd 0 buildah run --isolation chroot work cat /etc/debian_version
    assert_match '^[0-9a-z]'
    run_cmd 0 buildah rm work
}

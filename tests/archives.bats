#!/usr/bin/env bats
# oci-archive:, docker-archive: read where they lie: no copy of them on disk, no tar program.
# shellcheck disable=SC2154,SC2016 # run and what we load set output, stderr, …; sh -c has its own $1
load helpers

setup_file() {
    room_open
    export LAYOUT=$ROOM/layout
    image_busybox "$LAYOUT" one
    CONFIG=$(layout_manifest "$LAYOUT:one" | jq -r '.config.digest[7:]')
    export CONFIG
    skopeo copy -q "oci:$LAYOUT:one" "docker-archive:$ROOM/d.tar:example.org/a:1"
    skopeo copy -q "oci:$LAYOUT:one" "oci-archive:$ROOM/o.tar:one"
    # nothing of ours may need it
    mkdir "$ROOM/bin"
    printf '#!/bin/sh\necho "tar was run" >&2; exit 1\n' >"$ROOM/bin/tar"
    chmod 755 "$ROOM/bin/tar"
}
setup() {
    pod rmi -f -a >/dev/null 2>&1 || true
    TAR=$(command -v tar)
}
pull() { PATH=$ROOM/bin:$PATH run_pod "$1" pull -q "${@:2}"; }

names() { pod images --format '{{.Repository}}:{{.Tag}}' | sort; }

# docker_archive FILE [--legacy] TAG...: two layers, the first of them with /bin
docker_archive() {
    local file=$1 dir=$ROOM/docker.$RANDOM
    mkdir -p "$dir/in" "$dir/two"
    echo two >"$dir/two/two"
    "$TAR" -C "$ROOM/busybox" --owner=0 --group=0 -cf "$dir/in/1" .
    "$TAR" -C "$dir/two" --owner=0 --group=0 -cf "$dir/in/2" two
    rm -r "$dir/two"
    shift
    if [ "$1" = --legacy ]; then
        "$LIB/mklayers.py" --docker --legacy "$dir" "${@:2}"
    else
        "$LIB/mklayers.py" --docker "$dir" "$@"
    fi
    "$TAR" -C "$dir" -cf "$file" .
    rm -r "$dir"
}

@test "a docker archive and an OCI archive: the same image, named as the archive says" {
    pull 0 "docker-archive:$ROOM/d.tar"
    assert_output "$CONFIG"
    assert_empty_stderr
    assert_equal "$(names)" example.org/a:1
    run_pod run --rm --network none "$CONFIG" echo runs
    assert_output runs
    pod rmi -f -a >/dev/null
    pull 0 "oci-archive:$ROOM/o.tar"
    assert_output "$CONFIG"
    assert_equal "$(names)" localhost/one:latest
    pull 0 "oci-archive:$ROOM/o.tar:one"
    assert_output "$CONFIG"
}

@test "podman gives the same image the same digest" {
    pull 0 "docker-archive:$ROOM/d.tar"
    local ours
    ours=$(pod inspect --format '{{.Digest}}' "$CONFIG")
    pod rmi -f -a >/dev/null
    as_podman pull -q "docker-archive:$ROOM/d.tar"
    assert_equal "$ours" "$(as_podman image inspect --format '{{.Digest}}' example.org/a:1)"
    # and what is there already is not guessed anew
    pull 0 "docker-archive:$ROOM/d.tar"
    assert_equal "$(pod inspect --format '{{.Digest}}' "$CONFIG")" "$ours"
}

@test "compressed archives, pipes, /dev/stdin" {
    local f
    gzip -k -f "$ROOM/d.tar"
    zstd -q -f "$ROOM/d.tar"
    for f in "$ROOM"/d.tar.gz "$ROOM"/d.tar.zst; do
        pull 0 "docker-archive:$f"
        assert_output "$CONFIG"
        run_cmd 0 sh -c 'pod pull -q docker-archive:/dev/stdin <"$1"' - "$f"
        assert_output "$CONFIG"
        run_cmd 0 sh -c 'cat "$1" | pod pull -q docker-archive:/dev/stdin' - "$f"
        assert_output "$CONFIG"
    done
    run_cmd 0 sh -c 'cat "$1" | pod pull -q oci-archive:/dev/stdin:one' - "$ROOM/o.tar"
    assert_output "$CONFIG"
    run_cmd 0 find "$STORE/pod/staging" -mindepth 1
    assert_empty
}

@test "truncated and damaged archives: one sentence, nothing left" {
    local f
    head -c 700000 "$ROOM/d.tar" >"$ROOM/cut.tar"
    gzip -c "$ROOM/d.tar" | head -c 300000 >"$ROOM/cut.gz"
    zstd -q -c "$ROOM/d.tar" | head -c 300000 >"$ROOM/cut.zst"
    head -c 100000 /dev/urandom >"$ROOM/noise.tar"
    : >"$ROOM/empty.tar"
    for f in cut.tar cut.gz cut.zst noise.tar empty.tar; do
        pull 125 "docker-archive:$ROOM/$f"
        assert_error_match "$ROOM/$f"
        assert_equal "$(wc -l <<<"$stderr")" 1
    done
    xz -k -c "$ROOM/d.tar" >"$ROOM/d.tar.xz"
    pull 125 "docker-archive:$ROOM/d.tar.xz"
    assert_error "archive \"$ROOM/d.tar.xz\" is compressed with xz, which is not supported" "xz -dk"
    pull 125 "docker-archive:$ROOM/none.tar"
    assert_error "opening file \"$ROOM/none.tar\": open $ROOM/none.tar: no such file or directory"
    run_pod images -a -q
    assert_empty
    run_cmd 0 find "$STORE/pod/staging" -mindepth 1
    assert_empty
}

@test "several images in one docker archive: by name and by @number" {
    docker_archive "$ROOM/multi.tar" example.org/m:1 short - example.org/m:3
    pull 125 "docker-archive:$ROOM/multi.tar"
    assert_error "Unexpected tar manifest.json: expected 1 item, got 4" "example.org/m:1, short, @2"
    pull 0 "docker-archive:$ROOM/multi.tar:example.org/m:3"
    assert_equal "$(names)" example.org/m:3
    run_pod inspect --format '{{.Config.Labels.number}}' example.org/m:3
    assert_output 3
    pull 0 "docker-archive:$ROOM/multi.tar:@1"
    assert_contains localhost/short:latest "$(names)"
    pull 0 "docker-archive:$ROOM/multi.tar:short"
    pull 0 "docker-archive:$ROOM/multi.tar:@2"
    run_pod inspect --format '{{.Config.Labels.number}}' "$output"
    assert_output 2
    pull 125 "docker-archive:$ROOM/multi.tar:@4"
    assert_error "Invalid source index @4, only 4 manifest items available"
    pull 125 "docker-archive:$ROOM/multi.tar:example.org/m"
    assert_error 'Tag "example.org/m:latest" not found' example.org/m:3
}

@test "docker save of old: ID/layer.tar, and symbolic links for a layer that comes again" {
    docker_archive "$ROOM/legacy.tar" --legacy example.org/old:1 example.org/old:2
    run_cmd 0 "$TAR" -tvf "$ROOM/legacy.tar"
    assert_match '/layer.tar -> \.\./'
    pull 0 "docker-archive:$ROOM/legacy.tar:example.org/old:2"
    run_pod run --rm --network none example.org/old:2 cat /two
    assert_output two
}

@test "podman save, docker-archive and oci-archive, of several images" {
    pull 0 "docker-archive:$ROOM/d.tar"
    pod tag "$CONFIG" example.org/a:2
    as_podman save -q -m -o "$ROOM/saved.tar" example.org/a:1 example.org/a:2
    as_podman save -q --format oci-archive -o "$ROOM/saved.oci.tar" example.org/a:1
    pod rmi -f -a >/dev/null
    pull 0 "docker-archive:$ROOM/saved.tar"
    assert_equal "$(names)" $'example.org/a:1\nexample.org/a:2'
    pod rmi -f -a >/dev/null
    pull 0 "docker-archive:$ROOM/saved.tar:example.org/a:2"
    assert_equal "$(names)" example.org/a:2
    pod rmi -f -a >/dev/null
    pull 0 "oci-archive:$ROOM/saved.oci.tar"
    assert_equal "$(names)" example.org/a:1
}

@test "layouts: which image, and podman's words when it is not clear" {
    local both=$ROOM/both
    cp -r "$LAYOUT" "$both"
    image_busybox "$both" two true
    pull 125 "oci:$both"
    assert_error "initializing source oci:$both:: more than one image in oci, choose an image"
    pull 125 "oci:$both:three"
    assert_error "initializing source oci:$both:three: no descriptor found for reference \"three\""
    pull 0 "oci:$both:two"
    assert_equal "$(names)" localhost/two:latest
    pull 125 "oci:$ROOM/none"
    assert_error "initializing source oci:$ROOM/none:: open $ROOM/none/index.json: no such file or directory"
    pull 125 "dir:$ROOM/none"
    assert_error "open $ROOM/none/manifest.json: no such file or directory"
    pull 125 "oci-archive:$ROOM/o.tar:two"
    assert_error 'loading index: no descriptor found for reference "two"'
    pull 125 "oci-archive:$ROOM/d.tar"
    assert_error_match 'index.json'
    pull 125 docker-daemon:alpine:latest
    assert_error "docker-daemon:alpine:latest: pulling from Docker's daemon is not supported" "docker save"
}

@test "an image without layers, one with the same layer twice, an empty layer" {
    : >"$ROOM/nothing"
    head -c 1024 /dev/zero >"$ROOM/zeros"
    "$LIB/mklayers.py" "$ROOM/l0" zero
    pull 0 "oci:$ROOM/l0"
    run_pod inspect --format '{{.RootFS.Layers}}' "$output"
    assert_output '[]'
    "$TAR" -C "$ROOM/busybox" --owner=0 --group=0 -cf "$ROOM/bb" .
    "$LIB/mklayers.py" "$ROOM/l4" four "$ROOM/bb" "$ROOM/zeros" "$ROOM/bb" "$ROOM/zeros" "$ROOM/nothing"
    pull 0 "oci:$ROOM/l4"
    run_pod run --rm --network none "$output" echo runs
    assert_output runs
    run_cmd 0 as_podman run --rm --network none localhost/l4 echo runs
    assert_output runs
}

@test "a layout's manifest cannot name a file instead of a blob" {
    local bad=$ROOM/bad
    cp -r "$LAYOUT" "$bad"
    layout_manifest "$bad:one" | jq -c '.layers[0] = "../../etc/passwd"' >"$bad/new"
    layout_tag "$bad" one "$(layout_add "$bad" "$bad/new")"
    pull 125 "oci:$bad:one"
    assert_error_match "invalid digest"
}

@test "an index in an index, Docker's manifests, media types that lie, layers called foreign" {
    local l=$ROOM/nested m new
    image_index "$l" multi
    for m in 1 2; do # around what the layout's own index names
        new=$(jq -c '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
            manifests: [.manifests[] | del(.annotations)]}' "$l/index.json")
        printf %s "$new" >"$l/new"
        layout_tag "$l" multi "$(layout_add "$l" "$l/new")" application/vnd.oci.image.index.v1+json
        [ "$m" = 2 ] || pull 0 "oci:$l:multi"
    done
    run_pod run --rm --network none "$output"
    assert_output "$(machine_arch)"
    pull 125 "oci:$l:multi"
    assert_error "oci:$l:multi: an index in an index in an index"
    skopeo copy -q --format v2s2 "oci:$LAYOUT:one" "dir:$ROOM/v2s2"
    assert_contains docker.distribution.manifest.v2 "$(cat "$ROOM/v2s2/manifest.json")"
    pull 0 "dir:$ROOM/v2s2"
    pod rmi -f -a >/dev/null
    cp -r "$LAYOUT" "$ROOM/foreign"
    layout_manifest "$LAYOUT:one" | jq -c '.layers[0].mediaType =
        "application/vnd.docker.image.rootfs.foreign.diff.tar" | .layers[0].urls = ["https://none.invalid/x"]' \
        >"$ROOM/foreign/new"
    layout_tag "$ROOM/foreign" one "$(layout_add "$ROOM/foreign" "$ROOM/foreign/new")"
    pull 0 "oci:$ROOM/foreign:one"
    assert_output "$CONFIG"
    pull 0 --platform linux/s390x "oci:$LAYOUT:one"
    assert_equal "$stderr" "Warning: image platform (linux/$(machine_arch)) does not match the expected platform (linux/s390x)"
}

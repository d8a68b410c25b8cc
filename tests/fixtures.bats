#!/usr/bin/env bats
# shellcheck disable=SC2154 # run and what we load set output, stderr, REGISTRY…
# What other tests stand on: the images we make and the registries we start are what we think.
load helpers

setup_file() {
    room_open
    export LAYOUT=$ROOM/layout
    image_layers "$LAYOUT" layers
}

@test "mkoci and umoci: a layout that skopeo reads, four layers" {
    run_cmd 0 skopeo inspect --raw "oci:$LAYOUT:layers"
    assert_equal "$(jq '.layers | length' <<<"$output")" 4
    mkdir "$ROOM/dir"
    run_cmd 0 skopeo copy -q "oci:$LAYOUT:layers" "dir:$ROOM/dir"
}

@test "buildah: config as asked" {
    image_buildah "$ROOM/b" built
    run_cmd 0 skopeo inspect --config "oci:$ROOM/b:built"
    assert_equal "$(jq -r .config.User <<<"$output")" 1000:1000
}

@test "zstd and plain layers" {
    image_zstd "$LAYOUT:layers" "$ROOM/z:zstd"
    assert_contains 'tar+zstd' "$(layout_manifest "$ROOM/z:zstd")"
    run_cmd 0 skopeo copy -q "oci:$ROOM/z:zstd" "dir:$ROOM/zdir"
    image_plain "$LAYOUT:layers" "$ROOM/p:plain"
    refute_match 'tar\+' "$(layout_manifest "$ROOM/p:plain")"
    run_cmd 0 skopeo copy -q "oci:$ROOM/p:plain" "dir:$ROOM/pdir"
}

@test "an index with platforms and an attestation" {
    image_index "$ROOM/i" multi
    run_cmd 0 skopeo inspect --raw "oci:$ROOM/i:multi"
    assert_equal "$(jq '.manifests | length' <<<"$output")" 5
    run_cmd 0 skopeo inspect --config --override-arch arm --override-variant v7 "oci:$ROOM/i:multi"
    assert_equal "$(jq -r .variant <<<"$output")" v7
}

@test "registries: plain, tls, auth; pushed and read back" {
    local kind
    for kind in plain tls auth; do
        registry_start "$kind"
        push_image "$LAYOUT:layers" "some/$kind:1"
    done
    run_cmd 0 curl -s --noproxy '*' "http://$REGISTRY_plain/v2/some/plain/tags/list"
    assert_contains '"1"'
    run_cmd 0 curl -s --noproxy '*' -o /dev/null -w '%{http_code}' \
        --cacert "$ROOM/registry.auth/ca.crt" "https://$REGISTRY_auth/v2/"
    assert_output 401
    registry_stop
}

@test "podman runs on the store of this room" {
    run_cmd 0 as_podman pull -q "oci:$LAYOUT:layers"
    run_cmd 0 as_podman run --rm --network none "$output" echo from podman
    assert_output "from podman"
}

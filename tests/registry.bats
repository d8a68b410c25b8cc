#!/usr/bin/env bats
# Pulling: from real registries (plain, TLS, authentication), lists by platform, every compression,
# and from layouts and archives on disk. What arrives is compared with what skopeo sees.
# shellcheck disable=SC2154 # run and what we load set output, stderr, REGISTRY…
load helpers

setup_file() {
    room_open
    export LAYOUT=$ROOM/layout
    image_layers "$LAYOUT" layers
    image_index "$ROOM/index" multi
    image_zstd "$LAYOUT:layers" "$ROOM/zstd:zstd"
    image_plain "$LAYOUT:layers" "$ROOM/uncompressed:plain"
    registry_start plain
    push_image "$LAYOUT:layers" lib/layers:1
    push_image "$ROOM/index:multi" lib/multi:1
    push_image "$ROOM/zstd:zstd" lib/zstd:1 --preserve-digests
    push_image "$ROOM/uncompressed:plain" lib/plain:1 --preserve-digests
    CONFIG=$(layout_manifest "$LAYOUT:layers" | jq -r '.config.digest[7:]')
    DIGEST=$(layout_digest "$LAYOUT:layers")
    export CONFIG DIGEST
}

teardown() { pod rmi -f -a >/dev/null 2>&1 || true; }

# What the image's files look like from inside, sorted; two images with one tree agree.
tree_of() { # IMAGE
    pod run --rm --network none "$1" sh -c '
        find / -xdev ! -path "/proc*" ! -path "/sys*" ! -path "/dev*" ! -path "/etc/hosts" \
            ! -path "/etc/hostname" ! -path "/etc/resolv.conf" ! -path "/run*" \
            -exec stat -c "%n %F %a %u:%g %h" {} + | sort'
}

@test "plain HTTP with --tls-verify=false: the id on stdout, the image in the list" {
    run_pod pull --tls-verify=false "$REGISTRY_plain/lib/layers:1"
    assert_output "$CONFIG"
    run_pod images --format '{{.Repository}}:{{.Tag}} {{.Id}}' --no-trunc
    assert_contains "$REGISTRY_plain/lib/layers:1"
    run_pod pull -q --tls-verify=false "docker://$REGISTRY_plain/lib/layers:1"
    assert_output "$CONFIG"
    assert_empty_stderr
}

@test "the files are those of the image: whiteouts, opaque directories, links, modes" {
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/layers:1"
    run_pod run --rm --network none "$output" sh -c '
        cat /etc/motd; ls /d; test ! -e /gone; stat -c "%F %a" /pipe /sticky; stat -c %a /etc/motd'
    assert_output $'again\nnew\nfifo 644\ndirectory 1777\n4755'
}

@test "by digest; a wrong digest is manifest unknown" {
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/layers@$DIGEST"
    assert_output "$CONFIG"
    run_pod 125 pull -q --tls-verify=false "$REGISTRY_plain/lib/layers@sha256:$(printf %064d 0)"
    assert_empty
    assert_error_match "manifest unknown"
}

@test "a tag or a name that is not there: 125, one sentence, nothing in the store" {
    run_pod 125 pull -q --tls-verify=false "$REGISTRY_plain/lib/layers:none"
    assert_empty
    assert_error_match "manifest unknown"
    run_pod 125 pull -q --tls-verify=false "$REGISTRY_plain/no/such:1"
    assert_error_match "unknown"
    run_pod images -q
    assert_empty
}

@test "without --tls-verify=false a plain registry is refused; marked insecure it is taken" {
    run_pod 125 pull -q "$REGISTRY_plain/lib/layers:1"
    assert_match "^Error: " "$stderr"
    mkdir -p "$XDG_CONFIG_HOME/containers"
    printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY_plain" \
        >"$XDG_CONFIG_HOME/containers/registries.conf"
    run_pod pull -q "$REGISTRY_plain/lib/layers:1"
    rm "$XDG_CONFIG_HOME/containers/registries.conf"
    assert_output "$CONFIG"
}

@test "a list: this machine's image, never the attestation; others by --platform and --arch" {
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/multi:1"
    run_pod run --rm --network none "$output"
    assert_output "$(machine_arch)"
    run_pod pull -q --tls-verify=false --platform linux/arm/v6 "$REGISTRY_plain/lib/multi:1"
    run_pod inspect --format '{{.Architecture}}' "$output"
    assert_output arm
    run_pod pull -q --tls-verify=false --arch s390x "$REGISTRY_plain/lib/multi:1"
    run_pod inspect --format '{{.Architecture}}' "$output"
    assert_output s390x
    run_pod 125 pull -q --tls-verify=false --platform linux/riscv64 "$REGISTRY_plain/lib/multi:1"
    assert_error "choosing an image from manifest list docker://$REGISTRY_plain/lib/multi:1: no image found in image index for architecture riscv64, variant \"\", OS linux" \
        "There are images for: linux/s390x, linux/$(machine_arch)"
}

@test "zstd and plain layers give the very same files as gzip" {
    local want
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/layers:1"
    want=$(tree_of "$output")
    assert_match motd "$want"
    run_pod rmi -f "$output"
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/zstd:1"
    assert_equal "$(tree_of "$output")" "$want" "files from zstd layers"
    run_pod rmi -f "$output"
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/plain:1"
    assert_equal "$(tree_of "$output")" "$want" "files from plain layers"
}

@test "TLS: trusted through certs.d and --cert-dir, refused without" {
    registry_start tls
    push_image "$LAYOUT:layers" lib/layers:1
    run_pod pull -q "$REGISTRY/lib/layers:1"
    assert_output "$CONFIG"
    mv "$XDG_CONFIG_HOME/containers/certs.d" "$ROOM/certs"
    run_pod 125 pull -q "$REGISTRY/lib/layers:1"
    assert_error_match "certificate"
    run_pod pull -q --cert-dir "$ROOM/certs/$REGISTRY" "$REGISTRY/lib/layers:1"
    assert_output "$CONFIG"
    run_pod pull -q --tls-verify=false "$REGISTRY/lib/layers:1"
    assert_output "$CONFIG"
    mv "$ROOM/certs" "$XDG_CONFIG_HOME/containers/certs.d"
}

@test "basic authentication: --creds, --authfile, skopeo login's file; refused with the wrong ones" {
    registry_start auth
    push_image "$LAYOUT:layers" lib/layers:1
    run_pod 125 pull -q "$REGISTRY/lib/layers:1"
    assert_error_match "unauthorized|authentication required"
    run_pod 125 pull -q --creds "$REGISTRY_USER:wrong" "$REGISTRY/lib/layers:1"
    refute_match wrong "$stderr"
    run_pod pull -q --creds "$REGISTRY_USER:$REGISTRY_PASSWORD" "$REGISTRY/lib/layers:1"
    assert_output "$CONFIG"
    skopeo login --authfile "$ROOM/auth.json" -u "$REGISTRY_USER" -p "$REGISTRY_PASSWORD" "$REGISTRY"
    run_pod pull -q --authfile "$ROOM/auth.json" "$REGISTRY/lib/layers:1"
    assert_output "$CONFIG"
    mkdir -p "$XDG_RUNTIME_DIR/containers"
    cp "$ROOM/auth.json" "$XDG_RUNTIME_DIR/containers/auth.json"
    run_pod pull -q "$REGISTRY/lib/layers:1"
    rm "$XDG_RUNTIME_DIR/containers/auth.json"
    assert_output "$CONFIG"
}

@test "bearer tokens: for anyone, and for a user" {
    registry_misbehaving "$LAYOUT" anonymous
    run_pod pull -q --tls-verify=false "$REGISTRY/lib/x:layers"
    assert_output "$CONFIG"
    registry_misbehaving "$LAYOUT" token=me:secret
    run_pod 125 pull -q --tls-verify=false "$REGISTRY/lib/x:layers"
    run_pod pull -q --tls-verify=false --creds me:secret "$REGISTRY/lib/x:layers"
    assert_output "$CONFIG"
}

@test "blobs behind a redirect, where our token must not follow" {
    registry_misbehaving "$LAYOUT" anonymous redirect
    run_pod pull -q --tls-verify=false "$REGISTRY/lib/x:layers"
    assert_output "$CONFIG"
    assert_contains /elsewhere/ "$(registry_requests)"
}

@test "layers that are here are not fetched again" {
    registry_misbehaving "$LAYOUT"
    run_pod pull -q --tls-verify=false "$REGISTRY/lib/x:layers"
    : >"$ROOM/registry.bad/log"
    run_pod pull -q --tls-verify=false "$REGISTRY/lib/y:layers"
    assert_output "$CONFIG"
    run_cmd any grep -c '/blobs/' "$ROOM/registry.bad/log"
    [ "$output" -le 1 ] || fail "$(registry_requests)" # at most the config
}

@test "oci:, oci-archive:, docker-archive:, dir:" {
    run_pod pull -q "oci:$LAYOUT:layers"
    assert_output "$CONFIG"
    skopeo copy -q "oci:$LAYOUT:layers" "oci-archive:$ROOM/a.tar:layers"
    skopeo copy -q "oci:$LAYOUT:layers" "docker-archive:$ROOM/d.tar:example.org/from/docker:9"
    skopeo copy -q "oci:$LAYOUT:layers" "dir:$ROOM/dir"
    local want
    want=$(tree_of "$CONFIG")
    run_pod rmi -f "$CONFIG"
    run_pod pull -q "oci-archive:$ROOM/a.tar"
    assert_output "$CONFIG"
    run_pod rmi -f "$CONFIG"
    run_pod pull -q "dir:$ROOM/dir"
    assert_output "$CONFIG"
    run_pod rmi -f "$CONFIG"
    run_pod pull -q "docker-archive:$ROOM/d.tar"
    assert_equal "$(tree_of "$output")" "$want"
    run_pod images --format '{{.Repository}}:{{.Tag}}'
    assert_contains example.org/from/docker:9
}

@test "what Buildah made: user, working directory, entrypoint" {
    image_buildah "$ROOM/built" built
    run_pod pull -q "oci:$ROOM/built:built"
    # shellcheck disable=SC2016
    run_pod run --rm --network none "$output" 'id -u; pwd; echo $MADE_BY'
    assert_output $'1000\n/srv\nbuildah'
}

@test "podman, Buildah and skopeo see and run what was pulled, with no copy" {
    run_pod pull -q --tls-verify=false "$REGISTRY_plain/lib/layers:1"
    run_cmd 0 as_podman images --format '{{.Repository}}:{{.Tag}}'
    assert_line "$REGISTRY_plain/lib/layers:1"
    run_cmd 0 as_podman run --rm --network none "$REGISTRY_plain/lib/layers:1" cat /etc/motd /d/new
    assert_output $'again\nnew'
    run_cmd 0 skopeo copy -q "containers-storage:$REGISTRY_plain/lib/layers:1" "oci:$ROOM/out:1"
    assert_equal "$(layout_manifest "$ROOM/out:1" | jq -r '.config.digest[7:]')" "$CONFIG"
}

@test "the other way: what podman pulled, we run" {
    run_cmd 0 as_podman pull -q --tls-verify=false "$REGISTRY_plain/lib/layers:1"
    run_pod run --rm --network none "$REGISTRY_plain/lib/layers:1" cat /etc/motd /d/new
    assert_output $'again\nnew'
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # bats sets $stderr; some words are for an inner shell
# Devices that a vendor describes: Container Device Interface.
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
    DIR=$ROOM/cdi
    export DIR
    mkdir "$DIR" "$ROOM/later"
    echo driver >"$ROOM/lib.so"
    printf '#!/bin/sh\ncat >%s\n' "$ROOM/hooked" >"$ROOM/hook"
    chmod 755 "$ROOM/hook"
    cat >"$DIR/vendor.json" <<JSON
{"cdiVersion": "0.5.0", "kind": "vendor.com/net",
 "containerEdits": {"env": ["ALL=1"], "mounts": [
    {"hostPath": "$ROOM/lib.so", "containerPath": "/usr/lib/lib.so", "options": ["ro", "nosuid"]}]},
 "devices": [
    {"name": "zero", "containerEdits": {"deviceNodes": [{"path": "/dev/zero0", "hostPath": "/dev/zero"}], "env": ["WHICH=zero"]}},
    {"name": "tmp", "containerEdits": {"mounts": [{"hostPath": "tmpfs", "containerPath": "/scratch", "type": "tmpfs", "options": ["mode=700"]}]}},
    {"name": "lost", "containerEdits": {"deviceNodes": [{"path": "/dev/nowhere"}]}}]}
JSON
    cat >"$DIR/gpu.yaml" <<YAML
# as vendors' tools write it
cdiVersion: 0.5.0
kind: example.org/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/full0
      hostPath: /dev/full
      permissions: rw
    hooks:
    - hookName: createRuntime
      path: $ROOM/hook
      args: [hook, "a b"]
- name: all
  containerEdits: {env: [GPUS=all]}
YAML
}
setup() { IMAGE=localhost/busybox:latest; }
cdi() { run_pod "$1" --cdi-spec-dir "$DIR" run --rm --network none "${@:2}"; }

@test "nodes, environment, mounts and hooks of a device, from JSON and YAML" {
    cdi 1 -e WHICH=mine --device vendor.com/net=zero --device vendor.com/net=tmp "$IMAGE" \
        sh -c 'head -c 3 /dev/zero0 | od -An -tx1; echo $ALL $WHICH; cat /usr/lib/lib.so; stat -c %a /scratch; touch /usr/lib/lib.so'
    assert_line "1 zero"
    assert_line driver
    assert_line 700
    assert_line " 00 00 00"
    assert_match "Read-only file system" "$stderr"
    cdi any --device example.org/gpu=0 --device example.org/gpu=all "$IMAGE" \
        sh -c 'echo $GPUS; echo x >/dev/full0'
    assert_output all
    assert_match "No space left" "$stderr"
    run_cmd 0 jq -r .status "$ROOM/hooked"
    assert_output creating
}

@test "a device that has gone since: each start says so, nothing is left of it, the next one works" {
    local id
    id=$(pod --cdi-spec-dir "$DIR" create --network none --device vendor.com/net=zero "$IMAGE" true)
    mv "$DIR" "$DIR.away"
    for _ in 1 2; do
        run_pod 125 start "$id"
        assert_error_match "unresolvable CDI devices vendor.com/net=zero"
        refute_file "$XDG_RUNTIME_DIR/pod/$id"
        run_pod inspect -f '{{.State.Status}}' "$id"
        assert_output created
    done
    mv "$DIR.away" "$DIR"
    run_pod start "$id"
    run_pod wait "$id"
    assert_output 0
}

@test "what is not there, what cannot be read, what is there twice" {
    cdi 125 --device vendor.com/net=other "$IMAGE" true
    assert_error "setting up CDI devices: unresolvable CDI devices vendor.com/net=other" "See what is in $DIR"
    cdi 125 --device vendor.com/net=lost "$IMAGE" true
    assert_error_match 'CDI device node "/dev/nowhere": No such file'
    printf 'kind: [unfinished\n' >"$DIR/broken.yaml"
    cdi 0 --device vendor.com/net=zero "$IMAGE" true
    cdi 125 --device vendor.com/net=other "$IMAGE" true
    assert_match "One file cannot be read: .*broken.yaml: line 2: " "$stderr"
    rm "$DIR/broken.yaml"
    # a later directory counts more, a second file of the same is one too many
    jq '.containerEdits.env = ["ALL=2"]' "$DIR/vendor.json" >"$ROOM/later/vendor.json"
    run_pod --cdi-spec-dir "$DIR" --cdi-spec-dir "$ROOM/later" run --rm --network none \
        --device vendor.com/net=zero "$IMAGE" sh -c 'echo $ALL'
    assert_output 2
    cp "$DIR/vendor.json" "$DIR/again.json"
    cdi 125 --device vendor.com/net=zero "$IMAGE" true
    assert_error "CDI device vendor.com/net=zero is in more than one file of \"$DIR\""
    rm "$DIR/again.json"
    # aliases that would fill the memory
    {
        echo 'a: &a [x,x,x,x,x,x,x,x,x,x]'
        for i in b c d e f g h i j; do
            echo "$i: &$i [*$p, *$p, *$p, *$p, *$p, *$p, *$p, *$p, *$p, *$p]"
            p=$i
        done
    } >"$DIR/laughs.yaml" 2>/dev/null
    sed -i 's/\*,/*a,/g; s/\*\]/*a]/' "$DIR/laughs.yaml"
    cdi 125 --device a.b/c=d "$IMAGE" true
    assert_match "too much of it|line" "$stderr"
    rm "$DIR/laughs.yaml"
}

@test "the directories stand in containers.conf; a start sees the file of now" {
    printf '[engine]\ncdi_spec_dirs = ["%s"]\n' "$DIR" >"$ROOM/conf"
    CONTAINERS_CONF_OVERRIDE=$ROOM/conf run_pod create --name kept --network none \
        --device vendor.com/net=zero "$IMAGE" sh -c 'echo $ALL'
    run_pod start -a kept
    assert_output 1
    sed -i 's/ALL=1/ALL=3/' "$DIR/vendor.json"
    run_pod start -a kept
    assert_output 3
    run_pod rm kept
    run_pod 125 run --rm --device vendor.com/net=zero "$IMAGE" true
    assert_match "/etc/cdi, /var/run/cdi" "$stderr"
    # a path of a device, as ever
    run_pod run --rm --network none --device /dev/zero:/dev/a=b "$IMAGE" ls /dev/a=b
}

#!/usr/bin/env bats
# Registries and images that lie, break, or never answer: one sentence, 125, nothing half-made
# visible, and the next pull works.
# shellcheck disable=SC2154 # run and what we load set output, stderr, REGISTRY…
load helpers

setup_file() {
    room_open
    export LAYOUT=$ROOM/layout
    image_busybox "$LAYOUT" good
    CONFIG=$(layout_manifest "$LAYOUT:good" | jq -r '.config.digest[7:]')
    export CONFIG
}
setup() { pod rmi -f -a >/dev/null 2>&1 || true; }

pull_fails() { # REGEX [pull options]: with one sentence that matches, leaving nothing
    run_pod 125 pull -q --tls-verify=false --retry-delay 50ms "${@:2}" "$REGISTRY/x/y:good"
    assert_empty
    assert_error_match "$1"
    run_pod images -a -q
    assert_empty
    # and the store is as good as before: the same image comes from an honest registry
    registry_misbehaving "$LAYOUT"
    run_pod pull -q --tls-verify=false "$REGISTRY/x/y:good"
    assert_output "$CONFIG"
    run_pod run --rm --network none "$output" true
}
pull_works() {
    run_pod pull -q --tls-verify=false "$REGISTRY/x/y:good"
    assert_output "$CONFIG"
    run_pod run --rm --network none "$output" true
}

@test "404, 401, 403 on the manifest" {
    registry_misbehaving "$LAYOUT" manifest=404
    pull_fails "manifest unknown|404|not found"
    pod rmi -f -a >/dev/null
    registry_misbehaving "$LAYOUT" manifest=401
    pull_fails "unauthorized|authentication|401"
    pod rmi -f -a >/dev/null
    registry_misbehaving "$LAYOUT" manifest=403
    pull_fails "denied|forbidden|403"
}

@test "429 and 500 pass when they pass, and are said when they do not" {
    registry_misbehaving "$LAYOUT" 'manifest=429*1' 'blob=500*1'
    pull_works
    pod rmi -f -a >/dev/null
    registry_misbehaving "$LAYOUT" manifest=429
    pull_fails "429|too many requests|toomanyrequests"
    pod rmi -f -a >/dev/null
    registry_misbehaving "$LAYOUT" blob=500
    pull_fails "500"
}

@test "a connection that dies in mid-blob is taken up again by Range" {
    registry_misbehaving "$LAYOUT" 'cut=300000*2'
    pull_works
    assert_match 'bytes=[1-9][0-9]*-' "$(registry_requests)"
}

@test "and without Range from the start" {
    registry_misbehaving "$LAYOUT" 'cut=300000*1' norange
    pull_works
}

@test "a blob that never comes whole" {
    registry_misbehaving "$LAYOUT" cut=1000
    pull_fails "."
}

@test "a blob shorter than the manifest says; one with another byte" {
    registry_misbehaving "$LAYOUT" short=5000
    pull_fails "."
    pod rmi -f -a >/dev/null
    registry_misbehaving "$LAYOUT" flip
    pull_fails "[Dd]igest|corrupt|gzip|checksum"
}

@test "a diffID that does not fit the layer" {
    local wrong=$ROOM/wrong manifest config
    cp -r "$LAYOUT" "$wrong"
    jq -c '.rootfs.diff_ids[0] = "sha256:" + ("0" * 64)' "$wrong/blobs/sha256/$CONFIG" >"$wrong/new"
    config=$(layout_add "$wrong" "$wrong/new")
    layout_manifest "$LAYOUT:good" | jq -c --arg d "sha256:$config" \
        --argjson s "$(stat -c %s "$wrong/blobs/sha256/$config")" \
        '.config.digest = $d | .config.size = $s' >"$wrong/new"
    manifest=$(layout_add "$wrong" "$wrong/new")
    layout_tag "$wrong" good "$manifest"
    registry_misbehaving "$wrong"
    pull_fails "diff|DiffID|digest"
}

@test "manifests that are no JSON, or of the wrong shape, or too big" {
    local json
    for json in '{' '[]' 'null' '{"schemaVersion":2}' '{"schemaVersion":2,"config":7,"layers":{}}' \
        '{"schemaVersion":2,"config":{"digest":"sha256:../../x"},"layers":[]}'; do
        registry_misbehaving "$LAYOUT" "json=$json"
        run_pod 125 pull -q --tls-verify=false "$REGISTRY/x/y:good"
        assert_empty
        assert_match "^Error: " "$stderr"
    done
    registry_misbehaving "$LAYOUT" big=5000000
    pull_fails "manifest"
}

@test "a registry that never answers, and one that falls silent in mid-blob: time-out" {
    registry_misbehaving "$LAYOUT" silent
    POD_STALL_TIMEOUT=2 run_pod 125 pull -q --tls-verify=false --retry 0 "$REGISTRY/x/y:good"
    assert_error_match "timed out|time-out|timeout|no answer"
}

@test "nobody listens there" {
    REGISTRY=127.0.0.1:$(free_port)
    pull_fails "refused|connect"
}

@test "SIGINT during a pull: it ends, nothing is visible, the next one works" {
    registry_misbehaving "$LAYOUT" stall=300000
    pod pull -q --tls-verify=false "$REGISTRY/x/y:good" >"$ROOM/out" 2>"$ROOM/err" 3>&- &
    local pid=$!
    wait_for 20 grep -q 'GET /v2/x/y/blobs' "$ROOM/registry.bad/log"
    sleep 0.3
    kill -INT "$pid" # a background job of a script ignores it unless the program says otherwise
    wait_for 20 eval "! kill -0 $pid" || kill -TERM "$pid"
    wait "$pid" || true
    run_pod images -a -q
    assert_empty
    registry_misbehaving "$LAYOUT"
    pull_works
}

@test "kill -9 during a pull: the next one works and nothing is left of the first" {
    registry_misbehaving "$LAYOUT" stall=300000
    pod pull -q --tls-verify=false "$REGISTRY/x/y:good" >"$ROOM/out" 2>"$ROOM/err" 3>&- &
    local pid=$!
    wait_for 20 grep -q 'GET /v2/x/y/blobs' "$ROOM/registry.bad/log"
    sleep 0.3
    kill -KILL "$pid"
    wait "$pid" || true
    run_pod images -a -q
    assert_empty
    registry_misbehaving "$LAYOUT"
    pull_works
    run_pod store check
}

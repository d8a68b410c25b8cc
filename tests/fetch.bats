#!/usr/bin/env bats
# pod pull against one registry whose faults are asked for in the image's name (lib/faultreg.py):
# tokens, redirects, retries, Range, what must be refused; and which registry a name means.
# shellcheck disable=SC2154 # run and what we load set output, stderr, …
load helpers

setup_file() {
    room_open
    mkdir "$ROOM/registry.fault"
    python3 "$LIB/faultreg.py" --sample 300K,2K --log "$ROOM/log" --port-file "$ROOM/port" \
        >"$ROOM/registry.fault/out" 2>&1 3>&- 4>&- &
    echo $! >"$ROOM/registry.fault/pid"
    wait_for 10 test -s "$ROOM/port"
    R=127.0.0.1:$(cut -d ' ' -f 1 "$ROOM/port")
    export R
    conf
    ID=$(pod pull -q "$R/plain")
    export ID
}
teardown() { TMUX_TMPDIR=$ROOM/tmp tmux kill-server 2>/dev/null || true; }
setup() {
    pod rmi -f -a >/dev/null 2>&1 || true
    : >"$ROOM/log"
    conf
}
# registries.conf: what is given, and our registry as an insecure one
conf() { printf '%s\n[[registry]]\nlocation = "%s"\ninsecure = true\n' "${1-}" "$R" \
    >"$XDG_CONFIG_HOME/containers/registries.conf"; }

pulls() { # NAME [option...]: and it is the right image
    run_pod pull -q --retry-delay 20ms "${@:2}" "$R/$1"
    assert_output "$ID"
    pod rmi -f -a >/dev/null
}
refused() { # NAME REGEX [option...]
    run_pod 125 pull -q --retry-delay 20ms "${@:3}" "$R/$1"
    assert_empty
    assert_error_match "$2"
    run_pod images -a -q
    assert_empty
}
requests() { grep -c "$1" "$ROOM/log" || true; }

@test "bearer tokens: for anyone, for a user, one that runs out in the middle" {
    pulls token/img
    assert_equal "$(requests "GET /token?")" 1 "requests for a token"
    pulls token-user/img --creds user:secret
    pulls token-expire-2/img
    pulls token-expire-3/dieonce-100000/img
    refused token-user/img "unauthorized"
    refused token-user/img "unauthorized" --creds user:wr0ng
    refute_match wr0ng "$stderr"
    refused token-never/img "unauthorized"
    refused token-broken/img "token"
}

@test "an identity token is used for the refresh flow, also beside a user name" {
    printf '{"auths": {"%s": {"identitytoken": "idtoken"}}}' "$R" >"$ROOM/id.json"
    pulls token-user/img --authfile "$ROOM/id.json"
    printf '{"auths": {"%s": {"auth": "%s", "identitytoken": "idtoken"}}}' "$R" \
        "$(printf 0000: | base64)" >"$ROOM/id.json"
    pulls token-user/img --authfile "$ROOM/id.json"
    assert_contains "POST /token" "$(cat "$ROOM/log")"
}

@test "where credentials come from, and which ones win" {
    local auth
    auth=$(printf user:secret | base64)
    refused basic/img "unauthorized"
    printf '{"auths": {"%s": {"auth": "%s"}}}' "$R" "$auth" >"$ROOM/good.json"
    printf '{"auths": {"%s": {"auth": "%s"}}}' "$R" "$(printf user:bad | base64)" >"$ROOM/bad.json"
    pulls basic/img --authfile "$ROOM/good.json"
    REGISTRY_AUTH_FILE=$ROOM/good.json pulls basic/img
    mkdir -p "$ROOM/docker" "$HOME/.docker" "$XDG_RUNTIME_DIR/containers"
    cp "$ROOM/good.json" "$ROOM/docker/config.json"
    DOCKER_CONFIG=$ROOM/docker pulls basic/img
    cp "$ROOM/good.json" "$HOME/.docker/config.json"
    pulls basic/img
    cp "$ROOM/bad.json" "$XDG_RUNTIME_DIR/containers/auth.json"
    refused basic/img "unauthorized"
    # the more specific key
    printf '{"auths": {"%s": {"auth": "%s"}, "%s/basic": {"auth": "%s"}}}' \
        "$R" "$(printf user:bad | base64)" "$R" "$auth" >"$XDG_RUNTIME_DIR/containers/auth.json"
    pulls basic/img
    pulls basic/img --creds user:secret
    refused basic/img "unauthorized" --creds user:wrong
    refused basic/img "No such file" --authfile "$ROOM/none.json"
    rm -r "$HOME/.docker" "$XDG_RUNTIME_DIR/containers/auth.json"
}

@test "credential helpers" {
    mkdir -p "$ROOM/bin"
    cat >"$ROOM/bin/docker-credential-test" <<'SH'
#!/bin/sh
[ "$1" = get ] && host=$(cat) && echo "$host" >>"$HOME/asked" || exit 1
echo '{"ServerURL": "x", "Username": "user", "Secret": "secret"}'
SH
    printf '#!/bin/sh\necho "credentials not found in native keychain"; exit 1\n' \
        >"$ROOM/bin/docker-credential-empty"
    chmod 755 "$ROOM"/bin/docker-credential-*
    printf '{"credHelpers": {"%s": "test"}}' "$R" >"$ROOM/helper.json"
    PATH=$ROOM/bin:$PATH pulls basic/img --authfile "$ROOM/helper.json"
    assert_equal "$(cat "$HOME/asked")" "$R"
    printf '{"auths": {}, "credsStore": "test"}' >"$ROOM/helper.json"
    PATH=$ROOM/bin:$PATH pulls basic/img --authfile "$ROOM/helper.json"
    printf '{"credsStore": "empty"}' >"$ROOM/helper.json"
    PATH=$ROOM/bin:$PATH refused basic/img "unauthorized" --authfile "$ROOM/helper.json"
    printf '{"credsStore": "missing"}' >"$ROOM/helper.json"
    refused basic/img 'cannot run credential helper "docker-credential-missing"' \
        --authfile "$ROOM/helper.json"
}

@test "redirects: to another host without our token, not for ever, not to files" {
    pulls token/redirect/img
    assert_match 'other GET [^ ]* auth=- ' "$(cat "$ROOM/log")"
    pulls redirect-old-1/img # an address that ran out: the registry is asked for another
    refused redirect-loop/img "stopped after 10 redirects"
    refused redirect-file/img "redirected to an address of a forbidden kind"
}

@test "what passes is tried again: 503, a closed connection, a body that breaks off" {
    pulls s503-2/img
    pulls blob-s500-1/img
    pulls drop-2/img
    pulls dieonce-100000/img
    assert_match 'range=bytes=[1-9][0-9]*- 206' "$(cat "$ROOM/log")"
    pulls dieonce-100000/norange/img
    pulls chunked/img
    : >"$ROOM/log"
    refused s503/img "received unexpected HTTP status: 503 Service Unavailable" --retry 2
    assert_equal "$(requests /manifests/)" 3 "tries"
    refused drop-9/img "EOF|reset" --retry 1
    refused dieonce-100000/badrange/img "another range" --retry 1
}

@test "Retry-After is obeyed, but not for hours" {
    local began=$SECONDS
    pulls s429-1/img
    [ $((SECONDS - began)) -ge 1 ] || fail "it did not wait"
    began=$SECONDS
    refused s430/img "toomanyrequests: You have reached your pull rate limit"
    [ $((SECONDS - began)) -lt 5 ] || fail "it waited"
}

@test "silence: of the registry, and in the middle of a blob" {
    export POD_STALL_TIMEOUT=1
    refused hang/img "i/o timeout" --retry 0
    refused hang-blob/img "i/o timeout" --retry 0
    unset POD_STALL_TIMEOUT
}

@test "lies are found out: shorter, longer, another byte, another manifest, too big a one" {
    refused truncate-100/img "descriptor says|unexpected EOF"
    refused longer-100/img "larger than|descriptor says"
    refused longer-100/chunked/img "larger than"
    refused corrupt/img "[Dd]igest|checksum|corrupt"
    refused badjson/img "parsing manifest"
    refused bigmanifest/img "larger than the 4194304 bytes allowed"
    refused bigmanifest-chunked/img "larger than the 4194304 bytes allowed"
    refused denied/img "denied: requested access to the resource is denied"
    local digest
    digest=$(curl -s "http://$R/v2/x/manifests/latest" | sha256sum | cut -d ' ' -f 1)
    refused "baddigest/img@sha256:$digest" "Digest did not match"
    pulls "plain@sha256:$digest"
}

@test "a tag beside a digest says nothing: the image is named by its digest" {
    local digest
    digest=$(curl -s "http://$R/v2/x/manifests/latest" | sha256sum | cut -d ' ' -f 1)
    run_pod pull -q "$R/plain:none@sha256:$digest"
    assert_output "$ID"
    run_pod inspect --format '{{.RepoTags}} {{.RepoDigests}}' "$ID"
    refute_match none
    assert_contains "$R/plain@sha256:$digest"
    run_pod images -q "$R/plain@sha256:$digest"
    assert_output "${ID:0:12}"
}

@test "--all-tags: every page of the list, each image by its tag" {
    run_pod pull -q -a "$R/pages/img"
    assert_output "$ID"$'\n'"$ID"$'\n'"$ID"
    run_pod images --format '{{.Tag}}' --sort tag
    assert_output $'latest\none\ntwo'
    assert_equal "$(requests /tags/list)" 3 pages
    run_pod 125 pull -q -a "oci:$ROOM"
    assert_error "pulling all tags is not supported for oci transport"
    pod rmi -f -a >/dev/null
    refused s404/img "name unknown|manifest unknown" -a
}

@test "several sources in one command: each has its line or its error" {
    run_pod 125 pull -q "$R/plain" "$R/s404/img" "$R/plain:two"
    assert_output "$ID"$'\n'"$ID"
    assert_error_match "manifest unknown"
}

@test "short names: aliases, search registries in turn, podman's words when none has it" {
    conf "unqualified-search-registries = [\"$R/s404\", \"$R/ok\"]"
    mkdir -p "$XDG_CONFIG_HOME/containers/registries.conf.d"
    printf '[aliases]\n"nick" = "%s/called/nick"\n' "$R" \
        >"$XDG_CONFIG_HOME/containers/registries.conf.d/a.conf"
    run_pod pull nick
    assert_output "$ID"
    assert_contains "Resolved \"nick\" as an alias ($XDG_CONFIG_HOME/containers/registries.conf.d/a.conf)" "$stderr"
    assert_contains "Trying to pull $R/called/nick:latest..." "$stderr"
    pod rmi -f -a >/dev/null
    run_pod pull other:two
    assert_output "$ID"
    assert_contains "Resolving \"other\" using unqualified-search registries ($XDG_CONFIG_HOME/containers/registries.conf)" "$stderr"
    assert_contains "Trying to pull $R/s404/other:two..." "$stderr"
    assert_contains "Trying to pull $R/ok/other:two..." "$stderr"
    run_pod images --format '{{.Repository}}'
    assert_output "$R/ok/other"
    pod rmi -f -a >/dev/null
    conf "unqualified-search-registries = [\"$R/s404\", \"$R/denied\"]"
    run_pod 125 pull -q other
    assert_error "2 errors occurred while pulling:" " * initializing source docker://$R/s404/other:latest: reading manifest latest in $R/s404/other: manifest unknown"
    assert_match ' \* .*denied' "$stderr"
    conf 'unqualified-search-registries = []'
    run_pod 125 pull -q other
    assert_error "short-name \"other\" did not resolve to an alias and no unqualified-search registries are defined in \"$XDG_CONFIG_HOME/containers/registries.conf\""
    conf "unqualified-search-registries = [\"$R/a\", \"$R/b\"]
short-name-mode = \"enforcing\""
    run_pod 125 pull -q other
    assert_error "short-name resolution enforced but cannot prompt without a TTY"
    rm -r "$XDG_CONFIG_HOME/containers/registries.conf.d"
}

@test "registries.conf: a moved location, mirrors before it, a blocked one" {
    conf "[[registry]]
prefix = \"moved.example/old\"
location = \"$R/new\"
insecure = true"
    run_pod pull -q moved.example/old/x/img
    assert_output "$ID"
    assert_contains "/v2/new/x/img/manifests/latest" "$(cat "$ROOM/log")"
    run_pod images --format '{{.Repository}}'
    assert_output moved.example/old/x/img
    pod rmi -f -a >/dev/null
    : >"$ROOM/log"
    conf "[[registry]]
location = \"mirrored.example\"
[[registry.mirror]]
location = \"$R/s404\"
insecure = true
[[registry.mirror]]
location = \"$R/mirror\"
insecure = true"
    run_pod pull -q mirrored.example/img
    assert_output "$ID"
    assert_contains "/v2/s404/img/manifests/latest" "$(cat "$ROOM/log")"
    assert_contains "/v2/mirror/img/manifests/latest" "$(cat "$ROOM/log")"
    conf "[[registry]]
prefix = \"*.example\"
location = \"x.example\"
blocked = true"
    run_pod 125 pull -q some.example/img
    assert_error_match 'registry \*\.example is blocked in'
}

@test "policy.json: reject, accept, and signatures never passed over in silence" {
    local file=$XDG_CONFIG_HOME/containers/policy.json
    cp "$file" "$ROOM/policy.kept"
    printf '{"default": [{"type": "reject"}], "transports": {"docker": {
        "%s/good": [{"type": "insecureAcceptAnything"}],
        "%s/signed": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"}]}}}' "$R" "$R" >"$file"
    pulls good/img
    refused bad/img "Source image rejected: Running image docker://$R/bad/img:latest is rejected by policy."
    refused signed/img "Source image rejected: .*signedBy.*cannot be verified"
    run_pod 125 pull -q "oci:$ROOM"
    assert_error_match "rejected by policy"
    echo '{' >"$file"
    refused good/img "policy.json"
    echo '{}' >"$file"
    refused good/img "invalid policy"
    mv "$ROOM/policy.kept" "$file"
}

@test "--policy: missing, never, newer, always" {
    run_pod 125 pull -q --policy never "$R/plain"
    assert_error "$R/plain: image not known"
    run_pod pull -q --policy missing "$R/plain"
    : >"$ROOM/log"
    run_pod pull -q --policy missing "$R/plain"
    assert_output "$ID"
    run_pod pull -q --policy never "$R/plain"
    assert_output "$ID"
    assert_equal "$(cat "$ROOM/log")" "" requests
    run_pod pull -q --policy newer "$R/plain"
    assert_output "$ID"
    assert_equal "$(requests /manifests/)" 1
    assert_equal "$(requests /blobs/)" 1 # the configuration
    pod tag "$ID" "$R/denied/img"
    run_pod pull -q --policy newer "$R/denied/img"
    assert_output "$ID"
    run_pod 125 pull -q "$R/denied/img"
    run_pod 125 pull -q --policy sometimes "$R/plain"
    assert_error 'unsupported pull policy "sometimes"'
    run_pod 125 pull -q "$ID"
    assert_error "pull policy is always but image has been referred to by ID ($ID)"
}

@test "two pulls of one image at once share the work" {
    local i pids=()
    for i in 1 2 3; do
        pod pull "$R/slow-600000/img" >"$ROOM/out.$i" 2>>"$ROOM/err" 3>&- &
        pids+=($!)
    done
    wait_for 10 grep -q "Waiting for another pull" "$ROOM/err"
    for i in "${pids[@]}"; do wait "$i"; done
    for i in 1 2 3; do assert_equal "$(cat "$ROOM/out.$i")" "$ID"; done
    # two layers once, and a configuration for each
    assert_equal "$(requests /blobs/)" 5 "blobs fetched"
}

# on_terminal COLUMNS ROWS COMMAND...: in a terminal of that size; screen prints what is on it
on_terminal() {
    export TMUX_TMPDIR=$ROOM/tmp
    tmux -f /dev/null new-session -d -x "$1" -y "$2" "bash --norc --noprofile"
    tmux send-keys "PS1='> '; clear; $3; echo CODE \$?" Enter
}
screen() { tmux capture-pane -p -S -200; }
# shellcheck disable=SC2034
shows() { screen | grep -q "$1"; }

@test "progress on a terminal: a line a layer, none too long, tidy at the end and after Ctrl-C" {
    need tmux
    local dir=$ROOM/registry.many
    mkdir "$dir"
    python3 "$LIB/faultreg.py" --sample 40K,41K,42K,43K,44K,45K,46K,47K,48K,49K --port-file "$dir/port" \
        >"$dir/out" 2>&1 3>&- 4>&- &
    echo $! >"$dir/pid"
    wait_for 10 test -s "$dir/port"
    local many
    many=127.0.0.1:$(cut -d ' ' -f 1 "$dir/port")
    export TERM=screen LANG=C.UTF-8
    on_terminal 44 10 "pod pull --tls-verify=false $many/slow-60000/x"
    wait_for 10 shows "kB/s"
    assert_match '[0-9a-f]{12} ━+' "$(screen)"
    wait_for 20 shows 'CODE 0'
    assert_equal "$(screen | grep -cE '^[0-9a-f]{12} ━+ +[45][0-9.]+ kB  done$')" 10 "finished layers"
    assert_equal "$(screen | grep -c 'kB/s')" 0 "unfinished layers"
    tmux kill-server
    pod rmi -f -a >/dev/null
    on_terminal 30 24 "pod pull --tls-verify=false $many/slow-2000/x"
    wait_for 10 shows "kB/s"
    assert_equal "$(screen | grep -cE '^[0-9a-f]{12} ')" "$(screen | grep -cE '^[0-9a-f]{12} .* k?B')" "whole lines"
    tmux send-keys C-c
    wait_for 10 shows 'CODE 130'
    assert_match $'\nError: interrupted\n' "$(screen)"
    tmux kill-server
    run_pod images -a -q
    assert_empty
    # a terminal that cannot go up gets plain lines
    TERM=dumb on_terminal 80 24 "TERM=dumb pod pull --tls-verify=false $many/x"
    wait_for 20 shows 'CODE 0'
    assert_equal "$(screen | grep -c '^Copying blob sha256:')" 10
    tmux kill-server
}

# What every bats file begins with: load helpers
#
# Each file lives in a room of its own: a HOME, XDG_* and TMPDIR that are made for it and go with
# it. A file that needs more writes its own setup_file, beginning with room_open, and if it starts
# something room_close does not know, a teardown_file that ends with room_close.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bats sets and reads these

bats_require_minimum_version 1.5.0

setup_file() { room_open; }
teardown_file() { room_close; }

# --- the room

room_open() {
    local name
    name=$(basename "$BATS_TEST_FILENAME" .bats)
    TESTS=$BATS_TEST_DIRNAME
    LIB=$TESTS/lib
    if [ -z "${POD_TEST_TOP:-}" ]; then # run by hand, from a checkout: bats tests/x.bats
        POD_TEST_TOP=$(mktemp -d /tmp/pt.XXXX)
        POD_TEST_OWN_TOP=1
        PATH=$(cd "$TESTS/.." && pwd)/${BUILD:-build}/bin:$PATH
        POD_LIBEXEC=$(cd "$TESTS/.." && pwd)/${BUILD:-build}/libexec/pod
    fi
    ROOM=$POD_TEST_TOP/$name
    HOME=$ROOM
    TMPDIR=$ROOM/tmp
    XDG_RUNTIME_DIR=$ROOM/run
    XDG_DATA_HOME=$ROOM/.local/share
    XDG_CONFIG_HOME=$ROOM/.config
    XDG_CACHE_HOME=$ROOM/.cache
    mkdir -p "$TMPDIR" "$XDG_DATA_HOME" "$XDG_CONFIG_HOME/containers" "$XDG_CACHE_HOME"
    mkdir -p "$XDG_RUNTIME_DIR"
    chmod 700 "$XDG_RUNTIME_DIR"
    export TESTS LIB POD_TEST_TOP POD_TEST_OWN_TOP PATH POD_LIBEXEC ROOM HOME TMPDIR \
        XDG_RUNTIME_DIR XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
    unset REGISTRY_AUTH_FILE CONTAINERS_STORAGE_CONF CONTAINER_HOST
    STORE=$XDG_DATA_HOME/containers/storage
    export STORE
    # peers: the same store (Buildah wants to be told both places), and no systemd to lean on
    cat >"$XDG_CONFIG_HOME/containers/storage.conf" <<TOML
[storage]
driver = "overlay"
graphroot = "$STORE"
runroot = "$XDG_RUNTIME_DIR/containers"
TOML
    cat >"$XDG_CONFIG_HOME/containers/containers.conf" <<TOML
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
log_driver = "k8s-file"
TOML
    cat >"$XDG_CONFIG_HOME/containers/policy.json" <<JSON
{"default": [{"type": "insecureAcceptAnything"}]}
JSON
}

# Ends what the file's tests left running or mounted, through the product's own commands, then
# removes the room. What even that leaves is found by the arena, which fails the run.
room_close() {
    cd / || return
    registry_stop
    if command -v pod-rm >/dev/null && [ -d "$STORE/pod" ]; then
        quietly pod rm -f -a -t 0
        quietly pod pod rm -f -a
    fi
    [ ! -e "$ROOM/.podman-used" ] || as_podman_end
    [ ! -x "$POD_LIBEXEC/pod-userns" ] || quietly "$POD_LIBEXEC/pod-userns" stop
    # Buildah's, whatever XDG_RUNTIME_DIR says
    remove_tree "/tmp/containers-user-$(id -u)"
    remove_tree "/tmp/podman-run-$(id -u)"
    remove_tree "$ROOM"
    [ -z "${POD_TEST_OWN_TOP:-}" ] || rm -rf "$POD_TEST_TOP"
}

# Seconds, on a machine that is POD_TEST_SLOW times slower than usual (emulated, say)
slow() { echo $(($1 * ${POD_TEST_SLOW:-1})); }

quietly() { timeout -k 5 "$(slow 60)" "$@" >/dev/null 2>&1 </dev/null || true; }

# Trees with files of subordinate ids go only from inside the user namespace.
remove_tree() {
    rm -rf "$1" 2>/dev/null || unshare --map-root-user --map-auto rm -rf "$1"
}

# --- running and judging

# run_pod [CODE] ARG...: `pod ARG...`, which must end with CODE (0; «any» takes all). Leaves $output (stdout),
# $stderr, $lines and $status. Stops after $POD_TIMEOUT seconds (60).
run_pod() {
    local want=0
    if [[ $1 =~ ^([0-9]+|any)$ ]]; then
        want=$1
        shift
    fi
    run_cmd "$want" pod "$@"
}

# run_cmd CODE COMMAND...: likewise for any command.
run_cmd() {
    local want=$1
    shift
    printf '$ %s\n' "${*@Q}"
    local check=()
    [ "$want" != 127 ] || check=(-127) # else bats warns of a command not found
    if [ "$(type -t "$1")" = function ]; then
        run "${check[@]}" --separate-stderr "$@"
    else
        run "${check[@]}" --separate-stderr timeout --foreground -k 5 \
            "$(slow "${POD_TIMEOUT:-60}")" "$@"
    fi
    [ -z "$output" ] || printf '%s\n' "$output"
    [ -z "$stderr" ] || printf '%s\n' "$stderr" | sed 's/^/2> /'
    if [ "$want" != any ] && [ "$status" -ne "$want" ]; then
        fail "exit status $status, expected $want"
    fi
}

fail() {
    printf '%s\n' "$@" >&2
    return 1
}

assert_equal() { # GOT WANTED [WHAT]
    [ "$1" = "$2" ] || fail "${3:-value}:" "  got    «$1»" "  wanted «$2»"
}
assert_output() { assert_equal "$output" "$1" stdout; }
assert_empty() { assert_equal "$output" "" stdout; }
assert_empty_stderr() { assert_equal "$stderr" "" stderr; }
assert_line() { # TEXT: one line of stdout is exactly this
    grep -qxF -- "$1" <<<"$output" || fail "no line of stdout is «$1»"
}
refute_line() {
    ! grep -qxF -- "$1" <<<"$output" || fail "a line of stdout is «$1»"
}
assert_match() { # REGEX [TEXT]
    local text=${2-$output}
    [[ $text =~ $1 ]] || fail "no match for «$1» in:" "$text"
}
refute_match() {
    local text=${2-$output}
    ! [[ $text =~ $1 ]] || fail "«$1» matches in:" "$text"
}
assert_contains() { # TEXT [IN]
    local text=${2-$output}
    [[ $text == *"$1"* ]] || fail "«$1» is not in:" "$text"
}
# The first line of stderr is exactly «Error: TEXT»; with a second argument, the hint line too.
assert_error() {
    assert_equal "$(head -n 1 <<<"$stderr")" "Error: $1" "first line of stderr"
    [ $# -lt 2 ] || assert_contains "$2" "$(tail -n +2 <<<"$stderr")"
}
assert_error_match() {
    assert_match "^Error: " "$stderr"
    assert_match "$1" "$(head -n 1 <<<"$stderr")"
}
assert_file() { [ -e "$1" ] || fail "there is no $1"; }
refute_file() { ! [ -e "$1" ] || fail "there is a $1"; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
    local end=$((SECONDS + $(slow "$1")))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "still not so: ${*@Q}" || return
        sleep 0.05
    done
}

need() { # COMMAND...: skip, saying which one is not here
    local c
    for c; do command -v "$c" >/dev/null || skip "needs $c"; done
}

# tools_but TOOL...: a PATH with pod and all that this machine has, but these
tools_but() {
    local dir=$ROOM/tools.$RANDOM from tool
    mkdir "$dir"
    for from in /usr/local/bin /usr/bin /usr/sbin /bin /sbin; do
        cp -s "$from"/* "$dir/" 2>/dev/null || true
    done
    for tool; do rm -f "$dir/$tool"; done
    echo "$(dirname "$(command -v pod)"):$dir"
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# --- images, as OCI layouts below the room

# image_busybox LAYOUT TAG [mkoci options and command as for mkoci, after --]
image_busybox() {
    local layout=$1 tag=$2
    shift 2
    [ -d "$ROOM/busybox" ] || "$LIB/mkbusybox" "$ROOM/busybox"
    "$LIB/mkoci" "$layout" "$tag" "$ROOM/busybox" "$@"
}

# pull_busybox [NAME]: the usual image, in the store, under localhost/NAME:latest (busybox)
pull_busybox() {
    [ -f "$ROOM/layout/index.json" ] || image_busybox "$ROOM/layout" "${1:-busybox}"
    IMAGE=localhost/${1:-busybox}:latest
    export IMAGE
    run_pod pull -q "oci:$ROOM/layout:${1:-busybox}"
    run_pod tag "$output" "$IMAGE"
}

# image_layers LAYOUT TAG: made by umoci, three layers over the first: a file changed, a file and
# a directory removed, a directory made opaque, links, odd modes.
image_layers() {
    local layout=$1 tag=$2 bundle=$ROOM/umoci.$RANDOM
    image_busybox "$layout" "$tag"
    umoci_edit "$layout:$tag" "$bundle" '
        mkdir -p d/sub gone
        echo one >d/one; echo two >d/two; echo sub >d/sub/file; echo x >gone/x
        echo changed >etc/motd; chmod 4755 etc/motd
        ln d/one d/hard; ln -s one d/soft; mkfifo pipe; mkdir -m 1777 sticky'
    umoci_edit "$layout:$tag" "$bundle" 'rm d/two; rm -r gone; echo again >etc/motd; chmod 4755 etc/motd'
    umoci_edit "$layout:$tag" "$bundle" 'rm -r d; mkdir d; echo new >d/new'
}
umoci_edit() { # IMAGE BUNDLE SCRIPT
    umoci unpack --rootless --image "$1" "$2"
    (cd "$2/rootfs" && sh -euc "$3")
    umoci repack --image "$1" "$2"
    remove_tree "$2"
}

# image_buildah LAYOUT TAG: as Buildah writes it, with user, working directory and entrypoint
image_buildah() {
    local layout=$1 tag=$2 ctr
    local b=(env CONTAINERS_STORAGE_CONF="$ROOM/buildah/conf" buildah)
    mkdir -p "$ROOM/buildah"
    printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' \
        "$ROOM/buildah/store" "$XDG_RUNTIME_DIR/buildah" >"$ROOM/buildah/conf"
    [ -d "$ROOM/busybox" ] || "$LIB/mkbusybox" "$ROOM/busybox"
    ctr=$("${b[@]}" from scratch)
    "${b[@]}" copy -q "$ctr" "$ROOM/busybox" / >/dev/null
    "${b[@]}" config --user 1000:1000 --workingdir /srv --env MADE_BY=buildah \
        --entrypoint '["/bin/sh","-c"]' --cmd 'id; pwd' --label maker=buildah \
        --port 8080/tcp --stop-signal SIGUSR1 "$ctr"
    "${b[@]}" commit -q --rm "$ctr" "oci:$layout:$tag" >/dev/null
    remove_tree "$ROOM/buildah"
    remove_tree "$XDG_RUNTIME_DIR/buildah"
}

# image_zstd FROM TO: both LAYOUT:TAG, the layers of TO compressed by zstd
image_zstd() {
    skopeo copy -q --dest-compress-format zstd --dest-oci-accept-uncompressed-layers \
        "oci:$1" "oci:$2" 2>/dev/null
    if ! jq -e '.layers[].mediaType | test("zstd")' >/dev/null < <(layout_manifest "$2"); then
        recompress "$1" "$2" 'zstd -q -c' '+zstd'
    fi
}
# image_plain FROM TO: the layers of TO not compressed at all
image_plain() { recompress "$1" "$2" cat ''; }

recompress() { # FROM TO COMMAND SUFFIX
    local from=${1%%:*} to=${2%%:*} new layer digest
    mkdir -p "$to/blobs/sha256"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$to/oci-layout"
    new=$(layout_manifest "$1")
    cp "$from/blobs/sha256/$(jq -r '.config.digest[7:]' <<<"$new")" "$to/blobs/sha256/"
    for layer in $(jq -r '.layers[].digest[7:]' <<<"$new"); do
        gzip -dc "$from/blobs/sha256/$layer" | $3 >"$to/new"
        digest=$(layout_add "$to" "$to/new")
        new=$(jq -c --arg old "sha256:$layer" --arg new "sha256:$digest" --arg suffix "$4" \
            --argjson size "$(stat -c %s "$to/blobs/sha256/$digest")" '
            .layers |= map(if .digest == $old then .digest = $new | .size = $size |
                .mediaType = "application/vnd.oci.image.layer.v1.tar" + $suffix else . end)' <<<"$new")
    done
    printf %s "$new" >"$to/new"
    layout_tag "$to" "${2#*:}" "$(layout_add "$to" "$to/new")"
}

layout_add() { # LAYOUT FILE: moves it among the blobs, prints its hex digest
    local sum
    sum=$(sha256sum <"$2" | cut -d ' ' -f 1)
    mv "$2" "$1/blobs/sha256/$sum"
    echo "$sum"
}
layout_tag() { # LAYOUT TAG DIGEST [MEDIATYPE]: the layout's index then has only that entry
    jq -nc --arg t "$2" --arg d "sha256:$3" --argjson s "$(stat -c %s "$1/blobs/sha256/$3")" \
        --arg m "${4:-application/vnd.oci.image.manifest.v1+json}" '{schemaVersion: 2, manifests: [
        {mediaType: $m, digest: $d, size: $s, annotations: {"org.opencontainers.image.ref.name": $t}}]}' \
        >"$1/index.json"
}
layout_digest() { # LAYOUT:TAG
    jq -r --arg t "${1#*:}" '.manifests[] |
        select(.annotations["org.opencontainers.image.ref.name"] == $t) | .digest' "${1%%:*}/index.json"
}
layout_manifest() { # LAYOUT:TAG
    local digest
    digest=$(layout_digest "$1")
    cat "${1%%:*}/blobs/sha256/${digest#sha256:}"
}

# image_index LAYOUT TAG: an index with this machine's image, one for another architecture, two of
# another's variants, and an attestation that must not be taken for an image. What is inside says
# which one it is: /which.
image_index() {
    local layout=$1 tag=$2 entries='[]' platform manifest config
    [ -d "$ROOM/busybox" ] || "$LIB/mkbusybox" "$ROOM/busybox"
    # the attestation comes first, where a careless reader would take it
    mkdir -p "$layout/blobs/sha256"
    echo '{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' \
        >"$layout/new"
    config=$(layout_add "$layout" "$layout/new")
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[]}' \
        "$config" "$(stat -c %s "$layout/blobs/sha256/$config")" >"$layout/new"
    manifest=$(layout_add "$layout" "$layout/new")
    entries=$(index_entry "$layout" "$entries" "$manifest" unknown unknown '' \
        '{"vnd.docker.reference.type":"attestation-manifest"}')
    for platform in s390x "$(machine_arch)" arm/v6 arm/v7; do
        echo "$platform" >"$ROOM/busybox/which"
        "$LIB/mkoci" "$layout" "tmp" "$ROOM/busybox" cat /which
        manifest=$(layout_digest "$layout:tmp")
        # the config must tell the same platform as the entry
        config=$(jq -r .config.digest <"$layout/blobs/sha256/${manifest#sha256:}")
        jq -c --arg a "${platform%%/*}" --arg v "${platform#"${platform%%/*}"}" \
            '.architecture = $a | if $v != "" then .variant = $v[1:] else . end' \
            "$layout/blobs/sha256/${config#sha256:}" >"$layout/new"
        local new
        new=$(layout_add "$layout" "$layout/new")
        jq -c --arg d "sha256:$new" --argjson s "$(stat -c %s "$layout/blobs/sha256/$new")" \
            '.config.digest = $d | .config.size = $s' \
            "$layout/blobs/sha256/${manifest#sha256:}" >"$layout/new"
        manifest=$(layout_add "$layout" "$layout/new")
        local variant=${platform#"${platform%%/*}"}
        entries=$(index_entry "$layout" "$entries" "$manifest" linux "${platform%%/*}" "${variant#/}" null)
    done
    rm "$ROOM/busybox/which"
    jq -nc --argjson m "$entries" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json", manifests: $m}' >"$layout/new"
    layout_tag "$layout" "$tag" "$(layout_add "$layout" "$layout/new")" \
        application/vnd.oci.image.index.v1+json
}
index_entry() { # LAYOUT ENTRIES DIGEST OS ARCH VARIANT ANNOTATIONS
    jq -c --arg d "sha256:$3" --argjson s "$(stat -c %s "$1/blobs/sha256/$3")" --arg os "$4" \
        --arg arch "$5" --arg v "$6" --argjson a "$7" '. + [{
        mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s,
        platform: ({os: $os, architecture: $arch} + if $v != "" then {variant: $v} else {} end)}
        + if $a then {annotations: $a} else {} end]' <<<"$2"
}
machine_arch() {
    case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
    esac
}

# A whole Debian, made once by root: sets DEBIAN=oci:LAYOUT:debian:test
need_debian() {
    DEBIAN=${POD_TEST_CACHE:-/var/tmp/pod-test-cache}/debian
    [ -f "$DEBIAN/index.json" ] ||
        fail "no Debian image: tests/lib/prepare could not make one" || return
    DEBIAN=oci:$DEBIAN:debian:test
}

# --- registries: Debian's docker-registry on 127.0.0.1

# registry_start [plain|tls|auth]: sets REGISTRY=127.0.0.1:PORT and REGISTRY_KIND (auth: TLS and
# basic authentication as user «tester», password «s3cret pass»). Several may run; the last started
# is the one push_image uses, the others are kept as REGISTRY_plain and so on.
REGISTRY_USER=tester
REGISTRY_PASSWORD='s3cret pass'
registry_start() {
    REGISTRY_KIND=${1:-plain}
    local dir=$ROOM/registry.$REGISTRY_KIND port try
    mkdir -p "$dir/data"
    [ "$REGISTRY_KIND" = plain ] || registry_certificate "$dir"
    for try in 1 2 3 4 5; do
        port=$(free_port)
        registry_config "$dir" "$port" >"$dir/config.yml"
        docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- 4>&- &
        echo $! >"$dir/pid"
        REGISTRY=127.0.0.1:$port
        ! wait_for 10 registry_answers "$dir" || break
        kill "$(cat "$dir/pid")" 2>/dev/null || true
    done
    registry_answers "$dir" || fail "docker-registry does not come up:" "$(tail -n 5 "$dir/log")"
    if [ "$REGISTRY_KIND" != plain ]; then
        mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY"
        cp "$dir/ca.crt" "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY/ca.crt"
    fi
    printf -v "REGISTRY_$REGISTRY_KIND" %s "$REGISTRY"
    export REGISTRY REGISTRY_KIND REGISTRY_USER REGISTRY_PASSWORD "REGISTRY_${REGISTRY_KIND?}"
}
registry_answers() { # DIR; 401 is an answer too
    kill -0 "$(cat "$1/pid")" && curl -s -o /dev/null --max-time 2 --noproxy '*' \
        ${REGISTRY_KIND:+$([ "$REGISTRY_KIND" = plain ] || echo --cacert "$1/ca.crt")} \
        "$(registry_scheme)://$REGISTRY/v2/"
}
registry_scheme() { if [ "$REGISTRY_KIND" = plain ]; then echo http; else echo https; fi; }
registry_config() { # DIR PORT
    cat <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: $1/data}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:$2
YAML
    [ "$REGISTRY_KIND" = plain ] || echo "  tls: {certificate: $1/server.crt, key: $1/server.key}"
    if [ "$REGISTRY_KIND" = auth ]; then
        htpasswd -Bbn "$REGISTRY_USER" "$REGISTRY_PASSWORD" >"$1/htpasswd"
        echo "auth: {htpasswd: {realm: test, path: $1/htpasswd}}"
    fi
}
registry_certificate() { # DIR: a test CA, and a certificate for 127.0.0.1 and localhost
    (
        cd "$1" || exit
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 \
            -subj "/CN=pod test CA" -addext basicConstraints=critical,CA:TRUE
        openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "/CN=127.0.0.1"
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
            -out server.crt -extfile <(echo subjectAltName=IP:127.0.0.1,DNS:localhost)
    ) >/dev/null 2>&1
}
# Ends all registries of this file.
registry_stop() {
    local pidfile
    for pidfile in "$ROOM"/registry.*/pid; do registry_end "$pidfile"; done
}
registry_end() { # PIDFILE
    [ -f "$1" ] || return 0
    local pid
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
    rm -f "$1"
}
registry_log() { cat "$ROOM/registry.${1:-$REGISTRY_KIND}/log"; }

# registry_misbehaving LAYOUT [WISH...]: a registry that serves LAYOUT as lib/registry.py describes;
# sets REGISTRY. One at a time; registry_requests prints what it was asked.
registry_misbehaving() {
    local dir=$ROOM/registry.bad
    registry_end "$dir/pid"
    rm -rf "$dir"
    mkdir "$dir"
    python3 "$LIB/registry.py" "$1" "$dir/port" "$dir/log" "${@:2}" >"$dir/err" 2>&1 3>&- 4>&- &
    echo $! >"$dir/pid"
    wait_for 10 test -s "$dir/port" || fail "$(cat "$dir/err")"
    touch "$dir/log"
    REGISTRY_KIND=plain
    REGISTRY=127.0.0.1:$(cat "$dir/port")
    export REGISTRY REGISTRY_KIND
}
registry_requests() { cat "$ROOM/registry.bad/log"; }

# push_image LAYOUT:TAG NAME[:TAG] [skopeo options]: into the registry started last
push_image() {
    local from=$1 name=$2
    shift 2
    skopeo copy -q --all "$@" "oci:$from" "docker://$REGISTRY/$name" \
        --dest-tls-verify="$([ "$REGISTRY_KIND" = plain ] && echo false || echo true)" \
        --dest-creds "$REGISTRY_USER:$REGISTRY_PASSWORD"
}

# --- peers

# podman on our store. It keeps a pause process per user, which as_podman_end ends.
as_podman() {
    touch "$ROOM/.podman-used"
    timeout --foreground -k 5 "$(slow "${POD_TIMEOUT:-120}")" podman --log-level error "$@"
}
as_podman_end() {
    quietly podman rm -f -a -t 0
    quietly podman pod rm -f -a
    quietly podman system migrate
    rm -f "$ROOM/.podman-used"
}

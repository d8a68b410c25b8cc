#!/usr/bin/env bats
# Hook directories: which files count and whom they mean, both kinds of them; hooks that change the
# configuration; what is said when one fails.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr, …; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod pull -q "oci:$ROOM/layout:busybox" >/dev/null
}
setup() {
    DIR=$BATS_TEST_TMPDIR/hooks.d
    SAID=$BATS_TEST_TMPDIR/said
    NOTE=$BATS_TEST_TMPDIR/note # notes its words
    mkdir "$DIR"
    printf '#!/bin/sh\necho "$@" >>%s\ncat >>%s.state\n' "$SAID" "$SAID" >"$NOTE"
    chmod 755 "$NOTE"
}
teardown() { quietly pod rm -f -a -t 0; }

hook() { cat >"$DIR/$1.json"; } # NAME, its text on standard input
# noting NAME WORD STAGE WHEN: a hook of version 1.0.0 that notes WORD
noting() {
    jq -n --arg p "$NOTE" --arg w "$2" --arg s "$3" --argjson when "$4" '{version: "1.0.0",
        hook: {path: $p, args: ["note", $w]}, when: $when, stages: [$s]}' >"$DIR/$1.json"
}
run_it() { run_pod --hooks-dir "$DIR" run --rm --network none "$@"; }
said() { [ ! -e "$SAID" ] || paste -sd ' ' "$SAID"; }

@test "1.0.0: always, by command, by annotation, by bind mounts; all of the conditions" {
    noting 10 always createRuntime '{"always": true}'
    noting 20 never createRuntime '{"always": false}'
    noting 30 command createRuntime '{"commands": ["^/bin/ec.o$", "sleep"]}'
    noting 40 note createRuntime '{"annotations": {"^org\\.example": "^[0-9]+$"}}'
    noting 50 binds createRuntime '{"hasBindMounts": true}'
    noting 60 both createRuntime '{"annotations": {"org": "1"}, "hasBindMounts": true}'
    run_it busybox true
    assert_equal "$(said)" always
    rm "$SAID"
    run_it busybox /bin/echo hello
    assert_output hello
    assert_equal "$(said)" "always command"
    rm "$SAID"
    run_it --annotation org.example.n=12 -v "$BATS_TEST_TMPDIR:/x" busybox true
    assert_equal "$(said)" "always note binds both"
    rm "$SAID"
    run_it --annotation org.example.n=twelve busybox true
    assert_equal "$(said)" always
    jq -e 'select(.ociVersion and .id and .bundle)' "$SAID.state" >/dev/null
}

@test "the older kind: one condition is enough; stages by either name" {
    hook 1 <<<"{\"hook\": \"$NOTE\", \"arguments\": [\"old\"], \"stages\": [\"prestart\"], \"cmds\": [\"true\"], \"hasbindmounts\": true}"
    hook 2 <<<"{\"version\": \"0.1.0\", \"hook\": \"$NOTE\", \"arguments\": [\"older\"], \"stage\": [\"poststop\"], \"annotation\": [\"^yes$\"]}"
    run_it busybox true
    assert_equal "$(said)" old
    run_it --annotation a=yes busybox echo
    wait_for 5 sh -c "grep -q older $SAID"
}

@test "directories: a later one's file stands for the same name before it; names give the order" {
    local other=$BATS_TEST_TMPDIR/other
    mkdir "$other"
    noting 2 first createRuntime '{"always": true}'
    noting 1 masked createRuntime '{"always": true}'
    jq '.hook.args[1] = "mask"' "$DIR/1.json" >"$other/1.json"
    echo nonsense >"$other/README"
    run_pod --hooks-dir "$DIR" --hooks-dir "$other" --hooks-dir /no/such run --rm --network none busybox true
    assert_equal "$(said)" "mask first"
    # of containers.conf, and remembered for later starts
    printf '[engine]\nhooks_dir = ["%s"]\n' "$DIR" >"$BATS_TEST_TMPDIR/conf"
    rm "$SAID"
    CONTAINERS_CONF=$BATS_TEST_TMPDIR/conf run_pod create --name later --network none busybox true
    run_pod start -a later
    assert_equal "$(said)" "masked first"
}

@test "precreate: what it answers is the configuration" {
    cat >"$BATS_TEST_TMPDIR/change" <<'SH'
#!/bin/sh
[ -z "$(env | grep -v '^PWD=\|^_=\|^SHLVL=\|^ADDED=')" ] || exit 9
exec /usr/bin/jq -c '.process.env += ["ADDED='"$ADDED"'"] | .linux.seccomp.syscalls |= map(.names -= ["mkdir", "mkdirat"])'
SH
    sed -i "s/'\"\$ADDED\"'/by-hook/" "$BATS_TEST_TMPDIR/change"
    chmod 755 "$BATS_TEST_TMPDIR/change"
    hook 1 <<<"{\"version\": \"1.0.0\", \"hook\": {\"path\": \"$BATS_TEST_TMPDIR/change\", \"env\": [\"ADDED=x\"]}, \"when\": {\"always\": true}, \"stages\": [\"precreate\"]}"
    local runtime
    for runtime in pod-runtime crun; do
        run_pod --hooks-dir "$DIR" --runtime "$runtime" run --rm --network none busybox sh -c \
            'echo $ADDED; mkdir /x 2>/dev/null || echo denied; grep Seccomp: /proc/self/status'
        assert_output "$(printf '%s\n' by-hook denied 'Seccomp:	2')"
    done
}

@test "what fails is said, in the hook's own words too, and nothing runs" {
    printf '#!/bin/sh\necho "the disk is on fire" >&2\nexit 3\n' >"$BATS_TEST_TMPDIR/bad"
    printf '#!/bin/sh\nsleep 60\n' >"$BATS_TEST_TMPDIR/slow"
    printf '#!/bin/sh\necho "{"\n' >"$BATS_TEST_TMPDIR/babble"
    chmod 755 "$BATS_TEST_TMPDIR"/{bad,slow,babble}
    local stage
    for stage in precreate createRuntime; do
        hook 1 <<<"{\"version\": \"1.0.0\", \"hook\": {\"path\": \"$BATS_TEST_TMPDIR/bad\"}, \"when\": {\"always\": true}, \"stages\": [\"$stage\"]}"
        run_pod any --hooks-dir "$DIR" run --rm --network none busybox echo ran
        [ "$status" -ge 125 ]
        assert_empty
        assert_match "hook \"$BATS_TEST_TMPDIR/bad\" failed: exit code 3" "$stderr"
        assert_match "the disk is on fire" "$stderr"
    done
    hook 1 <<<"{\"version\": \"1.0.0\", \"hook\": {\"path\": \"$BATS_TEST_TMPDIR/slow\", \"timeout\": 1}, \"when\": {\"always\": true}, \"stages\": [\"precreate\"]}"
    run_pod 125 --hooks-dir "$DIR" run --rm --network none busybox echo ran
    assert_error_match "did not end within 1 s"
    hook 1 <<<"{\"version\": \"1.0.0\", \"hook\": {\"path\": \"$BATS_TEST_TMPDIR/babble\"}, \"when\": {\"always\": true}, \"stages\": [\"precreate\"]}"
    run_pod 125 --hooks-dir "$DIR" run --rm --network none busybox echo ran
    assert_error_match "what hook .* answered"
    run_pod ps -a -q
    assert_empty
}

@test "hooks of the runtime run outside of namespaces that the container joins" {
    printf '#!/bin/sh\nreadlink /proc/self/ns/net /proc/self/ns/user >%s.$1\n' "$SAID" >"$NOTE"
    noting 10 own createRuntime '{"always": true}'
    run_it busybox true
    run_pod run -d --name other --network none busybox sleep 1000
    noting 10 joins createRuntime '{"always": true}'
    run_pod --hooks-dir "$DIR" run --rm --network container:other busybox true
    assert_equal "$(cat "$SAID.joins")" "$(cat "$SAID.own")"
}

@test "files that are wrong are named" {
    local text
    for text in '{' '{"version": "2.0.0"}' '{"version": "1.0.0", "hook": {"path": "relative"}}' \
        '{"version": "1.0.0", "hook": {"path": "/no/such"}, "when": {"always": true}, "stages": ["prestart"]}' \
        '{"version": "1.0.0", "hook": {"path": "/bin/true"}, "when": {"always": true}, "stages": ["later"]}' \
        '{"version": "1.0.0", "hook": {"path": "/bin/true"}, "when": {"always": true}}' \
        '{"version": "1.0.0", "hook": {"path": "/bin/true"}, "when": {"commands": ["("]}, "stages": ["prestart"]}'; do
        hook wrong <<<"$text"
        run_pod 125 --hooks-dir "$DIR" run --rm --network none busybox true
        assert_error_match "parsing hook \"$DIR/wrong.json\""
    done
}

#!/usr/bin/env bats
# Secrets: podman's store, ours to read and write; what containers get, and what nobody is shown.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr, …; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true # one list of secrets
    image_busybox "$ROOM/layout" busybox
    pod pull -q "oci:$ROOM/layout:busybox" >/dev/null
}
teardown() {
    quietly pod rm -f -a -t 0
    quietly pod secret rm -a
}
keep() { run_cmd 0 sh -c 'printf "%s" "$2" | pod secret create "$1" -' sh "$@"; } # NAME TEXT

@test "create: a file, standard input, a variable; a name in use, --replace" {
    printf hush >"$ROOM/file"
    run_pod secret create -l a=b -l c one "$ROOM/file"
    assert_match '^[0-9a-f]{25}$'
    keep two 'tell nobody'
    WORD=third run_pod secret create --env three WORD
    assert_equal "$(pod secret inspect --showsecret --format '{{.SecretData}}' one two three | paste -sd ,)" \
        "hush,tell nobody,third"
    run_pod 125 secret create one "$ROOM/file"
    assert_error "one: secret name in use" --replace
    printf louder >"$ROOM/file"
    run_pod secret create --replace one "$ROOM/file"
    run_pod secret inspect --showsecret --format '{{.SecretData}} {{.Spec.Labels}}' one
    assert_output "louder map[]"
    assert_equal "$(jq length "$STORE/secrets/filedriver/secretsdata.json")" 3
    assert_equal "$(stat -c %a "$STORE/secrets/secrets.json" "$STORE/secrets/filedriver/secretsdata.json" |
        paste -sd ' ')" "600 600"
}

@test "ls, inspect, exists, rm: as podman shows them, both ways" {
    keep ours mine
    run_cmd 0 sh -c 'printf theirs | "$0" secret create --label x=y theirs -' "$(command -v podman)"
    run_pod secret inspect --showsecret --format '{{.SecretData}}' theirs
    assert_output theirs
    run_cmd 0 as_podman run --rm --network none --secret ours localhost/busybox cat /run/secrets/ours
    assert_output mine
    assert_equal "$(pod secret inspect ours theirs)" "$(as_podman secret inspect ours theirs)"
    assert_equal "$(pod secret ls --format '{{.ID}} {{.Name}} {{.Driver}}' | sort)" \
        "$(as_podman secret ls --format '{{.ID}} {{.Name}} {{.Driver}}' | sort)"
    run_pod secret ls
    assert_match '^ID +NAME +DRIVER +CREATED +UPDATED'
    run_pod secret ls --filter name=our -q
    assert_match '^[0-9a-f]{25}$'
    local id=$output
    run_pod secret ls --filter "id=${id:0:6}" --filter name=theirs --noheading
    assert_empty
    run_pod secret ls --format json
    assert_equal "$(jq -r '.[].Name' <<<"$output" | sort | paste -sd ' ')" "ours theirs"
    run_pod secret exists "${id:0:8}"
    run_pod 1 secret exists nothing
    run_pod 125 secret ls --filter colour=red
    assert_error 'invalid filter "colour"'
    run_pod 125 secret rm nothing ours
    assert_error 'no secret with name or id "nothing": no such secret' "pod secret ls"
    assert_output "$id"
    run_pod secret rm --ignore nothing
    run_pod 125 secret inspect ours
    assert_error_match "inspecting secret: no secret"
    run_pod secret rm -a
    run_cmd 0 as_podman secret ls -q
    assert_empty
}

@test "in a container: a file, its place, owner and mode; a variable, in exec too" {
    keep word abracadabra
    run_pod run --rm --network none --secret word --secret source=word,target=/etc/deep/word,mode=0400,uid=5,gid=6 \
        --secret word,target=other --secret word,type=env --secret word,type=env,target=SPELL busybox sh -c '
        cat /run/secrets/word /run/secrets/other /etc/deep/word; echo
        stat -c "%a %u %g %n" /run/secrets/word /etc/deep/word
        echo "$word $SPELL"; echo x 2>/dev/null >/run/secrets/word || echo read-only'
    assert_output "$(printf '%s\n' abracadabraabracadabraabracadabra '444 0 0 /run/secrets/word' \
        '400 5 6 /etc/deep/word' 'abracadabra abracadabra' read-only)"
    run_pod run -d --name box --network none --secret word,type=env,target=SPELL --secret word busybox sleep 1000
    run_pod exec box sh -c 'echo $SPELL; cat /run/secrets/word'
    assert_output "$(printf '%s\n' abracadabra abracadabra)"
    run_pod inspect box
    refute_match abracadabra
    assert_equal "$(jq -c '.[0].Config.Secrets | map([.Name, .UID, .GID, .Mode])' <<<"$output")" '[["word",0,0,292]]'
}

@test "whoever the ids belong to, whatever else is mounted, whichever runtime" {
    keep word abracadabra
    local user
    user=$(id -u)
    run_pod run --rm --network none --userns keep-id --secret "word,mode=0400,uid=$user" busybox cat /run/secrets/word
    assert_output abracadabra
    run_pod run --rm --network none --user 1234 --secret word,mode=0400,uid=1234 busybox cat /run/secrets/word
    assert_output abracadabra
    run_pod run --rm --network none --read-only --tmpfs /run --secret word busybox cat /run/secrets/word
    assert_output abracadabra
    local runtime
    for runtime in crun runc; do
        run_pod --runtime "$runtime" run --rm --network none --secret word,uid=7 --secret word,type=env busybox \
            sh -c 'stat -c %u /run/secrets/word; echo $word'
        assert_output "$(printf '%s\n' 7 abracadabra)"
    done
}

@test "it outlives the secret, is not committed, and goes with the container" {
    keep word abracadabra
    run_pod create --name box --network none --secret word busybox cat /run/secrets/word
    run_pod secret rm word
    run_pod start -a box
    assert_output abracadabra
    run_pod commit -q box localhost/box
    run_pod run --rm --network none localhost/box sh -c 'cat /run/secrets/word 2>/dev/null || echo none'
    assert_output none
    run_pod export -o "$ROOM/box.tar" box
    run_cmd 1 grep -q abracadabra "$ROOM/box.tar"
    run_pod rm box
    wait_for 5 sh -c '! grep -rqs abracadabra "$1/pod"' sh "$STORE"
    run_pod rmi localhost/box
}

@test "what cannot be" {
    keep word abracadabra
    run_pod 125 run --secret nothing busybox true
    assert_error 'no secret with name or id "nothing": no such secret'
    local text
    for text in "word,type=door|type door is invalid" "word,mode=9|mode 9 invalid" "word,uid=-1|uid -1 invalid" \
        "word,colour=red|option colour=red invalid" "word,flat|option flat must be in form option=value" \
        "target=x|no source found for secret" "word,type=env,mode=0400|UID, GID, Mode options cannot be set"; do
        run_pod 125 run --secret "${text%|*}" busybox true
        assert_error_match "${text##*|}"
    done
    : >"$ROOM/empty"
    run_pod 125 secret create empty "$ROOM/empty"
    assert_error "secret data must be larger than 0 and less than 512000 bytes"
    head -c 512000 /dev/zero >"$ROOM/big"
    run_pod 125 secret create big "$ROOM/big"
    assert_error "secret data must be larger than 0 and less than 512000 bytes"
    run_pod 125 secret create none /no/such
    assert_error "open /no/such: no such file or directory"
    run_pod 125 secret create 'two words' "$ROOM/file"
    assert_error_match "two words: invalid secret name"
    run_pod 125 secret create --driver pass x "$ROOM/file"
    assert_error "pass: invalid secret driver"
    run_pod 125 secret create --env x NOT_SET_AT_ALL
    run_pod 125 secret rm
    head -c 100 /dev/urandom >"$ROOM/bytes"
    run_pod secret create bytes "$ROOM/bytes"
    run_pod run --rm --network none --secret bytes busybox sha256sum /run/secrets/bytes
    assert_equal "${output%% *}" "$(sha256sum <"$ROOM/bytes" | cut -d ' ' -f 1)"
    run_pod 125 run --rm --network none --secret bytes,type=env busybox true
    assert_error_match "secret bytes is no text"
    run_pod ps -a -q
    assert_empty
}

@test "twenty at once, podman among them: none is lost" {
    local i
    for i in $(seq 10); do
        printf x | pod secret create "p$i" - >/dev/null &
        printf x | podman secret create "q$i" - >/dev/null &
    done
    wait
    assert_equal "$(pod secret ls -q | wc -l)" 20
    assert_equal "$(jq length "$STORE/secrets/filedriver/secretsdata.json")" 20
}

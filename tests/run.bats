#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# A container's life: run, exec, logs, stop, pods, what a killed process of ours leaves behind.

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
}
teardown_file() {
    pod pod rm -f -a -t 0 >/dev/null 2>&1 || true
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    room_close
}
setup() { IMAGE=localhost/busybox:latest; }

@test "output, exit codes, 126 and 127" {
    run_pod run --rm --network none "$IMAGE" echo hello
    assert_output hello
    run_pod 3 run --rm --network none "$IMAGE" sh -c 'exit 3'
    run_pod 127 run --rm --network none "$IMAGE" nosuchcommand
    assert_error_match "not found"
    run_pod 126 run --rm --network none "$IMAGE" /etc
    run_pod 137 run --rm --network none "$IMAGE" sh -c 'kill -9 $$; sleep 5' || true
}

@test "pipes: standard input arrives whole, a closed reader ends the container" {
    [ "$(seq 50000 | pod run -i --rm --network none "$IMAGE" wc -l)" -eq 50000 ]
    [ "$(pod run --rm --network none "$IMAGE" seq 200000 | tail -n 1)" = 200000 ]
    [ "$(timeout "$(slow 20)" pod run --rm --network none "$IMAGE" yes | head -n 1)" = y ]
    wait_for 10 sh -c '[ -z "$(pod ps -q)" ]'
}

@test "isolation: ids, capabilities, seccomp, own processes only" {
    run_pod run --rm --network none "$IMAGE" grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/self/status
    assert_match 'CapEff:[[:space:]]*00000000800405fb'
    assert_match 'Seccomp:[[:space:]]*2'
    run_pod run --rm --network none --cap-drop all --security-opt no-new-privileges "$IMAGE" \
        grep -E '^(CapEff|NoNewPrivs):' /proc/self/status
    assert_match 'CapEff:[[:space:]]*0000000000000000'
    assert_match 'NoNewPrivs:[[:space:]]*1'
    run_pod run --rm --network none "$IMAGE" sh -c 'echo $$; ls /proc/self/fd | wc -l'
    assert_line 1
    run_pod run --rm --network none --userns keep-id "$IMAGE" id -u
    assert_output "$(id -u)"
}

@test "mounts: volumes, read-only, tmpfs, a read-only root" {
    mkdir -p "$ROOM/v"
    echo there >"$ROOM/v/file"
    run_pod run --rm --network none -v "$ROOM/v:/v:ro" "$IMAGE" cat /v/file
    assert_output there
    run_pod 1 run --rm --network none -v "$ROOM/v:/v:ro" "$IMAGE" touch /v/new
    run_pod 1 run --rm --network none --read-only "$IMAGE" touch /new
    run_pod run --rm --network none --tmpfs /t "$IMAGE" sh -c 'echo x >/t/x; cat /t/x'
    assert_output x
    run_pod 125 run --rm --network none -v /nonexistent/path:/v "$IMAGE" true
    assert_error_match "no such file or directory"
}

@test "fuse-overlayfs serves where the kernel does not" {
    POD_ROOTFS=fuse run_pod run --rm --network none "$IMAGE" sh -c 'echo x >/new; cat /new; grep " / " /proc/mounts'
    assert_match fuse
}

@test "detached: ps, logs, exec, wait, stop, start, rm; a name in use" {
    run_pod run -d --name life --network none "$IMAGE" sh -c 'echo out; echo err >&2; trap "exit 5" TERM; while :; do sleep 0.1; done'
    run_pod 125 run --network none --name life "$IMAGE" true
    assert_error_match "already in use"
    wait_for 10 sh -c 'pod logs life 2>&1 | grep -q err'
    run_pod logs life
    assert_output out
    assert_match err "$stderr"
    run_pod ps --format '{{.Names}} {{.State}}'
    assert_line "life running"
    run_pod exec life echo in
    assert_output in
    run_pod 7 exec life sh -c 'exit 7'
    run_pod 127 exec life nosuch
    [ "$(echo piped | pod exec -i life cat)" = piped ]
    run_pod 2 rm life
    run_pod stop life
    run_pod inspect --format '{{.State.ExitCode}}' life
    assert_output 5
    run_pod start life
    run_pod kill life
    run_pod wait life
    assert_output 137
    run_pod rm life
    run_pod 1 rm life
    run_pod 125 exec life true
    assert_error_match "no such container"
}

@test "a killed monitor: the container goes on, and can be stopped, started and removed" {
    run_pod run -d --name orphan --network none "$IMAGE" sleep 1000
    kill -9 "$(pgrep -f "pod-monitor.*--ctr-dir $ROOM/")" # only ours: other files run beside
    run_pod exec orphan echo still
    assert_output still
    run_pod stop -t 0 orphan
    run_pod start orphan
    run_pod exec orphan echo again
    assert_output again
    run_pod rm -f -t 0 orphan
}

@test "a killed namespace holder is made again" {
    kill -9 "$("$POD_LIBEXEC/pod-userns" info)"
    run_pod run --rm --network none "$IMAGE" echo new
    assert_output new
}

@test "restart on failure; a damaged record hides nobody and can be removed" {
    run_pod 1 run --name again --restart on-failure:2 --network none "$IMAGE" sh -c 'echo try; exit 1'
    assert_output $'try\ntry\ntry'
    run_pod create --name bad --network none "$IMAGE" true
    local bad=$output
    echo '{' >"$XDG_DATA_HOME/containers/storage/pod/containers/$bad/container.json"
    run_pod ps -a --format '{{.Names}}'
    assert_line again
    assert_match "level=warning msg=.container $bad: its record is damaged" "$stderr"
    # what does not run is not read by those who ask for what runs
    run_pod ps --format '{{.Names}}'
    assert_empty
    assert_equal "$stderr" ""
    run_pod rm -f bad again
}

@test "network: slirp4netns with a published port, pods share it" {
    port=$(free_port)
    run_pod pod create --name app -p "127.0.0.1:$port:80"
    run_pod run -d --pod app --name web "$IMAGE" sh -c 'mkdir /w; echo page >/w/index.html; httpd -f -p 80 -h /w'
    wait_for 10 curl -fs "http://127.0.0.1:$port/"
    [ "$(curl -fs "http://127.0.0.1:$port/")" = page ]
    run_pod run --rm --pod app "$IMAGE" wget -qO- http://127.0.0.1/
    assert_output page
    run_pod pod ps --format '{{.Name}} {{.Status}}'
    assert_line "app Running"
    run_pod pod stop -t 0 app
    run_pod pod rm -f app
    run_pod 1 pod exists app
}

@test "another runtime: runc does the same job" {
    local runtime=runc
    run_pod run --rm --runtime "$runtime" --network none "$IMAGE" echo "$runtime"
    assert_output "$runtime"
    run_pod 127 run --rm --runtime "$runtime" --network none "$IMAGE" nosuch
    run_pod run -d --name "by-$runtime" --runtime "$runtime" --network none "$IMAGE" sleep 100
    run_pod exec "by-$runtime" echo in
    assert_output in
    run_pod rm -f -t 0 "by-$runtime"
}

@test "flags that are wrong: one sentence, what to type, 125" {
    run_pod 125 run --nosuch "$IMAGE" true
    assert_error_match "unknown flag: --nosuch"
    run_pod 125 run --rm --pull never localhost/nosuch true
    assert_error_match "image not known"
    run_pod 125 run -p 99999:1 "$IMAGE" true
    run_pod 125 run --cap-add nosuch "$IMAGE" true
}

@test "twenty at once lose nothing" {
    for i in $(seq 20); do
        pod run --rm --network none "$IMAGE" echo "$i" >"$ROOM/out.$i" 2>&1 &
    done
    wait
    for i in $(seq 20); do
        [ "$(cat "$ROOM/out.$i")" = "$i" ] || fail "container $i said: $(cat "$ROOM/out.$i")"
    done
}

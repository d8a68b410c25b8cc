#!/usr/bin/env bats
# The journal: what is told, in podman's words; filters, times, formats; following it while it
# turns over; what damages it harms nobody.
# shellcheck disable=SC2154 # run sets output, stderr, …
load helpers.bash

setup_file() {
    room_open
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true # they read one journal
    image_busybox "$ROOM/layout" busybox
    pod pull -q "oci:$ROOM/layout:busybox" >/dev/null
    LOG=$STORE/pod/events/log
    export LOG
}
setup() { BEFORE=$(date +%s.%N); }
teardown() { quietly pod rm -f -a -t 0; }

# happened [OPTION...]: «TYPE STATUS NAME» of each event since the test began
happened() {
    run_pod events --since "$BEFORE" --stream=false --format '{{.Type}} {{.Status}} {{.Name}}' "$@"
}

@test "a container's life: each step once, in order" {
    run_pod run --name life --label a=b --label "c=d e" --network none busybox sh -c 'exit 3' || true
    [ "$status" = 3 ]
    happened --filter container=life --filter type=container
    # whoever comes first of the two: the client that attaches, the container that ends
    assert_equal "$(grep -v attach <<<"$output" | awk '{print $2}' | paste -sd ' ')" \
        "create init start died cleanup"
    assert_line "container attach life"
    run_pod events --since "$BEFORE" --stream=false --filter event=died --format json
    assert_equal "$(jq -r '"\(.ContainerExitCode) \(.Image) \(.Attributes.a) \(.Attributes.c)"' <<<"$output")" \
        "3 localhost/busybox:latest b d e"
    run_pod events --since "$BEFORE" --stream=false --filter event=start
    assert_match "^[-0-9]+ [0-9:.]+ [-+]0[0-9]+ [A-Z0-9+-]+ container start [0-9a-f]{64} \(image=localhost/busybox:latest, name=life, a=b, c=d e\)$"
    run_pod events --since "$BEFORE" --stream=false --filter event=start --no-trunc=false
    assert_match " container start [0-9a-f]{12} "
}

@test "stop, kill, restart, rename, exec, rm, commit, export; --rm removes" {
    run_pod run -d --name box --network none --stop-signal KILL busybox sleep 1000
    run_pod 7 exec box sh -c 'exit 7'
    run_pod exec -d box sh -c 'exit 8'
    run_pod restart box
    run_pod rename box parcel
    run_pod kill parcel
    wait_for 5 sh -c "pod ps -a --filter name=parcel --format '{{.State}}' | grep -q exited"
    run_pod start parcel
    run_pod stop parcel
    run_pod export -o /dev/null parcel
    run_pod commit -q parcel localhost/shipped
    run_pod rm parcel
    run_pod run --rm --name short --network none busybox true
    happened
    assert_equal "$(grep -E 'container .* (box|parcel)$' <<<"$output" | grep -v exec | sort | uniq -c |
        awk '{print $3, $4, $1}' | paste -sd ,)" \
        "cleanup box 1,cleanup parcel 2,commit parcel 1,create box 1,died box 1,died parcel 2,export parcel 1,init box 2,init parcel 1,kill parcel 1,remove parcel 1,rename parcel 1,restart box 1,start box 2,start parcel 1,stop box 1,stop parcel 1"
    assert_line "container remove short"
    happened --filter event=exec_died --format '{{.ContainerExitCode}}'
    assert_equal "$(sort <<<"$output" | paste -sd ' ')" "7 8"
    run_pod rmi localhost/shipped
}

@test "a restart by policy, and exec by another runtime" {
    run_pod run -d --name again --network none --restart on-failure:2 busybox sh -c 'exit 4'
    run_pod wait again
    happened --filter container=again
    assert_equal "$(grep -c start <<<"$output")" 5 "start, twice restart and start" # "restart" too
    run_pod --runtime crun run -d --name other --network none busybox sleep 1000
    run_pod 5 exec other sh -c 'exit 5'
    happened --filter container=other --filter event=exec_died --format '{{.ContainerExitCode}}'
    assert_output 5
}

@test "images, volumes, pods" {
    run_pod pull -q "oci:$ROOM/layout:busybox"
    local id=$output
    run_pod tag busybox localhost/second
    run_pod untag busybox localhost/second
    run_pod tag busybox localhost/third:1
    run_pod rmi localhost/third:1
    run_pod import -q <(tar -C "$ROOM/busybox" -c bin) localhost/fourth
    run_pod rmi localhost/fourth
    happened --filter type=image --format '{{.Status}} {{.Name}}'
    assert_equal "$(paste -sd , <<<"$output")" \
        "pull oci:$ROOM/layout:busybox,tag localhost/second,untag localhost/second:latest,tag localhost/third:1,untag localhost/third:1,import $(grep -o '/dev/fd/[0-9]*' <<<"$output"),remove localhost/fourth"
    happened --filter "image=${id:0:12}" --filter event=pull --format '{{.ID}}'
    assert_output "$id"
    run_pod volume create vol
    run_pod run --rm -v vol:/a -v /b --network none busybox true
    run_pod volume rm vol
    happened --filter volume=vol
    assert_output "$(printf '%s\n' 'volume create vol' 'volume remove vol')"
    happened --filter type=volume
    assert_equal "$(awk '{print $2}' <<<"$output" | paste -sd ' ')" "create create remove remove"
    run_pod pod create --name group --network none
    run_pod pod start group
    run_pod pod stop -t 0 group
    run_pod pod rm group
    happened --filter type=pod
    assert_equal "$(paste -sd , <<<"$output")" \
        "pod create group,pod start group,pod stop group,pod remove group"
    happened --filter pod=group
    assert_equal "$(wc -l <<<"$output")" 4
}

@test "filters: of one key any, of different keys all; labels; what is none" {
    run_pod run --rm --name one --label x=1 --network none busybox true
    run_pod run --rm --name two --label x=2 --label y --network none busybox true
    happened --filter event=create --filter event=died --filter container=one
    assert_output "$(printf '%s\n' 'container create one' 'container died one')"
    happened --filter label=x=2 --filter event=create
    assert_output "container create two"
    happened --filter label=x=2 --filter label=x=1
    assert_empty
    happened --filter label=y --filter event=create
    assert_output "container create two"
    run_pod 125 events --stream=false --filter colour=red
    assert_error "unknown filter: colour"
    run_pod 125 events --stream=false --filter event
    assert_error "event is an invalid filter: it has no value"
    run_pod 125 events --since yesterday-ish
    assert_error 'unable to parse "yesterday-ish" as a time for --since' "--since 10m"
    run_pod 125 events --stream=false --format '{{.Colour}}' --since "$BEFORE"
    assert_contains Colour "$stderr"
    run_pod 125 events some
}

@test "following: what comes, until the time is up or the reader is gone" {
    run_pod run --rm --name early --network none busybox true
    pod events --until 2s --format '{{.Status}} {{.Name}}' >"$ROOM/later" &
    pod events --filter event=create --filter container=late --format '{{.Name}}' | head -n 1 >"$ROOM/head" &
    sleep 0.5
    run_pod run --rm --name late --network none busybox true
    wait
    assert_equal "$(cat "$ROOM/head")" late
    output=$(cat "$ROOM/later") # an end is a span: what was before it too, as in podman
    assert_line "create early"
    assert_line "remove late"
}

@test "the log turns over: readers miss nothing, nothing grows for ever" {
    happened
    pod events --since "$BEFORE" --until 3s --filter type=volume --format '{{.Status}} {{.Name}}' >"$ROOM/all" &
    run_pod volume create before
    head -c 4194304 /dev/zero | tr '\0' x >>"$LOG" # one line that is none
    echo >>"$LOG"
    run_pod volume create during
    assert_file "$LOG.1"
    refute_file "$LOG"
    run_pod volume create after
    assert_file "$LOG"
    happened --filter type=volume --format '{{.Status}} {{.Name}}'
    assert_output "$(printf 'create %s\n' before during after)"
    wait
    assert_equal "$(cat "$ROOM/all")" "$(printf 'create %s\n' before during after)"
    run_pod volume rm before during after
}

@test "lines that are cut or foreign are passed over; a journal that cannot be written hinders nobody" {
    run_pod volume create fine
    printf '{"Time":"2026-01-02T03:04' >>"$LOG"
    printf '\n[1]\n{"Type":"x","Status":"y","Time":"never"}\n\0\n' >>"$LOG"
    run_pod volume rm fine
    happened --filter type=volume
    assert_output "$(printf '%s\n' 'volume create fine' 'volume remove fine')"
    chmod 500 "$STORE/pod/events"
    mv "$LOG" "$LOG.aside" 2>/dev/null || true
    chmod 400 "$LOG"
    run_pod run --rm --network none busybox echo works
    assert_output works
    chmod 600 "$LOG"
    chmod 700 "$STORE/pod/events"
}

@test "--events-backend none: nothing is written, nothing can be read" {
    run_pod --events-backend none run --rm --network none busybox true
    run_pod --events-backend none volume create unseen
    happened
    assert_empty
    run_pod 125 --events-backend none events
    assert_error 'cannot read events with the "none" backend'
    run_pod 125 --events-backend paper events
    assert_error "unable to create events: unknown event logger type: paper"
}

@test "a label cannot speak to the terminal" {
    run_pod run --rm --label "$(printf 'a=\033[31mred\nnext')" --network none busybox true
    run_pod events --since "$BEFORE" --stream=false --filter event=create
    assert_equal "$(wc -l <<<"$output")" 1
    refute_match $'\033'
    assert_contains 'a=?[31mred?next'
}

@test "fifty at once: every line is whole" {
    for i in $(seq 50); do pod volume create "v$i" >/dev/null & done
    wait
    happened --filter type=volume
    assert_equal "$(sort -u <<<"$output" | wc -l)" 50
    run_pod volume rm -a
    run_cmd 0 jq -c . <(tail -n 100 "$LOG")
}

@test "podman has the same keys in the same order" {
    run_cmd 1 as_podman --events-backend=file run --name theirs --network none localhost/busybox false
    run_cmd 0 as_podman --events-backend=file events --stream=false --filter event=died --format json
    local theirs
    theirs=$(tail -n 1 <<<"$output" | jq -c keys_unsorted)
    run_cmd 0 as_podman rm theirs
    run_pod 1 run --rm --network none busybox false
    run_pod events --since "$BEFORE" --stream=false --filter event=died --format json
    assert_equal "$(tail -n 1 <<<"$output" | jq -c keys_unsorted)" "$theirs"
}

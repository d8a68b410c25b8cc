#!/usr/bin/env bats
# pause, unpause, stats and update: by the container's cgroup where it has one or can get one, by
# signals and /proc where it cannot.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr, …; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod pull -q "oci:$ROOM/layout:busybox" >/dev/null
}
teardown() { quietly pod rm -f -a -t 0; }

COUNT='i=0; while :; do echo $((i += 1)); sleep 0.05; done'
counter() { # NAME OPTION...: a container that counts
    local name=$1
    shift
    run_pod run -d --name "$name" --network none "$@" busybox sh -c "$COUNT"
    ID=$output
}
lines() { pod logs "$1" | wc -l; }
stands() {
    local n
    sleep 0.2 # what is on its way to the log
    n=$(lines "$1")
    sleep 0.3
    [ "$(lines "$1")" = "$n" ]
}
goes() {
    local n
    n=$(lines "$1")
    wait_for 5 sh -c '[ "$(pod logs "$1" | wc -l)" -gt "$2" ]' sh "$1" "$n"
}
how() { cat "$XDG_RUNTIME_DIR/pod/$1/paused"; }
own_cgroup() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)"; }
# Can we make cgroups where we are?
divisible() { [ -w "$(own_cgroup)" ] && [ -w "$(own_cgroup)/cgroup.procs" ]; }

# Into a cgroup of ours in which none can be made, where there is cgroup v2 at all
no_cgroups() {
    divisible || return 0
    BELOW=$(own_cgroup)/still-$BATS_TEST_NUMBER
    mkdir "$BELOW"
    echo "$BASHPID" >"$BELOW/cgroup.procs"
    chmod a-w "$BELOW"
}

whole_turn() {
    run_pod pause box
    assert_output "$ID"
    stands box
    run_pod inspect --format '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' box
    assert_output "paused true false"
    run_pod ps -a --format '{{.Status}} {{.State}}'
    assert_output "Paused paused"
    run_pod unpause box
    assert_output "$ID"
    goes box
    run_pod ps --format '{{.State}}'
    assert_output running
    run_pod exec box true
}

@test "by the freezer: every process stands, then goes on; state and status say so" {
    divisible || skip "no cgroup of ours to divide"
    counter box
    run_pod exec -d box sh -c 'while :; do echo x >>/by-exec; sleep 0.05; done'
    whole_turn
    run_pod pause box
    assert_equal "$(how "$ID")" freezer
    run_pod unpause box
    run_pod exec box cat /proc/1/cgroup /proc/self/cgroup
    assert_equal "$(grep '^0::' <<<"$output" | sort -u | wc -l)" 1 "cgroups of pid 1 and of exec"
    local dir
    dir=$(cat "$XDG_RUNTIME_DIR/pod/$ID/cgroup")
    run_pod kill box
    wait_for 5 sh -c '! [ -e "$1" ]' sh "$dir"
}

@test "by signals: every process stands, then goes on; state and status say so" {
    no_cgroups
    counter box
    run_pod exec -d box sh -c 'while :; do echo x >>/by-exec; sleep 0.05; done'
    whole_turn
    run_pod pause box
    assert_equal "$(how "$ID")" signal
    local n
    sleep 0.2
    n=$(pod cp box:/by-exec - | wc -c)
    sleep 0.3
    assert_equal "$(pod cp box:/by-exec - | wc -c)" "$n"
}

@test "what a paused container is not good for, and how it ends" {
    counter box
    run_pod pause box
    run_pod 125 pause box
    assert_error "\"$ID\" is already paused: container state improper"
    run_pod 255 exec box true
    assert_error "can only create exec sessions on running containers: container state improper" "pod unpause box"
    run_pod 125 attach box
    run_pod 125 stop box
    assert_error "can only stop created or running containers. $ID is in state paused: container state improper" \
        "pod unpause box"
    run_pod 125 restart box
    assert_error_match "unable to restart a container in a paused"
    run_pod 125 start box
    run_pod 2 rm box
    assert_error_match "as it is paused"
    run_pod logs box
    run_pod top box
    local start=$SECONDS
    run_pod rm -f box
    [ $((SECONDS - start)) -le "$(slow 5)" ]
    counter box
    run_pod pause box
    run_pod kill box
    run_pod wait box
    assert_output 137
    run_pod 125 pause box
    assert_error '"exited" is not running, can'"'"'t pause: container state improper'
    run_pod 125 unpause box
    assert_error "\"$ID\" is not paused, can't unpause: container state improper"
    run_pod start box
    goes box
    run_pod 125 pause nobody
    run_pod 125 unpause nobody
}

@test "--all, several, --filter; pods; events" {
    local before
    before=$(date +%s.%N)
    run_pod create --name idle --network none busybox true
    counter one
    counter two --label x=y
    run_pod pause --all
    assert_equal "$(wc -l <<<"$output")" 2
    run_pod unpause --filter label=x=y
    assert_output "$ID"
    run_pod unpause --all
    assert_equal "$(wc -l <<<"$output")" 1
    run_pod pause one two
    run_pod ps -a --filter status=paused --format '{{.Names}}'
    assert_equal "$(sort <<<"$output" | paste -sd ' ')" "one two"
    run_pod 125 unpause one nobody two
    assert_equal "$(wc -l <<<"$output")" 2
    run_pod events --since "$before" --stream=false --filter container=one --filter event=pause --filter event=unpause \
        --format '{{.Status}}'
    assert_equal "$(paste -sd ' ' <<<"$output")" "pause unpause pause unpause"
    run_pod pod create --name group --network none
    counter member --pod group
    run_pod pod pause group
    run_pod pod ps --format '{{.Status}}'
    assert_output Paused
    run_pod pod unpause group
    run_pod pod ps --format '{{.Status}}'
    assert_output Running
    run_pod pod rm -f -t 0 group
}

@test "another runtime, other ids, a killed pause, a container that waits to be restarted" {
    need crun
    counter box --userns keep-id --user 1234
    whole_turn
    run_pod rm -f box
    counter box --runtime crun
    whole_turn
    # killed between the note and the deed: it runs, and can be paused and let go on
    printf freezer >"$XDG_RUNTIME_DIR/pod/$ID/paused"
    run_pod ps --format '{{.State}}'
    assert_output running
    run_pod unpause box
    whole_turn
    run_pod rm -f -t 0 box
    counter box --restart always
    run_pod pause box
    run_pod rm -f -t 0 box
    run_pod ps -a -q
    assert_empty
}

@test "a shared PID namespace is nobody's to stop by signals" {
    no_cgroups
    counter box
    run_pod run -d --name guest --network none --pid container:box busybox sleep 1000
    run_pod 125 pause guest
    assert_error_match "no PID namespace of its own"
    goes box
}

@test "commit --pause: it stands meanwhile, and goes on" {
    counter box
    run_pod commit -q --pause box localhost/kept
    goes box
    run_pod ps --format '{{.State}}'
    assert_output running
    run_pod rmi localhost/kept
}

@test "stats: podman's columns and JSON; what it used; with and without a cgroup" {
    run_pod run -d --name busy --network none busybox sh -c 'while :; do :; done'
    run_pod run -d --name idle --network host busybox sleep 1000
    run_pod create --name never --network none busybox true
    sleep 1
    run_pod stats --no-stream
    assert_match "^ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET IO +BLOCK IO +PIDS +CPU TIME +AVG CPU %"
    refute_match never
    run_pod stats --no-stream --format json busy
    assert_equal "$(jq -r '.[0] | [.name, .pids] | join(" ")' <<<"$output")" "busy 1"
    jq -e '.[0].cpu_percent | rtrimstr("%") | tonumber > 10' <<<"$output"
    jq -e '.[0].mem_usage | test("^[0-9.]+[kM]B / [0-9.]+[GT]B$")' <<<"$output"
    assert_equal "$(jq -r '.[0] | keys_unsorted[0:10] | join(" ")' <<<"$output")" \
        "id name cpu_time cpu_percent avg_cpu mem_usage mem_percent net_io block_io pids"
    run_pod stats --no-stream --format '{{.Name}} {{.NetIO}} {{.PIDS}}' idle
    assert_output "idle -- / -- 1"
    run_pod stats --no-stream -a --format '{{.Name}} {{.PIDS}}'
    assert_line "never 0"
    run_pod pause idle # which gives it a cgroup
    run_pod stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.MemPerc}} {{.CPUPressure}}' idle
    assert_match "^idle 0\.[0-9]+% 0\.[0-9]+% "
    run_pod 125 stats --no-stream nobody
    assert_error_match "no container with name or ID \"nobody\" found"
    run_pod 125 stats --interval 0
    pod stats --interval 1 --format '{{.Name}}' busy | head -n 2 >"$ROOM/twice"
    assert_equal "$(paste -sd ' ' "$ROOM/twice")" "busy busy"
}

@test "update: what does not run has it from the next start on; wrong words" {
    run_pod create --name box --network none busybox true
    run_pod update --cpu-shares 512 --memory 64m box
    run_pod inspect --format '{{.HostConfig.CpuShares}} {{.HostConfig.Memory}}' box
    assert_output "512 67108864"
    run_pod update --cpu-quota 50000 box
    run_pod update --cpus 2 box
    run_pod inspect --format '{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}' box
    assert_match "^67108864 "
    run_pod update --cgroup-conf cgroup.max.depth=4 box
    run_pod update --cgroup-conf cgroup.max.descendants=5 box
    run_pod 125 update --device-read-bps nothing box
    run_pod 125 update box
    assert_error "no limit was given" "pod update --memory"
    run_pod 125 update --memory lots box
    run_pod 125 update --memory 1g nobody
}

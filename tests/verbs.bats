#!/usr/bin/env bats
# Options that many verbs have, one after the other, and those of few.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr, …; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
}
setup() { export TMUX_TMPDIR=$ROOM IMAGE=localhost/busybox:latest; }
teardown() {
    ! tmux kill-server 2>/dev/null || true
    quietly pod pod rm -f -a
    quietly pod rm -f -a -t 0
}

sleeper() { # NAME OPTION...
    local name=$1
    shift
    run_pod run -d --name "$name" --network none "$@" "$IMAGE" sleep 1000
}
states() {
    run_pod ps -a --sort created --format '{{.Names}}={{.State}}'
    assert_equal "$(paste -sd ' ' <<<"$output")" "$1" "${2:-states}"
}

@test "--latest: every verb means the container created last" {
    sleeper older
    run_pod run -d --name newest -p "127.0.0.1:$(free_port):80" --network slirp4netns "$IMAGE" sleep 1000
    run_pod port --latest
    assert_match '^80/tcp -> 127.0.0.1:'
    run_pod port --all
    assert_match "80/tcp -> 127.0.0.1:"
    run_pod exec --latest hostname
    assert_output "$(pod inspect --format '{{.Config.Hostname}}' newest)"
    run_pod stats --latest --no-stream --format '{{.Name}}'
    assert_output newest
    run_pod pause --latest
    states "older=running newest=paused"
    run_pod unpause --latest
    states "older=running newest=running"
    local before
    before=$(pod inspect --format '{{.State.Pid}}' newest)
    run_pod restart --latest -t 0
    assert_equal "$(pod inspect --format '{{.State.Status}}' newest)" running
    [ "$(pod inspect --format '{{.State.Pid}}' newest)" != "$before" ]
    run_pod kill --latest
    run_pod wait --latest
    assert_output 137
    states "older=running newest=exited"
    run_pod start --latest
    run_pod stop --latest -t 0
    states "older=running newest=exited"
    run_pod unshare sh -uc 'mounted() { pod mount --notruncate | grep -c "^$1" || true; }
        pod mount --latest >/dev/null; mounted "$1"
        pod unmount --latest >/dev/null; mounted "$1"
        pod mount -a >/dev/null; mounted "$1"
        pod unmount -f "$1" >/dev/null; mounted "$1"
        pod mount "$1" >/dev/null; pod umount --all >/dev/null; mounted "$1"' sh "$(pod ps -a -l -q --no-trunc)"
    assert_equal "$(paste -sd ' ' <<<"$output")" "1 0 1 0 0"
    run_pod create --name last "$IMAGE" echo the last
    run_pod start -a --latest
    assert_output "the last"
    run_pod 125 pause --latest
    states "older=running newest=exited last=exited"
}

@test "attach --latest; start -i and --sig-proxy" {
    run_pod create --name reads -i --network none "$IMAGE" sh -c 'read x; echo "read $x"'
    run_cmd 0 sh -c 'echo line | pod start --attach --interactive reads'
    assert_output "read line"
    run_pod create --name hears --network none "$IMAGE" sh -c 'trap "echo heard; exit 4" TERM; touch /up; while :; do sleep 0.05; done'
    for proxied in true false; do
        pod start -a --sig-proxy=$proxied hears >"$ROOM/heard" 2>&1 3>&- &
        local client=$!
        wait_for 10 pod exec hears test -e /up
        kill "$client"
        if [ "$proxied" = true ]; then
            wait "$client" && status=0 || status=$?
            assert_equal "$status $(cat "$ROOM/heard")" "4 heard"
        else
            wait "$client" 2>/dev/null || true
            states "reads=exited hears=running" "sig-proxy=false"
            run_pod kill -s TERM hears
            run_pod wait hears
            assert_output 4
        fi
        quietly pod exec hears rm /up
    done
    run_pod start hears
    (sleep 0.5; exec pod kill -s TERM hears) >/dev/null 3>&- &
    run_pod 4 attach --latest
    assert_output heard
}

@test "--cidfile: what is in a file is meant" {
    sleeper other
    run_pod run -d --cidfile "$ROOM/cid" --name meant --network none "$IMAGE" sleep 1000
    run_pod pause --cidfile "$ROOM/cid"
    states "other=running meant=paused"
    run_pod unpause --cidfile "$ROOM/cid"
    states "other=running meant=running"
    run_pod restart -t 0 --cidfile "$ROOM/cid"
    states "other=running meant=running"
    run_pod kill --cidfile "$ROOM/cid"
    run_pod wait meant
    states "other=running meant=exited"
    for verb in kill pause unpause restart; do
        run_pod 125 "$verb" --cidfile "$ROOM/none"
        assert_error_match "reading CIDFile|cannot read"
    done
    rm "$ROOM/cid"
}

@test "--detach-keys of run, exec, attach and start" {
    need tmux
    local t=(tmux -f /dev/null)
    seen() { "${t[@]}" capture-pane -p | grep -q "$1"; }
    "${t[@]}" new-session -d -x 100 -y 30 \
        "pod run -it --detach-keys ctrl-x,d --name keys --network none $IMAGE sh; echo left=\$?; exec sleep 100"
    wait_for 10 pod exec keys true
    "${t[@]}" send-keys 'echo run-$((1+1))' Enter
    wait_for 10 seen run-2
    "${t[@]}" send-keys C-x d
    wait_for 10 seen left=0
    for words in "attach --detach-keys a,b keys" "exec -it --detach-keys a,b keys sh" "start -ai --detach-keys a,b keys"; do
        case $words in start*) run_pod stop -t 0 keys ;; esac
        "${t[@]}" respawn-window -k "pod $words; echo left=\$?; exec sleep 100"
        sleep 0.5
        "${t[@]}" send-keys 'clear; echo go-$((1+1))' Enter
        wait_for 10 seen go-2
        "${t[@]}" send-keys a b
        wait_for 10 seen left=0
        states "keys=running" "$words"
    done
    run_pod 125 attach --detach-keys nonsense keys
    assert_error 'invalid detach keys "nonsense"'
}

@test "exec --env-file; cp --pause; mount --notruncate; logs --color; ps --pod, --watch and --sync" {
    printf 'A=one\n# no\nHOME\n' >"$ROOM/env"
    sleeper box
    local id=$output
    run_pod exec --env-file "$ROOM/env" -e B=two box sh -c 'echo $A $B $HOME'
    assert_output "one two $HOME"
    for pause in true false; do
        run_pod cp --pause=$pause "$ROOM/env" box:/env
        run_pod exec box cat /env
        assert_match A=one
    done
    run_pod unshare sh -euc 'pod mount box >/dev/null; pod mount; pod mount --notruncate; pod unmount box >/dev/null'
    assert_equal "$(sed -n 1p <<<"$output" | cut -d ' ' -f 1)" "${id:0:12}"
    assert_equal "$(sed -n 2p <<<"$output" | cut -d ' ' -f 1)" "$id"
    run_pod run --name one --network none "$IMAGE" echo first
    run_pod run --name two --network none "$IMAGE" echo second
    run_pod logs --color one two
    assert_equal "$(tr -dc '\033' <<<"$output" | wc -c)" 4
    assert_match $'\033\\[[0-9;]+m.*first.*\033\\[0m'
    run_pod pod create --name p
    run_pod create --pod p --name member "$IMAGE" true
    run_pod ps -a --sync --pod --filter name=member
    assert_match "POD ID +PODNAME"
    assert_match " p$"
    run_cmd any timeout 2 pod ps --watch 1 --format '{{.Names}}'
    [ "$(grep -c '^.*box' <<<"$output")" -ge 2 ]
}

@test "pull --os and --variant; rmi --no-prune" {
    run_pod pull --os plan9 "oci:$ROOM/layout:busybox"
    assert_match "expected platform \(plan9/" "$stderr"
    run_pod pull --arch arm --variant v9 "oci:$ROOM/layout:busybox"
    assert_match "expected platform \(linux/arm" "$stderr"
    run_pod pull -q --os linux "oci:$ROOM/layout:busybox"
    run_pod commit "$(pod create "$IMAGE" true)" base
    run_pod commit "$(pod create base true)" top
    local base
    base=$(pod images -q --no-trunc base)
    run_pod rm -a
    run_pod untag base
    run_pod rmi --no-prune top
    run_pod image exists "${base#sha256:}"
    run_pod rmi "${base#sha256:}"
    run_pod 1 image exists "${base#sha256:}"
}

@test "stats --no-reset and --no-trunc" {
    sleeper box
    local id=$output
    run_pod stats --no-stream --no-trunc --format '{{.ID}}'
    assert_output "$id"
    for reset in "" --no-reset; do
        # shellcheck disable=SC2086
        run_cmd any script -qec "timeout 2 pod stats -i 1 $reset" /dev/null </dev/null
        case $reset in
        "") assert_match $'\033\\[H|\033\\[2J' ;;
        *) refute_match $'\033\\[2J' ;;
        esac
    done
}

@test "pod create: --dns-option --infra-name --shm-size --sysctl; files with a pod's id" {
    run_pod pod create --name p --dns-option ndots:4 --infra-name holds --shm-size 1m --sysctl net.ipv4.ip_unprivileged_port_start=77 \
        --network none --pod-id-file "$ROOM/pid"
    run_pod run --pod p --rm "$IMAGE" sh -c 'grep options /etc/resolv.conf; df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2
        cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
    assert_equal "$(paste -sd ' ' <<<"$output")" "options ndots:4 1024 77"
    run_pod container exists holds
    run_pod pod stop -t 0 --pod-id-file "$ROOM/pid"
    assert_equal "$(pod pod ps --format '{{.Status}}')" Exited
    run_pod pod start --pod-id-file "$ROOM/pid"
    assert_equal "$(pod pod ps --format '{{.Status}}')" Running
    run_pod pod pause --latest
    assert_equal "$(pod pod ps --format '{{.Status}}')" Paused
    run_pod pod unpause --latest
    run_pod pod stop -t 0 --latest
    assert_equal "$(pod pod ps --format '{{.Status}}')" Exited
    rm "$ROOM/pid"
}

@test "container clone: --name --pod --force; its limits are those of create" {
    sleeper box --label x=y
    run_pod container clone --name twin box
    run_pod 125 container clone --destroy box third
    assert_error_match "^Error: cannot replace container [0-9a-f]{64} as it is running"
    assert_contains "pod container clone --destroy --force box" "$stderr"
    run_pod 1 container exists third
    run_pod container clone --destroy --force box third
    run_pod 1 container exists box
    run_pod pod create --name p --network none
    run_pod container clone --pod p --name inside third
    assert_equal "$(pod inspect --format '{{.Pod}}' inside)" "$(pod pod inspect --format '{{.Id}}' p)"
    run_pod inspect --format '{{.Config.Labels.x}}' inside
    assert_output y
    # what is asked for now has its way over what was asked for then
    limits() { pod inspect --format '{{.HostConfig.CpuQuota}}/{{.HostConfig.CpuPeriod}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}} {{.HostConfig.CpusetCpus}}' "$1"; }
    run_pod create --name quota --cpu-period 50000 --cpu-quota 20000 --memory 64m "$IMAGE" true
    run_pod container clone --cpus 0.5 --memory 32m --memory-swap 48m --memory-reservation 16m --cpuset-cpus 0 quota cpus
    assert_equal "$(limits cpus)" "50000/100000 33554432 50331648 16777216 0"
    run_pod container clone --cpu-period 40000 --cpu-quota 10000 cpus back
    assert_equal "$(limits back)" "10000/40000 33554432 50331648 16777216 0"
    # and so it is with devices
    local disk
    disk=$(find /dev -maxdepth 1 -type b | head -n 1)
    [ -n "$disk" ] || return 0
    run_pod create --name io --blkio-weight 100 --device-read-bps "$disk:1mb" "$IMAGE" true
    run_pod inspect --format '{{.HostConfig.BlkioWeight}} {{json .HostConfig.BlkioDeviceReadBps}} {{json .HostConfig.BlkioDeviceReadIOps}}' io
    assert_output "100 [{\"Path\":\"$disk\",\"Rate\":1048576}] null"
}

@test "--cgroupns, --group-entry, --no-hostname, --publish-all" {
    run_pod run --rm --network none --cgroupns private "$IMAGE" readlink /proc/self/ns/cgroup
    local private=$output
    run_pod run --rm --network none --cgroupns host "$IMAGE" readlink /proc/self/ns/cgroup
    assert_output "$(readlink /proc/self/ns/cgroup)"
    [ "$private" != "$output" ]
    run_pod 125 run --rm --cgroupns nonsense "$IMAGE" true
    run_pod run --rm --network none --user 100:200 --group-entry 'mine:x:$GID:extra' "$IMAGE" sh -c 'id -gn; tail -n 1 /etc/group'
    assert_equal "$(paste -sd ' ' <<<"$output")" "mine mine:x:200:extra"
    run_pod run --rm --network none --no-hostname "$IMAGE" sh -c 'cat /etc/hostname 2>/dev/null; hostname | wc -c'
    assert_output 13
    run_pod run -d --name open --expose 80 --publish-all --network slirp4netns "$IMAGE" httpd -f -h /var/www
    local port
    port=$(pod port open 80)
    run_cmd 0 curl -s --retry 20 --retry-connrefused --retry-delay 1 "http://${port/0.0.0.0/127.0.0.1}/"
    refute_match '^$'
}

@test "update --restart: heard by the monitor of what runs, kept for the next start" {
    mkdir -m 777 "$ROOM/told"
    touch "$ROOM/told/go-on"
    run_pod run -d --name up --network none -v "$ROOM/told:/t" "$IMAGE" \
        sh -c 'touch /t/alive; while [ -e /t/go-on ]; do sleep 0.02; done'
    wait_for 10 test -e "$ROOM/told/alive"
    run_pod update --restart always up
    run_pod inspect --format '{{.HostConfig.RestartPolicy.Name}}' up
    assert_output always
    rm "$ROOM/told/alive" "$ROOM/told/go-on"
    wait_for 10 test -e "$ROOM/told/alive"
    run_pod update --restart no up
    run_pod wait up
    rm -f "$ROOM/told/alive"
    run_pod ps -a --filter name=up --format '{{.Status}}'
    assert_match '^Exited'
    run_pod update --restart on-failure:2 up
    run_pod start -a up
    run_pod inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' up
    assert_output "on-failure 2"
    run_pod 125 update --restart sometimes up
    assert_error_match '"sometimes" is not a valid restart policy'
    run_pod create --name brief --rm --network none "$IMAGE" true
    run_pod 125 update --restart always brief
    assert_error "cannot set restart policy of container brief: it is removed when it exits"
    run_pod 125 update up
    assert_error "no limit was given"
}

@test "update --ulimit: of what is started from now on" {
    run_pod run -d --name bound --network none --ulimit nofile=900 --ulimit core=0 "$IMAGE" sleep 100
    run_pod update --ulimit nofile=1024:1024 --ulimit nproc=512 bound
    run_pod exec bound sh -c 'ulimit -n; ulimit -u; ulimit -c'
    assert_output $'1024\n512\n0'
    run_pod restart -t 0 bound
    run_pod exec bound sh -c 'ulimit -n; grep -h "open files" /proc/1/limits'
    assert_equal "${lines[0]}" 1024
    assert_match 'Max open files +1024'
    run_pod 125 update --ulimit nofile=2048:1024 bound
    assert_error_match "2048 > 1024"
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # some words are for an inner shell
# Limits: what the container's cgroup holds and does. Where a controller is not given to the user,
# the same test wants the error that names it, and nothing that ran without the limit.

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
}
setup() { IMAGE=localhost/busybox:latest; }
teardown() { pod rm -f -a -t 0 >/dev/null 2>&1 || true; }

words_in() { grep -qw -- "$2" "$1" 2>/dev/null; }

# By what the kernel shows: our own branch of the tree, or that of the user's systemd.
given() {
    local dir run manager
    dir=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    while [ -w "$dir" ] && [ -w "$dir/cgroup.procs" ]; do
        ! words_in "$dir/cgroup.subtree_control" "$1" || return 0
        dir=${dir%/*}
    done
    manager=/sys/fs/cgroup/user.slice/user-$UID.slice/user@$UID.service
    for run in "$XDG_RUNTIME_DIR" "/run/user/$UID"; do
        [ ! -S "$run/systemd/private" ] || words_in "$manager/cgroup.controllers" "$1" || continue
        [ ! -S "$run/systemd/private" ] || return 0
    done
    return 1
}

# or_error CONTROLLER OPTION...: succeeds when the limits can be had. Otherwise sees to it that
# they are refused in the right words, and the test is done.
or_error() {
    local controller=$1
    shift
    ! given "$controller" || return 0
    run_pod 125 run --rm --network none "$@" "$IMAGE" touch /ran
    assert_error_match "^Error: $1: the $controller controller is not delegated to user $(id -un) \("
    assert_match "(type|following|belongs)" "$(tail -n +2 <<<"$stderr")"
    assert_empty
    run_pod ps -a -q
    assert_empty
    return 1
}

# The container's cgroup, as the host sees it
cgroup_of() {
    local pid
    pid=$(pod inspect --format '{{.State.Pid}}' "$1")
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
}
in_cgroup() { # FILE OPTION...: that file of the container's cgroup, read inside
    local file=$1
    shift
    run_pod run --rm --network none "$@" "$IMAGE" cat "/sys/fs/cgroup/$file"
}

@test "--memory and --memory-swap" {
    or_error memory --memory 64m || return 0
    in_cgroup memory.max --memory 64m
    assert_output 67108864
    in_cgroup memory.swap.max --memory 64m
    assert_output 67108864
    in_cgroup memory.swap.max --memory 64m --memory-swap 96m
    assert_output 33554432
    in_cgroup memory.swap.max --memory 64m --memory-swap -1
    assert_output max
    in_cgroup memory.swap.max --memory 64m --memory-swap 64m
    assert_output 0
    in_cgroup memory.low --memory-reservation 32m
    assert_output 33554432
}

@test "--cpus and --cpu-shares" {
    or_error cpu --cpus 0.5 || return 0
    in_cgroup cpu.max --cpus 0.5
    assert_output "50000 100000"
    in_cgroup cpu.weight --cpu-shares 512
    assert_output 20
    in_cgroup cpu.weight --cpu-shares 2048
    assert_output 79
}

@test "--pids-limit holds: more cannot be forked" {
    or_error pids --pids-limit 20 || return 0
    in_cgroup pids.max --pids-limit 20
    assert_output 20
    run_pod any run --rm --network none --pids-limit 6 "$IMAGE" \
        sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 9 & done; echo not reached'
    assert_match "can't fork" "$stderr"
    refute_line "not reached"
}

@test "several limits at once, in a namespace of its own" {
    or_error memory --memory 64m || return 0
    or_error pids --pids-limit 30 || return 0
    run_pod run --rm --network none --memory 64m --pids-limit 30 --cpus 2 "$IMAGE" \
        sh -c 'grep -h "^0::" /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max pids.max; echo $$ >cgroup.procs || true'
    assert_line 0::/
    assert_line 67108864
    assert_line 30
    assert_match "[Rr]ead-only" "$stderr"
}

@test "over its memory a container is killed: 137, and inspect tells" {
    or_error memory --memory 16m || return 0
    run_pod 137 run --name greedy --network none --memory 16m --memory-swap 16m "$IMAGE" \
        dd if=/dev/zero of=/dev/null bs=64M count=1
    run_pod inspect --format '{{.State.OOMKilled}} {{.State.ExitCode}}' greedy
    assert_output "true 137"
    # the mark is of that run only
    run_pod run --name modest --network none --memory 64m "$IMAGE" true
    run_pod inspect --format '{{.State.OOMKilled}}' modest
    assert_output false
}

@test "exec is inside the same limits" {
    or_error pids --pids-limit 30 || return 0
    run_pod run -d --name box --network none --pids-limit 30 "$IMAGE" sleep 1000
    local cgroup
    cgroup=$(cgroup_of box)
    run_pod exec -d box sleep 2000
    wait_for 10 sh -c 'pod exec box ps | grep -q "sleep 2000"'
    local pid sleeps=0
    while read -r pid; do
        ! grep -q '^sleep' "/proc/$pid/cmdline" || sleeps=$((sleeps + 1))
    done <"$cgroup/cgroup.procs"
    assert_equal "$sleeps" 2 "processes of the container's cgroup"
    run_pod exec box grep -h ^0:: /proc/self/cgroup
    assert_output 0::/
    run_pod any exec box sh -c 'for i in $(seq 40); do sleep 9 & done; echo not reached'
    assert_match "can't fork" "$stderr"
    refute_line "not reached"
}

@test "the cgroup goes with the container, also from a killed monitor; a restart has a fresh one" {
    or_error pids --pids-limit 30 || return 0
    local cgroup first
    run_pod run -d --name gone --network none --pids-limit 30 "$IMAGE" sleep 1000
    cgroup=$(cgroup_of gone)
    [ -d "$cgroup" ]
    run_pod stop -t 0 gone
    wait_for 10 test ! -e "$cgroup"
    run_pod start gone
    first=$(cgroup_of gone)
    assert_equal "$(cat "$first/pids.max")" 30
    kill -9 "$(pod inspect --format '{{.State.ConmonPid}}' gone)"
    run_pod exec gone cat /sys/fs/cgroup/pids.max
    assert_output 30
    run_pod rm -f -t 0 gone
    wait_for 10 test ! -e "$first"
    run_pod run -d --name again --restart on-failure:2 --pids-limit 30 --network none "$IMAGE" \
        sh -c 'cat /sys/fs/cgroup/pids.max; exit 3'
    run_pod wait again
    wait_for 10 sh -c '[ "$(pod logs again | grep -cx 30)" -eq 3 ]'
}

@test "processes of a container that shares the host's PID namespace end with it" {
    or_error pids --pids-limit 30 || return 0
    run_pod run -d --name shared --pid host --network none --pids-limit 30 "$IMAGE" \
        sh -c 'setsid sleep 1000 & sleep 1000'
    local cgroup
    cgroup=$(cgroup_of shared)
    wait_for 10 sh -c "[ \$(wc -l <'$cgroup/cgroup.procs') -ge 2 ]"
    run_pod stop -t 0 shared
    wait_for 10 test ! -e "$cgroup"
}

@test "crun and runc get the same limits" {
    need crun runc
    or_error memory --memory 64m || return 0
    local runtime
    for runtime in crun runc; do
        run_pod run --rm --network none --runtime "$runtime" --memory 64m "$IMAGE" \
            cat /sys/fs/cgroup/memory.max
        assert_output 67108864
    done
}

@test "no limit asked for, none set" {
    run_pod run --rm --network none "$IMAGE" true
    run_pod run --rm --network none --pids-limit 0 "$IMAGE" true
    run_pod run --rm --network none --pids-limit -1 "$IMAGE" true
}

@test "limits that make no sense are refused" {
    run_pod 125 run --rm --memory 1m "$IMAGE" true
    assert_error_match "the minimum is 6 MiB"
    run_pod 125 run --rm --memory 64m --memory-swap 32m "$IMAGE" true
    assert_error_match "must not be below --memory"
    run_pod 125 run --rm --memory-swap 64m "$IMAGE" true
    assert_error_match "needs --memory"
    run_pod 125 run --rm --cpus 0.001 "$IMAGE" true
    assert_error_match "the minimum is 0.01"
    run_pod 125 run --rm --pids-limit many "$IMAGE" true
    assert_error_match 'invalid argument "many" for "--pids-limit"'
}

# In namespaces where this user sees another machine. pod-cgroup is what gives the limits.
elsewhere() { # MOUNTS: a shell line; then pod-cgroup tries for 64 MB
    unshare --user --map-current-user --keep-caps --mount --cgroup sh -euc "
        $1
        unset XDG_RUNTIME_DIR
        exec setpriv --inh-caps=-all --ambient-caps=-all '$POD_LIBEXEC/pod-cgroup' \
            --name x --prepare --memory 67108864 -- true" 3>&-
}
@test "cgroup v1: limits say so, all else works" {
    run_cmd 125 elsewhere 'mount -t tmpfs tmpfs /sys/fs/cgroup'
    assert_error "--memory: the memory controller is not delegated to user $(id -un) (this machine runs cgroup v1)" \
        systemd.unified_cgroup_hierarchy=1
    run_cmd 0 unshare --map-root-user --map-auto --mount sh -euc '
        mount -t tmpfs tmpfs /sys/fs/cgroup
        pod run --rm --network none "$1" echo works' sh "$IMAGE"
    assert_output works
}

@test "no systemd that answers this user: limits say so" {
    run_cmd 125 elsewhere '[ ! -d /run/user ] || mount -t tmpfs tmpfs /run/user'
    assert_error_match "^Error: --memory: the memory controller is not delegated to user $(id -un) \("
    assert_match "(Ask|Log in)" "$(tail -n +2 <<<"$stderr")"
}

@test "update: at once, for what runs without a limit, and for further starts" {
    or_error memory --memory 64m || return 0
    run_pod run -d --name box --network none "$IMAGE" sleep 1000
    run_cmd any pod update --memory 48m box
    if [ "$status" != 0 ]; then # in a login session it can get no cgroup any more
        assert_error_match "there is no cgroup for container"
        assert_contains "pod stop box" "$stderr"
        run_pod rm -f -t 0 box
        run_pod run -d --name box --network none --memory 64m "$IMAGE" sleep 1000
        run_pod update --memory 48m box
    fi
    assert_equal "$(cat "$(cgroup_of box)/memory.max")" 50331648
    run_pod update --memory 40m --pids-limit 50 box
    assert_equal "$(cat "$(cgroup_of box)/memory.max")" 41943040
    assert_equal "$(cat "$(cgroup_of box)/pids.max")" 50
    run_pod restart -t 0 box
    assert_equal "$(cat "$(cgroup_of box)/memory.max")" 41943040
    run_pod stats --no-stream --format '{{.MemUsage}} {{.PIDS}}' box
    assert_match "^[0-9.]+[kM]B / 41.94MB 1$"
    run_pod pause box
    assert_equal "$(grep frozen "$(cgroup_of box)/cgroup.events")" "frozen 1"
    run_pod unpause box
}

@test "--cpu-period, --cpu-quota, --cpuset-cpus, --cpuset-mems: of create, update and clone" {
    or_error cpu --cpu-period 50000 --cpu-quota 20000 || return 0
    in_cgroup cpu.max --cpu-period 50000 --cpu-quota 20000
    assert_output "20000 50000"
    run_pod run -d --name box --network none --cpu-period 50000 --cpu-quota 20000 --memory 64m "$IMAGE" sleep 1000
    run_pod update --latest --cpu-period 40000 --cpu-quota 10000
    assert_equal "$(cat "$(cgroup_of box)/cpu.max")" "10000 40000"
    run_pod update --memory-reservation 32m --memory 64m --memory-swap 96m box
    assert_equal "$(cat "$(cgroup_of box)"/memory.{low,max,swap.max} | paste -sd ' ')" "33554432 67108864 33554432"
    run_pod stop -t 0 box
    run_pod container clone --cpu-period 30000 --cpu-quota 15000 --memory 70m --memory-swap 80m \
        --memory-reservation 20m box twin
    run_pod start twin
    assert_equal "$(cat "$(cgroup_of twin)/cpu.max")" "15000 30000"
    assert_equal "$(cat "$(cgroup_of twin)"/memory.{low,max,swap.max} | paste -sd ' ')" "20971520 73400320 10485760"
    run_pod stop -t 0 twin
    run_pod container clone --cpus 0.5 --destroy twin half
    run_pod start half
    assert_equal "$(cat "$(cgroup_of half)/cpu.max")" "50000 100000"
    run_pod rm -f -t 0 half
    or_error cpuset --cpuset-cpus 0 --cpuset-mems 0 || return 0
    run_pod run -d --name bound --network none --cpuset-cpus 0-1 --cpuset-mems 0 "$IMAGE" sleep 1000
    assert_equal "$(cat "$(cgroup_of bound)"/cpuset.{cpus,mems} | paste -sd ' ')" "0-1 0"
    run_pod update --cpuset-cpus 1 --cpuset-mems 0 bound
    assert_equal "$(cat "$(cgroup_of bound)/cpuset.cpus")" 1
    run_pod stop -t 0 bound
    run_pod container clone --cpuset-cpus 0 --cpuset-mems 0 bound other
    run_pod start other
    assert_equal "$(cat "$(cgroup_of other)"/cpuset.{cpus,mems} | paste -sd ' ')" "0 0"
}

@test "update of block I/O" {
    or_error io --blkio-weight 100 || return 0
    run_pod run -d --name box --network none --blkio-weight 100 "$IMAGE" sleep 1000
    local disk
    disk=$(lsblk -dno PATH | head -n 1)
    run_pod update --device-write-bps "$disk:1mb" --device-read-iops "$disk:100" --device-write-iops "$disk:200" box
    assert_match "wbps=1048576 riops=100 wiops=200" "$(cat "$(cgroup_of box)/io.max")"
    run_pod update --blkio-weight 200 box
    run_pod inspect --format '{{.HostConfig.BlkioWeight}} {{range .HostConfig.BlkioDeviceWriteBps}}{{.Path}}={{.Rate}}{{end}}' box
    assert_output "200 $disk=1048576"
}

@test "--cgroup-conf: files of every cgroup; what is none" {
    local dir
    dir=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    [ -w "$dir" ] && [ -w "$dir/cgroup.procs" ] || skip "no cgroup of ours to divide"
    in_cgroup cgroup.max.descendants --cgroup-conf cgroup.max.descendants=7
    assert_output 7
    in_cgroup cgroup.max.depth --cgroup-conf cgroup.max.descendants=7,cgroup.max.depth=3
    assert_output 3
    run_pod 125 run --rm --network none --cgroup-conf cgroup.no.such=1 "$IMAGE" true
    assert_error_match "--cgroup-conf: cannot set cgroup.no.such"
    run_pod 125 run --rm --network none --cgroup-conf ../../x.y=1 "$IMAGE" true
    assert_error_match "is not FILE=VALUE"
    run_pod 125 run --rm --network none --cgroup-conf high "$IMAGE" true
    or_error memory --cgroup-conf memory.high=64m || true
}

@test "--cgroup-parent: below one of ours, and no other" {
    local dir
    dir=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    [ -w "$dir" ] && [ -w "$dir/cgroup.procs" ] || skip "no cgroup of ours to divide"
    mkdir "$dir/mine"
    run_pod run -d --name below --network none --cgroup-parent "${dir#/sys/fs/cgroup}/mine" "$IMAGE" sleep 1000
    assert_match "^$dir/mine/pod-" "$(cgroup_of below)"
    run_pod exec below true
    run_pod pause below
    run_pod unpause below
    run_pod rm -f -t 0 below
    wait_for 5 rmdir "$dir/mine"
    run_pod 125 run --rm --network none --cgroup-parent /no/such "$IMAGE" true
    assert_error_match "^Error: --cgroup-parent: "
    run_pod 125 run --rm --network none --cgroup-parent / "$IMAGE" true
    assert_error_match "is no cgroup v2 that was delegated to this user"
    run_pod 125 run --rm --network none --cgroup-parent "$dir/../.." "$IMAGE" true
}

@test "block I/O: weights and rates; devices and numbers that are none; what cgroup v2 lacks" {
    local bad
    for bad in "--blkio-weight 5" "--blkio-weight-device /dev/null:2000" "--device-read-bps /dev/null" \
        "--device-read-bps /etc/passwd:1m" "--device-write-iops /dev/null:many" "--device-read-iops /no/such:5" \
        "--memory-swappiness 5" "--oom-kill-disable" "--cpu-rt-period 5"; do
        # shellcheck disable=SC2086
        run_pod 125 run --rm --network none $bad "$IMAGE" touch /ran
        assert_error_match "^Error: ${bad%% *}"
    done
    or_error io --device-read-bps /dev/zero:1m || return 0
    run_pod run -d --name slow --network none --device-read-bps /dev/zero:10mb --device-write-iops /dev/zero:40 \
        "$IMAGE" sleep 1000
    assert_equal "$(cat "$(cgroup_of slow)/io.max")" "1:5 rbps=10485760 wbps=max riops=max wiops=40"
}

#!/usr/bin/env bats
# ps, inspect, info and version: columns, fields and keys that scripts read.
# shellcheck disable=SC2016,SC2154 # bats sets output and stderr; some words are the container's
load helpers

IMAGE=localhost/busybox:latest

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" "$IMAGE"
    pod run -d --name first --network none --label kind=a -v "$ROOM:/room:ro" "$IMAGE" sleep 100
    pod run --name second --network none --label kind=b -e X=y "$IMAGE" sh -c 'exit 3' || true
    pod create --name third --network none "$IMAGE" echo a long command that is cut
}

@test "ps: oldest first, podman's words for the state" {
    run_pod ps -a
    assert_match '^CONTAINER ID  IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES'
    assert_match 'first.*second.*third'
    run_pod ps -a --format '{{.Names}} {{.Status}}'
    assert_match 'first Up (Less than a second|[0-9]+ seconds?|About a minute)'$'\n'
    refute_match 'Up .*ago'$'\n''second'
    assert_match 'second Exited \(3\) .*ago'
    assert_line 'third Created'
    run_pod ps -a --format '{{.Command}}' --filter name=third
    assert_output 'echo a long comma...'
    run_pod ps -a --no-trunc --format '{{.Command}}' --filter name=third
    assert_output 'echo a long command that is cut'
    run_pod ps --last 2 --format '{{.Names}}'
    assert_output $'second\nthird'
    run_pod ps -l --format '{{.Names}}'
    assert_output third
    run_pod ps --format '{{.Label "kind"}} {{.State}} {{.Mounts}}'
    assert_output 'a running [/room]'
}

@test "ps: the usual table is what its columns give when they are asked for" {
    local usual='table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}'
    pod run -d --name fourth -p 127.0.0.1:"$(free_port)":80 "$IMAGE" sleep 100
    same() { # OPTION...
        run_pod ps "$@"
        local first
        first=$(timeless)
        run_pod ps "$@" --format "$usual"
        assert_equal "$(timeless)" "$first"
    }
    timeless() {
        sed -E 's/Less than a second|[0-9]+ seconds?|About a minute/a while/g; s/ +/ /g' <<<"$output"
    }
    same -a
    same -a --no-trunc
    same --filter name=fourth
    same --last 2
    pod rm -f -t 0 fourth
}

@test "ps: sizes, namespaces, order by another column" {
    run_pod exec first sh -c 'head -c 5000 /dev/zero >/tmp/big'
    run_pod ps -s
    assert_match 'SIZE'
    assert_match '5kB \(virtual [0-9.]+MB\)'
    run_pod ps --ns
    assert_match '^CONTAINER ID  NAMES +PID +CGROUPNS +IPC +MNT +NET +PIDNS +USERNS +UTS'
    run_pod inspect -f '{{.State.Pid}}' first
    local inode
    inode=$(readlink "/proc/$output/ns/net" | tr -dc 0-9)
    run_pod ps --ns
    assert_match "$inode"
    run_pod ps -a --sort names --format '{{.Names}}'
    assert_output $'first\nsecond\nthird'
    run_pod ps -a --sort status --format '{{.Names}}'
    assert_output $'third\nsecond\nfirst'
    run_pod 125 ps --sort bogus
    assert_match 'Choose from: "command, created, id, image, names, runningfor, size, status"' "$stderr"
}

@test "ps --format json has podman's keys and types" {
    run_pod ps -a --format json
    jq -e 'map(select(.Names == ["first"]))[0] | (.AutoRemove == false) and (.Command == ["sleep", "100"])
        and (.Exited == false) and .ExitedAt == -62135596800 and (.Id | length == 64)
        and (.ImageID | length == 64) and .IsInfra == false and .Labels.kind == "a"
        and .Mounts == ["/room"] and .Networks == [] and (.Pid > 0) and .Pod == "" and .Ports == null
        and .Size == null and (.StartedAt > 1000000000) and .State == "running"
        and (.Created > 1000000000) and (.CreatedAt | type == "string") and .Namespaces == {}' <<<"$output"
    jq -e 'map(select(.Names == ["second"]))[0] | .Exited and .ExitCode == 3 and .ExitedAt > 1000000000' <<<"$output"
    run_pod create --name ports -p 18080-18082:80-82 -p 127.0.0.1:19000:90/udp "$IMAGE"
    run_pod ps -a --filter name=ports --format json
    jq -e '.[0].Ports == [{host_ip: "", container_port: 80, host_port: 18080, range: 3, protocol: "tcp"},
        {host_ip: "127.0.0.1", container_port: 90, host_port: 19000, range: 1, protocol: "udp"}]' <<<"$output"
    run_pod ps -a --filter name=ports --format '{{.Ports}}'
    assert_output '0.0.0.0:18080-18082->80-82/tcp, 127.0.0.1:19000->90/udp'
    run_pod rm ports
}

@test "ps --filter: each key, several of one, what is none" {
    names() { run_pod ps -a --format '{{.Names}}' "$@"; }
    run_pod inspect -f '{{.Id}}' first
    local id=$output
    names --filter "id=${id:0:6}"
    assert_output first
    names --filter "id=${id^^}"
    assert_output first
    names --filter "id=^${id:0:12}"
    assert_output first
    names --filter 'id=[^0-9a-f]'
    assert_empty
    names --filter name=ir
    assert_output $'first\nthird'
    names --filter status=exited --filter status=created
    assert_output $'second\nthird'
    names --filter status=stopped
    assert_output second
    names --filter exited=3
    assert_output second
    names --filter label=kind --filter label=kind=a
    assert_output first
    names --filter 'label!=kind'
    assert_output third
    names --filter before=second
    assert_output first
    names --filter since=second
    assert_output third
    names --filter volume=/room
    assert_output first
    names --filter ancestor=busybox
    assert_output $'first\nsecond\nthird'
    names --filter until=1h
    assert_empty
    run_pod 125 ps --filter bogus=x
    assert_error "bogus is an invalid filter"
    run_pod 125 ps --filter status=bogus
    assert_error "unknown container state: bogus: invalid argument"
    run_pod 125 ps --latest --last 1
    assert_error "last and latest are mutually exclusive"
}

@test "inspect: podman's keys, whatever the container" {
    run_pod inspect first second third
    jq -e 'length == 3 and all(.[]; has("AppArmorProfile") and has("Args") and has("BoundingCaps") and
        has("ConmonPidFile") and has("Created") and has("Dependencies") and has("Driver") and
        has("EffectiveCaps") and has("ExecIDs") and has("GraphDriver") and has("HostnamePath") and
        has("HostsPath") and has("Image") and has("ImageDigest") and has("ImageName") and
        has("IsInfra") and has("IsService") and has("MountLabel") and has("Mounts") and has("Name") and
        has("Namespace") and has("NetworkSettings") and has("OCIConfigPath") and has("OCIRuntime") and
        has("Path") and has("PidFile") and has("Pod") and has("ProcessLabel") and has("ResolvConfPath")
        and has("RestartCount") and has("Rootfs") and has("State") and has("StaticDir"))' <<<"$output"
    jq -e '.[0] | .Path == "sleep" and .Args == ["100"] and .State.Running and .State.ConmonPid > 0
        and .State.Health.Log == null and .Mounts[0].Type == "bind" and .Mounts[0].RW == false
        and .Mounts[0].Mode == "" and .Mounts[0].Propagation == "rprivate"
        and (.HostConfig.Binds[0] | endswith(":/room:ro,rprivate,rbind"))
        and .Config.CreateCommand[0:2] == ["pod", "run"]
        and (.HostConfig.Ulimits | map(.Name) | sort) == ["RLIMIT_NOFILE", "RLIMIT_NPROC"]' <<<"$output"
    jq -e '.[1] | .State.ExitCode == 3 and (.State | has("ConmonPid") | not)' <<<"$output"
    jq -e '.[2] | .HostConfig.Ulimits == [] and .State.StartedAt == "0001-01-01T00:00:00Z"' <<<"$output"
    run_pod inspect --size --format '{{.SizeRw}} {{.SizeRootFs}}' first
    assert_match '^[0-9]+ [0-9]+$'
}

@test "inspect: what was asked for is where podman shows it" {
    run_pod create --name rich -v named:/vol --mount type=tmpfs,dst=/tt,tmpfs-size=1m --cap-add net_raw \
        --cap-drop chown --security-opt no-new-privileges --group-add 5 --dns 1.1.1.1 \
        --restart on-failure:3 --cpus 1.5 --memory 20m --expose 99 -p 18080:80/tcp \
        --entrypoint '["/bin/echo","a b"]' --userns keep-id --log-opt max-size=1.5m \
        --ulimit nofile=100:200 --stop-signal USR1 --init --ipc private --user 5 --timeout 9 "$IMAGE" x
    run_pod inspect rich
    jq -e '.[0] | (.Mounts[0] | .Type == "volume" and .Name == "named" and .Driver == "local")
        and (.HostConfig.Tmpfs["/tt"] | test("size=1m")) and .HostConfig.CapAdd == ["CAP_NET_RAW"]
        and .HostConfig.CapDrop == ["CAP_CHOWN"] and .EffectiveCaps == ["CAP_NET_RAW"]
        and .HostConfig.SecurityOpt == ["no-new-privileges"] and .HostConfig.GroupAdd == ["5"]
        and .HostConfig.Dns == ["1.1.1.1"]
        and .HostConfig.RestartPolicy == {Name: "on-failure", MaximumRetryCount: 3}
        and .HostConfig.NanoCpus == 1500000000 and .HostConfig.CpuQuota == 150000
        and .HostConfig.Memory == 20971520 and .HostConfig.MemorySwap == 41943040
        and .HostConfig.PortBindings["80/tcp"] == [{HostIp: "", HostPort: "18080"}]
        and .NetworkSettings.Ports["99/tcp"] == null and (.NetworkSettings.Ports | has("99/tcp"))
        and .Config.Entrypoint == "/bin/echo a b" and .Config.Cmd == ["x"]
        and .HostConfig.UsernsMode == "private" and .HostConfig.LogConfig.Size == "1.5MB"
        and .HostConfig.Ulimits == [{Name: "RLIMIT_NOFILE", Soft: 100, Hard: 200}]
        and .Config.StopSignal == 10 and .HostConfig.Init and .HostConfig.IpcMode == "private"
        and .Config.User == "5" and .Config.Timeout == 9' <<<"$output"
    run_pod rm rich
    run_pod inspect -f '{{.ImageDigest}}' first
    assert_match '^sha256:[0-9a-f]{64}$'
    run_pod inspect -f '{{len .ExecIDs}} {{.HostConfig.IpcMode}} {{.HostConfig.RestartPolicy.Name}}' first
    assert_output '0 shareable no'
}

@test "restarts are counted, and shown while it runs and after" {
    run_pod run -d --name again --network none --restart on-failure:2 "$IMAGE" false
    wait_for 20 eval "[ \$(pod inspect -f '{{.RestartCount}} {{.State.Status}}' again | tr ' ' -) = 2-exited ]"
    run_pod rm again
}

@test "info and version: YAML, JSON and templates" {
    run_pod info
    assert_match 'graphRoot: '"$STORE"
    assert_match 'imageStore:'$'\n''    number: 1'
    assert_match 'cgroupVersion: v[12]'
    assert_match 'logDriver: k8s-file'
    assert_match 'uidmap:'$'\n''    - container_id: 0'
    python3 -c 'import sys, yaml; yaml.safe_load(sys.stdin)' <<<"$output" 2>/dev/null ||
        ! python3 -c 'import yaml' 2>/dev/null
    run_pod info --format json
    jq -e '.host.arch != "x86_64" and .host.ociRuntime.path[0:1] == "/" and .store.containerStore.number == 3
        and .store.containerStore.running == 1 and .store.containerStore.stopped == 2
        and (.host.idMappings.uidmap | length) > 0 and .host.security.rootless
        and (.host.slirp4netns | has("executable")) and .registries == {}' <<<"$output"
    run_pod info --format '{{.Host.OCIRuntime.Name}} {{.Store.GraphDriverName}} {{.Host.LogDriver}}'
    assert_output 'pod-runtime overlay k8s-file'
    run_pod version
    assert_match '^Client: .*Version: +[0-9.]+.*API Version: .*Built: +[A-Z].*OS/Arch: +linux/'
    run_pod version --format '{{.Client.Version}} {{.Server.Version}} {{.Client.OsArch}}'
    assert_match "^([0-9.]+) [0-9.]+ linux/$(machine_arch)"
    run_pod version --format json
    jq -e 'keys == ["Client"] and .Client.Built > 1546300800' <<<"$output"
}

@test "ps looks at what was started: a store from before that, a killed monitor" {
    run_pod run -d --name seen --network none "$IMAGE" sleep 100
    local id=$output
    rm -r "$STORE/pod/running"
    run_pod ps --filter name=seen --format '{{.Names}}'
    assert_output seen
    kill -9 "$(pod inspect -f '{{.State.ConmonPid}}' seen)"
    run_pod ps --filter name=seen --format '{{.Names}}'
    assert_output seen
    run_pod rm -f -t 0 seen
    run_pod create --name not "$IMAGE" true
    run_pod ps -q --filter name=not
    assert_empty
    refute_file "$STORE/pod/running/$id" # nor of what has ended and gone
    run_pod rm not
}

#!/usr/bin/env bats
# containers.conf: which files count, what each setting does, what is said of a wrong one.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr, …; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod pull -q "oci:$ROOM/layout:busybox" >/dev/null
}
setup() { CONF=$BATS_TEST_TMPDIR/containers.conf; }
teardown() { quietly pod rm -f -a -t 0; }

# conf: standard input is the only file that counts from here on
conf() {
    cat >"$CONF"
    export CONTAINERS_CONF=$CONF
}
inspect() { pod inspect --format "$2" "$1"; }

@test "containers: environment, volumes, limits, names of files" {
    mkdir -p "$BATS_TEST_TMPDIR/data"
    conf <<TOML
[containers]
env = ["FROM=conf", "BOTH=conf"]
annotations = ["a=conf"]
volumes = ["$BATS_TEST_TMPDIR/data:/data:ro"]
default_ulimits = ["nofile=123:456", "nproc=50:60"]
default_sysctls = ["net.ipv4.ip_unprivileged_port_start=7"]
dns_servers = ["192.0.2.1"]
dns_searches = ["example.org"]
tz = "Europe/Paris"
umask = "0077"
shm_size = "1m"
init = true
TOML
    run_pod run --rm -e BOTH=line --ulimit nofile=200:300 busybox sh -c '
        echo $FROM $BOTH; ulimit -n; ulimit -Hn; ulimit -u; umask
        cat /proc/sys/net/ipv4/ip_unprivileged_port_start
        grep -c "nameserver 192.0.2.1" /etc/resolv.conf; grep -c "search example.org" /etc/resolv.conf
        tail -n 1 /etc/localtime; df -k /dev/shm | awk "END { print \$2 }"
        touch /data/x 2>/dev/null || echo read-only; cat /proc/1/comm'
    assert_output "$(printf '%s\n' 'conf line' 200 300 50 0077 7 1 1 CET-1CEST,M3.5.0,M10.5.0/3 1024 read-only podman-init)"
    run_pod create --name c busybox
    assert_equal "$(inspect c '{{.Config.Annotations.a}}')" conf
}

@test "containers: capabilities, seccomp, namespaces, host's environment, hosts" {
    conf <<TOML
[containers]
default_capabilities = ["CHOWN", "KILL"]
seccomp_profile = "$BATS_TEST_TMPDIR/profile.json"
env_host = true
no_hosts = true
pidns = "host"
utsns = "host"
TOML
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' \
        >"$BATS_TEST_TMPDIR/profile.json"
    OUTSIDE=seen run_pod run --rm --network none busybox sh -c '
        grep CapEff /proc/self/status; mkdir /x 2>/dev/null || echo denied; echo $OUTSIDE
        [ $$ -gt 1 ] && echo many; [ -e /etc/hosts ] || echo 0; hostname'
    assert_output "$(printf '%s\n' "CapEff:	0000000000000021" denied seen many 0 "$(hostname)")"
    run_pod run --rm --network none --cap-drop all --security-opt seccomp=unconfined --pid private busybox sh -c '
        grep CapEff /proc/self/status; mkdir /x && echo made; echo $$'
    assert_output "$(printf '%s\n' "CapEff:	0000000000000000" made 1)"
}

@test "engine and network: runtime, stop time-out, log, kind of volumes, network program" {
    conf <<TOML
[containers]
log_driver = "none"
[engine]
runtime = "mine"
stop_timeout = 3
image_volume_mode = "ignore"
[engine.runtimes]
mine = ["/no/such/runtime", "$(command -v crun)"]
[network]
default_rootless_network_cmd = "pasta"
TOML
    run_pod create --name c busybox true
    assert_equal "$(inspect c '{{.OCIRuntime}} {{.Config.StopTimeout}} {{.HostConfig.LogConfig.Type}}')" \
        "$(command -v crun) 3 none"
    assert_equal "$(inspect c '{{.HostConfig.NetworkMode}}')" pasta
    run_pod create --name d --runtime runc --stop-timeout 4 --log-driver k8s-file --network none busybox true
    assert_equal "$(inspect d '{{.OCIRuntime}} {{.Config.StopTimeout}} {{.HostConfig.LogConfig.Type}} {{.HostConfig.NetworkMode}}')" \
        "runc 4 k8s-file none"
}

@test "log_size_max, journald, netns" {
    conf <<'TOML'
[containers]
log_driver = "journald"
log_size_max = 20000
netns = "none"
TOML
    run_pod run --name c busybox sh -c 'i=0; while [ $i -lt 2000 ]; do echo "line $((i += 1)) of many"; done; ls /sys/class/net'
    run_pod logs c
    assert_equal "$(tail -n 1 <<<"$output")" lo
    [ "$(wc -c <"$(inspect c '{{.HostConfig.LogConfig.Path}}')")" -le 25000 ]
}

@test "which files: system, user, .d beside them, overrides; lists that append" {
    unset CONTAINERS_CONF
    mkdir -p "$XDG_CONFIG_HOME/containers/containers.conf.d"
    local own=$XDG_CONFIG_HOME/containers/containers.conf
    cp "$own" "$ROOM/kept.conf"
    printf '[containers]\nenv = ["A=user", "B=user"]\ntz = "Europe/Rome"\n' >"$own"
    printf '[containers]\nenv = ["B=ten", {append=true}]\n' >"$own.d/10.conf"
    printf '[containers]\numask = "0027"\n' >"$own.d/20.conf"
    printf '[containers]\numask = "0000"\n' >"$own.d/30.other"
    printf '[containers]\nenv = ["A=last"]\n' >"$CONF"
    run_pod run --rm --network none busybox sh -c 'echo $A $B; umask'
    assert_output "$(printf '%s\n' 'user ten' 0027)"
    CONTAINERS_CONF_OVERRIDE=$CONF run_pod run --rm --network none busybox sh -c 'echo $A $B; umask'
    assert_output "$(printf '%s\n' last 0027)"
    CONTAINERS_CONF=$CONF run_pod run --rm --network none busybox sh -c 'echo $A $B; umask'
    assert_output "$(printf '%s\n' last 0022)"
    rm -r "$own.d"
    mv "$ROOM/kept.conf" "$own"
}

@test "what is wrong is said, with its file and line" {
    conf < <(printf '[containers]\nenv = "A\n')
    run_pod 125 run --rm --network none busybox true
    assert_error_match "$CONF:2: "
    export CONTAINERS_CONF=/no/such/file
    run_pod 125 run --rm --network none busybox true
    assert_error_match "/no/such/file"
    conf < <(printf '[containers]\ntz = "Nowhere/Land"\n')
    run_pod 125 run --rm --network none busybox true
    assert_error_match "Nowhere/Land"
    conf < <(printf '[containers]\ndefault_capabilities = ["FLY"]\n')
    run_pod 125 run --rm --network none busybox true
    assert_error_match "FLY"
    conf < <(printf '[containers]\nunknown_to_us = 1\n[engine]\nnum_locks = 5\n[secrets]\n')
    run_pod run --rm --network none busybox echo fine
    assert_output fine
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # bats sets $stderr; some words are for an inner shell
# Each option of run and create, by what it does inside.
load helpers

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
}
teardown_file() {
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    room_close
}
setup() { IMAGE=localhost/busybox:latest; }
teardown() { pod rm -f -a -t 0 >/dev/null 2>&1 || true; }

inside() { # [options] -- COMMAND...: runs it in a fresh container without a network
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    run_pod run --rm --network none "${options[@]}" "$IMAGE" "$@"
}

@test "--detach --name --rm --cidfile --label --annotation --replace" {
    run_pod run --detach --name one --cidfile "$ROOM/cid" --label a=b --label c --annotation x.y=z \
        --network none "$IMAGE" sleep 100
    assert_equal "$(cat "$ROOM/cid")" "$output"
    local id=$output
    run_pod inspect --format '{{.Name}} {{.Config.Labels.a}} {{index .Config.Annotations "x.y"}}' one
    assert_output "one b z"
    run_pod 125 create --cidfile "$ROOM/cid" --network none "$IMAGE" true
    assert_error_match "container id file exists"
    run_pod create --replace --name one --network none "$IMAGE" true
    [ "$output" != "$id" ] || fail "the same container"
    run_pod rm one
    run_pod run -d --rm --name gone --network none "$IMAGE" true
    wait_for 10 eval "! pod container inspect gone"
}

@test "--env --env-file --workdir --user --entrypoint --hostname" {
    printf '# comment\nFROM_FILE=a b\nEMPTY=\nHOSTVAR\n' >"$ROOM/env"
    HOSTVAR=passed inside --env A=1 --env-file "$ROOM/env" -e B="x y" -- env
    assert_line A=1
    assert_line "B=x y"
    assert_line "FROM_FILE=a b"
    assert_line EMPTY=
    assert_line HOSTVAR=passed
    assert_line container=podman
    FROM_HOST=1 inside -e FROM_HOST -- env
    assert_line FROM_HOST=1
    inside --workdir /var/www -- pwd
    assert_output /var/www
    run_pod 126 run --rm --network none -w /new/dir "$IMAGE" pwd
    assert_error_match "does not exist"
    inside --user 1000:1001 -- sh -c 'id -u; id -g; id -G'
    assert_output $'1000\n1001\n1001'
    inside --user nobody -- id -un
    assert_output nobody
    run_pod 126 run --rm --network none --user nosuch "$IMAGE" true
    assert_error_match "no such user|unable to find user"
    inside --entrypoint echo -- a b
    assert_output "a b"
    inside --entrypoint '["sh","-c","echo $0"]' -- zero
    assert_output zero
    inside --hostname somewhere -- sh -c 'hostname; cat /etc/hostname'
    assert_output $'somewhere\nsomewhere'
}

@test "--interactive, --tty" {
    run_cmd 0 sh -c "echo in | pod run --rm --network none --interactive $IMAGE cat"
    assert_output in
    run_cmd 0 sh -c "echo in | pod run --rm --network none $IMAGE cat"
    assert_empty
    inside --tty -- sh -c 'tty; test -t 0 && test -t 1 && echo terminal'
    assert_match '/dev/pts/0.*terminal'
}

@test "--volume: bind, ro, rw, z, Z, relative, named; --mount bind and tmpfs; --tmpfs" {
    mkdir -p "$ROOM/v/sub"
    echo one >"$ROOM/v/file"
    inside --volume "$ROOM/v:/v" -- sh -c 'cat /v/file; echo two >/v/new'
    assert_output one
    assert_equal "$(cat "$ROOM/v/new")" two
    inside --volume "$ROOM/v:/v:ro,z" -- sh -c 'echo x >/v/new || echo refused'
    assert_output refused
    inside -v "$ROOM/v:/v:rw,Z" -- touch /v/rw
    run_cmd 0 sh -c "cd $ROOM && pod run --rm --network none -v ./v:/v $IMAGE cat /v/file"
    assert_output one
    inside --mount "type=bind,source=$ROOM/v,target=/m,readonly" -- sh -c 'cat /m/file; touch /m/x || echo refused'
    assert_output $'one\nrefused'
    inside --mount type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1770 -- \
        sh -c 'stat -c %a /t; df -k /t | tail -n 1 | tr -s " " | cut -d " " -f 2'
    assert_output $'1770\n1024'
    inside --tmpfs /t:size=2m,mode=700 -- sh -c 'stat -c %a /t; grep " /t " /proc/mounts'
    assert_match $'^700\ntmpfs /t tmpfs .*size=2048k'
    # a tmpfs begins with what the image has there, and where it has nothing is anybody's
    local option
    for option in "--tmpfs /etc" "--mount type=tmpfs,dst=/etc" "--tmpfs /etc:ro"; do
        # shellcheck disable=SC2086 # two words
        inside $option --tmpfs /n/e/w -- sh -c 'grep -c root /etc/passwd; stat -c %a /etc /n/e/w'
        assert_output $'1\n755\n1777'
    done
    for option in "--tmpfs /etc:notmpcopyup" "--mount type=tmpfs,dst=/etc,tmpcopyup=false"; do
        # shellcheck disable=SC2086
        inside $option -- sh -c 'test -e /etc/passwd || echo none'
        assert_output none
    done
    inside --volume keep:/k -- sh -c 'echo kept >/k/file'
    inside --volume keep:/k -- cat /k/file
    assert_output kept
    run_pod 125 run --rm --network none -v "$ROOM/nosuch:/v" "$IMAGE" true
    assert_error_match "no such file or directory"
    run_pod 125 run --rm --network none --mount type=nosuch,dst=/x "$IMAGE" true
    run_pod 125 run --rm --network none -v "$ROOM/v:relative" "$IMAGE" true
    assert_error_match "absolute"
}

@test "--read-only" {
    inside --read-only --tmpfs /t -- sh -c 'touch /x 2>/dev/null || echo refused; touch /t/x && echo fine'
    assert_output $'refused\nfine'
}

@test "--cap-add --cap-drop --security-opt --privileged" {
    inside --cap-drop all --cap-add chown,CAP_KILL -- grep CapEff /proc/self/status
    assert_match '0000000000000021$'
    inside --cap-add all -- grep CapBnd /proc/self/status
    refute_match '00000000800405fb'
    run_pod 125 run --rm --network none --cap-add nosuch "$IMAGE" true
    inside --security-opt no-new-privileges -- grep NoNewPrivs /proc/self/status
    assert_match '1$'
    inside --security-opt seccomp=unconfined -- grep Seccomp: /proc/self/status
    assert_match '0$'
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' \
        >"$ROOM/seccomp.json"
    inside --security-opt "seccomp=$ROOM/seccomp.json" -- sh -c 'mkdir /x 2>&1 || true'
    assert_contains "not supported"
    inside --privileged -- sh -c 'grep Seccomp: /proc/self/status; mount -t tmpfs none /var && echo mounted
        test -w /proc/sys/kernel/hostname && echo open'
    assert_match 'Seccomp:[[:space:]]0'
    assert_line mounted
}

@test "--userns ns:PATH, few ids, mounts with mapped ids" {
    run_pod run -d --name base --network none "$IMAGE" sleep 100
    local pid
    pid=$(pod inspect -f '{{.State.Pid}}' base)
    run_pod run --rm --network none --userns "ns:/proc/$pid/ns/user" "$IMAGE" readlink /proc/self/ns/user
    assert_output "$(readlink "/proc/$pid/ns/user")"
    run_pod run --rm --userns "ns:/proc/$pid/ns/user" --pid "ns:/proc/$pid/ns/pid" --network "ns:/proc/$pid/ns/net" \
        --ipc "ns:/proc/$pid/ns/ipc" --uts "ns:/proc/$pid/ns/uts" "$IMAGE" sh -c 'cat /proc/1/comm'
    assert_output sleep
    run_pod run --rm --network none --ipc "ns:/proc/$pid/ns/ipc" "$IMAGE" true
    run_pod 125 run --rm --network none --userns "ns:/proc/$pid/ns/net" "$IMAGE" true
    assert_error "\"/proc/$pid/ns/net\" is not a namespace of type \"user\""
    run_pod 125 run --rm --network none --userns ns:nonsense "$IMAGE" true
    run_pod rm -f -t 0 base
    # too few for group tty, which the usual /dev/pts is of
    run_pod run --rm --network none --uidmap 0:0:1 --gidmap 0:0:1 "$IMAGE" id -g
    assert_output 0
    run_pod run --rm --network none --userns auto:size=3 "$IMAGE" id -g
    assert_output 0
    # the kernel decides by the file system, and whose that is
    run_pod any run --rm --network none -v "$ROOM:/x:ro,idmap" "$IMAGE" true
    [ "$status" -eq 0 ] || assert_error 'cannot map the ids of mount "/x": Operation not permitted'
    run_pod 125 run --rm --gpus all "$IMAGE" true
    assert_error_match "unresolvable CDI devices nvidia.com/gpu=all"
}

@test "--userns nomap: the caller has no id in it, and all works" {
    echo mine >"$ROOM/mine"
    chmod 644 "$ROOM/mine"
    run_pod run --rm --userns nomap -v "$ROOM/mine:/mine" -v filled:/v "$IMAGE" sh -c '
        awk "{print \$1, \$2}" /proc/self/uid_map; stat -c %u /bin/busybox /etc/hosts /v
        touch /x && chown 7:7 /x && stat -c %u /x; cat /mine; echo no >>/mine || stat -c %u /mine'
    assert_output "0 1
0
0
0
7
mine
65534"
    run_pod run --rm --network none --userns nomap --read-only -u nobody -w /tmp "$IMAGE" id -u
    assert_output 65534
    run_cmd 0 script -qec "pod run --rm -it --network none --userns nomap $IMAGE tty" /dev/null
    assert_match /dev/pts/0
    run_pod volume rm filled
}

@test "--userns auto: a range of ids that no other has, as large as the image needs or as asked" {
    local spaces=' +'
    run_pod run -d --name a1 --userns auto "$IMAGE" sleep 100
    run_pod run -d --name a2 --userns auto:size=3000 "$IMAGE" sleep 100
    run_pod run -d --name a3 --userns auto -p "127.0.0.1:$(free_port):80" "$IMAGE" sleep 100
    run_pod exec a1 cat /proc/self/uid_map
    assert_match "^${spaces}0${spaces}1${spaces}1024$"
    run_pod exec a2 cat /proc/self/uid_map
    assert_match "^${spaces}0${spaces}1025${spaces}3000$"
    run_pod exec a3 cat /proc/self/uid_map
    assert_match "^${spaces}0${spaces}4025${spaces}1024$"
    run_pod inspect -f '{{.HostConfig.UsernsMode}} {{index .HostConfig.IDMappings.UidMap 0}}' a2
    assert_output "private 0:1025:3000"
    run_pod exec a1 sh -c 'touch /x; chown 9 /x; stat -c %u /x'
    assert_output 9
    run_pod commit -q a1 localhost/of-auto
    run_pod run --rm --network none localhost/of-auto stat -c %u /x
    assert_output 9
    # what is free again is used again, and a restart keeps what one has
    run_pod rm -f -t 0 a2
    run_pod restart -t 0 a3
    run_pod run --rm --network none --userns auto:size=2000 "$IMAGE" cat /proc/self/uid_map
    assert_match "${spaces}1025${spaces}2000$"
    run_pod exec a3 cat /proc/self/uid_map
    assert_match "${spaces}4025"
    run_pod 125 run --rm --userns auto:size=100000 "$IMAGE" true
    assert_error_match "could not find enough available IDs"
    run_pod 125 run --rm --userns auto:what=1 "$IMAGE" true
    assert_error 'unknown option specified: "what=1"' "auto:size=N"
    # made at the same time, no two share
    local name
    for name in 1 2 3 4 5 6 7 8; do
        pod create --name "t$name" --userns auto:size=1024 "$IMAGE" true >/dev/null &
    done
    wait
    run_cmd 0 sh -c 'for n in 1 2 3 4 5 6 7 8; do pod inspect -f "{{index .HostConfig.IDMappings.UidMap 0}}" t$n; done | sort | uniq -d'
    assert_empty
    run_pod rm -f -t 0 a1 a3 t1 t2 t3 t4 t5 t6 t7 t8
    run_pod rmi localhost/of-auto
}

@test "--pid --ipc --uts --userns: private, host, of another container" {
    inside -- sh -c 'echo $$'
    assert_output 1
    inside --pid host -- sh -c 'test "$$" -gt 1 && echo shared'
    assert_output shared
    local ns
    for ns in pid ipc uts; do
        run_pod run -d --name "other-$ns" --network none "$IMAGE" sleep 100
        run_pod exec "other-$ns" readlink "/proc/self/ns/$ns"
        local want=$output
        inside "--$ns" "container:other-$ns" -- readlink "/proc/self/ns/$ns"
        assert_output "$want"
        inside "--$ns" private -- readlink "/proc/self/ns/$ns"
        [ "$output" != "$want" ] || fail "$ns is not private"
        inside "--$ns" host -- readlink "/proc/self/ns/$ns"
        assert_output "$(readlink "/proc/self/ns/$ns")"
        run_pod 125 run --rm --network none "--$ns" nonsense "$IMAGE" true
    done
    inside --userns keep-id -- sh -c 'id -u; id -g'
    assert_output "$(id -u)"$'\n'"$(id -g)"
    touch "$ROOM/mine"
    inside --userns keep-id -v "$ROOM/mine:/mine" -- stat -c %u /mine
    assert_output "$(id -u)"
    inside --userns host -- id -u
    assert_output 0
    run_pod 125 run --rm --network none --userns nonsense "$IMAGE" true
}

@test "--init: process 1 reaps and passes signals on" {
    inside --init -- sh -c 'cat /proc/1/comm; (sleep 0 &) ; sleep 0.1; grep -l "^State:.Z" /proc/[0-9]*/status; echo none'
    assert_match $'(podman-init|init|catatonit|pod-init)\nnone$'
    run_pod run -d --init --name ini --network none "$IMAGE" sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
    sleep 0.2
    run_pod stop -t 5 ini
    run_pod inspect --format '{{.State.ExitCode}}' ini
    assert_output 9
}

@test "--stop-signal --stop-timeout" {
    run_pod run -d --name sig --stop-signal USR1 --network none "$IMAGE" \
        sh -c 'trap "exit 4" USR1; while :; do sleep 0.05; done'
    sleep 0.2
    run_pod stop sig
    run_pod inspect --format '{{.State.ExitCode}} {{.Config.StopSignal}}' sig
    assert_output "4 10"
    run_pod run -d --name deaf --stop-timeout 1 --network none "$IMAGE" \
        sh -c 'trap "" TERM; while :; do sleep 0.05; done'
    sleep 0.2
    run_pod stop deaf
    run_pod inspect --format '{{.State.ExitCode}}' deaf
    assert_output 137
    run_pod 125 run --rm --network none --stop-signal NOSUCH "$IMAGE" true
}

@test "--ulimit --shm-size --sysctl --umask --group-add --tz" {
    inside --ulimit nofile=100:200 --ulimit core=0 -- sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
    assert_output $'100\n200\n0'
    run_pod 125 run --rm --network none --ulimit nonsense=1 "$IMAGE" true
    inside --shm-size 3m -- sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2'
    assert_output 3072
    inside --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=12345 -- \
        cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax
    assert_output $'1\n12345'
    run_pod 125 run --rm --network none --sysctl kernel.hostname=x "$IMAGE" true
    inside --umask 0077 -- sh -c 'umask; touch /x; stat -c %a /x'
    assert_output $'0077\n600'
    inside --group-add 1234 --group-add adm -- id -G
    assert_output '0 4 1234'
    inside --tz Asia/Tokyo -- date +%z
    assert_output +0900
    inside --tz local -- date +%z
    assert_output "$(date +%z)"
    run_pod 125 run --rm --network none --tz No/Such "$IMAGE" true
}

@test "--device" {
    inside --device /dev/null:/dev/mine -- sh -c 'echo x >/dev/mine && test -c /dev/mine && echo device'
    assert_output device
    inside --device /dev/fuse -- sh -c 'test -c /dev/fuse && echo fuse'
    assert_output fuse
    run_pod 125 run --rm --network none --device /dev/nosuch "$IMAGE" true
    assert_error_match "no such file or directory"
}

@test "--log-driver --log-opt" {
    run_pod run --name quiet --log-driver none --network none "$IMAGE" echo said
    assert_output said
    run_pod 125 logs quiet
    assert_error_match "log"
    run_pod run --name there --log-opt "path=$ROOM/its.log" --network none "$IMAGE" echo said
    assert_match ' stdout F said' "$(cat "$ROOM/its.log")"
    run_pod logs there
    assert_output said
    run_pod run --name small --log-opt max-size=4k --network none "$IMAGE" seq 2000
    run_pod logs --tail 1 small
    assert_output 2000
    local path
    path=$(pod inspect --format '{{.HostConfig.LogConfig.Path}}' small)
    [ "$(stat -c %s "$path")" -le 4096 ] || fail "$(stat -c %s "$path") bytes"
    # a size of 4k and two files are too few for all; with more of them each line is there, once
    run_pod run --name whole --log-opt max-size=4k --log-opt max-file=50 --network none "$IMAGE" seq 2000
    run_pod logs whole
    assert_output "$(seq 2000)"
    run_pod logs --tail 700 whole
    assert_output "$(seq 1301 2000)"
    run_pod logs --tail 0 whole
    assert_empty
    # a line that was written in pieces is one
    run_pod run --name pieces --network none "$IMAGE" sh -c \
        'echo one; for p in t w; do printf $p; sleep 0.1; done; echo o; echo three'
    for said in 1:three 2:two,three 3:one,two,three 9:one,two,three; do
        run_pod logs --tail "${said%%:*}" pieces
        assert_equal "$(paste -sd , <<<"$output")" "${said#*:}" "--tail ${said%%:*}"
    done
    # and so is what has no end
    run_pod run --name endless --network none "$IMAGE" sh -c 'echo one; for p in t w o; do printf $p; sleep 0.1; done'
    for said in 1:two 2:one,two; do
        run_pod logs --tail "${said%%:*}" endless
        assert_equal "$(paste -sd , <<<"$output")" "${said#*:}" "--tail ${said%%:*}"
    done
    run_pod run --name one --log-opt max-size=4k --log-opt max-file=1 --network none "$IMAGE" seq 2000
    path=$(pod inspect --format '{{.HostConfig.LogConfig.Path}}' one)
    refute_file "$path.1"
    run_pod run -d --name going --log-opt max-size=2k --log-opt max-file=3 --network none "$IMAGE" sh -c \
        'i=0; while [ $i -lt 400 ]; do echo $((i += 1)); [ $((i % 20)) != 0 ] || sleep 0.06; done'
    run_pod logs -f going
    assert_output "$(seq 400)"
    # what is read at once has one time; empty lines grow to many times their size
    run_pod run --name lines --network none "$IMAGE" sh -c "printf 'a\nb\nc\nd'; yes '' | head -n 100000 >&2"
    path=$(pod inspect --format '{{.HostConfig.LogConfig.Path}}' lines)
    assert_equal "$(grep -a ' stdout ' "$path" | cut -d' ' -f1 | sort -u | wc -l)" 1
    assert_equal "$(grep -a ' stdout ' "$path" | cut -d' ' -f2-)" $'stdout F a\nstdout F b\nstdout F c\nstdout P d'
    assert_equal "$(grep -cE '^[^ ]{35} stderr F $' "$path")" 100000
    run_pod 125 run --rm --log-opt max-file=none --network none "$IMAGE" true
    assert_error "invalid number of log files: 'none'"
    run_pod run --rm --log-driver passthrough --network none "$IMAGE" sh -c 'echo out; echo err >&2'
    assert_output out
    assert_equal "$stderr" err
    run_pod 125 run --rm --log-driver nosuch --network none "$IMAGE" true
}

@test "--restart" {
    run_pod 1 run --name on --restart on-failure:2 --network none "$IMAGE" sh -c 'echo try; exit 1'
    assert_output $'try\ntry\ntry'
    run_pod run -d --name always --restart always --network none "$IMAGE" sh -c 'echo again'
    wait_for 10 eval '[ "$(pod logs always | grep -c again)" -ge 3 ]'
    run_pod stop -t 0 always
    run_pod ps -a --filter name=always --format '{{.State}}'
    assert_output exited
    run_pod run -d --name unless --restart unless-stopped --network none "$IMAGE" sh -c 'echo again'
    wait_for 10 eval '[ "$(pod logs unless | grep -c again)" -ge 2 ]'
    run_pod rm -f -t 0 unless
    run_pod 125 run --rm --restart always --network none "$IMAGE" true
    run_pod 125 run --restart nonsense --network none "$IMAGE" true
}

@test "--pull --platform --quiet" {
    run_pod 125 run --rm --pull never --network none localhost/nosuch true
    assert_error_match "image not known"
    run_pod 125 run --rm --pull nonsense --network none "$IMAGE" true
    run_pod run --rm --pull missing --network none "$IMAGE" true
    run_pod run --rm --pull always --quiet --network none "oci:$ROOM/layout:busybox" echo pulled
    assert_output pulled
    image_index "$ROOM/index" multi
    run_pod run --rm --network none --platform "linux/$(machine_arch)" --quiet "oci:$ROOM/index:multi" cat /which
    assert_output "$(machine_arch)"
}

@test "options end at the image: what follows is the command's" {
    inside -- echo -n --rm -it
    assert_output "--rm -it"
}

@test "after a reboot: what is to run is found, and started" {
    local name
    for name in always unless-stopped no; do
        run_pod run -d --name "boot-$name" --restart "$name" --network none "$IMAGE" sleep 1000
    done
    run_pod run -d --name boot-ended --restart unless-stopped --stop-signal KILL --network none "$IMAGE" sleep 1000
    run_pod stop boot-ended
    run_pod create --name boot-never --restart always --network none "$IMAGE" true
    # a power cut: nobody saw the ends, and the processes are of another boot
    for name in always unless-stopped no; do
        kill -9 "$(pod inspect --format '{{.State.ConmonPid}}' "boot-$name")"
        kill -9 "$(pod inspect --format '{{.State.Pid}}' "boot-$name")"
        sed -i 's/^boot=.*/boot=another/' "$STORE/pod/containers/$(pod ps -aq --no-trunc --filter "name=^boot-$name$")/live"
    done
    run_pod ps -a --filter name=^boot- --filter should-start-on-boot=true --format '{{.Names}}'
    assert_equal "$(sort <<<"$output" | paste -sd ' ')" "boot-always boot-unless-stopped"
    run_pod ps -a --filter name=^boot- --filter should-start-on-boot=false --format '{{.Names}}'
    assert_equal "$(sort <<<"$output" | paste -sd ' ')" "boot-ended boot-never boot-no"
    run_pod start --all --filter name=^boot- --filter should-start-on-boot=true
    run_pod ps --filter name=^boot- --format '{{.Names}}'
    assert_equal "$(sort <<<"$output" | paste -sd ' ')" "boot-always boot-unless-stopped"
    run_pod 125 ps --filter should-start-on-boot=maybe
    run_pod rm -f -t 0 boot-always boot-unless-stopped boot-no boot-ended boot-never
    # the unit that does so
    assert_file "${POD_LIBEXEC%/libexec/pod}/share/systemd/user/pod-restart.service"
    assert_match "start --all --filter should-start-on-boot=true" \
        "$(grep ExecStart "${POD_LIBEXEC%/libexec/pod}/share/systemd/user/pod-restart.service")"
}

#!/usr/bin/env bats
# What podman's users type behind run and create, and the sentences they get.
# shellcheck disable=SC2016,SC2154 # bats sets output and stderr; some words are the container's
load helpers

IMAGE=localhost/busybox:latest

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" "$IMAGE"
}
teardown() { quietly pod rm -f -a -t 0; }

none() { run_pod "$1" run --rm --network none "${@:2}"; }

@test "environment: of the caller, of files, merged, unset" {
    export FOO_ONE=1 FOO_TWO=2 http_proxy=http://proxy.test:3128
    none 0 -e 'FOO_*' "$IMAGE" env
    assert_line FOO_ONE=1
    assert_line FOO_TWO=2
    assert_line http_proxy=http://proxy.test:3128
    none 0 --http-proxy=false "$IMAGE" env
    refute_match FOO_
    refute_match http_proxy
    none 0 --env-host "$IMAGE" env
    assert_line FOO_ONE=1
    # the image's PATH wins over the caller's
    refute_line "PATH=$PATH"
    # shellcheck disable=SC2016 # expanded by pod
    none 0 --env-merge 'PATH=${PATH}:/more' "$IMAGE" env
    assert_match 'PATH=.*/bin:/more'
    none 0 --unsetenv container "$IMAGE" env
    refute_match container=
    none 0 --unsetenv-all -e ONLY=this "$IMAGE" /bin/env
    refute_match PATH=
    assert_line ONLY=this
    none 125 -e =x "$IMAGE" true
    assert_error 'invalid environment variable: "=x"'
    none 125 --env-file "$ROOM/none" "$IMAGE" true
    assert_error "parsing env file \"$ROOM/none\": open $ROOM/none: no such file or directory"
}

@test "users that the image does not know get a line in passwd and a home" {
    local me
    me=$(id -un)
    none 0 --user 100 -w /tmp "$IMAGE" sh -c 'id -un; echo "$HOME"; tail -n 1 /etc/passwd; id -G'
    assert_output $'100\n/tmp\n100:*:100:0:container user:/tmp:/bin/sh\n0'
    none 0 --user 100:200 "$IMAGE" sh -c 'tail -n 1 /etc/group; id -G'
    assert_output $'200:x:200:100\n200'
    none 1 --user 100 --passwd=false "$IMAGE" grep 100 /etc/passwd
    none 0 --userns keep-id "$IMAGE" sh -c 'id -un; id -gn; stat -c %u:%g /etc /etc/passwd'
    assert_output "$me"$'\n'"$(id -gn)"$'\n0:0\n0:0'
    none 0 --userns keep-id:uid=77,gid=78 "$IMAGE" sh -c 'id -u; id -g; id -un'
    assert_output $'77\n78\n'"$me"
    none 0 --userns keep-id -v "$HOME:$HOME" "$IMAGE" sh -c 'echo "$HOME"'
    assert_output "$(getent passwd "$me" | cut -d : -f 6 | sed "s,^$HOME\$,$HOME,; t; s,.*,/,")"
    none 0 --hostuser "$me" --user "$me" "$IMAGE" id -u
    assert_output "$(id -u)"
    # shellcheck disable=SC2016 # expanded by pod
    none 0 --user 5 --passwd-entry 'five:*:$UID:$GID::/five:/bin/sh' "$IMAGE" sh -c 'id -un; echo $HOME'
    assert_output $'five\n/five'
    # an ordinary file: adduser and the like can replace it
    none 0 --userns keep-id "$IMAGE" true
    none 0 --user 100 --cap-add dac_override "$IMAGE" sh -c \
        'cp /etc/passwd /etc/passwd+ && mv /etc/passwd+ /etc/passwd && id -un'
    assert_output 100
    none 126 --user nosuch "$IMAGE" id
    assert_error "unable to find user nosuch: no matching entries in passwd file"
    none 126 --user 0:nosuch "$IMAGE" id
    assert_error "unable to find group nosuch: no matching entries in group file"
    none 126 --hostuser nosuchuser "$IMAGE" id
}

@test "users that only getent knows (LDAP and the like): --hostuser; and IDs that nobody has" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    cat >"$BATS_TEST_TMPDIR/bin/getent" <<'END'
#!/bin/sh
case $* in
"passwd -- faraway" | "passwd -- 7007") echo "faraway:x:7007:7007:Far Away:/home/faraway:/bin/sh" ;;
*) exec /usr/bin/getent "$@" ;;
esac
END
    chmod 755 "$BATS_TEST_TMPDIR/bin/getent"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    for who in faraway 7007; do
        none 0 --hostuser "$who" --user faraway "$IMAGE" id -un
        assert_output faraway
    done
    none 125 --user 7007777 "$IMAGE" id
    assert_error_match "there is no user ID 7007777 in the container's user namespace .*/etc/subuid"
    none 125 --user 0 --group-add 7007777 "$IMAGE" id
    assert_error_match "there is no group ID 7007777 in the container's user namespace .*/etc/subgid"
    none 126 --hostuser tooFarAway "$IMAGE" id
    assert_error "creating temporary passwd file: user: unknown user tooFarAway"
}

@test "capabilities that were added hold for other users than root, in exec too" {
    run_pod run -d --name capable --network none --user 5 --cap-add net_raw "$IMAGE" sleep 100
    run_pod exec capable grep CapEff /proc/1/status
    assert_match 0000000000002000
    run_pod exec capable grep CapEff /proc/self/status
    assert_match 0000000000002000
    run_pod exec --user 6 capable grep CapAmb /proc/self/status
    assert_match 0000000000002000
    run_pod exec --user 0 --privileged capable grep CapEff /proc/self/status
    refute_match 00000000800405fb
    assert_match 'f{8}'
}

@test "exec has the container's umask, limits, added groups and terminal type" {
    run_pod run -d --name like --network none --umask 0724 --ulimit nofile=100 --group-add 11,12 \
        -e TERM=mine "$IMAGE" sleep 100
    run_pod exec like sh -c 'umask; ulimit -n; id -G; echo $TERM'
    assert_output $'0724\n100\n0 11 12\nmine'
    run_pod exec --user nobody like id -G
    assert_output '65534 11 12'
    run_pod 127 exec -d like nosuch
    assert_error_match 'executable file `nosuch` not found'
    run_pod exec -d like touch /detached
    assert_match '^[0-9a-f]{64}$'
    wait_for 10 pod exec like ls /detached
    # sleep reaps nobody
    run_pod any exec like sh -c "grep -l 'State:.Z' /proc/[0-9]*/status"
    assert_empty
    run_pod 127 exec -w /no/such like pwd
    assert_match 'chdir `/no/such`: No such file or directory' "$stderr"
    run_pod 125 exec like
    assert_error "must provide a non-empty command to start an exec session: invalid argument"
    run_pod 125 exec -e =x like true
    assert_error 'parsing environment variables: invalid environment variable: "=x"'
}

@test "a working directory that was asked for must exist, or come by a mount" {
    none 126 -w /i/do/not "$IMAGE" pwd
    assert_error_match 'workdir "/i/do/not" does not exist on container [0-9a-f]{64}'
    mkdir -p "$ROOM/vol/sub"
    none 0 -w /data/sub -v "$ROOM/vol:/data" "$IMAGE" pwd
    assert_output /data/sub
    none 0 -w /above -v "$ROOM/vol:/above/below" "$IMAGE" pwd
    none 0 -w /tmp "$IMAGE" pwd
    # made by hand in the container's own layer
    run_pod create --name makes --network none -w /made "$IMAGE" pwd
    run_pod 125 start -a makes
}

@test "exec: users by name where files are seen from inside only; a container that does not run" {
    run_pod run -d --name mapped --network none --userns keep-id "$IMAGE" sleep 100
    run_pod exec --user "$(id -un)" mapped id -u
    assert_output "$(id -u)"
    run_pod exec --user root mapped id -u
    assert_output 0
    run_pod 127 exec -w /no/such mapped pwd
    run_pod top mapped user args
    assert_match "$(id -un) +sleep 100"
    run_pod rm -f -t 0 mapped
    run_pod create --name idle --network none "$IMAGE" true
    run_pod 255 exec idle true
    assert_error "can only create exec sessions on running containers: container state improper" "pod start idle"
}

volumes() { find "$XDG_DATA_HOME/containers/storage/pod/volumes" -mindepth 1 -maxdepth 1 -name '?????????????*' | wc -l; }

@test "anonymous volumes: gone with --rm, rm -v and the last who mounts them; named ones stay" {
    none 0 -v /data -v named:/named "$IMAGE" sh -c 'echo x >/data/file; echo y >/named/file'
    assert_equal "$(volumes)" 0
    run_pod run -d --rm --name brief --network none -v /data "$IMAGE" sleep 100
    assert_equal "$(volumes)" 1
    run_pod rm -f -t 0 brief
    assert_equal "$(volumes)" 0
    run_pod run --name stays --network none -v /data -v /other "$IMAGE" sh -c 'echo z >/data/file'
    run_pod create --name borrows --network none --volumes-from stays "$IMAGE" cat /data/file
    run_pod rm -v stays
    assert_equal "$(volumes)" 2
    run_pod start -a borrows
    assert_output z
    run_pod rm -v borrows
    assert_equal "$(volumes)" 0
    run_pod create --name kept --network none -v /data "$IMAGE"
    run_pod rm kept
    assert_equal "$(volumes)" 1
    assert_file "$XDG_DATA_HOME/containers/storage/pod/volumes/named/_data/file"
    # the other tests of this file put things there, too
    wait_for 5 eval '! find "$XDG_DATA_HOME/containers/storage/pod/trash" -name "volume*" | grep .'
    run_pod 125 container reclaim ../containers named
}

@test "mounts: the same twice is one" {
    none 0 -v "$ROOM:/twice" -v "$ROOM:/twice" "$IMAGE" grep -c ' /twice ' /proc/mounts
    assert_output 1
    none 125 -v "$ROOM:/twice" -v "$ROOM:/twice:ro" "$IMAGE" true
    assert_error "/twice: duplicate mount destination"
}

@test "mounts: volumes of another container, read-only with places to write, tmpfs options" {
    mkdir -p "$ROOM/shared"
    echo shared >"$ROOM/shared/file"
    run_pod create --name donor -v "$ROOM/shared:/shared" -v kept:/kept "$IMAGE"
    none 0 --volumes-from donor "$IMAGE" cat /shared/file
    assert_output shared
    none 1 --volumes-from donor:ro "$IMAGE" touch /shared/no
    none 125 --volumes-from nosuch "$IMAGE" true
    assert_error 'looking up container "nosuch" for volumes-from: no container with name or ID "nosuch" found: no such container'
    none 0 --read-only "$IMAGE" touch /tmp/a /var/tmp/b /run/c
    none 1 --read-only "$IMAGE" touch /etc/d
    none 1 --read-only --read-only-tmpfs=false "$IMAGE" touch /tmp/a
    none 125 --tmpfs /x:bogus=1 "$IMAGE" true
    assert_error 'unknown mount option "bogus=1": invalid mount option'
    none 125 --mount bogus "$IMAGE" true
    assert_match "incorrect mount format" "$stderr"
    none 125 -v "$ROOM/shared:/x:bogus" "$IMAGE" true
    assert_error 'invalid option type "bogus"'
}

@test "--rootfs: a directory as it is, or below a layer that goes" {
    mkdir -p "$ROOM/tree"
    "$LIB/mkbusybox" "$ROOM/tree"
    none 0 --rootfs "$ROOM/tree" touch /tmp/stays
    assert_file "$ROOM/tree/tmp/stays"
    none 0 --rootfs "$ROOM/tree:O" touch /tmp/goes
    refute_file "$ROOM/tree/tmp/goes"
    none 125 --rootfs "$ROOM/none" true
    none 125 --rootfs "$ROOM/tree"
    assert_match "no command or entrypoint provided" "$stderr"
}

@test "namespaces: ipc none, shareable and private; what does not fit together" {
    none 1 --ipc none "$IMAGE" ls /dev/shm
    run_pod run -d --name open --network none "$IMAGE" sleep 100
    run_pod run -d --name closed --network none --ipc private "$IMAGE" sleep 100
    none 0 --ipc container:open "$IMAGE" readlink /proc/self/ns/ipc
    local theirs=$output
    run_pod exec open readlink /proc/self/ns/ipc
    assert_output "$theirs"
    none 125 --ipc container:closed "$IMAGE" true
    assert_match "is not allowed: non-shareable IPC" "$stderr"
    # joining one that is on the host's is being on the host's
    run_pod run -d --name hosted --network none --uts host "$IMAGE" sleep 100
    none 0 --uts container:hosted "$IMAGE" readlink /proc/self/ns/uts
    assert_output "$(readlink /proc/self/ns/uts)"
    none 125 --pid bogus "$IMAGE" true
    assert_error "unrecognized namespace mode bogus passed"
    none 125 --uts host --hostname x "$IMAGE" true
    assert_match "cannot set hostname when running in the host UTS namespace" "$stderr"
    none 125 --no-hosts --add-host a:1.2.3.4 "$IMAGE" true
    assert_error "--no-hosts and --add-host cannot be set together"
    # the host's cgroups are never to be written
    run_pod run --rm --network host "$IMAGE" sh -c 'grep " /sys/fs/cgroup " /proc/self/mountinfo | tail -n 1'
    assert_match ' ro,'
}

@test "ids: maps that were asked for" {
    none 0 --uidmap 0:1:10 --uidmap 10:0:1 "$IMAGE" cat /proc/self/uid_map
    assert_match '0 +1 +10.*10 +0 +1'
    none 0 --uidmap 0:1:10 "$IMAGE" sh -c 'id -u; stat -c %u /bin/busybox /proc/self/uid_map' # not the caller
    none 125 --uidmap a:b "$IMAGE" true
    none 125 --userns bogus "$IMAGE" true
    assert_error "unrecognized namespace mode bogus passed"
}

@test "ports: random ones, all exposed ones, none without a network" {
    run_pod create --name some --expose 81 -P -p 80 -p 127.0.0.1::82 "$IMAGE" true
    run_pod port some
    assert_match '80/tcp -> 0\.0\.0\.0:[0-9]+'
    assert_match '81/tcp -> 0\.0\.0\.0:[0-9]+'
    assert_match '82/tcp -> 127\.0\.0\.1:[0-9]+'
    local mode
    for mode in none host; do
        run_pod run --rm --network $mode -p 8080 "$IMAGE" echo yes
        assert_output yes
        assert_equal "$stderr" "Port mappings have been discarded as one of the Host, Container, Pod, and None network modes are in use"
    done
    run_pod 125 run -p 99999:80 "$IMAGE" true
    assert_error "parsing host port: port numbers must be between 1 and 65535 (inclusive), got 99999"
    none 125 --ip 10.0.0.1 "$IMAGE" true
    assert_match "can only be used with Bridge mode networking" "$stderr"
}

@test "files: cidfile, pidfile, labels, pod ID" {
    echo stale >"$ROOM/cid"
    run_pod run -d --name noted --network none --cidfile "$ROOM/cid" --pidfile "$ROOM/pid" \
        --conmon-pidfile "$ROOM/monitor" "$IMAGE" sleep 100
    assert_equal "$(cat "$ROOM/cid")" "$output"
    run_pod inspect -f '{{.State.Pid}} {{.State.ConmonPid}} {{.HostConfig.ContainerIDFile}}' noted
    assert_output "$(cat "$ROOM/pid") $(cat "$ROOM/monitor") $ROOM/cid"
    run_pod 125 create --cidfile "$ROOM/cid" "$IMAGE"
    assert_match "container id file exists" "$stderr"
    run_pod rm -f -t 0 noted
    refute_file "$ROOM/cid"
    printf '# nothing\nfrom=file\n\nboth=file\n' >"$ROOM/labels"
    run_pod create --name labelled --label-file "$ROOM/labels" --label both=line "$IMAGE"
    run_pod inspect -f '{{.Config.Labels.from}} {{.Config.Labels.both}}' labelled
    assert_output "file line"
    run_pod 125 create --label-file "$ROOM/none" "$IMAGE"
    run_pod 125 run --pod-id-file "$ROOM/none" "$IMAGE" true
    assert_error "reading pod ID file: open $ROOM/none: no such file or directory"
    run_pod pod create --name herd --pod-id-file "$ROOM/podid"
    run_pod create --name member --pod-id-file "$ROOM/podid" "$IMAGE"
    run_pod ps -a --filter pod=herd --filter name=member --format '{{.PodName}}'
    assert_output herd
    # a pod that was made for a container which cannot be made goes again
    run_pod 125 run --pod new:short --name member "$IMAGE" true
    run_pod 1 pod exists short
    run_pod pod rm -f herd
}

@test "streams: only those that were named; --timeout; --rmi" {
    none 0 -a stderr "$IMAGE" sh -c 'echo out; echo err >&2'
    assert_empty
    assert_equal "$stderr" err
    run_pod run --name quiet --network none -a stdin "$IMAGE" echo hello
    assert_match '^[0-9a-f]{64}$'
    none 125 -a bogus "$IMAGE" true
    assert_error 'invalid stream "bogus" for --attach - must be one of stdin, stdout, or stderr: invalid argument'
    run_pod 255 run --name late --network none --timeout 1 "$IMAGE" sleep 100
    run_pod inspect -f '{{.State.Status}} {{.State.ExitCode}}' late
    assert_output "exited -1"
    run_pod rm quiet late
    # no second name: the image goes with the last container
    image_busybox "$ROOM/other" other true
    run_pod pull -q "oci:$ROOM/other:other"
    local id=$output
    run_pod create --name holds "$id"
    none 0 --rmi "$id" true
    assert_match "image is in use by a container" "$stderr"
    run_pod rm holds
    none 0 --rmi "$id" true
    run_pod 1 image exists "$id"
}

@test "an image of another platform is not taken for the one that was asked for" {
    none 125 --pull never --arch s390x "$IMAGE" true
    assert_error "$IMAGE: image not known"
    none 125 --pull never --platform linux/s390x "$IMAGE" true
    none 0 --pull never --platform "linux/$(machine_arch)" "$IMAGE" true
    none 0 --pull never --arch "$(uname -m)" "$IMAGE" true
}

@test "what is wrong is said in podman's words" {
    local cases=(
        "--log-driver=bad|running container create option: invalid log driver: invalid argument"
        "--umask=999|running container create option: invalid umask string 999: invalid argument"
        "--tz=bogus|running container create option: stat /usr/share/zoneinfo/bogus: no such file or directory"
        "--stop-signal=99|valid signals are 1 through 64"
        "--stop-signal=BAD|invalid signal: BAD"
        "--memory=abc|invalid value for memory: invalid size: 'abc'"
        "--shm-size=abc|unable to translate --shm-size: invalid size: 'abc'"
        "--cap-add=bogus|\"CAP_BOGUS\": unknown capability"
        "--label==x|unable to process labels: invalid label format: \"=x\""
        "--annotation=x|annotations must be formatted KEY=VALUE"
        "--add-host=bogus|bad format for add-host: \"bogus\""
        "--cgroups=bogus|running container create option: invalid cgroup mode \"bogus\": invalid argument"
        "--ulimit=core=-1:1000|ulimit option \"core=-1:1000\" requires name=SOFT:HARD, failed to be parsed: ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1000"
        "--ulimit=nofile=10:5|ulimit option \"nofile=10:5\" requires name=SOFT:HARD, failed to be parsed: ulimit soft limit must be less than or equal to hard limit: 10 > 5"
        "--ulimit=foo|ulimit option \"foo\" requires name=SOFT:HARD, failed to be parsed: invalid ulimit argument: foo"
        "--volume=v:/d:ro,rw|invalid options \"ro, rw\", can only specify 1 'rw' or 'ro' option"
        "--volume=v:/d:slave,U,rshared|invalid options \"slave, U, rshared\", can only specify 1 '[r]shared', '[r]private' or '[r]slave' option"
        "--volume=v:/|invalid container path \"/\", destination can't be '/'"
        "--requires=nosuch|\"nosuch\" is not a valid container, cannot be used as a dependency: no container with name or ID \"nosuch\" found: no such container"
        "--net=container:nosuch|looking up container to share net namespace with: no container with name or ID \"nosuch\" found: no such container"
        "--init-path=/no|container-init binary not found on the host: stat /no: no such file or directory"
        "--authfile=/no|credential file is not accessible: faccessat /no: no such file or directory"
        "--sdnotify=healthy|invalid argument: sdnotify policy \"healthy\" requires a healthcheck to be set"
        "--sdnotify=bogus|invalid config provided: invalid argument: invalid sdnotify value \"bogus\": must be container, conmon, healthy or ignore"
        "--systemd=bogus|invalid config provided: --systemd values must be one of \"true, false, always\": invalid configuration"
        "--device-cgroup-rule=b 7:* rmw|device cgroup rules are not supported in rootless mode or in a user namespace"
    )
    local c
    for c in "${cases[@]}"; do
        run_pod 125 create "${c%%|*}" "$IMAGE" true
        assert_error "${c#*|}"
    done
    for c in --subuidname --subgidname; do
        run_pod 125 create "$c" some "$IMAGE"
        assert_error '--subuidname and --subgidname are not supported: the ranges of "some" are not for users to choose' \
            "Use: --userns auto, or --uidmap and --gidmap out of your own range"
    done
    run_pod 125 create --network none --network host "$IMAGE"
    assert_error "cannot set multiple networks without bridge network mode, selected mode none: invalid argument" \
        "Give one --network"
    run_pod 125 create --systemd=always --cgroups=disabled "$IMAGE"
    assert_error "--systemd=always needs a cgroup, and --cgroups=disabled none"
    run_pod 125 create --sdnotify=healthy --health-cmd=true --health-interval=disable "$IMAGE"
    assert_error 'invalid argument: sdnotify policy "healthy" requires health checks at intervals'
    run_pod 125 create --restart=bogus "$IMAGE"
    assert_error 'running container create option: "bogus" is not a valid restart policy: invalid argument' on-failure
    run_pod 125 create --cpus 1 --cpu-quota 1000 "$IMAGE"
    assert_error "--cpu-quota and --cpus cannot be set together"
    run_pod ps -a -q
    assert_empty
}

@test "warnings stand on stderr as podman's do, and can be turned off" {
    none 0 --kernel-memory 1 "$IMAGE" true
    assert_match '^time="[^"]+" level=warning msg="The --kernel-memory flag is no longer supported' "$stderr"
    run_pod --log-level error run --rm --network none --kernel-memory 1 "$IMAGE" true
    assert_empty_stderr
    none 0 -i -t "$IMAGE" true </dev/null
    assert_match "The input device is not a TTY" "$stderr"
    local mine
    mine=$(cat /proc/self/oom_score_adj)
    none 0 --oom-score-adj 500 "$IMAGE" cat /proc/self/oom_score_adj
    assert_output 500
    if [ "$mine" -gt -1000 ]; then
        none 0 --oom-score-adj -1000 "$IMAGE" cat /proc/self/oom_score_adj
        assert_output "$mine"
        assert_match "Requested oom_score_adj=-1000 is lower than the current one" "$stderr"
    fi
}

@test "/run/.containerenv: there, empty, and telling for the privileged" {
    local opt
    for opt in --init=false --tmpfs=/run --read-only --init; do
        none 0 "$opt" "$IMAGE" stat -c %s /run/.containerenv
        assert_output 0
    done
    mkdir -p "$ROOM/run1"
    none 1 -v "$ROOM/run1:/run" "$IMAGE" cat /run/.containerenv
    none 0 --privileged --name priv "$IMAGE" sh -c '. /run/.containerenv; echo "$name $image $rootless"'
    assert_output "priv $IMAGE 1"
}

hear_notify() { # [@NAME]: what comes to $ROOM/notify, or to the abstract NAME, goes to $ROOM/told
    rm -f "$ROOM/notify" "$ROOM/told"
    python3 - "${1-$ROOM/notify}" >"$ROOM/told" 3>&- <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0") if sys.argv[1][0] == "@" else sys.argv[1])
s.settimeout(20)
print(s.recv(4096).decode())
PY
    wait_for 10 grep -q " ${1-$ROOM/notify}$" /proc/net/unix
}

@test "--requires and --sdnotify" {
    run_pod create --name base --network none "$IMAGE" sleep 100
    run_pod run -d --name top --network none --requires base "$IMAGE" sleep 100
    run_pod ps --filter name=base --format '{{.State}}'
    assert_output running
    run_pod 125 rm -f -t 0 base
    assert_match "has dependent containers which must be removed before it: [0-9a-f]{64}" "$stderr"
    run_pod rm -f -t 0 --depend base
    run_pod ps -a -q
    assert_empty
    hear_notify
    NOTIFY_SOCKET=$ROOM/notify run_pod 1 run --rm --network none --sdnotify=container "$IMAGE" \
        sh -c 'ls /run/notify; touch /run/notify/more' # it is the host's memory
    assert_match "Read-only file system" "$stderr"
    NOTIFY_SOCKET=$ROOM/notify run_pod run -d --name told --network none --sdnotify=conmon "$IMAGE" sleep 100
    wait_for 10 grep -q READY=1 "$ROOM/told"
    run_pod inspect -f '{{.Config.SdNotifyMode}}' told
    assert_output conmon
    run_pod inspect -f '{{.State.ConmonPid}}' told
    assert_contains "MAINPID=$output" "$(cat "$ROOM/told")"
    # as soon as it is healthy, and never when it ends before
    hear_notify
    local well=$ROOM/well
    mkdir -p "$well"
    (sleep 0.4 && touch "$well/yes") 3>&- &
    NOTIFY_SOCKET=$ROOM/notify run_pod run -d --name fit --network none --sdnotify=healthy -v "$well:/well" \
        --health-cmd 'test -e /well/yes' --health-interval 100ms --health-retries 100 "$IMAGE" sleep 100
    assert_file "$well/yes"
    wait_for 10 grep -q READY=1 "$ROOM/told"
    run_pod inspect -f '{{.State.ConmonPid}}' fit
    assert_contains "MAINPID=$output" "$(cat "$ROOM/told")"
    run_pod 125 run -d --name unfit --network none --sdnotify=healthy --health-cmd false "$IMAGE" sleep 0.3
    assert_error "container unfit ended before it was healthy"
    # over a restart; by start; by a run that stays
    hear_notify
    rm "$well/yes"
    NOTIFY_SOCKET=$ROOM/notify run_pod run -d --name third --network none --sdnotify=healthy -v "$well:/well" \
        --restart always --health-cmd true --health-interval 100ms "$IMAGE" \
        sh -c 'test -e /well/yes || { touch /well/yes; exit 1; }; sleep 100'
    wait_for 10 grep -q READY=1 "$ROOM/told"
    hear_notify
    run_pod stop -t 0 third
    NOTIFY_SOCKET=$ROOM/notify run_pod start third
    wait_for 10 grep -q READY=1 "$ROOM/told"
    # never by what the run before it said of its health; and nobody else waits for that
    hear_notify
    run_pod run -d --name once --network none --sdnotify=healthy -v "$well:/well" --health-cmd 'test -e /well/yes' \
        --health-interval 100ms --health-retries 100 "$IMAGE" sleep 100
    run_pod stop -t 0 once fit
    rm "$well/yes"
    NOTIFY_SOCKET=$ROOM/notify run_cmd 124 timeout 1 pod start once fit
    run_pod ps --filter name=fit --format '{{.Names}}'
    assert_output fit
    [ ! -s "$ROOM/told" ]
    touch "$well/yes"
    NOTIFY_SOCKET=$ROOM/notify run_pod restart -t 0 once
    wait_for 10 grep -q READY=1 "$ROOM/told"
    # whoever starts it: NOTIFY_SOCKET is not for those that asked for it not to be
    run_pod create --name quiet --network none --sdnotify=ignore "$IMAGE" sh -c 'echo "in=$NOTIFY_SOCKET"; sleep 100'
    run_pod create --name wants --network none --requires quiet "$IMAGE" sleep 100
    NOTIFY_SOCKET=$ROOM/notify run_pod start wants
    NOTIFY_SOCKET=$ROOM/notify run_pod restart -t 0 quiet
    run_pod logs quiet
    assert_output "in=
in="
    run_pod rm -f -t 0 wants
    run_pod rm -f -t 0 quiet once
    hear_notify
    NOTIFY_SOCKET=$ROOM/notify run_pod run --rm --network none --sdnotify=healthy --health-cmd true "$IMAGE" sleep 1
    wait_for 10 grep -q READY=1 "$ROOM/told"
    # an abstract socket
    hear_notify "@heard-$$"
    NOTIFY_SOCKET=@heard-$$ run_pod run -d --name says --network none -v "$POD_TEST_TOP/tools/probe:/probe:ro" \
        "$IMAGE" /probe notify READY=1
    wait_for 10 grep -q READY=1 "$ROOM/told"
    run_pod rm -f -t 0 told fit unfit third says
    # the container itself says it, by default; it is asked for nothing with the others
    NOTIFY_SOCKET=$ROOM/notify run_pod run --rm --network none "$IMAGE" sh -c 'echo $NOTIFY_SOCKET; stat -c %F /run/notify/notify.sock'
    assert_output "/run/notify/notify.sock
socket"
    NOTIFY_SOCKET=$ROOM/notify run_pod run --rm --network none --sdnotify ignore "$IMAGE" sh -c 'echo ${NOTIFY_SOCKET-none}'
    assert_output none
}

@test "--security-opt mask, unmask, proc-opts, apparmor" {
    run_pod run --rm --network none --security-opt mask=/proc/version:/etc "$IMAGE" sh -c \
        'cat /proc/version; ls /etc; cat /proc/keys; echo end'
    assert_output end
    run_pod run --rm --network none --security-opt unmask=/proc/keys:/proc/sys "$IMAGE" sh -c \
        'grep " /proc/keys \| /proc/sys \| /proc/irq " /proc/mounts | cut -d " " -f 2'
    assert_output /proc/irq
    run_pod run --rm --network none --security-opt unmask=ALL "$IMAGE" grep -c ' /proc/' /proc/mounts || true
    assert_output 0
    run_pod run --rm --network none --security-opt 'unmask=/proc/*' "$IMAGE" grep -c ' /sys/firmware' /proc/mounts
    assert_output 1
    run_pod run --rm --network none --security-opt proc-opts=hidepid=2 "$IMAGE" grep ' /proc proc' /proc/mounts
    assert_match 'hidepid=(2|invisible)'
    run_pod run --rm --network none --security-opt apparmor=unconfined "$IMAGE" true
    run_pod 125 run --rm --network none --security-opt apparmor=mine "$IMAGE" true
    assert_error_match "cannot load or choose AppArmor profiles"
}

@test "--personality, --chrootdirs" {
    run_pod run --rm --network none --personality LINUX32 "$IMAGE" uname -m
    assert_match '^(i[3-6]86|armv8l|armv7l)$'
    run_pod run --rm --network none --personality LINUX "$IMAGE" uname -m
    assert_output "$(uname -m)"
    run_pod 125 run --rm --network none --personality PLAN9 "$IMAGE" true
    assert_error_match 'invalid personality "PLAN9"'
    run_pod run --rm --network none --hostname there --chrootdirs /jail,/other "$IMAGE" cat \
        /jail/etc/hostname /other/etc/hostname
    assert_output $'there\nthere'
    run_pod 125 run --rm --network none --chrootdirs jail "$IMAGE" true
}

@test "--mount type=image: another image's files, read-only or to be written; type=devpts" {
    run_pod run --rm --network none --mount "type=image,source=$IMAGE,destination=/img" "$IMAGE" sh -c '
        cmp /bin/busybox /img/bin/busybox && echo same; touch /img/x 2>/dev/null || echo read-only'
    assert_output $'same\nread-only'
    run_pod create --name holds --network none --mount "type=image,src=$IMAGE,dst=/img,rw=true" "$IMAGE" sh -c '
        echo more >>/img/etc/mine; cat /img/etc/mine; ls /etc/mine 2>/dev/null || echo only there'
    run_pod start -a holds
    assert_output $'more\nonly there'
    run_pod start -a holds
    assert_output $'more\nmore\nonly there'
    run_pod 125 run --rm --mount type=image,source=no/such,destination=/img "$IMAGE" true
    assert_error_match "image not known"
    run_pod 125 run --rm --mount type=image,destination=/img "$IMAGE" true
    run_pod run --rm --network none --mount type=devpts,destination=/dev/other,gid=3,mode=0600 "$IMAGE" \
        grep ' /dev/other ' /proc/mounts
    assert_match "^devpts /dev/other devpts .*gid=.*,mode=600,ptmxmode=666"
    run_pod 125 run --rm --mount type=devpts,destination=/dev/other,size=1 "$IMAGE" true
}

@test "an image that is mounted somewhere is in use" {
    image_busybox "$ROOM/guest" guest
    local id size
    jq -c '.config.Labels = {guest: "1"}' \
        "$ROOM/guest/blobs/sha256/$(layout_manifest "$ROOM/guest:guest" | jq -r '.config.digest[7:]')" >"$ROOM/new"
    size=$(stat -c %s "$ROOM/new")
    id=$(layout_add "$ROOM/guest" "$ROOM/new")
    layout_manifest "$ROOM/guest:guest" | jq -c --arg d "sha256:$id" --argjson s "$size" \
        '.config.digest = $d | .config.size = $s' >"$ROOM/new"
    layout_tag "$ROOM/guest" guest "$(layout_add "$ROOM/guest" "$ROOM/new")"
    run_pod pull -q "oci:$ROOM/guest:guest"
    id=$output
    run_pod create --name host --network none --mount "type=image,source=$id,destination=/img" "$IMAGE" true
    run_pod 2 rmi "$id"
    assert_error_match "image is in use by a container"
    run_pod rm host
    run_pod rmi "$id"
}

@test "keep-id: the files that pod makes are root's; TERM is set; the cgroup manager is remembered" {
    run_pod run --rm --network none --userns keep-id "$IMAGE" stat -c '%u:%g %n' /etc/hosts /etc/resolv.conf \
        /etc/hostname /run/.containerenv
    assert_equal "$(cut -d ' ' -f 1 <<<"$output" | sort -u)" 0:0
    run_pod create --name again --network none --userns keep-id "$IMAGE" cat /etc/hostname
    run_pod start -a again
    local said=$output
    run_pod start -a again
    assert_output "$said"
    run_pod run --rm --network none "$IMAGE" sh -c 'echo $TERM'
    assert_output xterm
    run_pod --cgroup-manager systemd create --name managed --network none "$IMAGE" true
    run_pod inspect --format '{{.HostConfig.CgroupManager}}' managed
    assert_output systemd
}

@test "--preserve-fds: descriptors of the caller, under their numbers, and no others" {
    echo "from three" >"$ROOM/three"
    run_cmd 0 bash -c 'exec 3<"$1" 4>"$2" 5</dev/null; pod run --rm --network none --preserve-fds 2 "$3" sh -c "
        cat <&3; echo to four >&4; ls /proc/self/fd | sort -n | paste -sd \" \""' bash "$ROOM/three" "$ROOM/four" "$IMAGE"
    assert_equal "$(head -n 1 <<<"$output")" "from three"
    assert_equal "$(cat "$ROOM/four")" "to four"
    assert_match "^0 1 2 3 4( 5)?$" "$(tail -n 1 <<<"$output")"
    # nobody of ours keeps them open: the reader sees the end when the container is gone
    run_cmd 0 timeout 20 bash -c 'exec 3> >(cat >"$1"; echo done >>"$1"); pod run -d --name keeps --network none \
        --preserve-fds 1 "$2" sh -c "echo words >&3; exec 3>&-; sleep 100"; exec 3>&-
        until grep -q done "$1"; do sleep 0.05; done' bash "$ROOM/words" "$IMAGE"
    assert_equal "$(paste -sd ' ' "$ROOM/words")" "words done"
    run_pod rm -f -t 0 keeps
    run_pod 125 run --rm --network none --preserve-fds 90 "$IMAGE" true
    assert_error_match "the preserve-fds option requires that file descriptors must be passed"
    local runtime
    for runtime in crun runc; do
        rm -f "$ROOM/four"
        run_cmd 0 bash -c 'exec 3<"$1" 4>"$2" 5</dev/null; pod --runtime "$4" run --rm --network none \
            --preserve-fds 2 "$3" sh -c "cat <&3; echo to four >&4; ls /proc/self/fd | wc -l"' \
            bash "$ROOM/three" "$ROOM/four" "$IMAGE" "$runtime"
        assert_equal "$(head -n 1 <<<"$output")" "from three"
        assert_equal "$(cat "$ROOM/four")" "to four"
        assert_match '^6$' "$(tail -n 1 <<<"$output")"
    done
    # exec
    for runtime in pod-runtime crun runc; do
        run_pod --runtime "$runtime" run -d --name has --network none "$IMAGE" sleep 100
        run_cmd 0 bash -c 'exec 3<"$1" 4</dev/null; pod exec --preserve-fds 1 has sh -c "
            cat <&3; ls /proc/self/fd | sort -n | paste -sd \" \""' bash "$ROOM/three"
        assert_equal "$(head -n 1 <<<"$output")" "from three"
        assert_match '^0 1 2 3( 4)?$' "$(tail -n 1 <<<"$output")"
        run_cmd 0 bash -c 'exec 3>"$1"; pod exec -d --preserve-fds 1 has sh -c "echo words >&3"' bash "$ROOM/d"
        wait_for 10 grep -q words "$ROOM/d"
        assert_equal "$(cat "$ROOM/d")" words
        # the numbers that we use for them may be the caller's, too; the end is the command's to make
        run_cmd 0 bash -c 'exec 200>"$1" 3<"$1"; pod exec --preserve-fds 1 has cat /proc/self/fd/3' bash "$ROOM/d"
        run_cmd 0 timeout 3 bash -c 'pod exec -d --preserve-fds 1 has sh -c "echo x >&3; exec 3>&-; sleep 10" \
            3>&1 >/dev/null | cat'
        assert_output x
        run_pod 125 exec --preserve-fds 90 has true
        assert_error_match "file descriptor [3-9] is not available"
        run_pod rm -f -t 0 has
        # started again by its monitor, it has nobody's
        rm -f "$ROOM/again"
        run_cmd 0 bash -c 'exec 3</dev/zero 4</dev/zero 5</dev/zero 6</dev/zero; pod --runtime "$1" run -d --name again \
            --network none -v "$3:/out" --restart on-failure:1 --preserve-fds 4 "$2" \
            sh -c "for n in 3 4 5 6; do readlink /proc/\$\$/fd/\$n; done >>/out/again; exit 1"' \
            bash "$runtime" "$IMAGE" "$ROOM"
        run_pod wait again
        assert_match "^(/dev/zero ){3}/dev/zero( (/dev)?/null)*$" "$(paste -sd " " "$ROOM/again")"
        run_pod rm -f -t 0 again
    done
}

@test "--systemd: by the init's name, always, never; what such an init finds" {
    printf '#!/bin/sh\nfor d in /run /run/lock /tmp /var/log/journal; do grep -q " $d tmpfs rw" /proc/mounts && echo "$d"; done
echo "$container_uuid"; mkdir /sys/fs/cgroup/mine 2>/dev/null && echo divides; true\n' >"$ROOM/init"
    chmod 755 "$ROOM/init"
    run_pod create --name sys --network none -v "$ROOM/init:/usr/sbin/init:ro" "$IMAGE" /usr/sbin/init
    run_pod inspect --format '{{.Config.StopSignal}} {{.Config.SystemdMode}} {{.Id}}' sys
    assert_match '^37 true '
    local uuid=${output##* }
    run_pod start -a sys
    assert_line /run/lock
    assert_line /var/log/journal
    assert_line "${uuid:0:32}"
    run_pod run --rm --network none --systemd=false -v "$ROOM/init:/usr/sbin/init:ro" "$IMAGE" /usr/sbin/init
    refute_line /run/lock
    run_pod run --rm --network none -v "$ROOM/init:/elsewhere:ro" "$IMAGE" /elsewhere
    refute_line /run/lock
    local dir
    dir=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    [ -w "$dir" ] && [ -w "$dir/cgroup.procs" ] || return 0 # else it is an error, where no systemd gives us one
    run_pod run --rm --network none --systemd=always -v "$ROOM/init:/elsewhere:ro" "$IMAGE" /elsewhere
    assert_line /run/lock
    assert_line divides
    run_pod run -d --name always --network none --systemd=always --stop-signal TERM "$IMAGE" sh -c \
        'trap "exit 3" TERM; while :; do sleep 0.05; done'
    run_pod exec always true
    run_pod stop always
    run_pod inspect --format '{{.State.ExitCode}}' always
    assert_output 3
}

@test "--group-add keep-groups; -v with rslave and rprivate" {
    none 0 --user 5:5 "$IMAGE" sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status
    assert_match '^5 *$'
    none 0 --user 5:5 --group-add keep-groups "$IMAGE" sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status
    refute_match '^5 *$'
    none 125 --group-add keep-groups --group-add 5 "$IMAGE" true
    mkdir -p "$ROOM/bound"
    none 0 -v "$ROOM/bound:/b:rslave" "$IMAGE" grep -c ' /b .* master:' /proc/self/mountinfo
    assert_output 1
    none 1 -v "$ROOM/bound:/b:rprivate" "$IMAGE" grep ' /b .* master:' /proc/self/mountinfo
}

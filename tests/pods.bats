#!/usr/bin/env bats
# Pods: what they share, what is shown of them, and how they end.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr…; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    local id
    id=$(pod pull -q "oci:$ROOM/layout:busybox")
    pod untag "$id"
    pod tag "$id" localhost/busybox:latest
}
setup() { IMAGE=localhost/busybox:latest; }
teardown() {
    quietly pod pod rm -f -a -t 0
    quietly pod rm -f -a -t 0
}

in_pod() { run_pod run --rm --pod "$@"; } # POD [OPTION...] IMAGE COMMAND...
state_is() { [ "$(pod pod inspect --format '{{.State}}' "$1")" = "$2" ]; }

@test "create, exists, inspect, rm: names, ids and their prefixes" {
    run_pod 1 pod exists p
    run_pod pod create --name p --label color=red -l plain --hostname box
    local id=$output name
    assert_match '^[0-9a-f]{64}$'
    for name in p "$id" "${id:0:12}"; do run_pod pod exists "$name"; done
    run_pod 125 pod create --name p
    assert_error_match 'the name "p" is already in use by'
    run_pod 125 pod create --name 'no good'
    assert_error 'running pod create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument'
    run_pod pod create --name p --replace --pod-id-file "$ROOM/id"
    [ "$output" != "$id" ] || fail "the pod is still the old one"
    run_pod pod rm --pod-id-file "$ROOM/id"
    rm "$ROOM/id"
    run_pod pod create q
    run_pod pod create
    run_pod pod ls -q
    assert_equal "${#lines[@]}" 2 "pods"
    run_pod pod rm -a
    run_pod ps -aq
    assert_empty
    run_pod 1 pod rm p
    assert_error "no pod with name or ID p found: no such pod"
    run_pod pod rm -f p
    run_pod pod rm --ignore p
    run_pod 125 pod rm
    assert_error "you must provide at least one name or id"
    run_pod 125 pod rm -a p
    assert_error "no arguments are needed with --all"
    run_pod 125 pod rm -t 1 q
    assert_error "--force option must be specified to use the --time option"
    run_pod 125 pod stop p
    assert_error "no pod with name or ID p found: no such pod"
    run_pod 125 pod bogus
    assert_error 'unrecognized command `pod pod bogus`'
    run_pod 125 pod
    assert_error "missing command 'pod pod COMMAND'"
}

@test "members share the network, the host name and /dev/shm, and see each other" {
    run_pod pod create --name p --hostname box.example --add-host there:10.1.2.3 --dns 10.9.9.9 --dns-search a.example --dns-opt ndots:3
    in_pod p "$IMAGE" hostname
    assert_output box.example
    in_pod p "$IMAGE" cat /etc/hosts /etc/resolv.conf
    assert_match '10.1.2.3[[:space:]]there'
    assert_match $'\tbox.example'
    assert_line "nameserver 10.9.9.9"
    assert_line "search a.example"
    assert_line "options ndots:3"
    in_pod p "$IMAGE" touch /dev/shm/kept
    in_pod p "$IMAGE" ls /dev/shm
    assert_output kept
    # an end of its own input would end nc's client, at times before that has sent anything
    run_pod run -d --pod p --name listener "$IMAGE" sh -c 'sleep 100 | nc -l -p 7777'
    wait_for 10 sh -c 'pod run --rm --pod p '"$IMAGE"' sh -c "echo hello | nc 127.0.0.1 7777"'
    wait_for 10 sh -c '[ "$(pod logs listener)" = hello ]'
}

@test "an infra container's /dev/shm serves every runtime and every user namespace" {
    need crun
    run_pod pod create --name p --userns keep-id
    in_pod p --runtime crun "$IMAGE" sh -c 'echo by crun >/dev/shm/f'
    in_pod p "$IMAGE" cat /dev/shm/f
    assert_output "by crun"
    run_pod run -d --name lone --network none "$IMAGE" sh -c 'echo alone >/dev/shm/f; sleep 100'
    run_pod run --rm --network none --ipc container:lone "$IMAGE" sh -c 'cat /dev/shm/f; grep -c " /dev/shm " /proc/mounts'
    assert_output $'alone\n1'
    run_pod run --rm --network none "$IMAGE" ls /dev/shm
    assert_empty
    run_pod run --rm --network none -v "$ROOM:/dev/shm" --ipc container:lone "$IMAGE" ls /dev/shm
    refute_line f
}

@test "the pod's host name is in its containers' files and environment, unless they have their own" {
    run_pod pod create --name p
    in_pod p "$IMAGE" sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME'
    assert_output $'p\np\np'
    in_pod p --uts private --hostname mine "$IMAGE" sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME'
    assert_output $'mine\nmine\nmine'
}

@test "keep-id for a pod: its containers run as the caller, unless told otherwise" {
    run_pod pod create --name p --userns keep-id
    in_pod p "$IMAGE" sh -c 'id -u; id -g; id -un'
    assert_output "$(id -u)"$'\n'"$(id -g)"$'\n'"$(id -un)"
    in_pod p --user 0 "$IMAGE" id -u
    assert_output 0
    run_pod pod rm -f -t 0 p
    run_pod pod create --name p --userns keep-id:uid=7,gid=8
    in_pod p "$IMAGE" sh -c 'id -u; id -g'
    assert_output $'7\n8'
}

@test "--share: less, more, nothing; pods without an infra container" {
    run_pod 125 pod create --share bogus
    assert_error "invalid kernel namespace to share: bogus. Options are: cgroup, ipc, net, pid, uts or none"
    run_pod pod create --name p --share ipc
    run_pod pod inspect --format '{{.SharedNamespaces}}' p
    assert_output '[ipc]'
    in_pod p --hostname mine "$IMAGE" sh -c 'hostname; ls /sys/class/net | wc -l'
    assert_output $'mine\n2' # its own network is a real one
    run_pod pod create --name more --share +pid
    run_pod pod inspect --format '{{join .SharedNamespaces ","}}' more
    assert_output ipc,net,pid,uts
    in_pod more "$IMAGE" ps -o comm
    assert_match pause
    run_pod pod create --name none --share none
    run_pod pod create --name bare --infra=false
    run_pod pod inspect --format '{{.CreateInfra}} {{.NumContainers}} [{{.InfraContainerID}}] {{.SharedNamespaces}}' none bare
    assert_output $'false 0 [] []\nfalse 0 [] []'
    in_pod bare --hostname mine "$IMAGE" sh -c 'hostname; ls /sys/class/net | wc -l'
    assert_output $'mine\n2'
    run_pod 125 pod create --infra=false --share ipc
    assert_error "cannot set share(ipc) namespaces without an infra container"
    run_pod 125 pod create --infra=false -p 8080
    assert_error "cannot set publish without an infra container"
    local flag
    for flag in userns=keep-id uidmap=0:0:1 gidmap=0:0:1 sysctl=net.core.somaxconn=9 shm-size=1m \
        ip=10.88.0.9 network-alias=a dns-search=a dns-option=rotate no-hosts infra-image=a \
        infra-command=a; do
        run_pod 125 pod create --infra=false "--$flag"
        assert_error "cannot set ${flag%%=*} without an infra container"
    done
    # the members' cgroups have it without one
    run_pod pod create --infra=false --cgroup-parent some.slice --name parent
}

@test "an infra container of an image" {
    run_pod 125 pod create --infra-image localhost/nosuch:1
    assert_match "^Error: " "$stderr"
    run_pod pod create --name p --infra-image "$IMAGE" --infra-command /bin/yes
    run_pod pod start p
    run_pod exec "$(pod pod inspect --format '{{.InfraContainerID}}' p)" ps -o comm
    assert_line yes
    in_pod p "$IMAGE" hostname
    assert_output p
    run_pod pod rm -f -t 0 p
}

@test "--pod new: takes what belongs to the network along" {
    in_pod new:p --hostname other --add-host there:10.1.2.3 "$IMAGE" sh -c 'hostname; cat /etc/hosts'
    assert_equal "${lines[0]}" other
    assert_match '10.1.2.3[[:space:]]there'
    run_pod pod rm p
    in_pod new:p "$IMAGE" hostname
    assert_output p
}

@test "ps: the table, its columns, JSON, quiet, order" {
    run_pod pod create --name one --label color=red
    local one=$output
    run_pod pod create --name two
    local two=$output
    run_pod create --pod two --name member "$IMAGE" true
    local member=$output infra
    infra=$(pod pod inspect --format '{{.InfraContainerID}}' two)
    run_pod pod ps
    assert_match '^POD ID +NAME +STATUS +CREATED +INFRA ID +# OF CONTAINERS'
    assert_match "${two:0:12} +two +Created +.* ago +${infra:0:12} +2" "${lines[1]}"
    run_pod pod ps --ctr-names --ctr-ids --ctr-status --no-trunc --noheading --filter name=two
    assert_match "^$two +two +Created .*ago +$infra +$infra,$member +${two:0:12}-infra,member +created,created\$"
    run_pod pod ps -q
    assert_output "$two"$'\n'"$one"
    run_pod pod ps --sort name --format '{{.Name}} {{.NumberOfContainers}} {{.ID}}'
    assert_output "one 1 ${one:0:12}"$'\n'"two 2 ${two:0:12}"
    run_pod pod ps --sort number --format '{{.Name}}'
    assert_output $'one\ntwo'
    run_pod pod ps --format json
    assert_equal "$(jq -c '.[1] | keys_unsorted' <<<"$output")" \
        '["Cgroup","Containers","Created","Id","InfraId","Name","Namespace","Networks","Status","Labels"]'
    assert_equal "$(jq -c '[.[0].Id, .[0].Containers[1]]' <<<"$output")" \
        "[\"$two\",{\"Id\":\"$member\",\"Names\":\"member\",\"Status\":\"created\"}]"
    run_pod pod ps --ns --noheading -l
    run_pod 125 pod ps --sort bogus
    assert_error "invalid option for --sort, options are: id, names, or number"
    run_pod 125 pod ps -q --format json
    assert_error "quiet and format cannot be used together"
    run_pod 125 pod ps x
    assert_error '`pod pod ps` takes no arguments'
}

@test "ps --filter: every key podman has" {
    run_pod pod create --name one --label color=red --label kind=fruit
    local one=$output
    run_pod pod create --name two --label color=blue --label kind=fruit
    run_pod create --pod two --name member "$IMAGE" true
    local member=$output f want
    while read -r f want; do
        run_pod pod ps --sort name --format '{{.Name}}' --filter "$f"
        assert_equal "${lines[*]}" "$want" "--filter $f"
    done <<END
id=${one:0:10} one
name=^t two
name=o one two
label=color one two
label=color=blue two
label=color=green
status=created one two
status=running
ctr-names=mem two
ctr-ids=${member:0:10} two
ctr-number=2 two
ctr-status=created one two
ctr-status=exited
network=nosuch
until=2h
END
    run_pod pod ps --format '{{.Name}}' --filter label=kind=fruit --filter label=color=red
    assert_output one
    run_pod pod ps --format '{{.Name}}' --filter name=one --filter name=two --filter ctr-number=1
    assert_output one
    while IFS='|' read -r f want; do
        run_pod 125 pod ps --filter "$f"
        assert_error "$want"
    done <<'END'
bogus=1|bogus is an invalid filter
bogus|filter input must be in the form of filter=value: bogus is invalid
status=asleep|asleep is not a valid pod status
ctr-status=asleep|asleep is not a valid status
until=someday|failed to parse value as time or duration: "someday"
END
}

@test "inspect: podman's members" {
    run_pod pod create --name p -p 127.0.0.1:18080:80 -p 127.0.0.1:18081:80 -l a=b --dns 10.9.9.9 --no-hosts
    run_pod pod inspect p
    [ "${#lines[@]}" -gt 20 ] || fail "not for people to read"
    assert_equal "$(jq -c 'keys_unsorted' <<<"$output")" \
        '["Id","Name","Created","CreateCommand","ExitPolicy","State","Hostname","Labels","CreateCgroup","CreateInfra","InfraContainerID","InfraConfig","SharedNamespaces","NumContainers","Containers"]'
    assert_equal "$(jq -c '[.InfraConfig | .PortBindings, .HostNetwork, .DNSServer, .NoManageHosts, .HostAdd]' <<<"$output")" \
        '[{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"},{"HostIp":"127.0.0.1","HostPort":"18081"}]},false,["10.9.9.9"],true,null]'
    assert_equal "$(jq -c '.CreateCommand[0:5]' <<<"$output")" '["pod","pod","create","--name","p"]'
    local whole=$output
    run_pod pod inspect --format '{{json .}}' p
    assert_output "$whole"
    run_pod pod inspect --format '{{.Name}} {{(index .Containers 0).State}} {{.Labels.a}}' p
    assert_output "p created b"
    run_pod 125 pod inspect nosuch p
    assert_error "inspecting object: no such pod nosuch"
    assert_equal "$(jq -r .Name <<<"$output")" p
    run_pod 125 pod inspect
    assert_error "no names or ids specified"
    run_pod pod create --name h --network host
    run_pod pod inspect --format '{{.InfraConfig.HostNetwork}}' h
    assert_output true
}

@test "start, stop, kill, restart: every member, the infra container too" {
    run_pod pod create --name p
    local i
    for i in 1 2; do
        run_pod create --pod p --name "m$i" "$IMAGE" sh -c 'trap "exit 7" TERM; while :; do sleep 0.05; done'
    done
    state_is p Created
    run_pod pod start p
    state_is p Running
    run_pod 125 pod rm p
    assert_error_match "as it is running - running or paused containers cannot be removed without force: container state improper"
    run_pod ps -q
    assert_equal "${#lines[@]}" 3 "containers that run"
    run_pod stop m1
    state_is p Degraded
    run_pod pod stop p
    state_is p Exited
    run_pod inspect --format '{{.State.ExitCode}}' m1 m2
    assert_output $'7\n7'
    run_pod pod start p
    run_pod pod kill -s KILL p
    wait_for 5 state_is p Exited
    run_pod 125 pod kill -s BOGUS p
    assert_error "invalid signal: BOGUS"
    run_pod pod restart p
    state_is p Running
    run_pod pod stop -a -t 0
    # containers that have ended go with their pod
    run_pod pod rm p
    run_pod ps -aq
    assert_empty
}

@test "what a pod gives its containers: volumes, devices, security options, the host's name" {
    mkdir "$ROOM/given"
    echo here >"$ROOM/given/f"
    run_pod pod create --name g -v "$ROOM/given:/mnt" --volume kept:/data:ro --device /dev/null:/dev/extra \
        --security-opt no-new-privileges
    run_pod run --rm --pod g "$IMAGE" sh -c 'cat /mnt/f; [ -c /dev/extra ] && grep NoNewPrivs /proc/self/status; touch /data/x || true'
    assert_output $'here\nNoNewPrivs:\t1'
    assert_match "Read-only file system" "$stderr"
    # its own on the same place win
    run_pod run --rm --pod g -v other:/mnt "$IMAGE" ls /mnt
    assert_empty
    run_pod run --rm --pod g --tmpfs /mnt --mount type=tmpfs,dst=/data "$IMAGE" sh -c 'touch /data/x; ls /mnt'
    assert_empty
    run_pod create --name from "$IMAGE"
    run_pod pod create --name f --volumes-from from --uts host
    run_pod run --rm --pod f "$IMAGE" hostname
    assert_output "$(hostname)"
    run_pod 125 pod create --name l --memory 10m
    assert_error "limits of a whole pod are not supported: it has no cgroup of its own" "--memory 100m"
    run_pod 125 pod create --name l --mac-address 92:d0:c6:0a:29:33
    assert_error_match "static ip/mac address"
    run_pod 125 pod create --name l --infra=false -v a:/b
    assert_error "cannot set volume without an infra container"
}

@test "what is the pod's to say is not a container's" {
    run_pod pod create --name p
    local cases=(
        "--userns keep-id|--userns and --pod cannot be set together"
        "--uidmap 0:1:1000|cannot specify a new uid/gid map when entering a pod with an infra container: invalid argument"
        "--hostname x|invalid config provided: cannot set hostname when joining the pod UTS namespace: invalid configuration"
        "-p 8080:80|invalid config provided: published or exposed ports must be defined when the pod is created: network cannot be configured when it is shared with a pod"
        "--add-host a:1.1.1.1|invalid config provided: extra host entries must be specified on the pod: network cannot be configured when it is shared with a pod"
    )
    local c
    for c in "${cases[@]}"; do
        # shellcheck disable=SC2086
        run_pod 125 run --pod p ${c%%|*} "$IMAGE" true
        assert_error "${c#*|}"
    done
    run_pod 125 run --pod new: "$IMAGE" true
    assert_error "new pod name must be at least one character"
    run_pod 125 pull --platform linux/arm64 --arch arm64 nowhere
    assert_error "--platform option can not be specified with --arch or --os"
}

@test "a pod's user namespace: the image's files have the same owners as outside of it" {
    local how
    for how in "--userns keep-id" "--userns auto" "--uidmap 0:1:1000 --gidmap 0:1:1000"; do
        # shellcheck disable=SC2086
        run_pod pod create --name ids $how
        run_pod run --name m --pod ids "$IMAGE" sh -c 'stat -c %u:%g /bin; touch /tmp/mine; [ -O /tmp/mine ] && cat /proc/self/uid_map'
        assert_equal "${lines[0]}" 0:0
        refute_line "         0          0 4294967295"
        run_pod start -a m
        assert_equal "${lines[0]}" 0:0
        run_cmd 0 sh -c 'pod cp m:/bin/sh - | tar --numeric-owner -tv | cut -d " " -f 2'
        assert_output 0/0
        run_pod pod rm -f ids
    done
}

@test "prune: pods of which nothing runs any more, not those that were never started" {
    local name
    for name in created ended running; do run_pod pod create --name "$name"; done
    run_pod pod start ended running
    run_pod pod stop -t 0 ended
    run_cmd 0 sh -c 'echo n | pod pod prune'
    assert_contains "WARNING! This will remove all stopped/exited pods." "$output"
    run_cmd 125 pod pod prune </dev/null
    run_pod pod exists ended
    run_pod pod prune --force
    assert_match '^[0-9a-f]{64}$'
    run_pod pod ps --format '{{.Name}}' --sort name
    assert_output $'created\nrunning'
    run_pod pod prune -f
    assert_empty
}

@test "exit policy: the pod ends with its last container, or stays" {
    run_pod 125 pod create --exit-policy never
    assert_error 'running pod create option: invalid pod exit policy: "never"'
    run_pod pod create --name stays
    run_pod run --pod stays "$IMAGE" true
    state_is stays Degraded
    run_pod pod rm stays
    run_pod pod create --name ends --exit-policy stop
    run_pod pod inspect --format '{{.ExitPolicy}}' ends
    assert_output stop
    run_pod run -d --pod ends --name long "$IMAGE" sleep 100
    in_pod ends "$IMAGE" true
    state_is ends Running
    run_pod stop -t 0 long
    wait_for 5 state_is ends Exited
    in_pod ends "$IMAGE" true
    wait_for 5 state_is ends Exited
}

@test "labels from a file; what podman's helpers ask of version" {
    printf '# fruit\ncolor=red\nkind\n' >"$ROOM/labels"
    run_pod pod create --name p --label-file "$ROOM/labels" --label color=blue
    run_pod pod inspect --format '{{.Labels.color}} {{len .Labels}}' p
    assert_output "blue 2"
    run_pod 125 pod create --label-file "$ROOM/nosuch"
    assert_error "unable to process labels: open $ROOM/nosuch: No such file or directory"
    run_pod ps -aq
    assert_equal "${#lines[@]}" 1 "containers: p's, and none of what failed"
    run_pod version --format '{{.Server.Version}}'
    assert_output "$(pod version --format '{{.Client.Version}}')"
}

@test "pod inspect of a pod, a container, an image and a volume: one array; a template for each" {
    run_pod pod create --name many
    run_pod create --name one "$IMAGE"
    run_pod volume create some
    run_pod inspect many one "$IMAGE" some
    assert_equal "$(jq -r 'length, .[0].Name, .[1].Name, .[3].Name' <<<"$output" | tr '\n' ' ')" "4 many one some "
    run_pod inspect --format '{{.Name}}' some one many
    assert_output $'some\none\nmany'
    run_pod 125 inspect one nosuch
    assert_equal "$(jq -r '.[].Name' <<<"$output")" one
    run_pod volume rm some
}

@test "rm --depend: the infra container takes its pod along" {
    run_pod pod create --name whole --network none
    run_pod create --pod whole --name part "$IMAGE" true
    local infra
    infra=$(pod pod inspect --format '{{.InfraContainerID}}' whole)
    run_pod 125 rm "$infra"
    run_pod rm --depend "$infra"
    run_pod 1 pod exists whole
    run_pod 1 container exists part
}

@test "logs, stats and top of all containers of a pod" {
    run_pod pod create --name seen --network none
    run_pod run -d --pod seen --name talks "$IMAGE" sh -c 'echo words; exec sleep 1000'
    run_pod run -d --pod seen --name silent "$IMAGE" sleep 1001
    wait_for 5 sh -c 'pod logs talks | grep -q words'
    run_pod pod logs -n seen
    assert_output "talks words"
    run_pod pod logs -c talks --tail 1 seen
    assert_output words
    run_pod create --name outside "$IMAGE" true
    run_pod 125 pod logs -c outside seen
    assert_error_match "is not in this pod"
    run_pod pod top seen pid args
    assert_equal "$(grep -c PID <<<"$output")" 1
    assert_match "sleep 1000"
    assert_match "sleep 1001"
    run_pod pod top -l
    run_pod pod stats --no-stream --format '{{.Name}}' seen
    assert_equal "$(grep -cE '^(talks|silent)$' <<<"$output")" 2
    run_pod pod stop -t 0 seen
    run_pod 125 pod top seen
    run_pod 125 pod top nobody
    run_pod pod rm -f -t 0 seen
}

@test "init containers: each to its end, in the order they were made, before the others" {
    local say='echo "$0" >>/shared/log'
    run_pod pod create --name p --network none
    run_pod volume create shared
    run_pod create --pod p --name main -v shared:/shared "$IMAGE" sh -c "$say; sleep 1000" main
    run_pod create --pod p --name second --init-ctr always -v shared:/shared "$IMAGE" sh -c "sleep 0.3; $say" first
    run_pod create --pod p --name first --init-ctr once -v shared:/shared "$IMAGE" sh -c "$say" second
    run_pod pod start p
    run_pod pod ps --format '{{.Status}}'
    assert_output Running
    run_pod exec main cat /shared/log
    assert_equal "$(paste -sd ' ' <<<"$output")" "first second main"
    # what was once to run is gone, and a pod that runs needs them not again
    run_pod 1 container exists first
    run_pod pod start p
    run_pod pod stop -t 0 p
    run_pod pod ps --format '{{.Status}}'
    assert_output Exited
    run_pod pod start p
    run_pod exec main cat /shared/log
    assert_equal "$(paste -sd ' ' <<<"$output")" "first second main first main"
    run_pod pod restart p
    run_pod exec main sh -c 'wc -l </shared/log'
    assert_output 7
    # one that fails: nobody after it is started
    run_pod pod stop -t 0 p
    run_pod create --pod p --name fails --init-ctr always "$IMAGE" sh -c 'exit 4'
    run_pod 125 pod start p
    assert_error "init container fails exited with code 4"
    run_pod ps --filter name=main --format '{{.Names}}'
    assert_empty
    run_pod 125 create --init-ctr always "$IMAGE"
    assert_error "must specify pod value with init-ctr"
    run_pod 125 create --pod p --init-ctr twice "$IMAGE"
    assert_error "init-ctr value must be 'always' or 'once'"
    run_pod 125 run --pod p --init-ctr once "$IMAGE"
    assert_error_match "--init-ctr is for pod create"
    run_pod pod rm -f -t 0 p
    run_pod volume rm shared
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# shellcheck disable=SC2089,SC2090  # scripts for the inside are passed as one word
# What a container can see and do by default, beside podman's; and what images and volumes that
# are made with ill will cannot reach.

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    IMAGE_ID=$(pod pull -q "oci:$ROOM/layout:busybox")
    export IMAGE_ID
    pod tag "$IMAGE_ID" localhost/busybox:latest
    mkdir "$ROOM/tools"
    cp "$POD_TEST_TOP/tools/probe" "$ROOM/tools/"
}
setup() {
    IMAGE=localhost/busybox:latest
    BOTH=(pod as_podman)
    command -v podman >/dev/null || BOTH=(pod)
}
teardown() { quietly pod rm -f -t 0 --all; }

# compare ARG...: what `run ARG...` prints is the same under pod and podman
compare() {
    local t
    for t in "${BOTH[@]}"; do
        "$t" run --rm --network none "$@" >"$ROOM/said.$t" 2>"$ROOM/stderr.$t" || true
    done
    [ -e "$ROOM/said.as_podman" ] || skip "needs podman"
    diff "$ROOM/said.as_podman" "$ROOM/said.pod"
}

@test "capabilities: podman's eleven, and nothing for a user or to inherit" {
    local status='grep -E "^(Cap|NoNewPrivs|Seccomp):*" /proc/self/status | tr -d "\t"'
    run_pod run --rm --network none "$IMAGE" sh -c "$status"
    assert_line CapEff:00000000800405fb
    assert_line CapBnd:00000000800405fb
    assert_line CapInh:0000000000000000
    assert_line CapAmb:0000000000000000
    assert_line Seccomp:2
    local option
    for option in "" "--cap-add SYS_ADMIN" "--cap-drop all" "--cap-drop all --cap-add chown" --privileged \
        "--security-opt no-new-privileges" "-u 33"; do
        # shellcheck disable=SC2086 # words
        compare $option "$IMAGE_ID" sh -c "$status"
    done
}

@test "exec: another user has no capabilities, --privileged has them, the filter stays" {
    run_pod run -d --name iso --network none "$IMAGE" sleep 100
    run_pod exec -u 33 iso sh -c 'id -u; grep -E "^(CapEff|CapPrm|Seccomp):" /proc/self/status | tr -d "\t"'
    assert_output "33
CapPrm:0000000000000000
CapEff:0000000000000000
Seccomp:2"
    run_pod exec iso grep CapEff /proc/self/status
    assert_match 00000000800405fb
    run_pod exec --privileged iso grep CapEff /proc/self/status
    refute_match 00000000800405fb
}

@test "system calls: the filter decides as podman's does, save for keyrings and newer calls" {
    local option
    for option in "" "--cap-add SYS_ADMIN" "--cap-add SYS_PTRACE" "--cap-add NET_ADMIN"; do
        # keyctl, add_key, request_key: keyrings know no namespaces; io_pgetevents is harmless;
        # quotactl_fd and what is above are refused in another way or newer than Debian's profile
        # shellcheck disable=SC2086 # words
        compare $option -v "$ROOM/tools:/tools:ro" "$IMAGE_ID" sh -c '/tools/probe syscalls | grep -vE "^(248|249|250|333|44[3-9]|4[5-9].) "' || {
            [ "$(uname -m)" = x86_64 ] || skip "the numbers are x86_64's"
            fail "with «$option»"
        }
    done
    compare --privileged -v "$ROOM/tools:/tools:ro" "$IMAGE_ID" /tools/probe syscalls
}

@test "/dev: the same nodes, modes, owners and links as podman's" {
    compare "$IMAGE_ID" sh -c 'cd /dev; find . | sort | while read -r f; do stat -c "%N %A %u:%g %t,%T" "$f"; done'
    compare "$IMAGE_ID" sh -c 'grep -E "^[^ ]+ /dev(/pts|/shm|/mqueue|/null|)? " /proc/mounts | cut -d " " -f 2-4 | sed "s/relatime,//; s/size=[^,]*,//" | sort'
}

@test "masked paths are empty, read-only ones cannot be written" {
    local look='for f in /proc/acpi /proc/kcore /proc/keys /proc/timer_list /proc/scsi /sys/firmware; do
        [ -e $f ] || continue
        if [ -d $f ]; then ls -A $f; else head -c 20 $f; fi
        echo x 2>/dev/null >$f/x && echo "written: $f"
    done
    for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/irq/default_smp_affinity /sys/kernel/x /proc/sys/kernel/hostname; do
        (echo x >$f) 2>/dev/null && echo "written: $f"
    done
    for f in /proc/asound /proc/bus /proc/fs /proc/irq /proc/sys; do
        [ -d $f ] && touch $f/x 2>/dev/null && echo "written: $f"
    done; echo end'
    run_pod run --rm --network none "$IMAGE" sh -c "$look"
    assert_match 'end$'
    refute_match written
    assert_equal "${lines[-1]}" end
    # read-only down to the last mount, so that remounting the top opens nothing
    run_pod run --rm --network none "$IMAGE" sh -c 'mount -o remount,rw /sys || echo refused; mount -o remount,bind,rw /proc/sys || echo refused'
    assert_output "refused
refused"
}

@test "descriptors of the caller reach neither containers nor helpers that stay" {
    with() { "$@" 5</etc/passwd 7</etc/passwd 9</etc/passwd 13</etc/passwd 20</etc/passwd; }
    quietly "$POD_LIBEXEC/pod-userns" stop # so that its holder is made with them, too
    run_cmd 0 with pod run --rm --network none -v "$ROOM/tools:/tools:ro" "$IMAGE" /tools/probe fds
    assert_empty
    run_cmd 0 with pod run -d --name fds -v "$ROOM/tools:/tools:ro" "$IMAGE" sleep 100
    run_cmd 0 with pod exec fds /tools/probe fds
    assert_empty
    run_cmd 0 with pod exec -i fds /tools/probe fds
    assert_empty
    local pid
    for pid in $(pgrep -u "$(id -u)" 'pod-|slirp4netns|pasta'); do
        ! readlink "/proc/$pid/fd/"* 2>/dev/null | grep -x /etc/passwd ||
            fail "$(tr '\0' ' ' <"/proc/$pid/cmdline") holds it"
    done
}

@test "a working directory cannot be a descriptor's (CVE-2024-21626)" {
    local n
    for n in 3 4 5 6 7 8 9 10 11 12; do
        run_cmd any with_fd pod run --rm --network none -w "/proc/self/fd/$n" "$IMAGE" sh -c 'pwd; ls ../../../../../../etc/shadow /etc/shadow'
        refute_match shadow
    done
    run_pod run -d --name cwd --network none "$IMAGE" sleep 100
    for n in 3 4 5 6 7 8 9 10; do
        run_cmd any with_fd pod exec -w "/proc/self/fd/$n" cwd sh -c 'ls ../../../../../../etc/shadow'
        refute_match shadow
    done
}
with_fd() { "$@" 5</etc 7</; }

# ill_image SCRIPT: an image whose root directory SCRIPT has changed; sets ILL
ill_image() {
    rm -rf "$ROOM/ill" "$ROOM/ill.layout"
    cp -r "$ROOM/busybox" "$ROOM/ill"
    (cd "$ROOM/ill" && sh -euc "$1")
    "$LIB/mkoci" "$ROOM/ill.layout" ill "$ROOM/ill"
    ILL=$(pod pull -q "oci:$ROOM/ill.layout:ill")
}

@test "images with links for directories: nothing is mounted or made outside" {
    mkdir -p "$ROOM/host/sub"
    ill_image "ln -s $ROOM/host dev; ln -s ../../../../../..$ROOM/host etc2; rm -rf etc; ln -s $ROOM/host etc"
    run_pod run --rm --network none -v "$ROOM/tools:/etc2/made:ro" "$ILL" sh -c "ls /etc2/made; ls -d $ROOM/host/made"
    assert_output "probe
$ROOM/host/made"
    assert_equal "$(find "$ROOM/host" | wc -l)" 2
    ill_image 'ln -s /proc/self/root/../../.. up; ln -s /proc/1/root other'
    run_pod any run --rm --network none -v "$ROOM/tools:/other/x" "$ILL" true
    refute_file "$ROOM/host/x"
    ill_image 'mkdir elsewhere; ln -s /elsewhere proc'
    run_pod any run --rm --network none "$ILL" sh -c 'echo ran'
    refute_match ran
    assert_contains "/proc" "$stderr"
}

@test "a mount point that becomes a link between two mounts (CVE-2021-30465)" {
    # the volume holds, where the second mount goes, a link out of the container's root
    mkdir -p "$ROOM/vol" "$ROOM/victim"
    ln -s "../../../../../../../../../../../..$ROOM/victim" "$ROOM/vol/link"
    run_pod run --rm --network none -v "$ROOM/vol:/vol" -v "$ROOM/tools:/vol/link/in" "$IMAGE" sh -c "ls $ROOM/victim/in"
    assert_output probe
    assert_equal "$(ls -A "$ROOM/victim")" ""
}

@test "the runtime is read-only where containers could reach it (CVE-2019-5736)" {
    ill_image 'printf "#!/proc/self/exe\n" >bin/me; chmod 755 bin/me'
    local before
    before=$(cksum <"$POD_LIBEXEC/pod-runtime")
    # it may become its own payload, which is a program like another there: confined, and sealed
    run pod run --rm --network none "$ILL" /bin/me
    [ "$status" -eq 125 ] || [ "$status" -eq 127 ]
    run_pod run -d --name self --network none "$ILL" sh -c 'while :; do for p in /proc/[0-9]*; do
        case $(readlink $p/exe) in */busybox | "") ;; *) echo "$p"; (echo x >$p/exe) && echo written ;; esac; done; done'
    for _ in 1 2 3 4 5 6; do run_pod exec self true; done
    run_pod logs self
    refute_match written
    assert_equal "$(cksum <"$POD_LIBEXEC/pod-runtime")" "$before"
}

@test "a container in a container: the filter leaves mounts to the kernel" {
    run_pod run --rm --network none "$IMAGE" sh -c 'mount -t tmpfs x /tmp || echo refused
        unshare -Urm sh -c "mount -t tmpfs x /tmp && echo mounted"'
    assert_output "refused
mounted"
}

@test "--seccomp-policy=image: the profile in the image's label" {
    run_pod 125 run --rm --network none --seccomp-policy image "$IMAGE" true
    assert_error "no seccomp policy defined by image" \
        "It would be a profile's text in the label io.containers.seccomp.profile"
    local profile='{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}'
    run_pod create --name base "$IMAGE" true
    run_pod commit -q --change "LABEL io.containers.seccomp.profile='$profile'" base localhost/filtered
    run_pod run --rm --network none localhost/filtered mkdir /made
    run_pod run -d --name strict --network none --seccomp-policy image localhost/filtered sleep 1000
    run_pod 1 exec strict mkdir /made
    assert_match "Function not implemented" "$stderr"
    run_pod restart -t 0 strict
    run_pod 1 exec strict mkdir /made
    run_pod commit -q --change 'LABEL io.containers.seccomp.profile={broken' base localhost/broken
    run_pod 125 run --rm --network none --seccomp-policy image localhost/broken true
    assert_error_match "^Error: loading seccomp profile failed: "
    run_pod 125 run --rm --seccomp-policy none "$IMAGE" true
    assert_error 'invalid seccomp policy "none": valid policies are ["default" "image"]'
}

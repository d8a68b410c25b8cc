#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # some words are for an inner shell
# What a machine may lack, shown in namespaces where this user sees such a machine: pod doctor says
# it with the line to type, and a tool that fails for it says the same.

load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
    ME=$(id -un)
    export ME
}
setup() { IMAGE=localhost/busybox:latest; }

# elsewhere MOUNTS COMMAND...: MOUNTS is a shell line, with rights over mounts; COMMAND runs as
# this user, without them. Ids of others look like nobody's there: newuidmap never seems right.
elsewhere() {
    local mounts=$1
    shift
    unshare --user --map-current-user --keep-caps --mount sh -euc "$mounts"'
        exec setpriv --inh-caps=-all --ambient-caps=-all "$@"' sh "$@" 3>&-
}
# The namespace as it is at first: not made yet
no_holder() {
    "$POD_LIBEXEC/pod-userns" stop
    wait_for 5 sh -c '[ "$("$POD_LIBEXEC/pod-userns" info)" = 0 ]'
}
# tools_only DIR [TOOL...]: a PATH with pod, what its shell part needs, and these
tools_only() {
    local dir=$1 tool
    mkdir -p "$dir"
    shift
    ln -sf "$(dirname "$(command -v pod)")"/* "$dir"
    for tool in sh env cat sed grep uname basename dirname readlink setpriv "$@"; do
        ln -sf "$(command -v "$tool")" "$dir/$tool"
    done
}
# finds CHECK STATUS SENTENCE [HINT]: what the JSON says of one check
finds() {
    local got
    got=$(jq -c --arg c "$1" '[.[] | select(.check == $c)][0]' <<<"$output")
    assert_equal "$(jq -r .status <<<"$got")" "$2" "status of $1"
    assert_equal "$(jq -r .message <<<"$got")" "$3" "sentence of $1"
    [ $# -lt 4 ] || assert_equal "$(jq -r .hint <<<"$got")" "$4" "hint of $1"
}

@test "a machine that is fit: nothing fails, exit code 0, one verdict" {
    run_pod doctor
    refute_match "FAIL"
    assert_line "ok    user namespaces can be made"
    assert_line "ok    newuidmap and newgidmap can map them"
    assert_match "Containers can run here, without what is marked WARN.$|containers can run here.$"
    run_pod doctor --format json
    jq -e 'map(.status) | index("fail") | not' <<<"$output"
    run_pod 125 doctor --format yaml
    run_pod 125 doctor nonsense
}

@test "-q leaves out what is well" {
    run_pod doctor -q
    refute_match "(^|[^a-z])ok "
    refute_match "Containers can run"
}

@test "no uidmap: doctor says what that costs; everything runs, in single-id mode" {
    local bin=$ROOM/bin sentence='cannot map user ids: "newuidmap" is not installed'
    tools_only "$bin" slirp4netns
    no_holder
    run_cmd 0 env PATH="$bin" pod doctor --format json
    finds newuidmap warn "$sentence" "Ask the administrator to type: sudo apt install uidmap"
    finds single-id warn "containers have a single user ID (single-id mode)"
    run_cmd 0 env PATH="$bin" pod unshare cat /proc/self/uid_map
    assert_match "^ +0 +$(id -u) +1$"
    run_cmd 0 env PATH="$bin" pod run --rm --network none "$IMAGE" true
    assert_contains "newuidmap" "$stderr"
    assert_contains "is not installed: containers have a single user ID" "$stderr"
    assert_equal "$(wc -l <<<"$stderr")" 1 "lines on stderr"
    run_cmd 0 env PATH="$bin" pod run --rm --network none "$IMAGE" true
    assert_empty_stderr
    no_holder
}

@test "newuidmap without its setuid bit" {
    local copy=$ROOM/plain
    mkdir -p "$copy"
    cp "$(command -v newuidmap)" "$copy/newuidmap"
    chmod 755 "$copy/newuidmap"
    no_holder
    PATH=$copy:$PATH run_pod 1 doctor --format json
    finds newuidmap fail 'cannot map user ids: "newuidmap" is not setuid root' \
        "Ask the administrator to type: sudo chmod u+s $copy/newuidmap"
    PATH=$copy:$PATH run_pod 125 run --rm --network none "$IMAGE" true
    assert_error 'cannot map user ids: "newuidmap" is not setuid root' "sudo chmod u+s $copy/newuidmap"
}

@test "no_new_privs: setuid programs do nothing" {
    no_holder
    run_cmd 1 setpriv --no-new-privs pod doctor -q
    assert_match 'cannot map user ids: "newuidmap" cannot become root: no_new_privs'
    run_cmd 125 setpriv --no-new-privs pod run --rm --network none "$IMAGE" true
    assert_error_match 'cannot map user ids: "newuidmap" cannot become root: no_new_privs'
}

@test "no subordinate ids: a range that is free is named" {
    printf 'root:100000:65536\nother:165536:65536\n' >"$ROOM/subuid"
    printf '%s:300000:65536\n' "$ME" >"$ROOM/subgid"
    local binds="mount --bind $ROOM/subuid /etc/subuid; mount --bind $ROOM/subgid /etc/subgid"
    local sentence="no subordinate uid range for user \"$ME\" in /etc/subuid"
    local hint="sudo usermod --add-subuids 365536-431071 $ME"
    run_cmd any elsewhere "$binds" pod doctor --format json
    finds subids warn "$sentence" "Ask the administrator to type: $hint"
    mkdir -p "$ROOM/fresh"
    run_cmd 0 elsewhere "$binds; export XDG_RUNTIME_DIR=$ROOM/fresh" \
        pod run --rm --network none "$IMAGE" true
    assert_contains "no subordinate uid range for user" "$stderr"
    XDG_RUNTIME_DIR=$ROOM/fresh "$POD_LIBEXEC/pod-userns" stop
}

@test "user.max_user_namespaces=0" {
    local sentence="user namespaces are not available to user \"$ME\": user.max_user_namespaces is 0"
    local hint="sudo sysctl -w user.max_user_namespaces=28633"
    local zero='echo 0 >/proc/sys/user/max_user_namespaces'
    run_cmd 1 elsewhere "$zero" pod doctor --format json
    finds userns fail "$sentence" "Ask the administrator to type: $hint"
    mkdir -p "$ROOM/fresh"
    run_cmd 125 elsewhere "$zero; export XDG_RUNTIME_DIR=$ROOM/fresh" \
        pod run --rm --network none "$IMAGE" true
    assert_error "$sentence" "$hint"
}

# The kernel gives none in a chroot; the setting that is then found is what is blamed.
chrooted() { # SYSCTL VALUE COMMAND...
    local file=$1 value=$2
    shift 2
    mkdir -p "$ROOM/root" "$ROOM/fresh"
    unshare --user --map-current-user --keep-caps --mount sh -euc '
        root=$1 file=$2 value=$3 fresh=$4
        shift 4
        mount --rbind / "$root"
        mount -t tmpfs tmpfs "$root/proc/sys/kernel"
        [ -z "$file" ] || echo "$value" >"$root/proc/sys/kernel/$file"
        export XDG_RUNTIME_DIR=$fresh
        exec unshare --root="$root" setpriv --inh-caps=-all --ambient-caps=-all "$@"' \
        sh "$ROOM/root" "$file" "$value" "$ROOM/fresh" "$@" 3>&-
}
@test "namespaces forbidden: by Debian's sysctl, by AppArmor, by something else" {
    local sentence="user namespaces are not available to user \"$ME\":"
    run_cmd 1 chrooted unprivileged_userns_clone 0 pod doctor --format json
    finds userns fail "$sentence the kernel forbids them (kernel.unprivileged_userns_clone is 0)" \
        "Ask the administrator to type: sudo sysctl -w kernel.unprivileged_userns_clone=1"
    run_cmd 125 chrooted unprivileged_userns_clone 0 pod run --rm --network none "$IMAGE" true
    assert_error "$sentence the kernel forbids them (kernel.unprivileged_userns_clone is 0)" \
        "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    run_cmd 1 chrooted apparmor_restrict_unprivileged_userns 1 pod doctor --format json
    finds userns fail \
        "$sentence AppArmor forbids them (kernel.apparmor_restrict_unprivileged_userns is 1)" \
        "Ask the administrator to type: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    run_cmd 125 chrooted apparmor_restrict_unprivileged_userns 1 \
        pod run --rm --network none "$IMAGE" true
    assert_error "$sentence AppArmor forbids them (kernel.apparmor_restrict_unprivileged_userns is 1)"
    run_cmd 1 chrooted '' '' pod doctor --format json
    finds userns fail "$sentence a security policy or a chroot forbids them"
}

@test "no /dev/net/tun, or one that may not be opened" {
    run_cmd 1 elsewhere 'mount -t tmpfs tmpfs /dev/net' pod doctor --format json
    finds tun fail \
        "cannot open /dev/net/tun, which a container's network needs: No such file or directory" \
        "Ask the administrator to type: sudo modprobe tun"
    run_cmd 1 elsewhere "mount -t tmpfs tmpfs /dev/net; touch /dev/net/tun; chmod 0 /dev/net/tun" \
        pod doctor --format json
    finds tun fail "cannot open /dev/net/tun, which a container's network needs: Permission denied" \
        "Ask the administrator to type: sudo chmod 0666 /dev/net/tun"
}

@test "no overlay in the kernel: fuse-overlayfs, its device, or neither" {
    local zero='echo 0 >/proc/sys/user/max_mnt_namespaces'
    run_cmd any elsewhere "$zero" pod doctor --format json
    finds overlay warn "the kernel mounts no overlay file systems here: fuse-overlayfs does, more slowly"
    run_cmd 1 elsewhere "$zero; touch $ROOM/closed; chmod 0 $ROOM/closed
        mount --bind $ROOM/closed /dev/fuse" pod doctor --format json
    assert_match "and fuse-overlayfs may not open /dev/fuse"
    assert_contains "Ask the administrator to type: sudo chmod 0666 /dev/fuse"
    tools_only "$ROOM/nofuse" newuidmap newgidmap
    run_cmd 1 elsewhere "$zero; export PATH=$ROOM/nofuse" pod doctor --format json
    assert_match "and fuse-overlayfs is not installed"
    assert_contains "Ask the administrator to type: sudo apt install fuse-overlayfs"
}

@test "the store on a file system that cannot hold layers" {
    need fuse-overlayfs
    mkdir -p "$ROOM/fs/"{lower,upper,work,home}
    run_cmd 1 unshare --map-root-user --map-auto --mount sh -euc '
        fuse-overlayfs -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" "$1/home"
        CONTAINERS_STORAGE_CONF=/dev/null XDG_DATA_HOME=$1/home pod doctor --format json' sh "$ROOM/fs"
    finds storage fail \
        "storage at \"$ROOM/fs/home\" is on FUSE, which cannot hold container layers"
    assert_contains storage.conf
}

@test "XDG_RUNTIME_DIR: unset, or not the user's" {
    run_cmd any env -u XDG_RUNTIME_DIR pod doctor --format json
    finds runtime-dir warn "XDG_RUNTIME_DIR is not set"
    assert_match "(export XDG_RUNTIME_DIR=/run/user/$UID|loginctl enable-linger $ME)"
    XDG_RUNTIME_DIR=/ run_pod any doctor --format json
    finds runtime-dir warn "XDG_RUNTIME_DIR: \"/\" is not a directory of user $ME"
}

@test "no network program" {
    tools_only "$ROOM/nonet" newuidmap newgidmap
    run_cmd 1 env PATH="$ROOM/nonet" pod doctor --format json
    finds network fail "could not find slirp4netns, the network namespace can't be configured: exec: \"slirp4netns\": executable file not found in \$PATH" \
        "Ask the administrator to type: sudo apt install slirp4netns"
}

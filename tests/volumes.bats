#!/usr/bin/env bats
# Volumes: made, shown, filled by the first container, packed and unpacked, removed.
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
    quietly pod rm -f -a -t 0
    quietly pod volume rm -f -a
}

none() { # CODE OPTIONS… IMAGE COMMAND…
    local code=$1
    shift
    run_pod "$code" run --rm --network none "$@"
}
where() { pod volume inspect -f '{{.Mountpoint}}' "$1"; }

# image_with TAG CONFIG: the usual image with other words in its config
image_with() {
    umoci config --image "$ROOM/layout:busybox" --tag "$1" "${@:2}"
    run_pod pull -q "oci:$ROOM/layout:$1"
    IMAGE=$output
}

@test "create, ls, exists: names, labels, options, podman's words" {
    run_pod volume create v1
    assert_output v1
    run_pod 125 volume create v1
    assert_error "volume with name v1 already exists: volume already exists"
    run_pod volume create --ignore v1
    run_pod volume create --label a=b --label c -o o=uid=5,gid=6 v2
    run_pod volume create
    assert_match '^[0-9a-f]{64}$'
    run_pod volume ls -q
    assert_equal "${#lines[@]}" 3 "volumes"
    run_pod volume ls --filter name=v
    assert_output "DRIVER      VOLUME NAME
local       v1
local       v2"
    run_pod volume ls --noheading --format 'table {{.Name}}\t{{.Labels}}\t{{.Options}}' --filter label=a=b --filter label=c
    assert_output "v2          map[a:b c:]  map[GID:6 UID:5 o:uid=5,gid=6]"
    run_pod volume ls -q --filter label=a=c
    assert_output ""
    run_pod volume exists v1
    run_pod 1 volume exists v
    run_pod 125 volume create no/good
    assert_error 'running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument'
    run_pod 125 volume create -o foo=bar v3
    assert_error "invalid mount option foo for driver 'local': invalid argument"
    run_pod 125 volume create -d nosuch v3
    assert_error "no volume plugin with name nosuch available: required plugin missing"
    run_pod 125 volume ls --filter bogus=1
    assert_error '"bogus" is an invalid volume filter'
    run_pod volume ls --filter name=nobody
    assert_output ""
}

@test "inspect: podman's keys" {
    need podman
    run_pod volume create --label b=1 --label a=2 v
    as_podman volume create --label b=1 --label a=2 v >/dev/null
    local theirs filter='.[0] | del(.CreatedAt, .Mountpoint)'
    theirs=$(as_podman volume inspect v)
    as_podman volume rm v >/dev/null
    run_pod volume inspect v
    assert_equal "$(jq "$filter" <<<"$output")" "$(jq "$filter" <<<"$theirs")"
    assert_equal "$(head -n 3 <<<"$output")" "$(head -n 3 <<<"$theirs")"
    run_pod volume ls --format json
    assert_equal "$(jq -r '.[0].Name' <<<"$output")" v
    run_pod 125 volume inspect v nosuch
    assert_error "inspecting object: no such volume nosuch"
    assert_equal "$(jq length <<<"$output")" 1
    run_pod volume inspect -f '{{.Name}} {{.UID}} {{.Anonymous}} {{.NeedsCopyUp}} {{.Driver}} {{.Scope}}' v
    assert_output "v 0 false true local local"
    run_pod inspect v
    assert_equal "$(jq -r '.[0].Name' <<<"$output")" v
    run_pod 125 inspect nosuch
    assert_output "[]"
    run_pod 125 inspect --type volume nosuch
    assert_output "[]"
    run_pod 125 volume inspect
    assert_error "provide one or more volume names or use --all"
}

@test "the first container fills a volume: files, owner and mode of the image; nobody does again" {
    none 0 -v v:/etc "$IMAGE" cat /etc/passwd
    local passwd=$output
    [ -n "$passwd" ] || fail "the image's file is not there"
    none 0 -v v:/mnt "$IMAGE" sh -c 'cat /mnt/passwd; echo new >/mnt/passwd; rm /mnt/group'
    assert_output "$passwd"
    none 0 -v v:/etc "$IMAGE" sh -c 'cat /etc/passwd; ls /etc'
    assert_output $'new\npasswd'
    none 0 -v sticky:/tmp "$IMAGE" stat -c '%a %u %g' /tmp
    assert_output "1777 0 0"
    none 0 -v first:/mnt:nocopy "$IMAGE" true
    none 0 -v plain:/etc:nocopy "$IMAGE" ls /etc
    assert_output ""
    none 0 -v plain:/etc "$IMAGE" ls /etc
    assert_output $'group\npasswd'
    none 0 -v wait:/new "$IMAGE" true
    run_pod volume inspect -f '{{.NeedsCopyUp}} {{.NeedsChown}}' wait
    assert_output "true false"
    none 0 -v wait:/etc "$IMAGE" ls /etc
    assert_output $'group\npasswd'
    run_pod volume inspect -f '{{.NeedsCopyUp}} {{.NeedsChown}}' wait
    assert_output "false false"
    # what somebody has put there is his
    run_pod volume create mine
    echo x >"$(where mine)/x"
    none 0 -v mine:/etc "$IMAGE" ls /etc
    assert_output x
}

@test "a new volume belongs to the container's user, also with other ids" {
    none 0 -u 33:44 -v v:/new "$IMAGE" sh -c 'touch /new/f && stat -c "%u %g" /new /new/f'
    assert_output $'33 44\n33 44'
    none 0 --userns keep-id -v k:/new "$IMAGE" sh -c 'touch /new/f && stat -c %u /new'
    assert_output "$(id -u)"
    assert_equal "$(stat -c %u "$(where k)/f")" "$(id -u)"
    none 0 --userns keep-id -v e:/etc "$IMAGE" stat -c '%u %n' /etc /etc/group
    assert_output $'0 /etc\n0 /etc/group'
    run_pod volume create -o o=uid=5,gid=6 o
    none 0 -u 33 -v o:/etc "$IMAGE" sh -c 'stat -c "%u %g" /etc; ls /etc'
    assert_output $'5 6\ngroup\npasswd'
}

@test "crun and runc, fuse-overlayfs, a read-only root: filled all the same" {
    local runtime
    for runtime in crun runc; do
        command -v "$runtime" >/dev/null || continue
        none 0 --runtime "$runtime" -v "$runtime:/etc" "$IMAGE" ls /etc
        assert_output $'group\npasswd'
    done
    POD_ROOTFS=fuse none 0 -v f:/etc "$IMAGE" ls /etc
    assert_output $'group\npasswd'
    none 0 --read-only -v ro:/etc:ro "$IMAGE" ls /etc
    assert_output $'group\npasswd'
}

@test "a link in the image leads nowhere but into the image" {
    mkdir -p "$ROOM/secret"
    echo secret >"$ROOM/secret/file"
    cp -a "$ROOM/busybox" "$ROOM/linked"
    ln -s "$ROOM/secret" "$ROOM/linked/data"
    "$LIB/mkoci" "$ROOM/layout" linked "$ROOM/linked"
    run_pod pull -q "oci:$ROOM/layout:linked"
    run_pod 126 run --rm --network none -v s:/data "$output" ls /data || true
    assert_equal "$(find "$(where s)" -name file)" ""
}

@test "a container that has the volume cannot lead the copy astray" {
    local deep=$ROOM/deep i
    mkdir -p "$ROOM/target"
    cp -a "$ROOM/busybox" "$deep"
    for i in {1..40}; do
        mkdir -p "$deep/data/d$i"
        seq -f "$deep/data/d$i/%g" 50 | xargs touch
    done
    "$LIB/mkoci" "$ROOM/layout" deep "$deep"
    run_pod pull -q "oci:$ROOM/layout:deep"
    local image=$output
    run_pod run -d --name hostile --network none -v race:/mnt "$IMAGE" sh -c \
        "while :; do for d in /mnt/d*; do
            [ -d \$d ] && [ ! -L \$d ] && mv \$d \$d.x && ln -s $ROOM/target \$d; done; done"
    pod exec hostile true
    none 0 -v race:/data "$image" true
    run_pod rm -f -t 0 hostile
    assert_equal "$(find "$ROOM/target" -type f | wc -l)" 0 "files outside"
    rm -rf "$deep"
}

@test "VOLUMEs of the image: anonymous, filled, gone with --rm; tmpfs; ignored" {
    image_with vols --config.volume /etc --config.volume /var/data
    run_pod run -d --name c --network none "$IMAGE" sleep 100
    run_pod volume ls -q
    assert_equal "${#lines[@]}" 2 "volumes"
    run_pod exec c sh -c 'ls /etc; echo x >/var/data/x'
    assert_match passwd
    assert_equal "$(pod inspect -f '{{len .Mounts}}' c)" 2
    assert_equal "$(pod volume ls -q --filter dangling=true)" ""
    run_pod rm -f -t 0 c
    assert_equal "$(pod volume ls -q --filter dangling=true | wc -l)" 2
    run_pod volume prune -f
    none 0 "$IMAGE" true
    none 0 --image-volume ignore "$IMAGE" grep -c ' /var/data ' /proc/mounts || true
    assert_equal "$(pod volume ls -q)" ""
    none 0 --image-volume tmpfs "$IMAGE" grep ' /var/data ' /proc/mounts
    assert_match '^tmpfs /var/data tmpfs'
    none 0 -v "$ROOM:/var/data" "$IMAGE" sh -c 'ls /var/data | grep -c layout'
    none 125 --image-volume nosuch "$IMAGE" true
    assert_error_match 'invalid --image-volume type "nosuch"'
    run_pod run --name one --network none "$IMAGE" true
    run_pod 125 run --name one --network none "$IMAGE" true
    assert_equal "$(pod volume ls -q | wc -l)" 2 "volumes of a container that could not be made"
}

@test "a mount in a mount is there, whatever the order; what the runtime is told is OCI's" {
    none 0 -v inner:/x/y -v outer:/x "$IMAGE" sh -c 'touch /x/y/in && grep -c " /x" /proc/mounts'
    assert_output 2
    assert_file "$(where inner)/in"
    image_with nested --config.volume /data
    none 0 -v inner:/data/sub "$IMAGE" ls /data/sub
    assert_output in
    run_pod run -d --name c --network none -v inner:/x/y:nocopy -v /anonymous "$IMAGE" sleep 100
    run_cmd 0 jq -c '[.mounts[] | keys[]] | unique' "$XDG_RUNTIME_DIR/pod/$output/config.json"
    assert_output '["destination","options","source","type"]'
}

@test "a VOLUME of a hostile image is no way to the host" {
    image_with hostile --config.volume "$ROOM:/stolen" --config.volume / --config.volume relative
    none 0 "$IMAGE" sh -c 'ls /stolen 2>/dev/null; echo done'
    assert_output "done"
}

@test "a directory of the user's as a volume" {
    mkdir -p "$ROOM/site"
    echo hello >"$ROOM/site/index"
    run_pod volume create -o type=none -o o=bind -o device="$ROOM/site" site
    none 0 -v site:/www "$IMAGE" cat /www/index
    assert_output hello
    assert_equal "$(where site)" "$ROOM/site"
    run_pod volume rm site
    assert_file "$ROOM/site/index"
    run_pod volume create -o type=bind -o device="$ROOM/site" site
    none 0 -v site:/www "$IMAGE" cat /www/index
    assert_output hello
    run_pod 125 volume create -o type=bind -o device=/no/such dir
    assert_error "invalid volume option device for driver 'local': stat /no/such: no such file or directory"
    run_pod 125 volume create -o type=nfs -o device=host:/dir nfs
    assert_error 'a volume of type "nfs" needs a mount that no user may make' '-o type=bind'
}

@test "a tmpfs as a volume" {
    run_pod volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,mode=700 t
    none 0 -v t:/t "$IMAGE" sh -c 'grep " /t " /proc/mounts; stat -c %a /t'
    assert_match '^tmpfs /t tmpfs rw,.*size=1024k,mode=700'
    none 1 -v t:/t:ro "$IMAGE" touch /t/x
    run_pod create --name user -v t:/t "$IMAGE"
    run_pod 2 volume rm t
}

@test "mount option U: a directory, a volume, all below belongs to the user" {
    mkdir -p "$ROOM/theirs/sub"
    touch "$ROOM/theirs/sub/file"
    none 0 -u 5:6 -v "$ROOM/theirs:/d:U" "$IMAGE" stat -c '%u %g' /d /d/sub /d/sub/file
    assert_output $'5 6\n5 6\n5 6'
    none 0 --userns keep-id --mount "type=bind,src=$ROOM/theirs,dst=/d,chown=true" "$IMAGE" stat -c %u /d/sub/file
    assert_output "$(id -u)"
    none 0 -u 7 -v u:/tmp:U "$IMAGE" stat -c %u /tmp
    assert_output 7
}

@test "mount option O: what is written stays with the container" {
    mkdir -p "$ROOM/base/sub"
    chmod 750 "$ROOM/base"
    echo old >"$ROOM/base/file"
    none 0 -v "$ROOM/base:/d:O" "$IMAGE" sh -c 'stat -c %a /d; echo new >/d/file; touch /d/sub/x; rm -r /d/sub; cat /d/file'
    assert_output $'750\nnew'
    assert_equal "$(cat "$ROOM/base/file")" old
    [ -d "$ROOM/base/sub" ]
    run_pod create --name c --network none -v "$ROOM/base:/d:O" "$IMAGE" sh -c 'cat /d/file; echo more >>/d/file'
    run_pod start -a c
    assert_output old
    run_pod start -a c
    assert_output $'old\nmore'
    run_pod rm c
    none 0 --userns keep-id -v "$ROOM/base:/d:O" "$IMAGE" sh -c 'cat /d/file; touch /d/mine && stat -c %u /d/mine'
    assert_output $'old\n'"$(id -u)"
    run_pod volume create v
    echo kept >"$(where v)/file"
    none 0 -v v:/d:O "$IMAGE" sh -c 'echo x >/d/file; cat /d/file'
    assert_output x
    assert_equal "$(cat "$(where v)/file")" kept
    if command -v crun >/dev/null; then
        none 0 --runtime crun -v "$ROOM/base:/d:O" "$IMAGE" cat /d/file
        assert_output old
    fi
    none 125 -v "$ROOM/base/file:/f:O" "$IMAGE" true
    assert_error_match 'needs a directory'
    mkdir "$ROOM/a,b"
    none 125 -v "$ROOM/a,b:/d:O" "$IMAGE" true
    assert_error_match 'has a comma'
}

@test "mount: inside pod unshare it prints the place" {
    run_pod volume create v
    run_pod 125 volume mount v
    assert_error 'cannot run command "pod volume mount" in rootless mode, must execute `pod unshare` first'
    run_pod unshare pod volume mount v
    assert_output "$(where v)"
    run_pod volume unmount v
    assert_output v
}

@test "rm and prune: in use, force, several, filters, questions" {
    run_pod volume create free
    run_pod volume create --label keep other
    run_pod create --name user -v used:/x -v /anonymous --network none "$IMAGE" true
    local id=$output
    run_pod 2 volume rm used
    assert_error "volume used is being used by the following container(s): $id: volume is being used" "pod rm"
    run_pod 2 volume rm nosuch used
    assert_error_match 'no volume with name "nosuch" found: no such volume'
    run_pod 1 volume rm nosuch
    run_pod volume rm -f nosuch
    assert_output ""
    run_cmd 125 sh -c 'pod volume prune </dev/null'
    assert_match 'volumes will be removed:
free
other'
    run_cmd 0 sh -c 'echo n | pod volume prune'
    run_pod volume exists free
    run_pod volume prune -f --filter label!=keep
    assert_output free
    run_cmd 0 sh -c 'echo y | pod volume prune'
    assert_match other
    run_pod volume rm -f -t 0 us
    assert_output used
    run_pod 1 container exists user
    run_pod volume rm -a
    run_pod volume ls
    assert_output ""
    run_pod 125 volume rm
    assert_error "choose either one or more volumes or all"
    run_pod volume create aa
    run_pod volume create ab
    run_pod 125 volume rm a
    assert_error 'more than one result for volume name "a": volume already exists'
}

@test "export and import: owners and modes, gzip and zstd, files and pipes" {
    none 0 -v v:/d "$IMAGE" sh -c 'echo x >/d/file; chown 33:44 /d/file; chmod 640 /d/file; ln -s file /d/link; touch /d/.wh.odd'
    run_pod volume export v -o "$ROOM/v.tar"
    assert_equal "$(tar --numeric-owner -tvf "$ROOM/v.tar" file | cut -d ' ' -f 1,2)" "-rw-r----- 33/44"
    local way
    for way in cat gzip zstd; do
        run_pod volume create "$way"
        run_cmd 0 sh -c "$way <'$ROOM/v.tar' | pod volume import $way -"
        none 0 -v "$way:/d" "$IMAGE" sh -c 'stat -c "%a %u %g %n" /d/file; readlink /d/link; ls -A /d'
        assert_output $'640 33 44 /d/file\nfile\n.wh.odd\nfile\nlink'
    done
    run_pod volume import cat "$ROOM/v.tar"
    run_pod 125 volume export nosuch
    assert_error "no such volume nosuch"
    run_pod 125 volume import nosuch "$ROOM/v.tar"
    assert_error "no such volume nosuch"
    run_pod 125 volume import cat /no/such
    assert_error "open /no/such: no such file or directory"
    gzip <"$ROOM/v.tar" | head -c 100 >"$ROOM/short.tar"
    run_pod 125 volume import cat "$ROOM/short.tar"
    assert_error_match 'cannot import'
    run_cmd 125 script -qec "pod volume export v" /dev/null
    assert_match "refusing to export to terminal"
}

@test "import: a link that a container has left leads nowhere" {
    mkdir -p "$ROOM/home" "$ROOM/in/way"
    none 0 -v v:/d "$IMAGE" ln -s "$ROOM/home" /d/way
    echo x >"$ROOM/in/way/file"
    tar -C "$ROOM/in" -cf "$ROOM/in.tar" way/file
    run_pod 125 volume import v "$ROOM/in.tar"
    assert_equal "$(ls "$ROOM/home")" ""
}

@test "a fill that was cut off goes on the next time; two at once do not meet" {
    run_pod volume create v
    local data marker
    data=$(where v)
    marker=${data%/_data}/fresh
    printf c >"$marker"
    mkdir "${data%/_data}/filling"
    touch "${data%/_data}/filling/part"
    echo half >"$data/passwd"
    none 0 -v v:/etc "$IMAGE" sh -c 'cat /etc/passwd; ls /etc'
    assert_output $'half\ngroup\npasswd'
    [ ! -e "$marker" ]
    [ ! -e "${data%/_data}/filling" ]
    local n
    for n in 1 2 3 4 5 6; do
        pod run --rm --network none -v both:/etc "$IMAGE" sh -c 'ls /etc' >"$ROOM/at.$n" 2>&1 3>&- &
    done
    wait
    assert_equal "$(cat "$ROOM"/at.* | sort | uniq -c | tr -s ' ')" $' 6 group\n 6 passwd'
}

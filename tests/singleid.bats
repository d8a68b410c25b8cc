#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # some words are for an inner shell
# Single-id mode: a user without subordinate ids, or without newuidmap, has one id for everything.
load helpers.bash

setup_file() {
    room_open
    FULL=$PATH
    PATH=$(tools_but newuidmap newgidmap)
    export FULL PATH
    make_layout
    pod pull -q "oci:$ROOM/layout:owned" >"$ROOM/id" 2>"$ROOM/first"
    pod tag "$(cat "$ROOM/id")" localhost/owned:latest
    if [ -d "${POD_TEST_CACHE:-}/debian" ]; then
        pod tag "$(pod pull -q "oci:$POD_TEST_CACHE/debian:debian:test")" localhost/debian:test
    fi
}
teardown_file() {
    PATH=$FULL
    room_close
}
setup() { IMAGE=localhost/owned:latest DEBIAN=localhost/debian:test; }
need_image() { pod image exists "$DEBIAN" || skip "needs the Debian image that root makes"; }

# busybox, and in a second layer files of many owners
make_layout() {
    image_busybox "$ROOM/layout" owned
    python3 - "$ROOM/owners.tar" "$ROOM/top.tar" <<'PY'
import sys, tarfile, io
t = tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT)
def add(name, uid, gid, mode=0o644, kind=tarfile.REGTYPE, link="", body=b""):
    i = tarfile.TarInfo(name)
    i.uid, i.gid, i.mode, i.type, i.linkname, i.size = uid, gid, mode, kind, link, len(body)
    t.addfile(i, io.BytesIO(body))
add("owners", 0, 0, 0o755, tarfile.DIRTYPE)
add("owners/www", 33, 33, body=b"www\n")
add("owners/mail", 0, 8, 0o2755, tarfile.DIRTYPE)
add("owners/high", 2000000000, 2000000001, 0o600)
add("owners/hard", 33, 33, kind=tarfile.LNKTYPE, link="owners/www")
add("owners/soft", 5, 6, 0o777, tarfile.SYMTYPE, "www")
add("owners/link", 0, 0, 0o777, tarfile.SYMTYPE, "www")
add("owners/pipe", 7, 9, 0o644, tarfile.FIFOTYPE)
add("owners/renamed", 7, 8, 0o777, tarfile.SYMTYPE, "where")
add("owners/another", 7, 9, 0o777, tarfile.SYMTYPE, "there")
add("owners/modes", 9, 7, 0o644, tarfile.FIFOTYPE)
add("owners/touched", 9, 8, 0o644, tarfile.FIFOTYPE)
add("owners/gone", 7, 9, 0o777, tarfile.SYMTYPE, "there")
add("owners/twice", 7, 7, 0o777, tarfile.SYMTYPE, "www")
add("owners/twice", 0, 0, 0o777, tarfile.SYMTYPE, "www")
add("owners/suid", 0, 4, 0o6755)
add("owners/again", 7, 7)
add("owners/again", 0, 0)
t.close()
t = tarfile.open(sys.argv[2], "w", format=tarfile.PAX_FORMAT)
add("owners", 0, 0, 0o755, tarfile.DIRTYPE)
add("owners/top", 12, 13, 0o777, tarfile.SYMTYPE, "www")
t.close()
PY
    add_layer "$ROOM/layout" owned "$ROOM/owners.tar"
    add_layer "$ROOM/layout" owned "$ROOM/top.tar"
}
add_layer() { # LAYOUT TAG TAR: one more layer on the image
    local old new diff manifest config
    diff=$(sha256sum <"$3" | cut -d ' ' -f 1)
    gzip -nc "$3" >"$1/new"
    local size
    size=$(stat -c %s "$1/new")
    new=$(layout_add "$1" "$1/new")
    manifest=$(layout_manifest "$1:$2")
    old=$(jq -r '.config.digest[7:]' <<<"$manifest")
    jq -c --arg d "sha256:$diff" '.rootfs.diff_ids += [$d]' "$1/blobs/sha256/$old" >"$1/new"
    local csize
    csize=$(stat -c %s "$1/new")
    config=$(layout_add "$1" "$1/new")
    jq -c --arg c "sha256:$config" --argjson cs "$csize" --arg l "sha256:$new" --argjson s "$size" '
        .config.digest = $c | .config.size = $cs | .layers += [{
            mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: $l, size: $s}]' \
        <<<"$manifest" >"$1/new"
    layout_tag "$1" "$2" "$(layout_add "$1" "$1/new")"
}
listing() { tar --numeric-owner -tvf - | awk '{print $1, $2, $6, $7, $8, $9}' | sed 's/ *$//' | sort -k 3; }

@test "it is chosen by itself, and said once in one line" {
    run_cmd 0 cat "$ROOM/first"
    assert_equal "${#lines[@]}" 1 "lines"
    assert_match 'newuidmap.* is not installed: containers have a single user ID'
    run_pod run --rm --network none "$IMAGE" sh -c 'id -u; cat /proc/self/uid_map'
    assert_empty_stderr
    assert_match "^0
 +0 +0 +1$"
    run_pod doctor --format json
    run_cmd 0 jq -r '.[] | select(.check == "single-id") | .status, .message' <<<"$output"
    assert_match "^warn
containers have a single user ID"
}

@test "the owners of a layer are remembered: export, commit and what others read have them" {
    local wanted='-rw------- 2000000000/2000000001 owners/high
-rw-r--r-- 0/0 owners/again
-rw-r--r-- 33/33 owners/hard
-rwsr-sr-x 0/4 owners/suid
drwxr-sr-x 0/8 owners/mail/
hrw-r--r-- 33/33 owners/www link to owners/hard
lrwxrwxrwx 0/0 owners/link -> www
lrwxrwxrwx 0/0 owners/twice -> www
lrwxrwxrwx 12/13 owners/top -> www
lrwxrwxrwx 5/6 owners/soft -> www
lrwxrwxrwx 7/8 owners/renamed -> where
lrwxrwxrwx 7/9 owners/another -> there
lrwxrwxrwx 7/9 owners/gone -> there
prw-r--r-- 7/9 owners/pipe
prw-r--r-- 9/7 owners/modes
prw-r--r-- 9/8 owners/touched'
    run_pod run --name all "$IMAGE" sh -c 'cat /owners/high /owners/www; stat -c "%u:%g" /owners/*'
    assert_match "^www
0:0"
    run_cmd 0 listing < <(pod export all)
    local got
    got=$(grep -E ' owners/.' <<<"$output" | LC_ALL=C sort)
    assert_equal "$got" "$wanted"
    # touched, it is in the next layer with its owner
    run_pod run --name touched "$IMAGE" sh -c 'echo more >>/owners/www; chmod 755 /owners/high; echo new >/new'
    run_pod commit -q touched localhost/touched
    run_cmd 0 env PATH="$FULL" skopeo copy -q "containers-storage:localhost/touched:latest" "oci:$ROOM/out:touched"
    local last
    last=$(layout_manifest "$ROOM/out:touched" | jq -r '.layers[-1].digest[7:]')
    run_cmd 0 listing < <(gzip -dc "$ROOM/out/blobs/sha256/$last")
    assert_line "-rw-r--r-- 33/33 owners/www"
    assert_line "-rwxr-xr-x 2000000000/2000000001 owners/high"
    assert_line "-rw-r--r-- 0/0 new"
    # the layers below are byte for byte what they were
    run_cmd 0 env PATH="$FULL" skopeo copy -q --dest-compress-level 6 "containers-storage:$IMAGE" "dir:$ROOM/dir"
    layout_manifest "$ROOM/layout:owned" >"$ROOM/m"
    local diff
    for diff in $(jq -r '.config.digest[7:]' "$ROOM/m" | xargs -I{} jq -r '.rootfs.diff_ids[][7:]' "$ROOM/layout/blobs/sha256/{}"); do
        grep -q "^$diff " < <(cd "$ROOM/dir" && for f in *; do
            { gzip -dc "$f" 2>/dev/null || cat "$f"; } | sha256sum
        done) || fail "no layer of $diff"
    done
    run_pod rm all touched
}
@test "chown succeeds, is remembered, and goes into the next layer" {
    run_pod run --name owner "$IMAGE" sh -euc '
        mkdir /d; touch /d/f /d/g; ln /d/f /d/h; ln -s f /d/l
        chown 33:34 /d/f; chgrp 5 /d/g; chown -R 9:8 /owners/mail; chown -h 3:3 /d/l
        chown 1:1 /d; chown 0:0 /owners/www; chown nobody /dev/stdout
        cd /d; chown 44:5 ./g; chown 2:2 /nope || echo missing
        touch /suid; chmod 6755 /suid; chown 1 /suid; stat -c %a /suid'
    assert_output "missing
755"
    run_pod commit -q owner localhost/owner
    run_pod run --name again localhost/owner true
    run_cmd 0 listing < <(pod export again)
    assert_line "drwxr-xr-x 1/1 d/"
    assert_line "-rw-r--r-- 33/34 d/f"
    assert_line "-rw-r--r-- 44/5 d/g"
    assert_line "hrw-r--r-- 33/34 d/h link to d/f"
    assert_line "drwxr-sr-x 9/8 owners/mail/"
    assert_match "rw-r--r-- 0/0 owners/www"
    assert_line "-rwxr-xr-x 1/0 suid"
    run_pod rm owner again
}

# The kernel gives these no attribute: what is remembered of them is beside the layer.
@test "so it is of symbolic links and FIFOs, whatever becomes of them" {
    run_pod run -d --name links "$IMAGE" sleep 100
    run_pod exec links sh -euc '
        mkdir /l /v; cd /l
        for n in given moved removed copied kept rooted; do ln -s x $n; chown -h 3:4 $n; done
        mv moved elsewhere; rm removed; ln -s x removed; mv elsewhere /l/moved
        chown -h 3:5 kept; chown -h 0:0 rooted
        ln kept again; mkfifo fifo other; chown 7 fifo
        cd /owners; chown -h 5:9 soft; chown -h 2 link; chown 8 pipe; chown -h 1:1 top
        mv renamed name; ln another one; chmod 600 modes; touch -h twice; touch touched
        ln -s where away; rm gone; ln -s there gone'
    run_pod run -d --name over --tmpfs /owners "$IMAGE" sleep 100
    run_pod exec over ln -sf mine /owners/another
    run_cmd 0 listing < <(pod cp over:/owners -)
    assert_line "lrwxrwxrwx 0/0 owners/another -> mine"
    run_pod rm -f -t 0 over
    run_cmd 0 listing < <(pod cp links:/owners -)
    assert_line "lrwxrwxrwx 5/9 owners/soft -> www"
    assert_line "lrwxrwxrwx 2/0 owners/link -> www"
    run_pod restart -t 0 links
    run_pod exec links sh -euc 'cd /owners; chown -h 6:9 soft; cd /l; chown -h 11:4 given'
    run_pod commit -q links localhost/links
    run_pod rm -f -t 0 links
    run_cmd 0 listing < <(pod export "$(pod create localhost/links)")
    assert_equal "$(grep -E '^[lph].* (l/.|owners/[^wh])' <<<"$output" | LC_ALL=C sort)" \
        "hrwxrwxrwx 3/5 l/kept link to l/again
hrwxrwxrwx 7/9 owners/one link to owners/another
lrwxrwxrwx 0/0 l/removed -> x
lrwxrwxrwx 0/0 l/rooted -> x
lrwxrwxrwx 0/0 owners/away -> where
lrwxrwxrwx 0/0 owners/gone -> there
lrwxrwxrwx 0/0 owners/twice -> www
lrwxrwxrwx 1/1 owners/top -> www
lrwxrwxrwx 11/4 l/given -> x
lrwxrwxrwx 2/0 owners/link -> www
lrwxrwxrwx 3/4 l/copied -> x
lrwxrwxrwx 3/4 l/moved -> x
lrwxrwxrwx 3/5 l/again -> x
lrwxrwxrwx 6/9 owners/soft -> www
lrwxrwxrwx 7/8 owners/name -> where
lrwxrwxrwx 7/9 owners/another -> there
prw------- 9/7 owners/modes
prw-r--r-- 0/0 l/other
prw-r--r-- 7/0 l/fifo
prw-r--r-- 8/0 owners/pipe
prw-r--r-- 9/8 owners/touched"
    # a layer further on, where it is another's by then
    run_pod run --name next localhost/links sh -euc 'cd /owners; mv soft soft2; mv pipe pipe2; ln -s x soft'
    run_cmd 0 listing < <(pod export next)
    assert_line "lrwxrwxrwx 6/9 owners/soft2 -> www"
    assert_line "prw-r--r-- 8/0 owners/pipe2"
    assert_line "lrwxrwxrwx 0/0 owners/soft -> x"
    # squashed, it has them from all layers
    run_pod commit -q --squash "$(pod create localhost/links)" localhost/squashed
    run_cmd 0 listing < <(pod export "$(pod create localhost/squashed)")
    assert_line "lrwxrwxrwx 6/9 owners/soft -> www"
    assert_line "prw-r--r-- 7/0 l/fifo"
    run_pod rm -a
}

@test "links of a fuse-overlayfs, which tells no time of birth" {
    [ -c /dev/fuse ] && need fuse-overlayfs
    local POD_ROOTFS=fuse
    export POD_ROOTFS
    run_pod run -d --name fuse "$IMAGE" sleep 100
    run_pod exec fuse sh -euc 'mkdir /h; cd /h
        for n in 1 2 3 4 5 6 7 8; do ln -s x old; chown -h 5:5 old; rm old; ln -s x new$n; done
        ln -s x given; chown -h 5:6 given; cd /owners; mv renamed name; chown -h 5:9 soft'
    local from
    for from in "pod cp fuse:/ -" "pod export fuse"; do
        # shellcheck disable=SC2086 # words of a command
        run_cmd 0 listing < <($from)
        assert_equal "$(grep -c '^lrwxrwxrwx 0/0 .*h/new' <<<"$output")" 8
        assert_match "lrwxrwxrwx 5/6 [./]*h/given -> x"
        assert_match "lrwxrwxrwx 7/8 [./]*owners/name -> where"
        assert_match "lrwxrwxrwx 5/9 [./]*owners/soft -> www"
        assert_match "lrwxrwxrwx 12/13 [./]*owners/top -> www"
    done
    run_pod rm -f -t 0 fuse
}

@test "a new link is nobody's heir, however soon it gets the number of an old one" {
    need_image
    run_pod run --name heirs --network none -v /v "$DEBIAN" python3 -c '
import os
os.mkdir("/h")
for i in range(50):
    os.symlink("x", "/h/old"); os.lchown("/h/old", 5, 5); os.unlink("/h/old")
    os.symlink("x", "/h/new%d" % i)
os.symlink("x", "/v/volumes"); os.lchown("/v/volumes", 5, 5)
os.mkdir("/e"); os.symlink("1", "/e/1"); os.symlink("2", "/e/2")
os.lchown("/e/1", 1, 1); os.lchown("/e/2", 2, 2)
os.symlink("x", "/h/given"); os.lchown("/h/given", 5, 6)
import socket
socket.socket(socket.AF_UNIX).bind("/h/socket"); os.link("/h/socket", "/h/again") # not for archives
'
    run_cmd 0 listing < <(pod export heirs)
    assert_line "lrwxrwxrwx 5/6 h/given -> x"
    assert_equal "$(grep -c 'lrwxrwxrwx 0/0 h/new' <<<"$output")" 50
    # one of the two ids, of a layer below and then of its own
    run_pod run --name half --network none "$(pod commit -q heirs)" \
        python3 -c 'import os, ctypes
os.lchown("/h/given", -1, 9)
ctypes.CDLL(None).syscall(316, -100, b"/e/1", -100, b"/e/2", 2) # exchanged'
    run_cmd 0 listing < <(pod export half)
    assert_line "lrwxrwxrwx 5/9 h/given -> x"
    if [ "$(uname -m)" = x86_64 ]; then
        assert_line "lrwxrwxrwx 2/2 e/1 -> 2"
        assert_line "lrwxrwxrwx 1/1 e/2 -> 1"
    fi
    run_pod rm heirs half
}

@test "set*id, setgroups and mknod are answered, as whoever checks expects it" {
    need_image
    run_pod run --rm --network none "$DEBIAN" python3 -c '
import os, stat
os.setgroups([12, 13])
os.setresgid(8, 8, 8); os.setresuid(7, 7, 7)
print(os.getresuid(), os.getresgid(), os.getuid(), os.getegid())
for call in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chown("/etc/passwd", 0, 0)):
    try: call(); print("regained")
    except PermissionError: print("refused")
print(os.popen("id -u; id -g").read().split())
'
    assert_output "(7, 7, 7) (8, 8, 8) 7 8
refused
refused
refused
['7', '8']"
    run_pod run --rm --network none "$DEBIAN" sh -c '
        mknod /b b 8 0 && mknod /c c 1 3 && mknod /p p && stat -c "%F" /b /c /p; rm /b /c
        su nobody -s /bin/sh -c "id -un; exec id -un"; setpriv --reuid 33 --regid 33 --clear-groups id -un
        id -un'
    assert_output "regular empty file
regular empty file
fifo
nobody
nobody
www-data
root"
}

@test "without the capability nothing is made believe" {
    run_pod 1 run --rm --network none --cap-drop all "$IMAGE" chown 5 /tmp
    assert_match "chown: /tmp: (Invalid argument|Operation not permitted)" "$stderr"
    run_pod 1 run --rm --network none -u 5 "$IMAGE" chown 6 /tmp
    # and without a profile all is as with one
    local option
    for option in --privileged --security-opt=seccomp=unconfined; do
        run_pod run --rm --network none "$option" "$IMAGE" sh -c 'touch /x && chown 5:5 /x && echo done'
        assert_output "done"
    done
}

@test "the one id is the container's user, whoever that is" {
    need_image
    run_pod run --rm --network none -u nobody "$IMAGE" sh -c 'id -u; id -g; touch /tmp/x; stat -c %u /tmp/x'
    assert_output "65534
65534
65534"
    run_pod run --rm --network none -u 1234:77 --group-add 5 "$IMAGE" sh -c 'id -u; id -g'
    assert_output "1234
77"
    run_pod run --rm --network none --userns keep-id "$IMAGE" id -u
    assert_output "$(id -u)"
    run_pod run --name made -u 1234:77 "$IMAGE" sh -c 'touch /tmp/new; ln -s new /tmp/soft; echo x >>/owners/www || true'
    run_pod run --name kept -u 1234:77 --cap-add chown "$DEBIAN" python3 -c '
import os
os.utime("/etc/os-release", follow_symlinks=False); os.utime("/etc/debian_version")
for p in ("a", "b", "c"): os.symlink("x", "/tmp/" + p); open("/tmp/f" + p, "w")
for p in ("", "f"):
    os.lchown("/tmp/" + p + "a", 0, 0); os.lchown("/tmp/" + p + "b", -1, 5)
    os.lchown("/tmp/" + p + "c", 6, -1)
'
    run_cmd 0 listing < <(pod export "$(pod create "$(pod commit -q kept)")")
    assert_line "lrwxrwxrwx 0/0 etc/os-release -> ../usr/lib/os-release"
    assert_line "-rw-r--r-- 0/0 etc/debian_version"
    assert_line "lrwxrwxrwx 0/0 tmp/a -> x"
    assert_line "lrwxrwxrwx 1234/5 tmp/b -> x"
    assert_line "lrwxrwxrwx 6/77 tmp/c -> x"
    assert_line "-rw-r--r-- 0/0 tmp/fa"
    assert_line "-rw-r--r-- 1234/5 tmp/fb"
    assert_line "-rw-r--r-- 6/77 tmp/fc"
    run_pod commit -q made localhost/made
    run_cmd 0 listing < <(pod export "$(pod create localhost/made)")
    assert_line "-rw-r--r-- 1234/77 tmp/new"
    run_pod run --rm --network none --userns auto "$IMAGE" id -u
    assert_output 0
    run_pod 125 run --rm --network none --userns nomap "$IMAGE" id -u
    assert_error_match "--userns=nomap needs subordinate IDs"
    run_pod run -d --name runs "$IMAGE" sleep 100
    run_pod exec -u 33 runs id -u
    assert_output 0
    assert_match 'user 33 of the container runs as 0, its only user ID' "$stderr"
    run_pod exec runs sh -c 'touch /y && chown 8:8 /y && echo done'
    assert_output "done"
    assert_empty_stderr
    run_pod rm -f -t 0 -a
}

@test "networks, terminals, volumes, secrets, pods, limits of it" {
    local net
    for net in slirp4netns pasta; do
        run_pod run --rm --network "$net" "$IMAGE" sh -c 'ip -o link | grep -vc " lo:"'
        assert_output 1
        run_pod run --rm --network "$net" -u 33 "$IMAGE" sh -c 'ip -o link | grep -vc " lo:"; id -u'
        assert_output "1
33"
    done
    echo word >"$ROOM/word"
    run_pod secret create one "$ROOM/word"
    run_pod run --rm --network none --secret one,uid=5 "$IMAGE" cat /run/secrets/one
    assert_output word
    run_pod volume create --opt o=uid=33,gid=33 owned
    run_pod run --rm --network none -v owned:/v -u 33 "$IMAGE" sh -c 'touch /v/x; stat -c %u /v /v/x'
    assert_output "33
33"
    run_pod run --rm --network none --tmpfs /t:uid=33 --mount type=tmpfs,dst=/u,U=true "$IMAGE" true
    run_cmd 0 script -qec "pod run --rm -it --network none $IMAGE tty" /dev/null
    assert_match "/dev/pts/0"
    run_pod pod create --name group
    run_pod run --rm --pod group "$IMAGE" sh -c 'chown 5 /tmp && id -u'
    assert_output 0
    assert_empty_stderr
    # their user namespace is one: who should be somebody else is told
    run_pod run --rm --pod group -u 33 "$IMAGE" id -u
    assert_output 0
    assert_match 'user 33:0 runs as the only user ID of the containers whose namespaces it shares' "$stderr"
    run_pod create --name member --pod group -u 0:7 "$IMAGE" true
    run_pod start member
    assert_match 'user 0:7 runs as the only user ID' "$stderr"
    run_pod pod create --name bare --share none
    run_pod run --rm --pod bare -u 33 --network none "$IMAGE" id -u
    assert_output 33
    assert_empty_stderr
    run_pod pod rm -f bare
    run_pod pod rm -f group
    run_pod volume rm owned
}

@test "other runtimes have it too" {
    local runtime
    for runtime in crun runc; do
        need "$runtime"
        run_pod run --rm --network none --runtime "$runtime" "$IMAGE" \
            sh -c 'touch /x; chown 33:33 /x && mknod /b b 8 0 && id -u'
        assert_output 0
    done
}

# Of what lies on the host nothing can be reached, whatever path is given.
@test "with the host's processes in sight nothing of the host is reached through /proc" {
    need_image
    echo mine >"$ROOM/mine"
    run_pod run --rm --pid host --network none -e F="$ROOM/mine" -e H="$XDG_RUNTIME_DIR/pod/userns" "$DEBIAN" python3 -c '
import ctypes, os
libc, f = ctypes.CDLL(None), os.environ["F"]
tried = 0
for p in os.listdir("/proc"):
    if not p.isdigit(): continue
    for way in ("root" + f, "root/proc/self/root" + f):
        path = "/proc/%s/%s" % (p, way)
        libc.mknod((path + ".new").encode(), 0o60777, 0x800)
        libc.chown(path.encode(), 4242, 4242); libc.chmod(path.encode(), 0o666)
        tried += 1
print(tried > 3)
'
    assert_output True
    refute_file "$ROOM/mine.new"
    [ -z "$(getfattr -d -m . "$ROOM/mine" 2>/dev/null)" ] || fail "the host's file was reached"
}

@test "a descriptor's name in /proc is the caller's own" {
    need_image
    run_pod run --name named --network none "$DEBIAN" python3 -c '
import os
f = os.open("/f", os.O_CREAT | os.O_WRONLY); os.chown("/proc/self/fd/%d" % f, 44, 45)
g = os.open("/g", os.O_CREAT | os.O_WRONLY); os.chown("/dev/fd/%d" % g, 46, 47)
os.symlink("/dev/fd/%d" % g, "/to-g"); os.symlink("/dev/stdout", "/out")
os.chown("/to-g", 48, 49); os.chown("/out", 1, 1); os.chown("/proc/thread-self/fd/%d" % f, -1, 50)
for p in ("/proc/self/fd/99", "/proc/self/fd/x", "/nope/x"):
    try: os.chown(p, 5, 5)
    except OSError as e: print(e.strerror)
'
    assert_output "No such file or directory
No such file or directory
No such file or directory"
    run_cmd 0 listing < <(pod export named)
    assert_line "-rwxr-xr-x 44/50 f"
    assert_line "-rwxr-xr-x 48/49 g"
    run_pod rm named
}

@test "conditions of a profile hold for what is answered, too" {
    jq '.syscalls |= map(.names -= ["chown", "lchown", "fchown", "fchownat"]) | .syscalls += [{
        names: ["fchownat", "chown"], action: "SCMP_ACT_ALLOW",
        args: [{index: 1, value: 33, op: "SCMP_CMP_EQ"}]}]' "$(dirname "$(readlink -f "$(command -v pod)")")/../share/pod/seccomp.json" >"$ROOM/profile"
    run_pod run --rm --network none --security-opt "seccomp=$ROOM/profile" "$IMAGE" sh -c '
        touch /f; chown 33 /f && echo allowed; chown 34 /f 2>/dev/null || echo refused'
    assert_output "allowed
refused"
}

# Where it is asked for, only a deadly signal interrupts a rename that pod-fakeroot looks at.
@test "the runtime of ours is asked for a filter that signals do not interrupt, others are not" {
    local runtime wanted
    for runtime in pod-runtime runc; do
        [ "$runtime" = pod-runtime ] || command -v "$runtime" >/dev/null || continue
        run_pod run -d --name flags --runtime "$runtime" "$IMAGE" sleep 100
        wanted=null
        if [ "$runtime" = pod-runtime ] && [ "$(printf '%s\n' 5.19 "$(uname -r)" | sort -V | head -n 1)" = 5.19 ]; then
            wanted='["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
        fi
        run_cmd 0 jq -c .linux.seccomp.flags "$XDG_RUNTIME_DIR/pod/$output/config.json"
        assert_output "$wanted"
        run_pod rm -f -t 0 flags
    done
}

@test "paths are the container's, links too" {
    need_image
    echo mine >"$ROOM/mine"
    run_pod run --rm --network none -e F="$ROOM/mine" "$DEBIAN" python3 -c '
import os
f = os.environ["F"]
os.makedirs(os.path.dirname(f)); open(f, "w").write("theirs")
os.symlink("/../../../.." + f, "/link"); os.symlink("/proc/1/root" + f, "/root-link")
for path in (f, "/link", "/root-link", "/../.." + f, "/proc/self/root" + f, "/proc/1/cwd/" + f):
    try: os.chown(path, 5, 6)
    except OSError as e: print(path[:12], e.strerror)
os.mkdir("/jail"); open("/jail/in", "w")
if os.fork() == 0:
    os.chroot("/jail"); os.chdir("/"); os.chown("/in", 5, 5)
    for path in (f, "/../.." + f, "../../../" + f):
        try: os.chown(path, 7, 7); print("out of the jail")
        except OSError: pass
    os._exit(0)
os.wait()
for bad in (0, 1, 2**47 - 1, 2**63):
    import ctypes
    r = ctypes.CDLL(None, use_errno=True).syscall(92, ctypes.c_ulong(bad), 1, 1)
    print(r)
'
    refute_match "out of the jail"
    [ -z "$(getfattr -d -m . "$ROOM/mine" 2>/dev/null)" ] || fail "the host's file was reached"
}

@test "the helper ends with its container; a container that loses it can be ended" {
    run_pod run -d --name first --restart no "$IMAGE" sleep 100
    local helper
    helper=$(pgrep -u "$(id -u)" -n pod-fakeroot)
    run_pod rm -f -t 0 first
    wait_for 5 sh -c "! kill -0 $helper"
    run_pod run -d --name second "$IMAGE" sleep 100
    helper=$(pgrep -u "$(id -u)" -n pod-fakeroot)
    kill -9 "$helper"
    run_pod 125 exec second true
    run_pod ps --format '{{.Names}} {{.State}}'
    assert_output "second running"
    run_pod restart -t 0 second
    run_pod exec second chown 5 /tmp
    run_pod rm -f -t 0 second
    run_pod ps -aq
    assert_empty
}

@test "apt-get installs a package of Debian's from a local file" {
    need_image
    [ -d "$POD_TEST_CACHE/debs" ] || skip "needs the package that root fetches"
    run_pod run --name apt --network none -v "$POD_TEST_CACHE/debs:/debs:ro" "$DEBIAN" \
        sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y /debs/*.deb && dpkg -s plocate | grep Status'
    assert_line "Status: install ok installed"
    run_pod run --rm --network none "$(pod commit -q apt)" plocate --version
    run_cmd 0 listing < <(pod export apt)
    assert_match '-rwxr-sr-x 0/10[0-9] usr/bin/plocate'
    run_pod rm apt
}

@test "when ids can be mapped after all, they are, once nothing runs any more" {
    run_pod run -d --name runs "$IMAGE" sleep 100
    PATH=$FULL run_pod run --rm --network none "$IMAGE" cat /proc/self/uid_map
    assert_match "^ +0 +0 +1$"
    PATH=$FULL run_pod exec runs chown 5 /tmp
    run_pod rm -f -t 0 runs
    # and what was remembered of owners is theirs
    run_pod run --name chowned --network none "$IMAGE" sh -c 'touch /f; chown 33:34 /f; ln -s f /l
        chown -h 35:36 /l; mkfifo /p; chown 37:0 /p; mv /owners/renamed /owners/name'
    run_pod run --name far --network none "$IMAGE" sh -c '
        [ -e /p ] && chown 5:0 /p /f && exit; touch /f; mkfifo /p; chown 2000000000 /p /f
        n=$(printf %0200d 0); p=; for i in $(seq 15); do p=$p/$n; done # deeper than a path is long
        mkdir -p /A$p /B$p; ln -s x /B$p/l; chown -h 5:5 /B$p/l; cd /A$p; mv /B .'
    run_pod run --name begun --network none "$IMAGE" sh -c 'touch /s /t; chown 5:6 /s /t; chmod 6755 /s /t'
    # ended at any step it is done by the next start, set-id bits and all
    local killat=$POD_TEST_TOP/tools/killat n
    [ -x "$killat" ] || killat=$BATS_TEST_DIRNAME/../${BUILD:-build}/tests/killat
    "$POD_LIBEXEC/pod-userns" stop
    PATH=$FULL run_pod unshare cat /proc/self/uid_map
    for n in 1 2 3 4 5 6 7 8 9 10; do
        PATH=$FULL "$killat" pod-reown "$n" "$TMPDIR/hit" \
            pod run --rm --network none "$IMAGE" true >/dev/null 2>&1 || true
    done
    PATH=$FULL run_pod run --rm --network none "$IMAGE" stat -c '%u:%g %a' /owners/www /owners/mail /owners/suid /owners/again /owners/soft /owners/pipe
    assert_output "33:33 644
0:8 2755
0:4 6755
0:0 644
5:6 777
7:9 644"
    PATH=$FULL run_pod commit -q chowned localhost/chowned
    PATH=$FULL run_pod run --rm --network none localhost/chowned stat -c %u:%g /f /owners/www /l /p /owners/name
    assert_output "33:34
33:33
35:36
37:0
7:8"
    run_cmd 0 listing < <(PATH=$FULL pod export begun)
    assert_line "-rwsr-sr-x 5/6 s"
    assert_line "-rwsr-sr-x 5/6 t"
    assert_equal "$(find "$STORE" -name 'owners.*')" "" "left behind"
    # that which nobody has given the user stays remembered, until it really is somebody's
    run_cmd 0 listing < <(PATH=$FULL pod export far)
    assert_line "prw-r--r-- 2000000000/0 p"
    PATH=$FULL run_pod start -a far
    run_cmd 0 listing < <(PATH=$FULL pod export far)
    assert_line "prw-r--r-- 5/0 p"
    assert_line "-rw-r--r-- 5/0 f"
    assert_match "lrwxrwxrwx 5/5 A/.*/B/.*/l -> x"
    PATH=$FULL run_pod store check
    refute_file "$STORE/pod/single-id"
    PATH=$FULL run_pod rm chowned far begun
    PATH=$FULL run_pod run --rm --network none "$IMAGE" sh -c 'wc -l </proc/self/uid_map; touch /x; chown 5 /x; stat -c %u /x'
    assert_output "2
5"
    [ -z "$(pgrep -u "$(id -u)" pod-fakeroot)" ]
}

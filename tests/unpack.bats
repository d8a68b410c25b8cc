#!/usr/bin/env bats
# Layers as strangers write them: what lib/mktar.py makes, against what podman makes of it.
# shellcheck disable=SC2154,SC2016 # run and what we load set output, stderr, …; sh -c has its own $1
load helpers

setup_file() {
    room_open
    mkdir "$ROOM/tars"
    local c
    for c in $("$LIB/mktar.py" good) $("$LIB/mktar.py" ends) $("$LIB/mktar.py" bad); do
        "$LIB/mktar.py" "$c" >"$ROOM/tars/$c"
    done
}
teardown() { pod rmi -f -a >/dev/null 2>&1 || true; }

# What podman refuses although GNU tar and the specifications do not, or shows otherwise on purpose.
NOT_PODMAN=(file-then-whiteout hardlink-again contiguous sparse-gnu duplicates file-to-dir dir-to-file
    dir-to-symlink symlink-to-file symlink-to-dir whiteout-then-file aufs global xattrs)

image_of() { # CASE...: an image of these layers, pulled; sets ID
    local files=()
    local c
    for c; do files+=("$ROOM/tars/$c"); done
    rm -rf "$ROOM/l"
    "$LIB/mklayers.py" "$ROOM/l" x "${files[@]}"
    run_pod pull -q "oci:$ROOM/l:x"
    ID=$output
}
diff_of() { # CASE: its files in the store, when it is the image's first layer
    echo "$STORE/overlay/$(sha256sum <"$ROOM/tars/$1" | cut -d ' ' -f 1)/diff"
}
tree() { # CASE: alone in an image, every file a line
    image_of "$1"
    run_cmd 0 pod unshare "$LIB/trees.py" "$(diff_of "$1")"
}
bytes_come_back() { # CASE...: skopeo puts the archives together again
    image_of "$@"
    rm -rf "$ROOM/dir"
    run_cmd 0 skopeo copy -q "containers-storage:$ID" "dir:$ROOM/dir"
    local c want=''
    for c; do want+=sha256:$(sha256sum <"$ROOM/tars/$c" | cut -d ' ' -f 1)$'\n'; done
    assert_equal "$(jq -r '.layers[].digest' "$ROOM/dir/manifest.json")"$'\n' "$want"
}

@test "every archive comes out of the store byte for byte" {
    # shellcheck disable=SC2046
    bytes_come_back $("$LIB/mktar.py" good)
}

@test "also with an odd end: no trailer, half of one, padding, garbage, another archive behind it" {
    # shellcheck disable=SC2046
    bytes_come_back $("$LIB/mktar.py" ends)
}

@test "the files are podman's: modes, owners, times, links, attributes, whiteouts" {
    local c cases=()
    for c in $("$LIB/mktar.py" good); do
        [[ " ${NOT_PODMAN[*]} " == *" $c "* ]] || cases+=("$c")
    done
    image_of "${cases[@]}"
    local podman=(as_podman --root "$ROOM/peer" --runroot "$XDG_RUNTIME_DIR/peer" --storage-driver overlay)
    run_cmd 0 "${podman[@]}" pull -q "oci:$ROOM/l:x"
    (cd "$STORE/overlay" && find . -mindepth 1 -maxdepth 1 -name '[0-9a-f]*' | sort) >"$ROOM/layers"
    [ "$(wc -l <"$ROOM/layers")" -eq ${#cases[@]} ] || fail "layers: $(cat "$ROOM/layers")"
    local at
    for at in "$STORE" "$ROOM/peer"; do
        (cd "$at/overlay" && sed 's,$,/diff,' "$ROOM/layers" |
            pod unshare xargs "$LIB/trees.py" >"$ROOM/tree.$(basename "$at")")
    done
    run_cmd 0 diff "$ROOM/tree.peer" "$ROOM/tree.storage"
    "${podman[@]}" system reset -f >/dev/null 2>&1 || true
    remove_tree "$ROOM/peer"
}

@test "a whiteout beside its entry hides only what is below" {
    tree whiteout-then-file
    assert_match "'d' d[^
]*user.overlay.opaque=79"
    assert_match "'f' -rw-r--r-- 644"
    tree file-then-whiteout
    assert_match "'f' -rw-r--r-- 644"
    tree opaque-last
    assert_match "'d' d[^
]*user.overlay.opaque=79"
}

@test "what an archive says twice: the last word counts" {
    tree duplicates
    assert_match "'f' -rw------- 600"
    assert_match "'l' .* -> 'b'"
    assert_match "'d' drwx--x--x 711"
    assert_match "'d/x' -rw"
    tree file-to-dir
    assert_match "'x' drwx"
    assert_match "'x/y' -rw"
    tree dir-to-file
    assert_match "'x' -rw"
    refute_match "x/y"
    tree dir-to-symlink
    assert_match "'x' l.*-> 't'"
    tree symlink-to-file
    assert_match "'x' -rw.* 300 "
    assert_match "'t/keep' -rw.* 700 "
    tree symlink-to-dir
    assert_match "'t' drwx------ 700"
    assert_match "'x' drwx--x--x 711"
    tree hardlink-again
    assert_match "'g' [^
]* = 'f'"
    assert_match "'o' [^
]* = 'f'"
}

@test "sparse files of GNU tar have holes; contiguous and v7 files are files" {
    tree sparse-gnu
    assert_match "'s' -rw[^
]* 100000 "
    assert_match "'many' -rw[^
]* 9000 "
    assert_match "'hole' -rw[^
]* 70000 "
    [ "$(stat -c %b "$(diff_of sparse-gnu)/hole")" -lt 64 ] || fail "the hole has blocks"
    tree contiguous
    assert_match "'c' -rw"
}

@test "a layer cannot set the store's own marks; metadata of aufs is passed over" {
    tree xattrs
    assert_match "user.bin=00ff0a3d"
    refute_match "user.overlay"
    tree aufs
    assert_equal "$(wc -l <<<"$output")" 2
}

@test "what must be refused: one sentence, 125, nothing in the store" {
    local c
    for c in $("$LIB/mktar.py" bad); do
        rm -rf "$ROOM/l"
        "$LIB/mklayers.py" "$ROOM/l" x "$ROOM/tars/$c"
        run_pod 125 pull -q "oci:$ROOM/l:x"
        assert_empty
        assert_match '^Error: ' "$stderr"
        [ "$c" = unmapped-uid ] || assert_equal "$(wc -l <<<"$stderr")" 1 "lines about $c"
    done
    assert_equal "$(find "$STORE/overlay" -mindepth 1 -maxdepth 1 -name '[0-9a-f]*')" ""
    assert_equal "$(find "$STORE/pod/staging" -mindepth 1)" ""
    refute_file "$STORE/escape"
    refute_file "$STORE/pod/staging/escape"
}

@test "gzip of several members, with zeros behind; zstd of several frames, a skippable one" {
    local t=$ROOM/tars
    { head -c 800 "$t/hardlinks" | gzip -c; tail -c +801 "$t/hardlinks" | gzip -c; } >"$t/members"
    { gzip -c "$t/hardlinks"; } >"$t/plain-gz"
    { head -c 800 "$t/hardlinks" | zstd -c; printf '\x50\x2a\x4d\x18\x04\0\0\0abcd'
        tail -c +801 "$t/hardlinks" | zstd -c; } >"$t/frames"
    image_of members
    run_cmd 0 pod unshare "$LIB/trees.py" "$(diff_of hardlinks)"
    assert_match "'g' "
    pod rmi -f -a >/dev/null
    image_of frames
    run_cmd 0 pod unshare "$LIB/trees.py" "$(diff_of hardlinks)"
    assert_match "'g' "
}

@test "gzip and zstd that are cut short or damaged, or have noise behind them" {
    local t=$ROOM/tars f
    gzip -c "$t/long-names" >"$t/gz"
    zstd -q -c "$t/long-names" >"$t/zst"
    head -c -9 "$t/gz" >"$t/cut-gz"
    head -c -9 "$t/zst" >"$t/cut-zst"
    { cat "$t/gz"; echo noise; } >"$t/noise-gz"
    { cat "$t/zst"; echo noise; } >"$t/noise-zst"
    for f in cut-gz cut-zst noise-gz noise-zst; do
        rm -rf "$ROOM/l"
        "$LIB/mklayers.py" "$ROOM/l" x "$t/$f"
        run_pod 125 pull -q "oci:$ROOM/l:x"
        assert_match '^Error: ' "$stderr"
    done
}

@test "a bomb stops where the disk ends, and says so" {
    head -c 300000000 /dev/zero >"$ROOM/zeros"
    tar -C "$ROOM" -c zeros | gzip -1 >"$ROOM/bomb"
    rm "$ROOM/zeros"
    mkdir "$ROOM/small"
    # shellcheck disable=SC2016
    run_cmd 125 unshare --map-root-user --map-auto --mount sh -c '
        mount -t tmpfs -o size=8m none "$1" && mkdir "$1/d" &&
        exec "$POD_LIBEXEC/pod-unpack" --dir "$1/d" --no-split <"$2" 3>/dev/null' - "$ROOM/small" "$ROOM/bomb"
    assert_error "write /zeros: no space left on device" "free some space"
}

@test "twenty thousand tiny files" {
    python3 -c '
import tarfile
with tarfile.open("'"$ROOM"'/tars/tiny", "w", format=tarfile.GNU_FORMAT) as t:
    for i in range(20000):
        t.addfile(tarfile.TarInfo("d%d/f%d" % (i % 300, i)))'
    image_of tiny
    assert_equal "$(find "$(diff_of tiny)" -type f | wc -l)" 20000
}

@test "the process that unpacks has no network, no other root, few capabilities, few system calls" {
    [ -z "${ASAN_OPTIONS:-}" ] || skip "the sanitizers need more system calls"
    mkfifo "$ROOM/fifo"
    mkdir "$ROOM/d"
    # shellcheck disable=SC2016
    pod unshare sh -c '"$POD_LIBEXEC/pod-unpack" --dir "$1/d" --no-split <"$1/fifo" 3>/dev/null & echo $! >"$1/pid"; wait' - \
        "$ROOM" 3>&- &
    exec 9>"$ROOM/fifo"
    head -c 700 "$ROOM/tars/owners" >&9
    wait_for 10 test -s "$ROOM/pid"
    local pid
    pid=$(cat "$ROOM/pid")
    wait_for 10 grep -q '^Seccomp:.*2' "/proc/$pid/status"
    run_cmd 0 grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd|CapPrm|Threads):' "/proc/$pid/status"
    assert_match 'NoNewPrivs:.1'
    assert_match 'CapEff:.000000008000001b' # chown, dac_override, fowner, fsetid, setfcap
    assert_match 'CapPrm:.000000008000001b'
    # shellcheck disable=SC2016
    run_cmd 0 pod unshare sh -c '
        readlink /proc/self/ns/net /proc/$1/ns/net | uniq | wc -l
        readlink /proc/self/ns/mnt /proc/$1/ns/mnt | uniq | wc -l
        readlink /proc/$1/root; ls /proc/$1/fd | tr "\n" " "' - "$pid"
    assert_equal "$(sed -n 1,2p <<<"$output")" $'2\n2' "own network and mounts"
    assert_line "$ROOM/d"
    assert_match '0 1 2 3 '
    exec 9>&-
    wait
}

@test "whoever takes that process over: no way out, no socket, no program, no new code" {
    [ -x "$POD_TEST_TOP/tools/confined" ] || skip "the test's own tool is not built"
    local confined=$POD_TEST_TOP/tools/confined wish
    [ -z "${ASAN_OPTIONS:-}" ] || skip "the sanitizers need more system calls"
    mkdir -p "$ROOM/jail/etc"
    run_cmd 0 pod unshare "$confined" "$ROOM/jail" nothing
    run_cmd 0 pod unshare "$confined" "$ROOM/jail" make /../../../../tmp-file
    assert_file "$ROOM/jail/tmp-file"
    run_cmd 2 pod unshare "$confined" "$ROOM/jail" read /../../etc/passwd
    run_cmd 2 pod unshare "$confined" "$ROOM/jail" read /proc/self/status
    run_cmd 9 pod unshare "$confined" "$ROOM/jail" left
    for wish in socket exec fork chroot mount unshare ptrace code; do
        run_cmd 159 pod unshare "$confined" "$ROOM/jail" "$wish"
    done
}

# `pod cp` unpacks where a container may move directories about meanwhile.
@test "a directory that is moved away leads nowhere by its links" {
    mkdir -p "$ROOM/moved/tree" "$ROOM/moved/secret"
    echo old >"$ROOM/moved/secret/mode"
    chmod 600 "$ROOM/moved/secret/mode"
    # shellcheck disable=SC2016
    run_cmd 0 pod unshare python3 -c '
import io, os, subprocess, sys, tarfile, time
top, unpack = sys.argv[1:]
p = subprocess.Popen([unpack, "--dir", top + "/tree", "--no-split", "--plain"], stdin=subprocess.PIPE,
                     stderr=subprocess.DEVNULL)
def entry(name, kind=tarfile.REGTYPE, body=b"", link=""):
    i = tarfile.TarInfo(name)
    i.type, i.size, i.mode, i.linkname = kind, len(body), 0o666, link
    p.stdin.write(i.tobuf() + body + b"\0" * (-len(body) % 512))
    p.stdin.flush()
def wait(path):
    for _ in range(500):
        if os.path.lexists(path): return
        time.sleep(0.01)
    raise SystemExit("not unpacked: " + path)
entry("d/m"); entry("d/pad", body=bytes(8 << 20)); wait(top + "/tree/d/m") # what is read ahead
os.rename(top + "/tree/d", top + "/d")
os.symlink("../secret", top + "/d/z")
try:
    entry("d/z/evil", body=b"x"); entry("d/z/mode", body=b"x"); p.stdin.close()
except BrokenPipeError: pass
print(p.wait() != 0, sorted(os.listdir(top + "/secret")), open(top + "/secret/mode").read())
' "$ROOM/moved" "$POD_LIBEXEC/pod-unpack"
    assert_match "True \['mode'\] old"
}

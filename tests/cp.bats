#!/usr/bin/env bats
# pod cp: into containers and out of them, running or not, and what a hostile one tries.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr…; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_layers "$ROOM/layout" layers
    pod tag "$(pod pull -q "oci:$ROOM/layout:layers")" localhost/layers:latest
}
setup() {
    IMAGE=localhost/layers:latest
    HERE=$BATS_TEST_TMPDIR
    mkdir -p "$HERE/d/sub"
    echo first >"$HERE/f"
    echo deep >"$HERE/d/sub/deep"
    ln -s ../../f "$HERE/d/sub/up"
    cd "$HERE" || return
}
teardown() { quietly pod rm -f -a -t 0; quietly pod volume rm -f vol; }

# both: one that runs and one that never did, under the names run and idle
both() {
    run_pod run -d --name run --network none "$@" "$IMAGE" sleep 100
    run_pod create --name idle --network none "$@" "$IMAGE" true
}
names() { pod cp "$1" - | tar -t; }

@test "cp: a file, into a directory and under a new name, and back" {
    both
    for c in run idle; do
        run_pod cp f "$c:/tmp"
        assert_output ""
        run_pod cp f "$c:/tmp/other"
        run_pod cp "$c:/tmp/other" back
        assert_equal "$(cat back)" first
        rm back
        run_pod cp "$c:tmp/f" d/
        assert_equal "$(cat d/f)" first
        rm d/f
        run_pod cp -- "$c:/tmp/f" .
    done
    run_pod exec run cat /tmp/f /tmp/other
    assert_output $'first\nfirst'
}

@test "cp: a directory: into one, as a new one, only what is in it" {
    both
    for c in run idle; do
        run_pod cp d "$c:/tmp"
        assert_equal "$(names "$c:/tmp/d")" $'d/\nd/sub/\nd/sub/deep\nd/sub/up'
        run_pod cp d "$c:/tmp/new"
        assert_equal "$(names "$c:/tmp/new/.")" $'sub/\nsub/deep\nsub/up'
        run_pod cp d/. "$c:/tmp/new2"
        assert_equal "$(names "$c:/tmp/new2")" $'new2/\nnew2/sub/\nnew2/sub/deep\nnew2/sub/up'
        run_pod cp d/. "$c:/var"
        assert_equal "$(names "$c:/var/sub")" $'sub/\nsub/deep\nsub/up'
        run_pod cp "$c:/tmp/new" out
        assert_equal "$(readlink out/sub/up)" ../../f
        run_pod cp "$c:/tmp/new/." out
        run_pod cp "$c:/tmp/new" out
        assert_equal "$(cat out/new/sub/deep)" deep
        rm -r out
    done
}

@test "cp: many at a time, to one that does not run" {
    run_pod create --name idle --network none "$IMAGE" cat /tmp/1 /tmp/2 /tmp/3 /tmp/4
    for i in 1 2 3 4; do
        pod cp f "idle:/tmp/$i" &
    done
    wait
    run_pod start -a idle
    assert_output $'first\nfirst\nfirst\nfirst'
}

@test "cp: from container to container" {
    both
    run_pod exec run sh -c 'mkdir /data; echo one >/data/one'
    run_pod cp run:/data idle:/srv
    run_pod cp idle:/srv run:/again
    for i in 1 2 3 4 5 6 7 8; do run_pod cp idle:/srv/one idle:/two; done
    run_pod cp run:/again/one run:/again/two
    run_pod 125 cp run:/again run:/again/into
    assert_error 'cannot copy the directory "/again" into itself'
    run_pod 125 cp run:/ run:/tmp
    assert_error 'cannot copy the directory "/" into itself'
    run_pod cp run:/again run:/again2
    run_pod exec run cat /again/one /again/two
    assert_output $'one\none'
    assert_equal "$(pod cp idle:/two - | tar -xO)" one
}

@test "cp: whose the copies are" {
    run_pod run -d --name own --network none --user 7:9 "$IMAGE" sleep 100
    mkdir ids
    cp f ids
    run_pod cp ids own:/tmp
    run_pod exec own stat -c '%u:%g' /tmp/ids /tmp/ids/f
    assert_output $'7:9\n7:9'
    run_pod cp -a=false f own:/tmp/mine
    run_pod exec own stat -c '%u:%g' /tmp/mine
    assert_output 0:0
    run_pod cp own:/tmp/ids back
    assert_equal "$(stat -c %u back/f)" "$(id -u)"
    run_pod run -d --name keep --network none --userns keep-id "$IMAGE" sleep 100
    run_pod cp f keep:/tmp/f
    run_pod exec keep stat -c %u /tmp/f
    assert_output "$(id -u)"
    run_pod cp keep:/etc/passwd .
    run_pod stop -t 0 keep
    run_pod cp f keep:/tmp/g
    run_pod start keep
    run_pod exec keep stat -c %u /tmp/g
    assert_output "$(id -u)"
}

@test "cp: volumes and mounts count, and read-only ones are kept so" {
    mkdir bound
    both -v vol:/vol -v "$HERE/bound:/bound" -v "$HERE/d:/ro:ro" --tmpfs /scratch
    for c in run idle; do
        run_pod cp f "$c:/vol/$c"
        run_pod cp f "$c:/bound/$c"
        run_pod 125 cp f "$c:/ro/no"
        assert_error_match "read-only file system"
        run_pod cp "$c:/ro/sub/deep" "deep.$c"
    done
    run_pod run --rm --network none -v vol:/v "$IMAGE" ls /v
    assert_output $'idle\nrun'
    assert_equal "$(ls bound)" $'idle\nrun'
    run_pod cp f run:/scratch
    run_pod exec run cat /scratch/f
    assert_output first
    [ ! -e d/no ]
}

@test "cp: archives on standard input and output" {
    both
    for c in run idle; do
        run_cmd 0 sh -c "tar -c d | pod cp - $c:/tmp"
        run_cmd 0 sh -c "tar -cz f | pod cp - $c:/tmp"
        assert_equal "$(names "$c:/tmp/d")" $'d/\nd/sub/\nd/sub/deep\nd/sub/up'
        assert_equal "$(names "$c:/tmp/f")" f
        run_cmd 125 sh -c "echo no archive | pod cp - $c:/tmp"
        assert_error "source must be a (compressed) tar archive when copying from stdin" "What came was none"
        run_cmd 125 sh -c "tar -c d | pod cp - $c:/tmp/f"
        assert_error_match "destination must be a directory when copying from stdin"
        run_cmd 125 sh -c "tar -c d | pod cp - $c:/nosuch"
        assert_error_match "destination must be a directory when copying from stdin"
    done
    run_cmd 0 sh -c 'pod cp run:/ - | head -c 1 >/dev/null'
    assert_equal "$stderr" ""
}

@test "cp: what is not there, and what cannot become what it is not" {
    both
    for c in run idle; do
        run_pod cp f "$c:/tmp/f"
        run_pod 125 cp nosuch "$c:/tmp"
        assert_error_match '"nosuch" could not be found on the host'
        run_pod 125 cp "$c:/nosuch" .
        assert_error_match "\"/nosuch\" could not be found on container $c: no such file or directory"
        run_pod 125 cp "$c:/tmp/*" .
        assert_error_match "could not be found on container $c"
        run_pod 125 cp f "$c:/nosuch/"
        assert_error_match "\"/nosuch/\" could not be found on container $c"
        run_pod 125 cp f "$c:/no/such/f"
        assert_error_match "could not be found on container $c"
        run_pod 125 cp d "$c:/tmp/f"
        assert_error_match "destination must be a directory when copying a directory"
    done
    run_pod 125 cp run:/etc f
    assert_error_match "destination must be a directory when copying a directory"
    run_pod 125 cp f nosuch:/tmp
    assert_error_match 'no container with name or ID "nosuch" found: no such container'
    run_pod 125 cp f d
    assert_error_match "exactly 1 container expected but none specified"
    run_pod 125 cp f
    run_cmd 125 bash -c 'pod cp run:/tmp/f /dev/stdout | cat; exit ${PIPESTATUS[0]}'
    assert_error_match 'invalid destination: "/dev/stdout" must be a directory or a regular file'
}

@test "cp --overwrite: a directory and a file in each other's place" {
    run_pod run -d --name box --network none "$IMAGE" sh -c 'mkdir -p /tmp/f /tmp/x; touch /tmp/x/d; sleep 100'
    until pod exec box test -e /tmp/x/d; do :; done
    run_pod 125 cp f box:/tmp
    assert_error_match 'error creating "/tmp/f": .*: file exists'
    run_pod 125 cp d box:/tmp/x
    assert_error_match 'error creating "/tmp/x/d": .*: file exists'
    run_pod cp --overwrite f box:/tmp
    run_pod cp --overwrite d box:/tmp/x
    run_pod exec box cat /tmp/f /tmp/x/d/sub/deep
    assert_output $'first\ndeep'
}

@test "cp: links lead nowhere out of a container" {
    run_pod run -d --name evil --network none "$IMAGE" sh -c "
        ln -s $HERE/f /tmp/link; ln -s $HERE /tmp/dir; ln -s ../../../../../../..$HERE/f /tmp/up
        ln -s /tmp/made /tmp/dangling; ln -s loop /tmp/loop; ln -s . /tmp/dot; echo in >/inside
        ln -s /inside /tmp/in; sleep 100"
    until pod exec evil test -L /tmp/in; do :; done
    for path in link up dir/f loop; do
        run_pod 125 cp "evil:/tmp/$path" stolen
        assert_error_match "could not be found on container evil"
    done
    run_pod cp evil:/tmp/in got
    assert_equal "$(cat got)" in
    run_pod cp evil:/tmp/dot/in got
    run_pod 125 cp d evil:/tmp/dir/x
    run_pod cp f evil:/tmp/dangling
    run_pod exec evil cat /tmp/made
    assert_output first
    run_pod cp evil:/tmp/../../../.. top
    [ -e top/inside ]
    [ ! -e "$HERE/x" ]
    [ ! -e stolen ]
}

@test "cp: a container that swaps a directory for a link all the time" {
    run_pod run -d --name swap --network none "$IMAGE" sh -c "
        mkdir /a /a/t /b; echo in >/a/t/f; ln -s $HERE /b/t
        while :; do mv /a/t /c && mv /b/t /a/t && mv /a/t /b/t && mv /c /a/t; done"
    until pod exec swap test -e /b; do :; done
    mkdir out
    echo host >"$HERE/secret"
    for ((i = 0; i < 20; i++)); do
        pod cp swap:/a/t/. out 2>/dev/null || true
        pod cp swap:/a out 2>/dev/null || true
        pod cp d swap:/a/t/new 2>/dev/null || true
    done
    run_cmd 0 find out -name secret
    assert_empty
    [ ! -e new ]
}

@test "cp: a container that does not run starts when the copy is made, and nothing stays mounted" {
    run_pod create --name idle --network none "$IMAGE" cat /tmp/late
    mkfifo pipe
    (tar -c f --transform s,f,late,; sleep 1) >pipe &
    pod cp - idle:/tmp <pipe &
    local copy=$!
    sleep 0.3
    run_pod start -a idle
    wait "$copy"
    assert_output first
    run_cmd 1 grep "$STORE/pod" /proc/self/mountinfo
}

@test "cp of a container with ids of its own: an archive has those that it sees" {
    local mode
    seen() { tar -tv --numeric-owner -f - | awk '{print $2, $6}' | sort -k 2 | paste -sd ' '; }
    for mode in keep-id auto; do
        run_pod run -d --name maps --userns "$mode" --user 0 --network none "$IMAGE" sh -c '
            mkdir /own; touch /own/root /own/five; chown 5:6 /own/five; touch /own/z; sleep 100'
        wait_for 10 pod exec maps test -e /own/z
        assert_equal "$(pod cp maps:/own - | seen)" "0/0 own/ 5/6 own/five 0/0 own/root 0/0 own/z" "$mode, running"
        # and back, with its owners or as the container's user
        run_cmd 0 sh -c 'pod cp maps:/own - | pod cp -a=false - maps:/tmp'
        run_pod exec maps stat -c '%u:%g' /tmp/own/five
        assert_output 5:6
        run_cmd 0 sh -c 'pod cp maps:/own/five - | pod cp - maps:/tmp/own'
        run_pod exec maps stat -c '%u:%g' /tmp/own/five
        assert_output 0:0
        run_pod stop -t 0 maps
        assert_equal "$(pod cp maps:/own - | seen)" "0/0 own/ 5/6 own/five 0/0 own/root 0/0 own/z" "$mode, stopped"
        # marks of fuse-overlayfs are none of its files
        assert_equal "$(pod export maps | tar -t -f - | grep -c '\.wh\.' || true)" 0
        run_pod rm maps
    done
}

@test "a name may be that of a place holder" {
    run_pod run -d --name holders --network none "$IMAGE" sh -c 'mkdir /w; echo a >"/w/{root}"; echo b >"/w/{}"; sleep 100'
    wait_for 5 pod exec holders test -e '/w/{}'
    local name
    for name in '{}' '{root}'; do
        run_pod cp "holders:/w/$name" "$ROOM/out$name"
        [ ! -L "$ROOM/out$name" ]
        run_pod cp "$ROOM/out$name" "holders:/w/2$name"
        mkdir -p "$ROOM/dir"
        run_pod cp "holders:/w/$name" "$ROOM/dir/$name"
        run_pod cp "$ROOM/dir/$name" "holders:/w/$name"
        run_pod exec holders cat "/w/$name" "/w/2$name"
        assert_equal "${#lines[@]}" 2 "lines"
    done
    run_cmd 0 cat "$ROOM/out{}" "$ROOM/dir/{root}"
    assert_output "b
a"
    run_pod rm -f -t 0 holders
}

@test "pod-pack --root of another place: nothing is asked of the layers" {
    mkdir -p "$ROOM/o/layer" "$ROOM/o/d" "$ROOM/o/much/longer/than/that"
    ln -s x "$ROOM/o/d/l"
    echo "1 0.000000000 5:6" >"$ROOM/o/owners"
    run_cmd 0 sh -c 'pod unshare "$POD_LIBEXEC/pod-pack" --owners "$1/layer" --root "$1/much/longer/than/that" "$1/d" 3>/dev/null |
        tar --numeric-owner -tvf -' - "$ROOM/o"
    assert_match "0/0 .* l -> x"
}

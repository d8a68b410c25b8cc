#!/usr/bin/env bats
# pod commit and pod import: images from containers and archives, for us and for other engines.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr…; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_layers "$ROOM/layout" layers
    pod tag "$(pod pull -q "oci:$ROOM/layout:layers")" localhost/layers:latest
}
setup() { IMAGE=localhost/layers:latest; }
teardown() {
    quietly pod rm -f -a -t 0
    quietly pod rmi -f made
}

changing='rm /etc/group; rm -r /d; mkdir /d; echo y >/d/f; ln /d/f /d/again; chown 7:9 /d/f; chmod 4711 /d/f
    ln -s nowhere /link; mkfifo /fifo; head -c 300000 /dev/zero >/big; mkdir -p /n/e/w'
listing='find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /etc/hosts -o -path \
    /etc/hostname -o -path /etc/mtab -o -path /etc/resolv.conf \) -prune -o ! -type d -exec stat -c "%n %A %u:%g %s %h" {} + | sort'

@test "commit: the files are the container's, for pod, podman and skopeo" {
    need podman skopeo
    run_pod run --name c --network none "$IMAGE" sh -c "$changing; $listing"
    local wanted=$output
    run_pod commit c made
    assert_match '^[0-9a-f]{64}$'
    local id=$output
    run_pod images --no-trunc -q made
    assert_output "sha256:$id"
    run_pod run --rm --network none made sh -c "$listing"
    assert_output "$wanted"
    assert_equal "$(as_podman run --rm --network none localhost/made sh -c "$listing")" "$wanted"
    run_cmd 0 skopeo copy -q containers-storage:localhost/made:latest "oci:$ROOM/out:made"
    run_cmd 0 pod rmi -f made
    quietly pod rm -f c
    run_pod pull -q "oci:$ROOM/out:made"
    run_pod run --rm --network none "$output" sh -c "$listing"
    assert_output "$wanted"
    run_pod store check
}

@test "commit: nothing but the changes is in the new layer, and no mount points" {
    run_pod run --name c --network none -v "$ROOM:/vol" "$IMAGE" touch /only
    run_pod commit c made
    run_pod diff made
    assert_match 'A /only'
    refute_match '/etc/|containerenv'
    run_pod inspect --format '{{len .RootFS.Layers}}' "$IMAGE"
    local layers=$output
    run_pod inspect --format '{{len .RootFS.Layers}}' made
    assert_output $((layers + 1))
    run_pod commit --squash c made
    run_pod inspect --format '{{len .RootFS.Layers}} {{len .History}}' made
    assert_output "1 1"
    run_pod run --rm --network none made ls /only /bin/sh
}

@test "commit: it starts as the container did" {
    http_proxy=http://proxy run_pod create --name c --network none -e A=b -l x=y -u 5 -w /tmp \
        --expose 8080 --entrypoint '["echo"]' "$IMAGE" one two
    run_pod commit c made
    run_pod run --rm --network none made
    assert_output "one two"
    run_pod inspect --format json made
    assert_equal "$(jq -c '.[0].Config | [.User, .WorkingDir, .Entrypoint, .Cmd, .ExposedPorts, .Labels.x]' <<<"$output")" \
        '["5","/tmp",["echo"],["one","two"],{"8080/tcp":{}},"y"]'
    assert_equal "$(jq -r '.[0].Config.Env[]' <<<"$output" | grep -vc ^PATH=)" 1
    run_pod inspect --format '{{.Config.Env}}' made
    assert_match 'A=b'
}

@test "commit: author, message, format, --change, --iidfile, --include-volumes" {
    need podman
    run_pod create --name c --network none -v vol:/data "$IMAGE" true
    run_pod commit -q -a "Me <m@e>" -m "why not" --include-volumes --iidfile "$BATS_TEST_TMPDIR/id" \
        -c 'CMD ["/bin/echo", "a b"]' -c 'ENV X="1 2" Y=3' -c 'LABEL=k=v w="x y"' -c 'EXPOSE 80 53/udp' \
        -c 'user 9' -c 'WORKDIR /etc' -c 'VOLUME /v1 /v2' -c 'STOPSIGNAL SIGUSR1' -c 'ONBUILD RUN x' c made
    assert_equal "$(cat "$BATS_TEST_TMPDIR/id")" "$output"
    as_podman inspect made >"$BATS_TEST_TMPDIR/theirs"
    assert_equal "$(jq -c '.[0] | [.Author, .Config.Cmd, .Config.User, .Config.WorkingDir, .Config.StopSignal,
        (.Config.Volumes | keys), (.Config.ExposedPorts | keys), .Config.Labels.w, (.Config.Env | map(select(test("^[XY]=")))),
        .ManifestType, .History[-1].comment]' "$BATS_TEST_TMPDIR/theirs")" \
        '["Me <m@e>",["/bin/echo","a b"],"9","/etc","SIGUSR1",["/data","/v1","/v2"],["53/udp","80/tcp"],"x y",["X=1 2","Y=3"],"application/vnd.oci.image.manifest.v1+json","why not"]'
    # OCI knows no ONBUILD, but who builds on it finds it
    run_cmd 0 sh -c "jq -c .config.OnBuild $STORE/overlay-images/$(cat "$BATS_TEST_TMPDIR/id")/=*"
    assert_match '"RUN x"'
    run_pod run --rm --network none made
    assert_output "a b"
    run_pod commit -c 'CMD echo $X' -c 'ENV X old way' -f docker c made
    run_pod run --rm --network none made
    assert_output "old way"
    run_pod inspect --format '{{.ManifestType}}' made
    assert_output application/vnd.docker.distribution.manifest.v2+json
    quietly pod volume rm -f vol
}

@test "commit: of one that runs, of an image that Buildah made, and again of what was made" {
    need buildah
    run_cmd 0 buildah from --name work "$IMAGE"
    run_cmd 0 buildah config --label from=buildah work
    run_cmd 0 buildah commit -q work built
    run_cmd 0 buildah rm work
    run_pod run -d --name c --network none localhost/built sh -c 'echo 1 >/one; sleep 100'
    until pod exec c test -s /one; do :; done
    run_pod commit c made
    run_pod run --name again --network none made sh -c 'cat /one; rm /one; echo 2 >/two'
    assert_output 1
    run_pod commit again made
    run_pod run --rm --network none made sh -c 'cat /two; test -e /one || echo gone'
    assert_output $'2\ngone'
    run_pod inspect --format '{{.Config.Labels.from}}' made
    assert_output buildah
    run_pod commit --pause c
    run_pod ps --format '{{.State}}' --filter name=c
    assert_line running
    quietly pod rm -f -a -t 0
    quietly pod rmi -f built
}

@test "commit: what cannot be" {
    local before
    before=$(pod images -qa | wc -l)
    run_pod create --name c --network none "$IMAGE" true
    run_pod 125 commit nosuch
    assert_error_match 'no container with name or ID "nosuch" found: no such container'
    run_pod 125 commit c Bad:Name:
    assert_error_match "invalid reference format"
    run_pod 125 commit -f tar c
    assert_error_match 'unrecognized image format "tar"'
    for change in "FROM x" "ENV" "ENTRYPOINT=" "ENV =x" "EXPOSE web" "EXPOSE 80/icmp" "LABEL a=b c"; do
        run_pod 125 commit -c "$change" c
        assert_error_match "invalid change \"$change\""
    done
    run_pod 125 commit -c "RUN x" c
    assert_error 'invalid change "RUN x" - invalid instruction RUN' "It can be CMD"
    run_pod 125 commit
    assert_equal "$(pod images -qa | wc -l)" "$before"
}

@test "commit: many at once, and killed half-way: nothing half-made" {
    run_pod run --name c --network none "$IMAGE" sh -c 'head -c 30000000 /dev/urandom >/big'
    for i in 1 2 3 4; do
        pod commit c "made$i" >"$BATS_TEST_TMPDIR/$i" &
    done
    wait
    for i in 1 2 3 4; do
        run_pod run --rm --network none "made$i" stat -c %s /big
        assert_output 30000000
    done
    for ms in 010 030 050 070 090; do
        timeout -s KILL "0.$ms" pod commit c made >/dev/null 2>&1 || true
        run_pod store gc --all --quiet
        run_pod store check
    done
    run_pod commit c made
    quietly pod rmi -f made1 made2 made3 made4
    # the other tests of this file have something in there too, for a moment
    until quietly pod store gc; [ -z "$(ls "$STORE/pod/staging")" ]; do sleep 0.1; done
}

@test "import: an archive as an image, for us and for podman; export and back" {
    need podman
    run_pod run --name c --network none "$IMAGE" sh -c "$changing; $listing"
    local wanted=$output
    run_cmd 0 sh -c "pod export c | pod import -m words -c 'CMD [\"sh\", \"-c\", \"echo hi\"]' -c ENV=A=b - made"
    assert_match '^sha256:[0-9a-f]{64}$'
    run_pod run --rm --network none made
    assert_output hi
    run_pod run --rm --network none made sh -c "$listing"
    assert_output "$wanted"
    assert_equal "$(as_podman run --rm --network none localhost/made sh -c "$listing")" "$wanted"
    as_podman inspect made >"$BATS_TEST_TMPDIR/ours"
    pod export c >"$BATS_TEST_TMPDIR/c.tar"
    as_podman import -q -m words -c CMD=x "$BATS_TEST_TMPDIR/c.tar" theirs >/dev/null 2>&1
    local what='.[0] | [.Architecture, .Os, .RootFS.Layers, .ManifestType, (.History | map(.comment))]'
    assert_equal "$(jq -c "$what" "$BATS_TEST_TMPDIR/ours")" "$(as_podman inspect theirs | jq -c "$what")"
    quietly pod rmi -f theirs
    for compress in gzip zstd; do
        "$compress" -qc "$BATS_TEST_TMPDIR/c.tar" >"$BATS_TEST_TMPDIR/c.tar.$compress"
        run_pod import --arch riscv64 --os plan9 --variant v2 "$BATS_TEST_TMPDIR/c.tar.$compress" made
        run_pod inspect --format '{{.Architecture}} {{.Os}}' made
        assert_output "riscv64 plan9"
    done
}

@test "import: what is no archive, or elsewhere" {
    local before
    before=$(pod images -qa | wc -l)
    run_cmd 125 sh -c 'echo no archive | pod import -'
    assert_error_match 'cannot import "-"'
    run_pod 125 import /no/such.tar
    assert_error_match 'open /no/such.tar: no such file or directory'
    run_pod 125 import https://example.org/x.tar
    assert_error 'pod import does not fetch: "https://example.org/x.tar"' "curl -fL https://example.org/x.tar | pod import -"
    run_pod 125 import -c nonsense /dev/null
    assert_error_match "invalid change"
    run_pod 125 import /dev/null Bad:Name:
    assert_error_match "invalid reference format"
    assert_equal "$(pod images -qa | wc -l)" "$before"
}

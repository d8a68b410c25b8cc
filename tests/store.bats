#!/usr/bin/env bats
# The image room: lists, names, filters; the same store under podman, Buildah and Skopeo, in both
# directions; what check finds, what gc sweeps and what it leaves alone.
# shellcheck disable=SC2154,SC2016 # some words are for an inner shell; run and what we load set output, stderr, STORE…
load helpers.bash

setup_file() {
    room_open
    LAYOUT=$ROOM/layout
    image_layers "$LAYOUT" layers
    image_busybox "$ROOM/busybox.oci" busybox
    image_labelled "$ROOM/one" one 2020-01-02T03:04:05.678Z color=red kind=fruit
    image_labelled "$ROOM/two" two 2021-01-02T03:04:05Z color=blue kind=fruit
    export LAYOUT
}
teardown() {
    quietly as_podman rm -f -a -t 0
    quietly pod rm -f -a -t 0
    quietly pod rmi -f -a
}

# image_labelled LAYOUT TAG CREATED LABEL...: the busybox image with these in its configuration
image_labelled() {
    local layout=$1 tag=$2 created=$3 config manifest labels
    shift 3
    image_busybox "$layout" base
    labels=$(printf '%s\n' "$@" | jq -Rn '[inputs | split("=") | {(.[0]): .[1]}] | add')
    manifest=$(layout_manifest "$layout:base")
    config=$(jq -r '.config.digest[7:]' <<<"$manifest")
    jq -c --arg c "$created" --argjson l "$labels" '.created = $c | .config.Labels = $l | .history = [
        {created: $c, created_by: ("/bin/sh -c #(nop) ADD files with " + ($l | tostring)), comment: "first"},
        {created: $c, created_by: "LABEL", empty_layer: true}]' \
        "$layout/blobs/sha256/$config" >"$layout/new"
    config=$(layout_add "$layout" "$layout/new")
    jq -c --arg d "sha256:$config" --argjson s "$(stat -c %s "$layout/blobs/sha256/$config")" \
        '.config.digest = $d | .config.size = $s' <<<"$manifest" >"$layout/new"
    layout_tag "$layout" "$tag" "$(layout_add "$layout" "$layout/new")"
}

# load_image LAYOUT:TAG NAME: under that name alone; sets ID
load_image() {
    run_pod pull -q "oci:$1"
    ID=$output
    run_pod untag "$ID"
    run_pod tag "$ID" "$2"
}

# Both tools say the same: the arguments are a command line for each.
same_as_podman() {
    run_pod "$@"
    local ours
    ours=$(timeless)
    run_cmd 0 as_podman "$@"
    assert_equal "$ours" "$(timeless)" "pod $*, beside podman's"
}
# a second has passed between the two
timeless() { sed -E 's/(Less than a second|[0-9]+ seconds?|About a minute) ago */now  /; s/ +/ /g' <<<"$output"; }
same_json_as_podman() { # like the above, whatever the order of members
    run_pod "$@"
    local ours
    ours=$(jq -S . <<<"$output")
    run_cmd 0 as_podman "$@"
    assert_equal "$ours" "$(jq -S . <<<"$output")" "JSON of pod $*, beside podman's"
}
names_of() { # of the image ID, from the list on disk
    jq -r --arg id "$1" '.[] | select(.id == $id) | .names // [] | .[]' "$STORE/overlay-images/images.json"
}
layer_of() { jq -r --arg id "$1" '.[] | select(.id == $id) | .layer' "$STORE/overlay-images/images.json"; }
layers_lie() { find "$STORE/overlay" -mindepth 1 -maxdepth 1 -type d ! -name l | wc -l; }
# What the last container wrote is deleted behind it: that may take a moment.
store_is_sound() {
    wait_for 5 trash_is_empty
    run_pod store check
    assert_empty
}
trash_is_empty() { [ -z "$(ls -A "$STORE/pod/trash")" ]; }

# --- lists

@test "images: a row for a name, newest first; the same table and JSON as podman" {
    load_image "$ROOM/one:one" example.com/fruit/one:1
    run_pod tag "$ID" other:2
    load_image "$ROOM/two:two" example.com/fruit/two:1
    load_image "$LAYOUT:layers" layers
    run_pod images
    assert_match '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE'
    same_as_podman images
    same_as_podman images --digests --no-trunc
    same_as_podman images --history --noheading
    same_as_podman images -q
    same_as_podman images --sort repository
    same_as_podman images 'example.com/fruit/*'
    same_as_podman images --format 'table {{.Repository}}\t{{.Size}}\t{{.Tag}}'
    same_as_podman images --format '{{.CreatedSince}} {{.VirtualSize}}'
    same_as_podman images --format '{{.ID}} {{.CreatedAt}} {{.Digest}} {{.Labels}} {{.Names}} {{.Dangling}}'
    same_json_as_podman images --format json
    same_json_as_podman images -a --format '{{json .}}'
}

@test "an image of the epoch is as old as Unix" {
    load_image "$ROOM/busybox.oci:busybox" old
    run_pod images --format '{{.CreatedAt}}|{{.Created}}' old
    assert_match '^1970-01-01 00:00:00 .0000 UTC.[0-9]+ years ago$'
    same_as_podman images
    same_as_podman history old
}

@test "a name with a digest shows only where there is none with a tag; an image without names" {
    load_image "$ROOM/busybox.oci:busybox" localhost/digested:1
    local digest
    digest=$(layout_digest "$ROOM/busybox.oci:busybox")
    run_cmd 0 skopeo copy -q "oci:$ROOM/busybox.oci:busybox" "containers-storage:localhost/digested@$digest"
    run_pod images --noheading --format '{{.Repository}}:{{.Tag}}'
    assert_output localhost/digested:1
    run_pod image inspect --format '{{.RepoTags}} {{.RepoDigests}}' "$ID"
    assert_output "[localhost/digested:1] [localhost/digested@$digest]"
    run_pod untag localhost/digested:1 localhost/digested:1
    run_pod images --noheading --format '{{.Repository}}:{{.Tag}}'
    assert_output 'localhost/digested:<none>'
    same_json_as_podman images --format json
    run_pod untag "$ID" "localhost/digested:9@$digest" # the tag does not count
    run_pod images --noheading --format '{{.Repository}}:{{.Tag}}'
    assert_output '<none>:<none>'
    same_json_as_podman images --format json
    same_json_as_podman inspect "$ID"
    run_pod rmi "$ID"
    assert_output "Deleted: $ID"
}

@test "filters: every key podman has, alternatives, negation, and its words for what is wrong" {
    load_image "$ROOM/one:one" one:1
    local one=$ID
    load_image "$ROOM/two:two" two:1
    local two=$ID want f
    list() { run_pod images --noheading --format '{{.Repository}}' "$@"; }
    while read -r f want; do
        list --filter "$f"
        assert_equal "${lines[*]}" "$want" "--filter $f"
    done <<END
since=one:1 localhost/two
after=$one localhost/two
before=two:1 localhost/one
label=color localhost/two localhost/one
label=color=red localhost/one
label!=color=red localhost/two
label=color=green
reference=*/one localhost/one
reference=two localhost/two
reference=localhost/* localhost/two localhost/one
reference!=*/one localhost/two
dangling=true
dangling=false localhost/two localhost/one
intermediate=false localhost/two localhost/one
readonly=true
id=${two:0:7} localhost/two
containers=true
until=2020-06-01 localhost/one
END
    list --filter label=color=red --filter label=kind
    assert_output localhost/one
    list --filter reference=one --filter reference=two
    assert_output $'localhost/two\nlocalhost/one'
    run_pod create --name user "$one" true
    list --filter containers=true
    assert_output localhost/one
    list --filter containers=false
    assert_output localhost/two
    while IFS='|' read -r f want; do
        run_pod 125 images --filter "$f"
        assert_error "$want"
    done <<'END'
bogus=1|unsupported image filter "bogus"
bogus|invalid image filter "bogus": must be in the format "filter=value or filter!=value"
until=someday|failed to parse value as time or duration: "someday"
END
    run_pod 125 images --filter before=nosuch
    assert_error_match 'nosuch: image not known'
    run_pod 125 images --filter dangling=maybe
    assert_error_match 'non-boolean value'
    run_pod 125 images --sort size,bogus
    assert_error_match 'is not a valid field for sorting'
}

@test "inspect and history say what podman says" {
    load_image "$ROOM/one:one" one:1
    load_image "$LAYOUT:layers" layers
    image_buildah "$ROOM/built" built
    load_image "$ROOM/built:built" built
    local name
    for name in one:1 layers built; do
        same_json_as_podman image inspect "$name"
        same_as_podman history --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' "$name"
    done
    same_as_podman history one:1
    same_as_podman history --no-trunc one:1
    same_as_podman history --human=false one:1
    same_as_podman history -q built
    same_json_as_podman image inspect one:1 built
    same_json_as_podman image inspect --format '{{json .}}' one:1
    same_json_as_podman image inspect --format '{{json .Config}}' built
    same_as_podman image inspect --format '{{.Id}} {{.RepoTags}} {{.Created}} {{.Config.Env}} {{.Comment}}' one:1
    run_pod history --format json one:1
    assert_equal "$(jq -r '.[0] | keys | join(" ")' <<<"$output")" "Created CreatedBy created id size tags"
    run_pod 125 image inspect one:1 nosuch
    assert_error "inspecting object: nosuch: image not known"
    assert_equal "$(jq length <<<"$output")" 1
    run_pod 125 history nosuch
    assert_error "nosuch: image not known"
}

# --- names

@test "tag, untag: names move, and are known by every spelling" {
    load_image "$ROOM/one:one" one:1
    local one=$ID
    load_image "$ROOM/two:two" two:1
    local two=$ID name
    run_pod tag two:1 one:1 quay.io/x/y
    assert_equal "$(names_of "$one")" ""
    assert_equal "$(names_of "$two" | sort | tr '\n' ' ')" "localhost/one:1 localhost/two:1 quay.io/x/y:latest "
    for name in two:1 localhost/two:1 x/y y quay.io/x/y:latest "$two" "${two:0:9}" "sha256:$two"; do
        run_pod image exists "$name"
        run_pod image inspect --format '{{.Id}}' "$name"
        assert_output "$two"
    done
    for name in two two:2 z/y nosuch "${two:0:9}zz" ''; do run_pod 1 image exists "$name"; done
    run_pod 125 untag two:1 never:1
    assert_error "localhost/never:1: tag not known"
    run_pod untag two:1 y
    run_pod untag two:1
    assert_equal "$(names_of "$two")" ""
    run_pod 125 tag nosuch a
    assert_error "nosuch: image not known"
    run_pod 125 tag "$one" "a@sha256:$two"
    assert_error "a@sha256:$two: tag by digest not supported"
    run_pod 125 tag "$one" UPPER
    assert_error_match "repository name must be lowercase"
    run_pod 125 tag "$one"
    assert_error "requires at least 2 arg(s), only received 1"
    run_pod 125 image exists
    assert_error "accepts 1 arg(s), received 0"
}

@test "rmi: names first, then the image and its layers; codes 1 and 2" {
    load_image "$ROOM/one:one" one:1
    local one=$ID
    run_pod tag one:1 uno
    run_pod rmi uno
    assert_output "Untagged: localhost/uno:latest"
    run_pod tag one:1 uno
    run_pod 125 rmi "$one"
    assert_error_match "unable to delete image \"$one\" by ID with more than one tag .*: please force removal"
    run_pod create --name user one:1 true
    local user=$output
    run_pod rmi uno
    run_pod 2 rmi one:1
    assert_error "image used by $user: image is in use by a container: consider listing external containers and force-removing image"
    run_pod 2 rmi -a
    run_pod 1 rmi nosuch
    assert_error "nosuch: image not known"
    run_pod rmi -i nosuch
    assert_empty
    run_pod rmi -f nosuch
    run_pod 125 rmi
    assert_error "image name or ID must be specified"
    run_pod rmi -f one:1
    assert_line "Deleted: $one"
    run_pod ps -aq
    assert_empty
    assert_equal "$(layers_lie)" 0 "layers in overlay/"
    store_is_sound
}

@test "layers that two images share go with the last of them" {
    load_image "$LAYOUT:layers" layers
    local layers=$ID n
    n=$(layers_lie)
    load_image "$ROOM/busybox.oci:busybox" busybox
    assert_equal "$(layers_lie)" "$n" "layers after a second image on the same base"
    run_pod rmi layers
    assert_line "Deleted: $layers"
    assert_equal "$(layers_lie)" 1 "layers"
    run_pod run --rm --network none busybox echo base
    assert_output base
    run_pod rmi -a
    assert_equal "$(layers_lie)" 0 "layers"
}

# --- one store, several tools

@test "podman, Skopeo and Buildah use what we pulled, to the byte" {
    load_image "$LAYOUT:layers" localhost/layers:latest
    run_cmd 0 as_podman run --rm --network none localhost/layers cat /d/new /etc/motd
    assert_output $'new\nagain'
    run_cmd 0 skopeo copy -q containers-storage:localhost/layers:latest "oci:$ROOM/back:layers"
    assert_equal "$(layout_manifest "$ROOM/back:layers" | jq -c '[.config.digest, .layers | length]')" \
        "$(layout_manifest "$LAYOUT:layers" | jq -c '[.config.digest, .layers | length]')"
    local i layer
    for i in 0 1 2 3; do
        layer=$(layout_manifest "$ROOM/back:layers" | jq -r ".layers[$i].digest[7:]")
        assert_equal "$(gzip -dc "$ROOM/back/blobs/sha256/$layer" | sha256sum | cut -d ' ' -f 1)" \
            "$(jq -r ".rootfs.diff_ids[$i][7:]" "$ROOM/back/blobs/sha256/$ID")" "layer $i"
    done
    local work
    work=$(buildah from localhost/layers)
    run_cmd 0 buildah run --isolation chroot "$work" cat /d/new
    assert_output new
    buildah rm "$work"
    run_cmd 0 as_podman rmi localhost/layers
    assert_contains "Deleted: $ID"
    assert_equal "$(layers_lie)" 0 "layers"
    run_pod images -q
    assert_empty
    store_is_sound
}

@test "we use what Skopeo, Buildah and podman wrote, and remove it" {
    run_cmd 0 skopeo copy -q "oci:$LAYOUT:layers" containers-storage:localhost/theirs:1
    run_pod run --rm --network none theirs:1 cat /d/new /etc/motd
    assert_output $'new\nagain'
    local work
    work=$(buildah from localhost/theirs:1)
    buildah run --isolation chroot "$work" sh -c 'echo built >/built; rm -r /d'
    buildah config --label by=buildah "$work"
    buildah commit -q --rm "$work" localhost/built:1 >/dev/null
    run_pod run --rm --network none built:1 sh -c 'cat /built; test ! -e /d'
    assert_output built
    run_pod image inspect --format '{{.Config.Labels.by}} {{len .RootFS.Layers}}' built:1
    assert_output "buildah 5"
    as_podman run --name work --network none localhost/theirs:1 sh -c 'echo more >/more'
    as_podman commit -q work localhost/committed:1 >/dev/null
    as_podman rm work >/dev/null
    run_pod run --rm --network none committed:1 cat /more
    assert_output more
    same_as_podman images --sort repository
    store_is_sound
    run_pod rmi committed:1 built:1 theirs:1
    assert_equal "$(layers_lie)" 0 "layers"
    run_cmd 0 as_podman images -q
    assert_empty
}

@test "an image that another program's container stands on stays" {
    load_image "$ROOM/busybox.oci:busybox" localhost/busybox:latest
    local id work
    as_podman create --name theirs localhost/busybox true >/dev/null
    id=$(as_podman ps -aq --no-trunc)
    run_pod 2 rmi busybox
    assert_error "image used by $id: image is in use by a container: consider listing external containers and force-removing image" "podman rm"
    run_pod 2 rmi -f busybox
    run_pod images --filter containers=true --format '{{.Repository}} {{.Containers}}'
    assert_output "localhost/busybox 1"
    run_pod store gc -a -q
    run_cmd 0 as_podman start -a theirs
    as_podman rm theirs >/dev/null
    work=$(buildah from localhost/busybox)
    run_pod 2 rmi busybox
    run_pod store gc -a -q
    run_cmd 0 buildah run --isolation chroot "$work" echo alive
    assert_output alive
    buildah rm "$work" >/dev/null
    run_pod rmi busybox
    assert_equal "$(layers_lie)" 0 "layers"
}

@test "both at once lose nothing" {
    load_image "$ROOM/busybox.oci:busybox" localhost/base:latest
    local i pids=()
    # podman's tag reads an image's names and writes them later: that image is its own
    load_image "$ROOM/two:two" localhost/two:latest
    for i in 1 2 3; do as_podman tag localhost/two "localhost/theirs-$i" || return; done &
    pids+=($!)
    for i in 1 2 3 4 5 6; do
        pod tag base "ours-$i" &
        pids+=($!)
    done
    skopeo copy -q "oci:$ROOM/one:one" containers-storage:localhost/copied:1 &
    pids+=($!)
    pod pull -q "oci:$LAYOUT:layers" >/dev/null &
    pids+=($!)
    for i in "${pids[@]}"; do wait "$i" || fail "a program failed"; done
    for i in 1 2 3 4 5 6; do run_pod image exists "ours-$i"; done
    for i in 1 2 3; do run_pod image exists "localhost/theirs-$i"; done
    run_pod run --rm --network none localhost/copied:1 echo whole
    assert_output whole
    run_cmd 0 as_podman images -q
    store_is_sound
}

# --- mounted images

@test "image mount: inside pod unshare, read-only, and nothing leaks" {
    load_image "$LAYOUT:layers" localhost/layers:latest
    run_pod 125 image mount layers
    assert_error_match "must execute .pod unshare. first"
    run_pod unshare sh -ec '
        dir=$(pod image mount layers)
        cat "$dir/d/new"
        ! touch "$dir/x" 2>/dev/null
        pod image mount
        pod image mount --format json
        pod image unmount layers
        pod image unmount layers
        pod image mount
        ls "$dir" 2>/dev/null | wc -l
        if pod image unmount nosuch; then exit 1; fi' 2>/dev/null
    assert_equal "${lines[0]}" new
    assert_match "^localhost/layers:latest +$STORE/overlay/$(layer_of "$ID")/merged\$" "${lines[1]}"
    assert_equal "$(sed -n '/^\[/,/^\]/p' <<<"$output" | jq -r '.[0].id')" "$ID"
    assert_equal "$(tail -n 2 <<<"$output")" "$ID"$'\n'0
    run_cmd 1 grep "$STORE" /proc/self/mountinfo
    run_pod unshare sh -c 'pod image mount -a >/dev/null; pod rmi layers'
    assert_line "Deleted: $ID"
    store_is_sound
}

# --- check, gc, df

# traced FILE COMMAND...: what of it waits for the disk or gives a file its name, in order
traced() {
    local file=$1
    shift
    ASAN_OPTIONS=detect_leaks=0 run_cmd 0 strace -f -y -o "$file" \
        -e trace=sync,syncfs,fsync,fdatasync,rename,renameat,renameat2 "$@"
}

@test "what a record names is on the disk before the record is; a run waits for no disk" {
    need strace
    run_pod unshare true # a tracer's newuidmap has no rights
    traced "$ROOM/pulled" pod pull -q "oci:$LAYOUT:layers"
    run_cmd 0 awk '
        /renameat.*, "staging\/[^"]*"\)/ { dirty++ }
        / syncfs\(.* = 0/ { synced++; dirty = 0 }
        /renameat.*, "overlay\/[^"]*"\)/ && (dirty || !synced) { print "a layer that may be lost" }
        /fsync\(.*storage\/overlay>/ { named++ }
        /fdatasync\(.*layers.json/ { layers++ }
        /renameat.*"overlay-layers\/layers.json"\)/ && !(synced && named && layers) {
            print "layers.json before what it names" }
        /renameat.*"overlay-layers\/layers.json"\)/ { list++ }
        /fdatasync\(.*images.json/ { images++ }
        /renameat.*"overlay-images\/images.json"\)/ && !(list && images) {
            print "images.json before its layers" }
        /renameat.*"overlay-images\/images.json"\)/ { done++; after = 0 }
        /fsync\(.*storage\/overlay-images>/ { after++ }
        END { if (!done || !after) print "never told" }' "$ROOM/pulled"
    assert_empty
    load_image "$LAYOUT:layers" localhost/durable
    image_busybox "$ROOM/traced.oci" busybox
    load_image "$ROOM/traced.oci:busybox" localhost/traced
    run_pod run --rm --network none localhost/traced true # once, for what is cached
    traced "$ROOM/ran" pod run --rm --network none localhost/traced true
    run_cmd 1 grep -E ' (sync|syncfs|fsync|fdatasync)\(' "$ROOM/ran"
}

@test "check: sound stores say nothing; every damage has its line, and repair mends what can be" {
    load_image "$LAYOUT:layers" layers
    store_is_sound
    local top link
    top=$(layer_of "$ID")
    link=$(cat "$STORE/overlay/$top/link")

    rm "$STORE/overlay/l/$link"
    run_pod 1 store check
    assert_output "layer ${top:0:12}: its short name in \"l\" is missing"
    run_pod run --rm --network none layers echo mended
    assert_output mended
    store_is_sound

    : >"$STORE/overlay/$top/link"
    : >"$STORE/overlay/$top/lower"
    run_pod 1 store check
    assert_line "layer ${top:0:12}: \"link\" is missing or damaged"
    assert_line "layer ${top:0:12}: \"lower\" is empty or missing"
    run_pod store check --repair
    store_is_sound
    run_pod run --rm --network none layers cat /d/new
    assert_output new

    mkdir "$STORE/overlay/$(printf %064d 7)" "$STORE/overlay-images/$(printf %064d 8)"
    touch "$STORE/overlay-layers/$(printf %064d 9).tar-split.gz"
    ln -s ../nowhere/diff "$STORE/overlay/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    run_pod 1 store check
    assert_equal "${#lines[@]}" 4 "findings"
    assert_line "overlay/$(printf %064d 7): no record names it"
    run_pod store gc
    assert_match "^Total reclaimed space: "
    store_is_sound
    run_pod run --rm --network none layers cat /d/new

    mv "$STORE/overlay-layers/$top.tar-split.gz" "$ROOM/split"
    run_pod 1 store check
    assert_output "layer ${top:0:12}: no tar-split: it runs, but cannot be pushed or saved"
    # one that does not fit the files; Skopeo is refused, as check says
    zcat "$ROOM/split" | jq -c 'if .type == 1 and .size then .name = "d/none" else . end' | gzip \
        >"$STORE/overlay-layers/$top.tar-split.gz"
    run_pod 1 store check
    assert_output "layer ${top:0:12}: its tar-split is wrong: it names what is not there: \"d/none\": it cannot be pushed or saved"
    run_pod store check --quick
    assert_empty
    zcat "$ROOM/split" | head -n -1 | gzip >"$STORE/overlay-layers/$top.tar-split.gz"
    run_pod 1 store check
    assert_match "its tar-split is wrong: with the files it is not what was pulled"
    head -c 100 "$ROOM/split" >"$STORE/overlay-layers/$top.tar-split.gz"
    run_pod 1 store check
    assert_match "its tar-split is wrong: it is damaged"
    mv "$ROOM/split" "$STORE/overlay-layers/$top.tar-split.gz"
    store_is_sound

    rm "$STORE/overlay-images/$ID/manifest"
    run_pod 1 store check
    assert_match "image ${ID:0:12}.*: cannot read its item \"manifest\""
    run_pod 1 store check --repair
    run_pod image exists layers
    run_pod store check --repair --force
    run_pod 1 image exists layers
    assert_equal "$(layers_lie)" 0 "layers"
}

@test "check: a layer without files, an incomplete one, a broken list" {
    load_image "$LAYOUT:layers" layers
    local top
    top=$(layer_of "$ID")
    remove_tree "$STORE/overlay/$top"
    run_pod 1 store check
    assert_line "layer ${top:0:12}: its directory is missing"
    # a pull brings it back
    run_pod pull -q "oci:$LAYOUT:layers"
    run_pod run --rm --network none layers cat /d/new
    assert_output new
    store_is_sound

    local incomplete
    incomplete=$(printf %064d 5)
    mkdir -p "$STORE/overlay/$incomplete/diff"
    jq -c --arg id "$incomplete" '. + [{id: $id, created: "2020-01-01T00:00:00Z", flags: {incomplete: true}}]' \
        "$STORE/overlay-layers/layers.json" >"$ROOM/new"
    cp "$ROOM/new" "$STORE/overlay-layers/layers.json"
    run_pod 1 store check
    assert_line "layer ${incomplete:0:12}: incomplete"
    run_pod images -q
    run_pod store gc -q
    store_is_sound
    refute_file "$STORE/overlay/$incomplete"

    cp "$STORE/overlay-images/images.json" "$ROOM/images.json"
    truncate -s -20 "$STORE/overlay-images/images.json"
    run_pod 1 store check
    assert_match "malformed JSON"
    run_pod 125 images
    assert_error_match "malformed JSON"
    assert_contains "pod store check" "$stderr"
    cp "$ROOM/images.json" "$STORE/overlay-images/images.json"
    # one damaged record hides no other image
    jq -c '. + [{id: "short", names: 3}]' "$ROOM/images.json" >"$STORE/overlay-images/images.json"
    run_pod images -q
    assert_output "${ID:0:12}"
    run_pod 1 store check
    assert_output "images.json: record 1 is damaged"
    cp "$ROOM/images.json" "$STORE/overlay-images/images.json"
}

@test "gc sweeps what killed programs left, and never what somebody is busy with" {
    load_image "$ROOM/busybox.oci:busybox" busybox
    run_pod run -d --name busy --network none busybox sleep 100
    mkdir -p "$STORE/pod/staging/layer-dead" "$STORE/pod/trash/ctr-dead" "$STORE/pod/nursery/3/dead"
    # somebody is half-way: a shared lock on pod/lock, as pulls hold it
    python3 -c '
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+b")
fcntl.fcntl(f, 37, struct.pack("hhqqi", fcntl.F_RDLCK, 0, 0, 0, 0))
print("held", flush=True)
time.sleep(60)' "$STORE/pod/lock" >"$ROOM/held" 3>&- 4>&- &
    local holder=$!
    wait_for 10 grep -q held "$ROOM/held"
    run_pod store gc
    assert_contains "left for the next time" "$stderr"
    assert_file "$STORE/pod/staging/layer-dead"
    kill "$holder"
    wait "$holder" || true
    run_pod store gc -q
    refute_file "$STORE/pod/staging/layer-dead"
    refute_file "$STORE/pod/trash/ctr-dead"
    assert_equal "$(find "$STORE/pod/nursery" -mindepth 2)" ""
    run_pod exec busy echo alive
    assert_output alive
    run_pod ps --format '{{.Names}}'
    assert_output busy
    run_pod rm -f -t 0 busy
    # a layer nobody needs is kept for a day, or goes with --all
    echo '[]' >"$STORE/overlay-images/images.json"
    run_pod store gc -q
    assert_equal "$(layers_lie)" 1 "layers"
    run_pod store gc -q -a
    assert_equal "$(layers_lie)" 0 "layers"
}

@test "df counts a shared layer once" {
    load_image "$LAYOUT:layers" layers
    load_image "$ROOM/busybox.oci:busybox" busybox
    local sum size
    sum=$(jq '[.[]."diff-size"] | add' "$STORE/overlay-layers/layers.json")
    run_pod store df --format '{{.Type}} {{.Total}} {{.Active}}'
    assert_line "Images 2 0"
    run_pod store df --format json
    size=$(jq '.[] | select(.Type == "Images") | .RawSize // .Size' <<<"$output")
    [ "$size" -ge "$sum" ] && [ "$size" -lt $((sum + 100000)) ] || fail "images take $size, layers $sum"
    run_pod create --name user layers true
    run_pod store df --format '{{.Type}} {{.Total}} {{.Active}}'
    assert_line "Images 2 1"
    assert_line "Containers 1 0"
    run_pod create --name keeper -v kept:/kept layers true
    run_pod create --name gone -v left:/left layers true
    run_pod rm gone
    run_pod store df --format '{{.Type}} {{.Total}} {{.Active}}'
    assert_line "Local Volumes 2 1"
    run_pod system df
    assert_match '^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE'
    run_pod store df -v
    assert_match 'layers +latest +[0-9a-f]{12} '
    assert_match '[0-9a-f]{12} +[0-9a-f]{12} +true +1 +0B .* created +keeper'
    assert_match $'\nkept +1 +0B\nleft +0 +0B|\nleft +0 +0B\nkept +1 +0B'
}

@test "another root: pod --root DIR" {
    load_image "$ROOM/busybox.oci:busybox" busybox
    run_pod --root "$ROOM/elsewhere" images
    assert_match '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$'
    run_pod --storage-driver=vfs --root="$ROOM/elsewhere" --log-level debug images --noheading
    assert_empty
    run_pod --root "$ROOM/elsewhere" pull -q "oci:$ROOM/busybox.oci:busybox"
    run_pod --noout --root "$ROOM/elsewhere" images
    assert_empty
    run_pod 125 --storage-driver btrfs images
    assert_error_match '"btrfs" is not supported'
    run_pod images -q
    assert_equal "${#lines[@]}" 1 "images in the usual store"
    remove_tree "$ROOM/elsewhere"
}

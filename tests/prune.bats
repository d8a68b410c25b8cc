#!/usr/bin/env bats
# image prune and system prune: what nobody needs goes, and nothing else.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr…; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    image_busybox "$ROOM/layout" other --env A=1
}
setup() {
    local name id
    for name in busybox other; do
        id=$(pod pull -q "oci:$ROOM/layout:$name")
        pod untag "$id"
        pod tag "$id" "localhost/$name:latest"
    done
    IMAGE=localhost/busybox:latest
}
teardown() {
    quietly pod rm -f -a -t 0
    quietly pod volume rm -f -a
    quietly pod rmi -f -a
}

id_of() { pod image inspect -f '{{.Id}}' "$1"; }

@test "image prune: unnamed ones; --all: those that no container uses" {
    local other
    other=$(id_of localhost/other)
    run_pod image prune -f
    assert_output ""
    pod untag "$other"
    run_pod image prune -f --filter label=none
    assert_output ""
    run_pod image prune -f
    assert_output "$other"
    run_pod 1 image exists "$other"
    run_pod create --name user "$IMAGE"
    run_pod image prune --all --force
    assert_output ""
    run_pod rm user
    run_pod image prune -af
    assert_match '^[0-9a-f]{64}$'
    run_pod images -q
    assert_output ""
    run_pod store check
}

@test "image prune: the question, a filter that is none" {
    run_cmd 125 sh -c 'pod image prune </dev/null'
    assert_match 'WARNING! This command removes all dangling images.'
    run_cmd 0 sh -c 'echo n | pod image prune -a'
    assert_match 'all images without at least one container associated with them'
    run_pod image exists "$IMAGE"
    run_pod 125 image prune -f --filter bogus=1
    assert_error_match 'bogus'
}

@test "an image that another program's container stands on stays" {
    need podman
    as_podman create --name theirs "$IMAGE" true >/dev/null
    run_pod image prune -af
    run_pod image exists "$IMAGE"
    as_podman rm theirs >/dev/null
}

@test "system prune: containers and images, volumes when asked for, the space" {
    run_pod run --name ended --network none -v kept:/v "$IMAGE" sh -c 'head -c 1000000 /dev/zero >/big'
    local id other
    id=$(pod inspect -f '{{.Id}}' ended)
    other=$(id_of localhost/other)
    pod untag "$other"
    run_pod run -d --name runs --network none "$IMAGE" sleep 100
    run_cmd 125 sh -c 'pod system prune </dev/null'
    assert_match 'all stopped containers'
    run_pod container exists ended
    run_pod system prune -f
    assert_match "^Deleted Containers
$id
Deleted Images
$other
Total reclaimed space: [0-9.]+MB\$"
    run_pod container exists runs
    run_pod volume exists kept
    run_pod system prune -f --volumes --filter label=none
    assert_output "Total reclaimed space: 0B"
    run_pod system prune -f --volumes
    assert_output "Deleted Volumes
kept
Total reclaimed space: 0B"
    run_pod system df
    assert_match '^TYPE +TOTAL'
    run_pod system info
    run_pod system check
}

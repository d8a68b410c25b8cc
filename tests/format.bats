#!/usr/bin/env bats
# --format and friends: what podman users write, on lists and on single things. The words of the
# template language itself are in tests/unit/test-template.c and test-table.c.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr…; templates have $
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    local id
    id=$(pod pull -q "oci:$ROOM/layout:busybox")
    pod untag "$id"
    pod tag "$id" localhost/busybox:latest
    pod tag "$id" quay.io/some/where:1.0
    pod pod create --name p --label color=red >/dev/null
}
setup() { IMAGE=localhost/busybox:latest; }

# says COMMAND... -- TEMPLATE WANTED: with --format
says() {
    local cmd=()
    while [ "$1" != -- ]; do
        cmd+=("$1")
        shift
    done
    run_pod "${cmd[@]}" --format "$2"
    assert_equal "$output" "$3" "pod ${cmd[*]} --format '$2'"
}

@test "what podman prints for the same templates" {
    local t
    for t in '{{.Repository}}:{{.Tag}}' '{{.ID}}\t{{.Size}}' '{{.ID | upper}} {{lower .Repository}}' \
        '{{range .}}{{.Tag}}
{{end}}' '{{range .}}[{{.Repository}}]{{end}}' 'table {{.Tag}} {{.ID}}' 'table {{.Repository}}\t{{.Tag}}' \
        '{{json .Names}}' '{{"\n"}}' 'x' '{{join .Names " "}}' '{{len .Names}} {{index .Names 0}}' \
        '{{if .Dangling}}d{{else}}named{{end}}' '{{with .Names}}{{len .}}{{end}}' \
        '{{printf "%-8s|%5d" .Tag 7}}' '{{eq .Tag "1.0"}} {{ne .Tag "1.0"}}' \
        '{{if and .Tag (not .Dangling)}}both{{end}}' '{{slice .ID 0 4}}' '{{title .Tag}}' \
        '{{if or .Dangling (eq .Tag "latest")}}y{{end}}' '{{truncate .Repository 5}}' '{{split .Repository "/"}}' \
        '{{range $i, $n := .Names}}{{if $i}},{{end}}{{$n}}{{end}}' '{{/* nothing */}}{{- .Tag -}}  ' \
        'json' '{{json .}}' '{{ json . }}' 'table {{.ID}}\t{{.Names}}'; do
        run_pod images --format "$t"
        local ours=$output
        run_cmd 0 as_podman images --format "$t"
        if [[ $t == *json*\ .\ * || $t == json || $t == '{{json .}}' ]]; then
            assert_equal "$(jq -S . <<<"$ours")" "$(jq -S . <<<"$output")" "images --format '$t'"
        else
            assert_equal "$ours" "$output" "images --format '$t'"
        fi
    done
    for t in '{{.Id}}' '{{.Config.Env}}' '{{json .Config.Cmd}}' '{{index .RepoTags 1}}' '{{len .RootFS.Layers}}' \
        '{{range .RepoTags}}{{.}} {{end}}' '{{.Created}}' '{{.Architecture}}/{{.Os}}' '{{join .Config.Cmd " "}}' \
        '{{.Labels}}' '{{.Annotations}}' '{{"\n"}}'; do
        run_pod image inspect --format "$t" "$IMAGE"
        local ours=$output
        run_cmd 0 as_podman image inspect --format "$t" "$IMAGE"
        assert_equal "$ours" "$output" "image inspect --format '$t'"
    done
}

@test "headings: with table only, never with --noheading, and none for quiet" {
    says images -- 'table {{.Tag}}' $'TAG\nlatest\n1.0'
    run_pod images --noheading --format 'table {{.Tag}}'
    assert_output $'latest\n1.0'
    run_pod images -q
    assert_equal "$(sort -u <<<"$output" | wc -l)" 1
    run_pod pod ps --noheading --format 'table {{.Name}}\t{{.Labels}}'
    assert_output 'p           map[color:red]'
    says pod ps -- '{{.Name}} {{.Labels.color}}' 'p red'
    says pod ps --filter name=nosuch -- 'table {{.Name}}' NAME
    says images nosuch -- json '[]'
}

@test "columns line up whatever the width" {
    run_pod images --format 'table {{.Repository}} {{.Tag}} {{.ID}}'
    local id
    id=$(pod images -q "$IMAGE")
    assert_output "$(printf '%s\n' "REPOSITORY          TAG         IMAGE ID" \
        "localhost/busybox   latest      $id" "quay.io/some/where  1.0         $id")"
}

@test "the last --format and all the --filters count" {
    run_pod images --format '{{.Nope}}' --format '{{.Tag}}' --filter reference=busybox --filter label=none
    assert_empty
    run_pod images --format '{{.Nope}}' --format '{{.Tag}}' --filter reference=busybox
    assert_output $'latest\n1.0'
}

@test "a template that is wrong: one sentence and 125, nothing on stdout" {
    local cmd
    for cmd in "images" "pod ps" "history $IMAGE" "image inspect $IMAGE" "pod inspect p" "ps -a" \
        "store df" version info; do
        # shellcheck disable=SC2086
        run_pod 125 $cmd --format '{{.Nope}}'
        assert_error_match "can't evaluate field Nope"
        # shellcheck disable=SC2086
        run_pod 125 $cmd --format '{{.Nope'
        assert_error_match 'template: '
        # shellcheck disable=SC2086
        run_pod 125 $cmd --format '{{nosuch .}}'
        assert_error_match 'function "nosuch" not defined'
    done
}

@test "an empty line is an empty line everywhere" {
    local cmd
    for cmd in "history $IMAGE" "image inspect $IMAGE" "pod inspect p" "pod ps" version info; do
        # shellcheck disable=SC2086
        run_pod $cmd --format '{{"\n"}}'
        assert_empty
    done
}

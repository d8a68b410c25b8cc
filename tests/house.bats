#!/usr/bin/env bats
# shellcheck disable=SC2154 # run and what we load set output, stderr, REGISTRY…
# The front door: dispatcher, --help everywhere, exit codes of wrong use, completions, streams.
load helpers

programs() { (cd "$(dirname "$(command -v pod)")" && ls -d pod-*); }

@test "every program has --help: status 0, on stdout, beginning with one line and its usage" {
    local p
    for p in $(programs); do
        run_cmd 0 "$p" --help
        assert_empty_stderr
        assert_match $'^[^\n]+\n\nUsage: pod' "$output"
    done
}

@test "pod VERB --help is the program's own --help" {
    local p own
    for p in $(programs); do
        own=$("$p" --help)
        run_pod "${p#pod-}" --help
        assert_output "$own"
    done
}

@test "pod help VERB is the page where man finds it, else --help" {
    local p
    for p in $(programs); do
        MANPAGER="cat" run_pod help "${p#pod-}" # man is not part of what tests need
        assert_contains "${p#pod-}"
    done
}

@test "verbs of programs with verbs have --help too" {
    local p verb
    for p in $(programs); do
        for verb in $("$p" --help | awk '/^Verbs:/ {on = 1; next} /^$/ {on = 0} on {print $1}'); do
            run_cmd 0 "$p" "$verb" --help
            assert_match 'Usage: pod'
        done
    done
}

@test "an unknown option: 125, the option named, stdout empty, the way to --help" {
    local p
    for p in $(programs); do
        ! "$p" --help | grep -q '^Verbs:' || continue
        run_cmd 125 "$p" --no-such-option
        assert_empty
        assert_error "unknown flag: --no-such-option" "--help"
    done
}

@test "a misspelt option names the nearest" {
    run_pod 125 run --detsch busybox
    assert_error "unknown flag: --detsch" "Did you mean '--detach'?"
}

@test "output that cannot be written is not success" {
    [ -w /dev/full ] || skip "no /dev/full here"
    local p
    for p in $(programs); do
        run_cmd 125 sh -c "exec $p --help >/dev/full"
    done
}

@test "pod alone, pod help, pod --help" {
    run_pod help
    assert_match 'Usage: pod'
    run_pod --help
    assert_match 'Usage: pod'
    run_cmd any pod
    [ "$status" -eq 0 ] || [ "$status" -eq 125 ]
    assert_contains 'Usage: pod' "$output$stderr"
}

@test "pod --list has every program" {
    local p
    run_pod --list
    for p in $(programs); do
        assert_line "${p#pod-}"
    done
}

@test "verbs from PATH" {
    mkdir -p "$ROOM/bin"
    printf '#!/bin/sh\necho "mine: $*"\nexit 7\n' >"$ROOM/bin/pod-frobnicate"
    chmod +x "$ROOM/bin/pod-frobnicate"
    PATH=$ROOM/bin:$PATH run_pod 7 frobnicate a "b c"
    assert_output "mine: a b c"
    PATH=$ROOM/bin:$PATH run_pod --list
    assert_line frobnicate
}

@test "an unknown verb: 125 and the nearest names" {
    run_pod 125 rnu
    assert_empty
    assert_error_match 'rnu'
    assert_contains run "$stderr"
    run_pod 125 zzzzzzzzzzz
    assert_error_match zzzzzzzzzzz
}

@test "podman's longer spellings: pod container ls, pod image ls, pod pod ps" {
    run_pod container ls -a
    run_pod container ps
    run_pod image ls
    run_pod pod ps
    run_pod container --help
    run_pod image --help
}

@test "pod version and --version tell one number" {
    run_pod --version
    assert_match '[0-9]+\.[0-9]+\.[0-9]+'
    local number=${BASH_REMATCH[0]}
    run_pod version
    assert_contains "$number"
}

@test "the usual options of podman scripts are known" {
    local o
    run_pod run --help
    for o in detach interactive tty rm name env env-file workdir user entrypoint hostname volume \
        mount tmpfs read-only cap-add cap-drop security-opt privileged network publish dns add-host \
        pid ipc uts userns pod label annotation init stop-signal stop-timeout ulimit shm-size sysctl \
        device group-add cidfile pull platform restart log-driver log-opt runtime tz umask memory \
        cpus pids-limit; do
        assert_match "--$o( |"$'\n'"|\$)"
    done
}

@test "bash completes verbs, options, values and names" {
    local prefix
    prefix=$(cd "$(dirname "$(command -v pod)")/.." && pwd)
    # shellcheck disable=SC2016
    complete_with() {
        bash --norc -c '
            . "$1"; shift
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _pod_complete 2>/dev/null
            printf "%s\n" "${COMPREPLY[@]}"' bash \
            "$prefix/share/bash-completion/completions/pod" "$@"
    }
    run_cmd 0 complete_with pod ru
    assert_line run
    run_cmd 0 complete_with pod run --deta
    assert_line --detach
    run_cmd 0 complete_with pod container run --deta
    assert_line --detach
    run_cmd 0 complete_with pod-run --deta
    assert_line --detach
    touch "$ROOM/file.env"
    run_cmd 0 complete_with pod run --env-file "$ROOM/fi"
    assert_line "$ROOM/file.env"
    pull_busybox
    run_pod create --name completed "$IMAGE" true
    run_cmd 0 complete_with pod start comp
    assert_line completed
    run_pod rm completed
}

@test "fish completes verbs and options" {
    need fish
    local prefix
    prefix=$(cd "$(dirname "$(command -v pod)")/.." && pwd)
    run_cmd 0 fish --no-config -c "source $prefix/share/fish/vendor_completions.d/pod.fish
        complete -C 'pod ru'; complete -C 'pod run --deta'"
    assert_match '(^|'$'\n'')run'
    assert_contains --detach
}

@test "man pages are installed where man finds them" {
    local prefix p
    prefix=$(cd "$(dirname "$(command -v pod)")/.." && pwd)
    for p in $(programs); do
        assert_file "$prefix/share/man/man1/$p.1"
    done
}

@test "errors of the system, in the words that every program here has for them" {
    local long
    long=$(printf 'x%.0s' {1..300})
    run_pod 125 import "/tmp/$long"
    assert_error_match ": File name too long$"
    ln -s loop "$HOME/loop"
    run_pod 125 import "$HOME/loop"
    assert_error_match ": Too many levels of symbolic links$"
    rm "$HOME/loop"
}

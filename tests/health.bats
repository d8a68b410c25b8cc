#!/usr/bin/env bats
# Health checks: by hand and by the monitor's timer, what they leave, what becomes of the unhealthy.
# shellcheck disable=SC2154,SC2016 # run sets output, stderr, …; some words are for an inner shell
load helpers.bash

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod pull -q "oci:$ROOM/layout:busybox" >/dev/null
}
teardown() { quietly pod rm -f -a -t 0; }

# checked NAME OPTION...: a container that is healthy as long as it has no /sick
checked() {
    local name=$1
    shift
    run_pod run -d --name "$name" --network none --health-cmd 'echo out; echo err >&2; ! test -e /sick' \
        "$@" busybox sleep 1000
}
health() { pod inspect --format "{{.State.Health.$2}}" "$1"; }
is_health() { [ "$(health "$1" Status)" = "$2" ]; }

@test "by hand: healthy, failing, unhealthy after so many; the last five are kept" {
    checked hand --health-interval disable --health-retries 2
    assert_equal "$(health hand Status) $(health hand FailingStreak)" "starting 0"
    run_pod healthcheck run hand
    assert_empty
    assert_equal "$(health hand Status)" healthy
    assert_equal "$(pod inspect hand | jq -r '.[0].State.Health.Log[-1] | "\(.ExitCode) \(.Output)"')" \
        "0 out"$'\n'"err"
    run_pod exec hand touch /sick
    run_pod 1 healthcheck run hand
    assert_output unhealthy
    assert_equal "$(health hand Status) $(health hand FailingStreak)" "healthy 1"
    run_pod 1 healthcheck run --latest
    assert_equal "$(health hand Status) $(health hand FailingStreak)" "unhealthy 2"
    run_pod ps --format '{{.Status}}'
    assert_match "^Up .* \(unhealthy\)$"
    run_pod ps
    assert_contains "(unhealthy)"
    for _ in 1 2 3; do run_pod 1 healthcheck run hand; done
    assert_equal "$(pod inspect hand | jq '.[0].State.Health.Log | length')" 5
    run_pod exec hand rm /sick
    run_pod healthcheck run hand
    assert_equal "$(health hand Status) $(health hand FailingStreak)" "healthy 0"
    run_pod inspect --format '{{.State.Healthcheck.Status}}' hand
    assert_output healthy
}

@test "podman keeps the same of the same options" {
    local options=(--health-cmd 'true' --health-interval 7s --health-retries 4 --health-timeout 3s
        --health-start-period 1m --health-on-failure kill)
    run_pod create --name ours --network none "${options[@]}" busybox true
    run_cmd 0 as_podman create --name theirs --network none "${options[@]}" localhost/busybox true
    local query='.[0].Config | [.Healthcheck, .HealthcheckOnFailureAction]'
    assert_equal "$(pod inspect ours | jq -cS "$query")" "$(as_podman inspect theirs | jq -cS "$query")"
    run_cmd 0 as_podman rm theirs
    run_pod create --name array --health-cmd '["a", "b c"]' busybox
    assert_equal "$(pod inspect array | jq -c '.[0].Config.Healthcheck.Test')" '["CMD","a","b c"]'
}

@test "by the timer: at once, then again and again; events only when it changes" {
    local before
    before=$(date +%s.%N)
    checked timed --health-interval 100ms --health-retries 1
    wait_for 10 is_health timed healthy
    run_pod exec timed touch /sick
    run_pod wait --condition unhealthy timed
    run_pod exec timed rm /sick
    run_pod wait --condition healthy --interval 10ms timed
    run_pod events --since "$before" --stream=false --filter event=health_status --filter container=timed \
        --format '{{.HealthStatus}}'
    assert_equal "$(paste -sd ' ' <<<"$output")" "healthy unhealthy healthy"
    run_pod events --since "$before" --stream=false --filter event=exec --filter container=timed
    assert_equal "$(wc -l <<<"$output")" 2 "our own two"
    run_pod ps --filter health=healthy --format '{{.Names}}'
    assert_output timed
    run_pod ps --filter health=unhealthy -q
    assert_empty
    run_pod 125 ps --filter health=fine
    assert_error "unknown state of health: fine: invalid argument"
}

@test "a start period forgives failures, and ends with the first success" {
    checked slow --health-interval disable --health-retries 1 --health-start-period 1h
    run_pod exec slow touch /sick
    run_pod 1 healthcheck run slow
    assert_output starting
    assert_equal "$(health slow Status) $(health slow FailingStreak)" "starting 0"
    run_pod exec slow rm /sick
    run_pod healthcheck run slow
    assert_equal "$(health slow Status)" healthy
}

@test "a check that takes too long is killed and has failed" {
    run_pod run -d --name long --network none --health-interval disable --health-timeout 1s \
        --health-cmd 'trap "" TERM; sleep 900; sleep 900' busybox sleep 1000
    local start=$SECONDS
    run_pod 1 healthcheck run long
    [ $((SECONDS - start)) -le "$(slow 4)" ]
    assert_equal "$(pod inspect long | jq -r '.[0].State.Health.Log[-1] | "\(.ExitCode) \(.Output)"')" \
        "-1 healthcheck command exceeded timeout of 1s"
    refute_match 'sleep 900; sleep' "$(pod top long args)"
    # output that somebody else keeps open is not waited for
    run_pod run -d --name open --network none --health-interval disable --health-timeout 30s \
        --health-cmd 'sleep 900 & echo fine' busybox sleep 1000
    start=$SECONDS
    run_pod healthcheck run open
    [ $((SECONDS - start)) -le "$(slow 10)" ]
}

@test "what becomes of the unhealthy: kill, stop, restart, none" {
    local action
    for action in kill stop restart none; do
        checked "on-$action" --health-interval disable --health-retries 1 --stop-signal KILL \
            --health-on-failure "$action"
        run_pod exec "on-$action" touch /sick
        run_pod 1 healthcheck run "on-$action"
        assert_output unhealthy
    done
    assert_equal "$(pod inspect --format '{{.Config.HealthcheckOnFailureAction}}' on-kill)" kill
    wait_for 5 sh -c "pod inspect --format '{{.State.Status}}' on-kill | grep -q exited"
    run_pod inspect --format '{{.State.Status}} {{.State.Health.Status}}' on-kill on-stop on-restart on-none
    assert_output "$(printf '%s\n' 'exited unhealthy' 'exited unhealthy' 'running starting' 'running unhealthy')"
    # by the timer too: it ends the monitor that runs it
    checked timed-kill --health-interval 100ms --health-retries 1 --health-on-failure kill
    run_pod exec timed-kill touch /sick
    run_pod wait timed-kill
    assert_output 137
    checked timed-restart --health-interval 100ms --health-retries 1 --stop-signal KILL \
        --health-on-failure restart
    run_pod exec timed-restart touch /gone-after-restart /sick
    wait_for 10 sh -c 'pod events --since 1m --stream=false --filter container=timed-restart --filter event=restart | grep -q .'
}

@test "of the image: taken, changed, left out; what it says badly is no check" {
    local m c
    m=$(layout_manifest "$ROOM/layout:busybox")
    c=$(jq -r '.config.digest[7:]' <<<"$m")
    jq -c '.config.Healthcheck = {Test: ["CMD", "test", "-e", "/bin"], Interval: 3000000000, Retries: 9}' \
        "$ROOM/layout/blobs/sha256/$c" >"$ROOM/layout/new"
    c=$(layout_add "$ROOM/layout" "$ROOM/layout/new")
    jq -c --arg d "sha256:$c" --argjson s "$(stat -c %s "$ROOM/layout/blobs/sha256/$c")" \
        '.config.digest = $d | .config.size = $s' <<<"$m" >"$ROOM/layout/new"
    layout_tag "$ROOM/layout" health "$(layout_add "$ROOM/layout" "$ROOM/layout/new")"
    run_pod pull -q "oci:$ROOM/layout:health"
    run_pod tag "$output" localhost/health
    run_pod run -d --name of-image --network none localhost/health sleep 1000
    assert_equal "$(pod inspect of-image | jq -c '.[0].Config.Healthcheck')" \
        '{"Test":["CMD","test","-e","/bin"],"Interval":3000000000,"Timeout":30000000000,"Retries":9}'
    wait_for 5 is_health of-image healthy
    run_pod create --name changed --health-retries 2 localhost/health true
    assert_equal "$(pod inspect changed | jq -c '.[0].Config.Healthcheck | [.Retries, .Test[0]]')" '[2,"CMD"]'
    run_pod create --name without --no-healthcheck localhost/health true
    assert_equal "$(pod inspect without | jq -c '.[0].Config.Healthcheck')" null
    run_pod create --name none --health-cmd none localhost/health true
    run_pod 125 healthcheck run none
    assert_error_match "has no defined healthcheck"
}

@test "what cannot be: no check, not running, wrong words" {
    run_pod create --name bare busybox true
    run_pod 125 healthcheck run bare
    assert_error "container $(pod inspect --format '{{.Id}}' bare) has no defined healthcheck" --health-cmd
    run_pod create --name still --health-cmd true busybox true
    run_pod 125 healthcheck run still
    assert_error_match "is not running"
    run_pod 125 healthcheck run nobody
    assert_error_match "no such container"
    run_pod 125 create --health-on-failure=kill busybox
    assert_error "cannot set on-failure action to kill without a health check"
    run_pod 125 create --health-cmd true --health-on-failure=dance busybox
    assert_error_match "^Error: invalid on-failure action \"dance\""
    run_pod 125 create --health-cmd true --health-interval never busybox
    assert_error_match "invalid healthcheck-interval"
    run_pod 125 create --health-cmd true --health-timeout 1ms busybox
    assert_error "healthcheck-timeout must be at least 1 second"
    run_pod 125 create --health-cmd true --health-retries 0 busybox
    assert_error "healthcheck-retries must be greater than 0"
    run_pod 125 create --health-cmd true --no-healthcheck busybox
    run_pod 125 create --health-cmd '' busybox
}

@test "output that is no text, or no end of it; a command that is not there" {
    run_pod run -d --name noise --network none --health-interval disable \
        --health-cmd 'head -c 100000 /dev/urandom; exit 2' busybox sleep 1000
    run_pod 1 healthcheck run noise
    assert_equal "$(pod inspect noise | jq '.[0].State.Health.Log[0] | .ExitCode, (.Output | length <= 500)' | paste -sd ' ')" "2 true"
    run_pod run -d --name lost --network none --health-interval disable \
        --health-cmd '["/no/such"]' busybox sleep 1000
    run_pod 1 healthcheck run lost
    assert_equal "$(pod inspect lost | jq '.[0].State.Health.Log[0].ExitCode')" 127
}

@test "crun and a killed monitor: checks by hand go on" {
    checked under-crun --runtime crun --health-interval disable
    run_pod healthcheck run under-crun
    kill -9 "$(pod inspect --format '{{.State.ConmonPid}}' under-crun)"
    run_pod healthcheck run under-crun
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154  # bats sets $stderr; some words are for an inner shell
# Networks: slirp4netns, pasta, ports, names and resolvers, sharing.
load helpers

setup_file() {
    room_open
    image_busybox "$ROOM/layout" busybox
    pod tag "$(pod pull -q "oci:$ROOM/layout:busybox")" localhost/busybox:latest
}
teardown_file() {
    pod pod rm -f -a -t 0 >/dev/null 2>&1 || true
    pod rm -f -a -t 0 >/dev/null 2>&1 || true
    room_close
}
setup() { IMAGE=localhost/busybox:latest; }
teardown() { pod rm -f -a -t 0 >/dev/null 2>&1 || true; }

serve() { # NAME [run options]: a web server that says its NAME
    run_pod run -d --name "$1" "${@:2}" "$IMAGE" \
        sh -c 'mkdir /w; echo '"$1"' >/w/index.html; httpd -f -p 80 -h /w'
}
get() { curl -fs --noproxy '*' --max-time 5 "$1"; }

@test "the default: an address, a route, names of itself and of the host" {
    run_pod run --rm --name self "$IMAGE" sh -c 'ip -4 addr show tap0; ip route; cat /etc/hosts'
    assert_contains "inet 10.0.2.100/24"
    assert_contains "default via 10.0.2.2"
    assert_match $'10\\.0\\.2\\.100\t[0-9a-f]{12} self'
    assert_match $'\thost\\.containers\\.internal'
    refute_match $'10\\.0\\.2\\.2\t' # that is the host's loopback, which is not let through
}

@test "slirp4netns: its options, and the host's loopback when asked for" {
    run_pod run --rm --network slirp4netns:mtu=1400,cidr=10.9.0.0/24,allow_host_loopback=true \
        "$IMAGE" sh -c 'ip addr show tap0; cat /etc/hosts /etc/resolv.conf'
    assert_contains "mtu 1400"
    assert_contains "inet 10.9.0.100/24"
    assert_line $'10.9.0.2\thost.containers.internal'
    assert_line "nameserver 10.9.0.3"
    run_pod 125 run --rm --network slirp4netns:nonsense=1 "$IMAGE" true
    assert_error_match "unknown option for slirp4netns"
}

@test "pasta: the host's address, a published port, and it ends with the container" {
    local port
    port=$(free_port)
    run_pod run --rm --network pasta "$IMAGE" ip -4 addr show
    assert_contains "scope global"
    serve byname --network pasta -p "127.0.0.1:$port:80"
    wait_for 10 get "http://127.0.0.1:$port/"
    assert_equal "$(get "http://127.0.0.1:$port/")" byname
    run_pod rm -f -t 0 byname
    wait_for 5 eval "! get http://127.0.0.1:$port/"
}

@test "a port in use: podman's words, and nothing stays behind" {
    local port
    port=$(free_port)
    serve first -p "$port:80"
    run_pod 126 run --rm --name second -p "$port:80" "$IMAGE" true
    assert_error_match "address already in use"
    run_pod ps -a --format '{{.Names}}'
    assert_output first
    # nor its first process, when the runtime takes its time to end
    local busy=() i
    for i in 1 2 3 4; do
        (while :; do :; done) 3>&- &
        busy+=($!)
    done
    for i in {1..20}; do
        pod run --rm -p "$port:80" "$IMAGE" true 2>/dev/null && fail "it has started"
    done
    kill "${busy[@]}"
    run_cmd 1 pgrep -u "$(id -u)" -f "^[^ ]*pod-runtime --root $XDG_RUNTIME_DIR/"
}

@test "many connections at once, a big body, one side closed early" {
    local port sum i
    port=$(free_port)
    run_pod run -d --name many -p "127.0.0.1:$port:80" -p "127.0.0.1:$((port + 1)):81" "$IMAGE" sh -c '
        mkdir /w; echo small >/w/index.html
        dd if=/dev/urandom of=/w/big bs=1M count=40 2>/dev/null; sha256sum </w/big >/w/sum
        nc -l -p 81 -e wc -c & httpd -f -p 80 -h /w'
    wait_for 20 get "http://127.0.0.1:$port/sum"
    sum=$(get "http://127.0.0.1:$port/sum")
    assert_equal "$(get "http://127.0.0.1:$port/big" | sha256sum)" "$sum"
    # a reader that stops in the middle of it holds up nobody
    (
        exec 5<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /big HTTP/1.0\r\n\r\n' >&5
        head -c 100000 <&5 >/dev/null
        for ((i = 0; i < 100; i++)); do get "http://127.0.0.1:$port/" & done | sort | uniq -c
        wait
    ) >"$ROOM/many"
    assert_match '^ *100 small$' "$(cat "$ROOM/many")"
    # our end of input arrives there, and the answer still comes back
    assert_equal "$(printf 12345 | python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.stdin.buffer.read())
s.shutdown(socket.SHUT_WR)
print(s.makefile().read().strip())' "$((port + 1))")" 5
}

@test "slirp4netns' own port handler" {
    local port
    port=$(free_port)
    serve own --network slirp4netns:port_handler=slirp4netns -p "127.0.0.1:$port:80"
    wait_for 10 get "http://127.0.0.1:$port/"
    run_pod 126 run --rm --network slirp4netns:port_handler=none -p "$port:80" "$IMAGE" true
}

@test "published on IPv6" {
    local port
    port=$(free_port)
    [ -e /proc/net/if_inet6 ] || skip "no IPv6 here"
    serve six -p "[::1]:$port:80"
    wait_for 10 get "http://[::1]:$port/"
}

@test "udp and ranges are published" {
    local port pid
    port=$(free_port)
    run_pod run -d --name udp -p "127.0.0.1:$port:7/udp" -p "$((port + 1))-$((port + 2)):90-91" \
        "$IMAGE" sleep 100
    pid=$(pod inspect --format '{{.State.Pid}}' udp)
    # busybox has no server for it: ours runs in the container's network only
    "$POD_LIBEXEC/pod-userns" enter -- nsenter -t "$pid" -n timeout 20 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7))
data, peer = s.recvfrom(100)
s.sendto(b"got " + data, peer)' 3>&- 4>&- &
    run_cmd 0 python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.2)
for i in range(50):
    s.sendto(b"ping", ("127.0.0.1", int(sys.argv[1])))
    try:
        print(s.recv(100).decode())
        break
    except OSError:
        pass' "$port"
    assert_output "got ping"
    wait
    run_pod ps --format '{{.Ports}}'
    assert_contains "127.0.0.1:$port->7/udp"
}

@test "--network container: shares addresses, hosts and resolvers" {
    serve owner --add-host who:1.2.3.4 --dns 9.9.9.9
    run_pod run --rm --network container:owner "$IMAGE" sh -c 'cat /etc/hosts /etc/resolv.conf
        for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1/ && break; sleep 0.1; done'
    assert_line $'1.2.3.4\twho'
    assert_line "nameserver 9.9.9.9"
    assert_line owner
    run_pod stop -t 0 owner
    run_pod 125 run --rm --network container:owner "$IMAGE" true
    assert_error_match "not running"
}

@test "names and resolvers that are asked for" {
    run_pod run --rm --add-host a:1.2.3.4 --add-host b:::1 --dns 9.9.9.9 --dns 8.8.8.8 \
        --dns-search one.example --dns-search two.example --dns-option ndots:2 \
        "$IMAGE" cat /etc/hosts /etc/resolv.conf
    assert_line $'1.2.3.4\ta'
    assert_line $'::1\tb'
    assert_line "search one.example two.example"
    assert_line "nameserver 9.9.9.9"
    assert_line "nameserver 8.8.8.8"
    assert_line "options ndots:2"
    run_pod run --rm --no-hosts --dns none "$IMAGE" sh -c 'ls /etc'
    refute_line hosts
    refute_line resolv.conf
    run_pod 125 run --rm --add-host bad "$IMAGE" true
    run_pod 125 run --rm --dns bad "$IMAGE" true
}

@test "a pod: members share ports, names and resolvers" {
    run_pod pod create --name shop --add-host db:1.2.3.4 --dns 9.9.9.9
    run_pod run --rm --pod shop --name till "$IMAGE" cat /etc/hosts /etc/resolv.conf
    assert_line $'1.2.3.4\tdb'
    assert_line $'127.0.0.1\ttill'
    assert_match $'10\\.0\\.2\\.100\tshop '
    assert_line "nameserver 9.9.9.9"
    run_pod pod rm -f -t 0 shop
}

@test "none and host" {
    run_pod run --rm --network none "$IMAGE" ip -o addr
    refute_match "scope global"
    run_pod run --rm --network host "$IMAGE" cat /etc/hosts
    refute_match "host.containers.internal"
    assert_equal "$(pod run --rm --network host "$IMAGE" readlink /proc/self/ns/net)" \
        "$(readlink /proc/self/ns/net)"
}

@test "a sysctl that was asked for stays as it was asked for" {
    run_pod run --rm --sysctl net.ipv4.ip_unprivileged_port_start=7 --sysctl 'net.ipv4.ping_group_range=1 5' "$IMAGE" \
        cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range
    assert_output $'7\n1\t5'
}

@test "low ports and ping for every user in it" {
    # busybox pings by raw sockets only: the kernel's own word has to do
    run_pod run --rm --user 1000 "$IMAGE" sh -c 'cat /proc/sys/net/ipv4/ping_group_range
        nc -l -p 80 -w 1 </dev/null 2>&1 || true'
    assert_match $'^0[[:space:]]+[1-9][0-9]{4,}'
    refute_match "ermission"
}

# Its root may look at whatever is in its user namespace, where it has the host's processes in sight.
@test "a container that sees the host's processes reaches none of those that serve its network" {
    local how
    for how in slirp4netns slirp4netns:port_handler=slirp4netns pasta; do
        run_pod run --rm --pid host --cap-add SYS_PTRACE --network "$how" -p 127.0.0.1::80 "$IMAGE" sh -c '
            for p in /proc/[0-9]*; do
                [ ! -e "$p/root/." ] || echo "$(cat "$p/comm" 2>/dev/null)"
            done | sort -u | grep -v -x -e sh -e cat -e sort -e grep; echo looked'
        assert_output looked
    done
}

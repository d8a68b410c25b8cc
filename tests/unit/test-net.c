/* Published ports, the addresses of networks. */
#include "check.h"

#include "plain/fdio.h"
#include "plain/str.h"
#include "things/netaddr.h"
#include "words/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool parse(const char *text, struct port *p)
{
    struct err e = ERR_INIT;
    return port_parse(text, p, &e) == 0;
}

static void test_ports(void)
{
    struct port p;
    CHECK("all parts", parse("127.0.0.1:8080:80/tcp", &p));
    CHECK("as they are", strcmp(p.ip, "127.0.0.1") == 0 && p.host == 8080 && p.ctr == 80 && !p.udp);
    CHECK("no address, udp", parse(":53:5353/udp", &p) && !*p.ip && p.host == 53 && p.udp);
    CHECK("IPv6 in brackets", parse("[::1]:1:2/tcp", &p));
    CHECK_STR("without them", p.ip, "::1");
    CHECK("IPv6 bare", parse("fe80::1:1:2/tcp", &p));
    CHECK_STR("up to the ports", p.ip, "fe80::1");
    CHECK("port 0", !parse(":0:80/tcp", &p));
    CHECK("port 65536", !parse(":65536:80/tcp", &p));
    CHECK("a name", !parse("localhost:1:2/tcp", &p));
    CHECK("sctp", !parse(":1:2/sctp", &p));
    CHECK("one port only", !parse("80/tcp", &p));
    CHECK("nothing", !parse("", &p));
    CHECK("a sign", !parse(":+1:2/tcp", &p));
}

static void test_bind(void)
{
    struct port p = {.ip = "127.0.0.1"}, again;
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    cleanup_fd int first = port_bind(&p); /* port 0: the kernel's choice */
    CHECK("binds", first >= 0 && getsockname(first, (struct sockaddr *)&a, &len) == 0);
    again = p;
    again.host = ntohs(a.sin_port);
    cleanup_fd int second = port_bind(&again);
    CHECK("in use", second < 0 && errno == EADDRINUSE);
    again.udp = true;
    cleanup_fd int udp = port_bind(&again);
    CHECK("but not by udp", udp >= 0);
}

static void test_addresses(void)
{
    struct netaddr a;
    struct err e = ERR_INIT;
    struct strv o = STRV_INIT;
    CHECK("slirp4netns", netaddr_of("slirp4netns", &o, &a, &e) == 0);
    CHECK_STR("container", a.ip, "10.0.2.100");
    CHECK_STR("gateway", a.gateway, "10.0.2.2");
    CHECK_STR("resolver", a.dns, "10.0.2.3");
    CHECK("its loopback is closed", strcmp(a.host, "10.0.2.2") != 0);
    strv_add(&o, "cidr=10.9.8.7/16");
    strv_add(&o, "allow_host_loopback=true");
    CHECK("options", netaddr_of("slirp4netns", &o, &a, &e) == 0);
    CHECK_STR("another network", a.ip, "10.9.0.100");
    CHECK_STR("the host behind the gateway", a.host, "10.9.0.2");
    CHECK_STR("the last of an option", net_option(&o, "cidr"), "10.9.8.7/16");
    CHECK("part of a name is none", net_option(&o, "cid") == NULL);
    strv_add(&o, "cidr=10.0.0.0/26");
    CHECK("no room for host 100", netaddr_of("slirp4netns", &o, &a, &e) < 0);
    strv_free(&o);
    strv_add(&o, "-a");
    strv_add(&o, "192.0.2.7");
    strv_add(&o, "--gateway=192.0.2.1");
    strv_add(&o, "--map-gw");
    CHECK("pasta", netaddr_of("pasta", &o, &a, &e) == 0);
    CHECK_STR("its address", a.ip, "192.0.2.7");
    CHECK_STR("its gateway is the host", a.host, "192.0.2.1");
    CHECK("none", netaddr_of("", &o, &a, &e) == 0 && !*a.ip && !*a.host);
    strv_free(&o);
}

int main(void)
{
    test_ports();
    test_bind();
    test_addresses();
    return check_end();
}

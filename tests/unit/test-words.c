/* Sizes, durations, times, signals, UTF-8, digests, identifiers, JSON. */
#include "check.h"
#include "words/base64.h"
#include "words/digest.h"
#include "words/ident.h"
#include "words/json.h"
#include "words/signame.h"
#include "words/timefmt.h"
#include "words/units.h"
#include "words/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define S   1000000000LL
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t binary, decimal;
    } good[] = {
        {"0", 0, 0},
        {"100", 100, 100},
        {"5b", 5, 5},
        {"64m", 64ULL << 20, 64000000},
        {"1g", 1ULL << 30, 1000000000},
        {"512k", 512 << 10, 512000},
        {"1.5GiB", 3ULL << 29, 3ULL << 29},
        {"512 kB", 512 << 10, 512000},
        {"2Tb", 2ULL << 40, 2000000000000},
        {"0.5k", 512, 500},
        {"1.9999999999999999999999k", 2047, 1999},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX},
        {"15.9e", 18331451923248866918ULL, 15900000000000000000ULL},
    };
    static const char *const bad[] = {"",   "m",    "-1",   "1.",    ".5", "1x",  "1mm",
                                      "1 ", "1ki3", "1..5", "1  kB", "1i", "1e3", "0x10"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t b = 7, d = 7;
        CHECK(good[i].text, units_size_parse(good[i].text, &b) == 0 && b == good[i].binary);
        CHECK(good[i].text,
              units_size_parse_decimal(good[i].text, &d) == 0 && d == good[i].decimal);
    }
    uint64_t v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK("no size", units_size_parse(bad[i], &v) < 0 && errno == EINVAL && v == 7);
    CHECK("too large", units_size_parse("16e", &v) < 0 && errno == ERANGE && v == 7);
    CHECK("too long", units_size_parse("99999999999999999999999999999999999999999999", &v) < 0 &&
                          errno == ERANGE);
}

static void human(uint64_t n, int digits, const char *gap, const char *want)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    units_human_size(&b, n, digits, gap);
    CHECK_STR("human size", b.s, want);
}

static void ago(int64_t seconds, const char *want)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    units_human_time(&b, seconds * S);
    CHECK_STR("human time", b.s, want);
}

static void test_human(void)
{
    human(0, 3, " ", "0 B");
    human(999, 4, "", "999B");
    human(7351234, 3, " ", "7.35 MB");
    human(1987655, 3, " ", "1.99 MB");
    human(1000, 4, "", "1kB");
    human(999950, 3, " ", "1 MB");
    human(123456789012, 4, "", "123.5GB");
    human(UINT64_MAX, 3, " ", "18.4 EB");
    ago(-5, "Less than a second");
    ago(0, "Less than a second");
    ago(1, "1 second");
    ago(59, "59 seconds");
    ago(60, "About a minute");
    ago(120, "2 minutes");
    ago(59 * 60, "59 minutes");
    ago(3600, "About an hour");
    ago(2 * 3600, "2 hours");
    ago(47 * 3600, "47 hours");
    ago(48 * 3600, "2 days");
    ago(14 * 86400, "2 weeks");
    ago(21 * 86400, "3 weeks");
    ago(60 * 86400, "2 months");
    ago(730 * 86400, "2 years");
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        int64_t ns;
        const char *canonical;
    } good[] = {
        {"0", 0, "0s"},
        {"10s", 10 * S, "10s"},
        {"1h30m", 5400 * S, "1h30m0s"},
        {"250ms", S / 4, "250ms"},
        {"1.5h", 5400 * S, "1h30m0s"},
        {"-2m", -120 * S, "-2m0s"},
        {"100us", 100000, "100µs"},
        {"1.5µs", 1500, "1.5µs"},
        {"3ns", 3, "3ns"},
        {"1m0.5s", 60 * S + S / 2, "1m0.5s"},
        {".5s", S / 2, "500ms"},
        {"1.s", S, "1s"},
        {"1.000000001s", S + 1, "1.000000001s"},
    };
    static const char *const bad[] = {"", "-", "10", "s", ".s", "1x", "1h30", "1 s", "1h-1m", "."};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        int64_t ns = 7;
        CHECK(good[i].text, units_duration(good[i].text, &ns) == 0 && ns == good[i].ns);
        units_duration_text(&b, good[i].ns);
        CHECK_STR("back to text", b.s, good[i].canonical);
    }
    int64_t ns = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK("no duration", units_duration(bad[i], &ns) < 0 && ns == 7);
    CHECK("too long", units_duration("9999999h", &ns) < 0 && errno == ERANGE);
}

static void shows(time_t s, long ns, const char *rfc, const char *go)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct timespec t = {.tv_sec = s, .tv_nsec = ns}, again = {0};
    timefmt_rfc3339(&b, t);
    CHECK_STR("RFC 3339", b.s, rfc);
    CHECK("and back", timefmt_parse(b.s, &again) == 0 && again.tv_sec == s && again.tv_nsec == ns);
    buf_clear(&b);
    timefmt_go(&b, t, TIMEFMT_UTC);
    CHECK_STR("Go's form", b.s, go);
}

static void test_times(void)
{
    struct timespec t = {.tv_sec = 7, .tv_nsec = 7};
    static const char *const bad[] = {"",
                                      "2022-01-02",
                                      "2022-01-02T15:04:05",
                                      "2022-13-02T15:04:05Z",
                                      "2022-02-29T15:04:05Z",
                                      "2022-01-02T24:04:05Z",
                                      "2022-01-02T15:04:05.Z",
                                      "2022-01-02T15:04:05+0200",
                                      "2022-01-02T15:04:05Zx",
                                      "0000-01-02T15:04:05Z",
                                      "22-01-02T15:04:05Z"};
    shows(0, 0, "1970-01-01T00:00:00Z", "1970-01-01 00:00:00 +0000 UTC");
    shows(1641135845, 123456789, "2022-01-02T15:04:05.123456789Z",
          "2022-01-02 15:04:05.123456789 +0000 UTC");
    shows(1641135845, 120000000, "2022-01-02T15:04:05.12Z", "2022-01-02 15:04:05.12 +0000 UTC");
    shows(951782400, 0, "2000-02-29T00:00:00Z", "2000-02-29 00:00:00 +0000 UTC");
    shows(TIMEFMT_NEVER, 0, "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC");
    shows(253402300799, 999999999, "9999-12-31T23:59:59.999999999Z",
          "9999-12-31 23:59:59.999999999 +0000 UTC");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK("no time", timefmt_parse(bad[i], &t) < 0 && errno == EINVAL && t.tv_sec == 7);
    CHECK("offset", timefmt_parse("2022-01-02T17:04:05+02:00", &t) == 0 && t.tv_sec == 1641135845);
    CHECK("offset west", timefmt_parse("2022-01-02T09:34:05.5-05:30", &t) == 0 &&
                             t.tv_sec == 1641135845 && t.tv_nsec == 500000000);
    CHECK("ten digits are cut",
          timefmt_parse("2022-01-02T15:04:05.1234567899Z", &t) == 0 && t.tv_nsec == 123456789);
    CHECK("ns round trip",
          timefmt_to_ns(timefmt_from_ns(-1)) == -1 && timefmt_from_ns(-1).tv_nsec == 999999999);
    CHECK("ns of never", timefmt_to_ns((struct timespec){.tv_sec = TIMEFMT_NEVER}) == INT64_MIN);
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_ago(&b, (struct timespec){.tv_sec = 1000}, (struct timespec){.tv_sec = 1200});
    timefmt_ago(&b, (struct timespec){.tv_sec = TIMEFMT_NEVER}, timefmt_clock());
    CHECK_STR("ago", b.s, "3 minutes ago");
}

static void test_points(void)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"2022-01-02T15:04:05Z", 1641135845 * S},
        {"2022-01-02T15:04:05.5+01:00", 1641132245 * S + S / 2},
        {"2022-01-02", 1641081600 * S - 3600 * S},
        {"2022-01-02T15:04:05", 1641135845 * S - 3600 * S},
        {"2022-01-02 15:04", 1641135840 * S - 3600 * S},
        {"2022-01-02Z", 1641081600 * S},
        {"1136073600", 1136073600 * S},
        {"1136073600.000000001", 1136073600 * S + 1},
        {"10m", 1000 * S - 600 * S},
        {"-10m", 1000 * S + 600 * S},
    };
    setenv("TZ", "XXX-1", 1);
    tzset();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct timespec t = {0};
        CHECK(good[i].text,
              timefmt_point(good[i].text, (struct timespec){.tv_sec = 1000}, &t) == 0 &&
                  timefmt_to_ns(t) == good[i].ns);
    }
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_go(&b, (struct timespec){.tv_sec = 0}, TIMEFMT_LOCAL);
    CHECK_STR("local", b.s, "1970-01-01 01:00:00 +0100 XXX");
    struct timespec t = {.tv_sec = 7};
    CHECK("no point", timefmt_point("yesterday", t, &t) < 0 && t.tv_sec == 7);
    CHECK("no point", timefmt_point("99999999999999999999", t, &t) < 0 && t.tv_sec == 7);
    CHECK("no point", timefmt_point("", t, &t) < 0 && t.tv_sec == 7);
}

static void test_signals(void)
{
    CHECK("TERM", signal_number("TERM") == 15 && signal_number("sigterm") == 15);
    CHECK("by number", signal_number("9") == 9 && signal_number("64") == 64);
    CHECK("real-time", signal_number("RTMIN+3") == 37 && signal_number("SIGRTMAX-1") == 63 &&
                           signal_number("rtmin") == 34 && signal_number("RTMAX-30") == 34);
    static const char *const bad[] = {"",    "0",        "65",      "-1",      "NOPE",   "SIG",
                                      "15 ", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMIN+", "RTMINx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK("no signal", signal_number(bad[i]) == -1);
    CHECK_STR("15", signal_name(15), "SIGTERM");
    CHECK_STR("37", signal_name(37), "SIGRTMIN+3");
    CHECK_STR("6", signal_name(6), "SIGABRT");
    CHECK("32 has no name", !signal_name(32) && !signal_name(0) && !signal_name(65));
    bool all = true;
    for (int i = 1; i <= 64; i++)
        all = all && (!signal_name(i) || signal_number(signal_name(i)) == i);
    CHECK("every name leads back", all);
}

static void test_utf8(void)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    static const uint32_t points[] = {'a', 0xe9, 0x20ac, 0x1f433, 0x10ffff};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        uint32_t cp = 0;
        buf_clear(&b);
        utf8_put(&b, points[i]);
        CHECK("round trip", utf8_next(b.s, b.len, &cp) == b.len && cp == points[i]);
    }
    uint32_t cp = 0;
    CHECK("overlong", utf8_next("\xc0\x80", 2, &cp) == 1 && cp == UTF8_BAD);
    CHECK("surrogate", utf8_next("\xed\xa0\x80", 3, &cp) == 1 && cp == UTF8_BAD);
    CHECK("cut", utf8_next("\xe2\x82", 2, &cp) == 1 && cp == UTF8_BAD);
    CHECK("count", utf8_count("a\xc3\xa9\xff", 4) == 3);
}

static void test_idents(void)
{
    struct digest d, other;
    char id[IDENT_LEN + 1], again[IDENT_LEN + 1], name[64];
    CHECK("digest", digest_parse("sha256:" HEX, &d) == 0 && digest_is_hex(d.hex));
    CHECK_STR("digest text", digest_text(&d).s, "sha256:" HEX);
    CHECK("digest equals itself",
          digest_parse("sha256:" HEX, &other) == 0 && digest_eq(&d, &other));
    CHECK("no digest", digest_parse("sha256:abc", &d) < 0 && digest_parse(HEX, &d) < 0 &&
                           digest_parse("sha512:" HEX, &d) < 0 &&
                           digest_parse("sha256:" HEX "0", &d) < 0);
    CHECK("upper-case hex", !digest_is_hex("A" HEX) && !digest_is_hex(""));
    ident_new(id);
    ident_new(again);
    CHECK("id", digest_is_hex(id) && strcmp(id, again) != 0);
    ident_random_name(name, sizeof name);
    CHECK("random name", ident_name_ok(name) && strchr(name, '_'));
    CHECK("names", ident_name_ok("a") && ident_name_ok("A1_.-x") && ident_name_ok("0"));
    CHECK("no names", !ident_name_ok("") && !ident_name_ok("-a") && !ident_name_ok("a b") &&
                          !ident_name_ok("a/b") && !ident_name_ok(".."));
}

static void test_json(void)
{
    static const char text[] = "{\"s\":\"x\",\"n\":5,\"b\":true,\"l\":[\"a\",1,\"b\"],\"z\":null}";
    struct err e = ERR_INIT;
    cleanup_json o = NULL;
    json_t *bad = NULL;
    CHECK("parse", jx_parse("t", text, sizeof text - 1, &o, &e) == 0);
    CHECK("strings",
          strcmp(jx_str(o, "s"), "x") == 0 && *jx_str(o, "n") == '\0' && !jx_str0(o, "q"));
    CHECK("numbers", jx_int(o, "n", 1) == 5 && jx_int(o, "s", 1) == 1 && jx_int(o, "q", -3) == -3);
    CHECK("booleans", jx_bool(o, "b") && !jx_bool(o, "n") && !jx_bool(o, "q"));
    struct strv l = STRV_INIT;
    jx_strv(o, "l", &l);
    jx_strv(o, "s", &l);
    jx_strv(o, "z", &l);
    CHECK("lists keep their strings", l.n == 3 && strcmp(l.v[1], "b") == 0 && !l.v[3]);
    cleanup_json back = jx_from_strv(&l);
    CHECK("and come back", json_array_size(back) == 3);
    strv_free(&l);
    jx_set(o, "empty", json_array());
    jx_set(o, "none", NULL);
    jx_set_str(o, "blank", "");
    jx_set_str(o, "set", "v");
    CHECK("empty members are not set", json_object_size(o) == 6 && *jx_str(o, "set") == 'v');
    CHECK("malformed", jx_parse("t", "{\"a\":", 5, &bad, &e) < 0 && !bad && e.code == 125 &&
                           strncmp(e.msg, "t: malformed JSON: ", 19) == 0);
    CHECK("twice the same key", jx_parse("t", "{\"a\":1,\"a\":2}", 13, &bad, &e) < 0);
    CHECK("a file that is not there",
          jx_load(AT_FDCWD, "/nonexistent", 100, &bad, &e) < 0 && e.sys == ENOENT);
}

static void test_base64(void)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    base64_encode("a", 1, &b);
    base64_encode("ab", 2, &b);
    base64_encode("abc", 3, &b);
    CHECK_STR("encodes with padding", buf_str(&b), "YQ==YWI=YWJj");
    buf_clear(&b);
    CHECK("decodes", base64_decode("dXNlcjpwYXNz", &b) == 0);
    CHECK_STR("to the bytes", buf_str(&b), "user:pass");
    CHECK("a blank", base64_decode("dXNl cjpw", &b) < 0);
    CHECK("a piece", base64_decode("dXNlc", &b) < 0);
    CHECK("padding within", base64_decode("YQ==YWI=", &b) < 0);
    CHECK("another alphabet", base64_decode("__--", &b) < 0);
}

int main(void)
{
    test_base64();
    test_sizes();
    test_human();
    test_durations();
    test_times();
    test_points();
    test_signals();
    test_utf8();
    test_idents();
    test_json();
    return check_end();
}

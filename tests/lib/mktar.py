#!/usr/bin/env python3
"""Archives as nobody would write them by hand, and some as nobody should.

mktar.py good|bad        the names of the cases, one a line; bad ones must be refused
mktar.py CASE >TAR
"""
import struct
import sys

BLOCK = 512
ROOT = dict(uid=0, gid=0)


def field(n, width):
    """An octal number, or base 256 where octal has no room for it."""
    if 0 <= n < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, n)
    return bytes([0x80 if n >= 0 else 0xff]) + (n & (1 << 8 * (width - 1)) - 1).to_bytes(width - 1, "big")


def pad(data):
    return data + b"\0" * (-len(data) % BLOCK)


def header(name, kind=b"0", size=0, mode=0o644, uid=0, gid=0, mtime=1000000000, link=b"",
           magic=b"ustar\00000", major=0, minor=0, prefix=b"", tail=None):
    h = bytearray(BLOCK)
    h[0:100] = name[:100].ljust(100, b"\0")
    for at, width, n in ((100, 8, mode), (108, 8, uid), (116, 8, gid), (124, 12, size), (136, 12, mtime)):
        h[at:at + width] = n if isinstance(n, bytes) else field(n, width)
    h[156:157] = kind
    h[157:257] = link[:100].ljust(100, b"\0")
    h[257:265] = magic.ljust(8, b"\0")[:8]
    if kind in b"34":
        h[329:345] = field(major, 8) + field(minor, 8)
    h[345:345 + len(prefix)] = prefix
    if tail:
        h[tail[0]:tail[0] + len(tail[1])] = tail[1]
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def file(name, data=b"", **kw):
    return header(name, size=len(data), **kw) + pad(data)


def entry(name, kind, **kw):
    kw.setdefault("mode", 0o755 if kind == b"5" else 0o777 if kind == b"2" else 0o644)
    return header(name, kind, **kw)


def directory(name, **kw):
    return entry(name, b"5", **kw)


def symlink(name, to, **kw):
    return entry(name, b"2", link=to, **kw)


def hardlink(name, to, **kw):
    return entry(name, b"1", link=to, **kw)


def pax(records, kind=b"x"):
    body = b""
    for key, value in records:
        rest = b" " + key + b"=" + value + b"\n"
        n = len(rest)
        while len(b"%d" % n) + len(rest) != n:
            n = len(b"%d" % n) + len(rest)
        body += b"%d" % n + rest
    return header(b"PaxHeaders/x", kind, size=len(body)) + pad(body)


def gnu_long(kind, text):
    return header(b"././@LongLink", kind, size=len(text) + 1, magic=b"ustar  \0") + pad(text + b"\0")


END = b"\0" * 2 * BLOCK
LONG = b"/".join(b"component-%03d" % i for i in range(40))


def capability(version, rootid=0):
    v = struct.pack("<IIIII", (2 if version == 2 else 3) << 24 | 1, 1 << 10, 0, 0, 0)
    return v if version == 2 else v + struct.pack("<I", rootid)


def sparse_gnu(name, real, extents, data, more=()):
    pairs = b"".join(field(a, 12) + field(n, 12) for a, n in extents)
    tail = pairs.ljust(96, b"\0") + (b"\1" if more else b"\0") + field(real, 12)
    h = header(name, b"S", size=len(data), magic=b"ustar  \0", tail=(386, tail))
    if more:
        h += (b"".join(field(a, 12) + field(n, 12) for a, n in more)).ljust(504, b"\0") + b"\0" * 8
    return h + pad(data)


def sparse_text(extents):
    return pad(b"%d\n" % len(extents) + b"".join(b"%d\n%d\n" % e for e in extents))


A, B = b"a" * 700, b"b" * 300

GOOD = {
    # whiteouts
    "whiteouts": directory(b"d") + file(b"d/.wh.gone", mtime=5, uid=1, gid=2) + file(b".wh.top", mode=0o600) +
        directory(b"new") + file(b"deep/er/.wh.x"),
    "opaque-first": directory(b"d") + file(b"d/.wh..wh..opq") + file(b"d/x", A),
    "opaque-last": directory(b"d") + file(b"d/x", A) + file(b"d/.wh..wh..opq"),
    "opaque-root": file(b".wh..wh..opq") + file(b"x", A),
    "whiteout-then-file": file(b".wh.f") + file(b"f", A) + file(b".wh.d") + directory(b"d") + file(b"d/x"),
    "file-then-whiteout": file(b"f", A) + file(b".wh.f"),
    "aufs": file(b".wh..wh.aufs", A) + directory(b".wh..wh.plnk") + file(b".wh..wh.plnk/7.8", A) +
        directory(b".wh..wh.orph") + file(b"x"),
    # links
    "hardlinks": file(b"f", A, uid=3) + hardlink(b"g", b"f") + hardlink(b"d/h", b"./f") + hardlink(b"i", b"/g"),
    "hardlink-to-symlink": file(b"f", A) + symlink(b"s", b"f") + hardlink(b"h", b"s"),
    "hardlink-to-fifo": entry(b"p", b"6") + hardlink(b"q", b"p"),
    "hardlink-to-whiteout": file(b".wh.w") + hardlink(b"h", b"w"),
    "hardlink-owner": file(b"f", A, uid=3, mode=0o4755) + hardlink(b"g", b"f", uid=5, mode=0o4711, mtime=7),
    "hardlink-to-capable": pax([(b"SCHILY.xattr.security.capability", capability(2))]) +
        file(b"f", A, mode=0o755) + hardlink(b"g", b"f", mode=0o755),
    "hardlink-again": file(b"f", A) + hardlink(b"g", b"f") + hardlink(b"g", b"f") + file(b"o", B) + hardlink(b"o", b"f"),
    "hardlink-with-size": file(b"f", A) + entry(b"g", b"1", link=b"f", size=700),
    "hardlink-long": gnu_long(b"L", LONG) + file(b"x", A) + gnu_long(b"K", LONG) + gnu_long(b"L", LONG + b"2") +
        hardlink(b"x", b"x"),
    "symlinks": symlink(b"abs", b"/etc/passwd") + symlink(b"up", b"../../../../x") + symlink(b"self", b"self") +
        symlink(b"l", b"t", uid=7, gid=8, mtime=77),
    "through-symlink": directory(b"real") + symlink(b"alias", b"real") + file(b"alias/f", A) + directory(b"alias/d") +
        file(b"alias/d/g", B),
    "through-absolute-symlink": directory(b"real", mtime=3) + symlink(b"alias", b"/real") + file(b"alias/f", A),
    "symlink-out": symlink(b"out", b"../../../../..") + directory(b"tmp") + file(b"out/tmp/f", A),
    "symlink-to-missing": directory(b"t") + symlink(b"s", b"t/u"),
    # names
    "dots": file(b"./a", A) + file(b"b/./c", A) + file(b"b//d", A) + file(b"b/x/../e", A) + directory(b"./"),
    "absolute": file(b"/abs/f", A) + directory(b"/abs/d"),
    "odd-names": file(b"new\nline", A) + file(b"\xff\xfe", A) + file("zaß".encode(), A) + file(b"\\back", A) +
        file(b'"quoted"', A) + file(b" blank ", A) + file(b".whx") + file(b"a.wh.b"),
    "long-names": gnu_long(b"L", LONG) + file(b"short", A) + pax([(b"path", b"p/" + LONG)]) + file(b"short", B) +
        gnu_long(b"L", b"s/" + LONG) + gnu_long(b"K", LONG * 3) + symlink(b"short", b"short") +
        pax([(b"path", b"t/" + LONG), (b"linkpath", LONG * 2)]) + symlink(b"short", b"short"),
    "prefix": file(b"name", A, prefix=b"the/prefix"),
    "component-255": file(b"x", A) + gnu_long(b"L", b"d/" + b"n" * 255) + file(b"n", A),
    # types
    "fifo": entry(b"p", b"6", mode=0o600, uid=5) + entry(b"q", b"6", size=100),
    "devices": directory(b"dev") + entry(b"dev/null", b"3", major=1, minor=3) + entry(b"dev/sda", b"4", major=8) +
        file(b"x") + entry(b"x2", b"3"),
    "contiguous": header(b"c", b"7", size=700) + pad(A),
    "v7": header(b"old", b"\0", size=700, magic=b"") + pad(A) + header(b"olddir/", b"\0", magic=b""),
    "global": pax([(b"comment", b"x"), (b"mtime", b"1")], b"g") + file(b"f", A),
    # attributes
    "modes": file(b"su", A, mode=0o4755) + file(b"sg", A, mode=0o2711, uid=1, gid=1) + directory(b"st", mode=0o1777) +
        directory(b"sgd", mode=0o2755, gid=9) + file(b"sgd/f", A) + directory(b"sgd/d") + file(b"none", A, mode=0) +
        file(b"far", A, mode=0o100644) + directory(b"nox", mode=0o600) + file(b"nox/f"),
    "owners": file(b"f", A, uid=1000, gid=1001) + file(b"g", A, uid=65535, gid=65535) + directory(b"d", uid=33, gid=33),
    "root": directory(b"./", mode=0o1770, uid=4, gid=5, mtime=123456789) + file(b"./f", A),
    "times": file(b"neg", A, mtime=-1000) + file(b"zero", A, mtime=0) + pax([(b"mtime", b"1234567890.987654321")]) +
        file(b"frac", A) + pax([(b"mtime", b"-1.5")]) + file(b"negfrac", A) + file(b"late", A, mtime=4000000000) +
        symlink(b"s", b"x", mtime=9),
    "dir-last": file(b"d/e/f", A) + directory(b"d/e", mode=0o711, mtime=11, uid=2) + directory(b"d", mode=0o700, mtime=12),
    "dir-first": directory(b"d", mtime=21, mode=0o555) + directory(b"d/e", mtime=22, mode=0o500) + file(b"d/e/f", A),
    "xattrs": pax([(b"SCHILY.xattr.user.a", b"1"), (b"SCHILY.xattr.user.bin", b"\0\xff\n=")]) + file(b"f", A) +
        pax([(b"SCHILY.xattr.user.dir", b"d")]) + directory(b"d") +
        pax([(b"SCHILY.xattr.user.overlay.opaque", b"y"), (b"SCHILY.xattr.user.overlay.redirect", b"/x")]) + directory(b"e") +
        pax([(b"SCHILY.xattr.trusted.overlay.opaque", b"y")]) + directory(b"g"),
    "capabilities": pax([(b"SCHILY.xattr.security.capability", capability(2))]) + file(b"v2", A, mode=0o755) +
        pax([(b"SCHILY.xattr.security.capability", capability(3, 0))]) + file(b"v3", A, mode=0o755, uid=1),
    "pax-numbers": pax([(b"uid", b"1000"), (b"gid", b"1001"), (b"size", b"700")]) + header(b"f") + pad(A),
    "base256": header(b"f", size=b"\x80" + (700).to_bytes(11, "big"), uid=b"\x80" + (7).to_bytes(7, "big")) + pad(A),
    # contents
    "sparse-gnu": sparse_gnu(b"s", 100000, [(4096, 512), (90000, 700)], b"x" * 512 + A) +
        sparse_gnu(b"many", 9000, [(i * 1000, 10) for i in range(4)], b"m" * 60, [(4000, 10), (8000, 10)]) +
        sparse_gnu(b"hole", 70000, [(70000, 0)], b""),
    "sparse-pax-0.0": pax([(b"GNU.sparse.size", b"9000"), (b"GNU.sparse.numblocks", b"2"), (b"GNU.sparse.offset", b"0"),
        (b"GNU.sparse.numbytes", b"700"), (b"GNU.sparse.offset", b"5000"), (b"GNU.sparse.numbytes", b"300")]) +
        file(b"s", A + B),
    "sparse-pax-0.1": pax([(b"GNU.sparse.size", b"9000"), (b"GNU.sparse.numblocks", b"2"),
        (b"GNU.sparse.map", b"0,700,5000,300"), (b"GNU.sparse.name", b"named")]) + file(b"GNUSparseFile.0/s", A + B),
    "sparse-pax-1.0": pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"named"),
        (b"GNU.sparse.realsize", b"9000")]) + file(b"GNUSparseFile.0/s", sparse_text([(0, 700), (5000, 300)]) + A + B),
    "duplicates": file(b"f", A) + file(b"f", B, mode=0o600) + symlink(b"l", b"a") + symlink(b"l", b"b") + directory(b"d", mode=0o700) +
        file(b"d/x", A) + directory(b"d", mode=0o711, mtime=99),
    "file-to-dir": file(b"x", A) + directory(b"x") + file(b"x/y", B),
    "dir-to-file": directory(b"x") + file(b"x/y", A) + directory(b"x/z") + file(b"x", B),
    "dir-to-symlink": directory(b"x") + file(b"x/y", A) + directory(b"t") + symlink(b"x", b"t"),
    "symlink-to-file": directory(b"t") + file(b"t/keep", A) + symlink(b"x", b"t/keep") + file(b"x", B),
    "symlink-to-dir": directory(b"t", mode=0o700) + symlink(b"x", b"t") + directory(b"x", mode=0o711),
    "empty-file-size": file(b"e") + file(b"f", A),
    "block-sizes": b"".join(file(b"%d" % n, b"z" * n) for n in (1, 511, 512, 513, 1023, 1024)),
    "nothing": b"",
}
# archives whose end is the case
ENDS = {
    "no-end": file(b"f", A),
    "half-end": file(b"f", A) + b"\0" * BLOCK,
    "short-padding": header(b"f", size=700) + A,
    "padding": file(b"f", A) + b"\0" * 10240,
    "garbage": file(b"f", A) + END + b"garbage behind the end" * 99,
    "second-archive": file(b"f", A) + END + file(b"g", A) + END,
    "empty": b"",
}
BAD = {
    "climbs": file(b"../escape", A) + END,
    "climbs-deep": file(b"a/../../escape", A) + END,
    "hardlink-missing": hardlink(b"h", b"none") + END,
    "hardlink-out": hardlink(b"h", b"../../../../etc/passwd") + END,
    "hardlink-to-dir": directory(b"d") + hardlink(b"h", b"d") + END,
    "hardlink-through-symlink-out": symlink(b"s", b"/etc") + hardlink(b"h", b"s/passwd") + END,
    "below-a-file": file(b"f", A) + file(b"f/g", A) + END,
    "symlink-loop": symlink(b"l", b"l") + file(b"l/f", A) + END,
    "component-256": gnu_long(b"L", b"n" * 256) + file(b"n", A) + END,
    "path-5000": gnu_long(b"L", b"abc/" * 1250 + b"f") + file(b"n", A) + END,
    "huge-uid": file(b"f", A, uid=2 ** 33) + END,
    "unmapped-uid": file(b"f", A, uid=3000000) + END,
    "negative-uid": file(b"f", A, uid=-5) + END,
    "negative-size": header(b"f", size=-700) + pad(A) + END,
    "truncated-header": file(b"f", A)[:-1024] + header(b"g")[:300],
    "truncated-body": header(b"f", size=70000) + A,
    "bad-checksum": bytes(a ^ (i == 10) for i, a in enumerate(header(b"ffffffffffffffffff"))) + END,
    "noise": bytes(range(256)) * 40,
    "huge-pax": header(b"x", b"x", size=1 << 40) + END,
    "bad-pax": header(b"x", b"x", size=9) + pad(b"99 path=x") + file(b"f") + END,
    "sparse-overlap": sparse_gnu(b"s", 9000, [(0, 700), (300, 300)], A + B) + END,
    "sparse-outside": sparse_gnu(b"s", 100, [(0, 700)], A) + END,
    "whiteout-dotdot": file(b"d/.wh...", A) + END,
    "root-as-file": file(b".", A) + END,
    "unknown-type": entry(b"z", b"Z") + END,
}


def main():
    what = sys.argv[1]
    if what in ("good", "bad", "ends"):
        print("\n".join({"good": GOOD, "bad": BAD, "ends": ENDS}[what]))
        return
    if what in GOOD:
        sys.stdout.buffer.write(GOOD[what] + END)
    else:
        sys.stdout.buffer.write(ENDS.get(what, BAD.get(what)))


main()

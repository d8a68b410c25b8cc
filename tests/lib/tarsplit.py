#!/usr/bin/env python3
"""Puts an archive together again from its tar-split and the unpacked tree.

tarsplit.py SPLIT DIR [--crc] >TAR    --crc also checks each file's checksum (slow)
"""
import base64
import gzip
import json
import os
import posixpath
import sys


def crc_table():
    table = []
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ 0xD800000000000000 if c & 1 else c >> 1
        table.append(c)
    return table


TABLE = crc_table()


def crc64(data):
    c = 0xFFFFFFFFFFFFFFFF
    for b in data:
        c = TABLE[(c ^ b) & 0xFF] ^ (c >> 8)
    return c ^ 0xFFFFFFFFFFFFFFFF


def name_of(entry):
    if "name_raw" in entry:
        return base64.b64decode(entry["name_raw"])
    return entry["name"].encode("utf-8")


def reassemble(split, top, out, crc=False):
    seen, position = set(), 0
    for line in gzip.open(split):
        entry = json.loads(line)
        if entry["position"] != position:
            raise SystemExit("position %d comes as %d" % (position, entry["position"]))
        position += 1
        if entry["type"] == 2:
            out.write(base64.b64decode(entry["payload"], validate=True))
            continue
        name = posixpath.normpath(b"/" + name_of(entry))
        if name in seen:
            raise SystemExit("duplicate path %r" % name)
        seen.add(name)
        if not entry.get("size"):
            continue
        with open(os.fsencode(top) + b"/" + name_of(entry), "rb") as f:
            data = f.read()
        if len(data) != entry["size"]:
            raise SystemExit("%r has %d bytes, not %d" % (name, len(data), entry["size"]))
        if crc and crc64(data).to_bytes(8, "big") != base64.b64decode(entry["payload"]):
            raise SystemExit("%r has another checksum" % name)
        out.write(data)


if __name__ == "__main__":
    reassemble(sys.argv[1], sys.argv[2], sys.stdout.buffer, "--crc" in sys.argv)

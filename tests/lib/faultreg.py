#!/usr/bin/env python3
"""A registry that misbehaves on request. Python's standard library only.

  faultreg.py [--layout DIR] [--sample SIZE[,SIZE...]] [--tls CERT KEY] [--log FILE]
              [--port-file FILE] [--port N]

serves the images of an OCI layout (tags: org.opencontainers.image.ref.name, and "latest" for an
only image) and a made-up image of --sample layers (tar+gzip, about SIZE bytes each; K, M and G are
understood) on 127.0.0.1. Prints "PORT OTHERPORT" on stdout when it is ready and runs until it is
killed. OTHERPORT is the «blob store» of the redirect faults: a request with an Authorization
header is answered 400 there.

Every repository name is served. The components of the name that are faults are obeyed:
`127.0.0.1:PORT/token/die-4096/img:latest` wants a token and lets every blob's body die.

  token             bearer token wanted, anybody gets one
  token-user        only user:secret gets one (or the identity token "idtoken", by POST)
  token-expire-N    a token opens N requests, then a new one is wanted
  token-never       the realm refuses everybody; token-broken: it answers malformed JSON
  basic             Basic user:secret wanted
  sNNN[-K]          status NNN (500, 503, 404, ...) to everything, or to the first K requests;
                    s429 sends Retry-After: 1, s430 does so with 9999 seconds and status 429
  blob-sNNN[-K]     likewise for blobs only
  die-N             each body of a blob ends after N bytes with a reset; dieonce-N: the first only
  drop-K            the first K connections are closed without an answer
  hang              nothing is ever answered; hang-blob: a blob stops in the middle
  slow-N            blobs at N bytes a second
  norange           Range is ignored, 200 and the whole body come
  badrange          206 with a range that was not asked for
  chunked           no Content-Length
  truncate-N        blobs lack their last N bytes (Content-Length agrees); longer-N: have more
  corrupt           a byte in the middle of a blob is another one
  redirect          blobs are at OTHERPORT; redirect-loop: at themselves; redirect-file: file:///;
                    redirect-old-K: the first K addresses have run out (403)
  pages             lists of tags come one a page
  bigmanifest       5 MB of manifest; bigmanifest-chunked: without saying so before
  badjson           a manifest that is no JSON
  baddigest         a manifest with one blank more than its digest knows
  denied            403 DENIED to everything
"""
import argparse
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import random
import re
import socket
import ssl
import struct
import sys
import tarfile
import threading
import time
import urllib.parse

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BASIC = "Basic " + base64.b64encode(b"user:secret").decode()
FAULT = re.compile(
    r"^(token(-user|-never|-broken|-expire-\d+)?|basic|(blob-)?s\d\d\d(-\d+)?|die-\d+|dieonce-\d+|"
    r"drop-\d+|hang|hang-blob|slow-\d+|norange|badrange|chunked|truncate-\d+|longer-\d+|corrupt|"
    r"redirect|redirect-old-\d+|pages|redirect-loop|redirect-file|bigmanifest|bigmanifest-chunked|badjson|baddigest|"
    r"denied)$"
)


class Store:
    """Blobs by digest (bytes, or a path), manifests by tag and digest."""

    def __init__(self):
        self.blobs, self.manifests, self.lock, self.counts = {}, {}, threading.Lock(), {}

    def add(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def add_layout(self, top):
        blobs = os.path.join(top, "blobs", "sha256")
        for name in os.listdir(blobs):
            self.blobs["sha256:" + name] = os.path.join(blobs, name)
        with open(os.path.join(top, "index.json"), encoding="utf-8") as f:
            entries = json.load(f)["manifests"]
        for entry in entries:
            kind = entry.get("mediaType", OCI_MANIFEST)
            self.add_manifest(entry["digest"], kind)
            tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
            if tag:
                self.manifests[tag.rsplit(":", 1)[-1]] = (entry["digest"], kind)
        if len(entries) == 1:
            self.manifests.setdefault("latest", self.manifests[entries[0]["digest"]])

    def add_manifest(self, digest, kind):
        self.manifests[digest] = (digest, kind)
        for sub in json.loads(self.read(digest)).get("manifests", []):
            if sub["digest"] in self.blobs:
                self.add_manifest(sub["digest"], sub.get("mediaType", OCI_MANIFEST))

    def add_sample(self, sizes):
        layers, diff_ids, rand = [], [], random.Random(1)
        for i, size in enumerate(sizes):
            raw = io.BytesIO()
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
                info = tarfile.TarInfo("file%d" % i)
                info.size, info.mode = size, 0o644
                tar.addfile(info, io.BytesIO(rand.randbytes(size)))
            raw = raw.getvalue()
            diff_ids.append("sha256:" + hashlib.sha256(raw).hexdigest())
            data = gzip.compress(raw, compresslevel=1, mtime=0)
            layers.append(
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": self.add(data),
                    "size": len(data),
                }
            )
        config = json.dumps(
            {
                "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, ""),
                "os": "linux",
                "config": {"Cmd": ["/file0"]},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": self.add(config),
                "size": len(config),
            },
            "layers": layers,
        }
        digest = self.add(json.dumps(manifest).encode())
        for ref in (digest, "latest", "one", "two"):
            self.manifests[ref] = (digest, OCI_MANIFEST)

    def read(self, digest):
        blob = self.blobs[digest]
        if isinstance(blob, bytes):
            return blob
        with open(blob, "rb") as f:
            return f.read()

    def count(self, key):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def note(self, status):
        if not self.server.log:
            return
        parts = [
            "other" if self.server.is_other else "main",
            self.command,
            self.path,
            "auth=" + self.headers.get("Authorization", "-").split(" ")[0],
            "range=" + self.headers.get("Range", "-"),
            str(status),
        ]
        with self.server.store.lock, open(self.server.log, "a", encoding="utf-8") as f:
            f.write(" ".join(parts) + "\n")

    def answer(self, status, body=b"", headers=()):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, message, headers=()):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, body, [("Content-Type", "application/json"), *headers])

    def reset(self):
        """Ends the connection with a TCP reset, as a crashed server or a cut line does."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        if hasattr(self.connection, "detach") and not isinstance(self.connection, ssl.SSLSocket):
            os.close(self.connection.detach())

    def faults(self, name):
        return [c for c in name.split("/") if FAULT.match(c)]

    def number(self, name, what):
        for fault in self.faults(name):
            if re.match("^" + what + r"-\d+$", fault):
                return int(fault.rsplit("-", 1)[1])
        return None

    # the token realm

    def token(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if self.command == "POST":
            n = int(self.headers.get("Content-Length", "0"))
            query = urllib.parse.parse_qs(self.rfile.read(n).decode())
        scope = query.get("scope", [""])[0]
        faults = self.faults(scope.split(":")[1] if ":" in scope else "")
        if "token-never" in faults:
            return self.refuse(401, "UNAUTHORIZED", "authentication required")
        if "token-broken" in faults:
            return self.answer(200, b'{"token": ')
        if "token-user" in faults:
            by_id = query.get("refresh_token") == ["idtoken"]
            if not by_id and self.headers.get("Authorization") != BASIC:
                return self.refuse(401, "UNAUTHORIZED", "incorrect username or password")
        word = "t%d" % self.server.store.count("token")
        key = "access_token" if self.command == "POST" else "token"
        return self.answer(200, json.dumps({key: word, "expires_in": 300}).encode())

    def authorized(self, name, faults):
        auth = self.headers.get("Authorization", "")
        if "basic" in faults and auth != BASIC:
            self.refuse(
                401,
                "UNAUTHORIZED",
                "authentication required",
                [("WWW-Authenticate", 'Basic realm="faultreg, \\"quoted\\""')],
            )
            return False
        if not any(f.startswith("token") for f in faults):
            return True
        ok = auth.startswith("Bearer t")
        limit = self.number(name, "token-expire")
        if ok and limit and self.server.store.count(("uses", auth)) > limit:
            ok = False
        if not ok:
            scheme = "https" if self.server.tls else "http"
            realm = "%s://127.0.0.1:%d/token" % (scheme, self.server.server_port)
            value = 'Bearer realm="%s",service="faultreg",scope="repository:%s:pull"' % (realm, name)
            self.refuse(
                401, "UNAUTHORIZED", "authentication required", [("WWW-Authenticate", value)]
            )
        return ok

    def status_fault(self, faults, prefix):
        for fault in faults:
            m = re.match("^" + prefix + r"s(\d\d\d)(-(\d+))?$", fault)
            if not m:
                continue
            if m.group(3) and self.server.store.count(self.path + fault) > int(m.group(3)):
                continue
            status, headers = int(m.group(1)), []
            if status in (429, 430):
                headers = [("Retry-After", "1" if status == 429 else "9999")]
                self.refuse(429, "TOOMANYREQUESTS", "You have reached your pull rate limit", headers)
            elif status == 404:
                what = "BLOB" if prefix else "MANIFEST"
                self.refuse(404, what + "_UNKNOWN", what.lower() + " unknown to registry")
            else:
                self.answer(status, b"<html>sorry\x1b[31m</html>")
            return True
        return False

    def do_POST(self):
        if self.path.startswith("/token"):
            return self.token()
        return self.answer(405)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.path.startswith("/token"):
            return self.token()
        if self.path == "/v2/":
            return self.answer(200, b"{}")
        m = re.match(r"^/v2/(.+)/(manifests|blobs|tags)/([^/?]+)", self.path)
        if not m:
            return self.answer(404)
        name, what, ref = m.groups()
        faults = self.faults(name)
        if self.server.is_other:
            if "Authorization" in self.headers:
                return self.answer(400, b"Authorization was sent to another host")
            old = self.number(name, "redirect-old")
            if old and self.server.store.count(self.path + "old") <= old:
                return self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return self.blob(name, faults, ref)
        drop = self.number(name, "drop")
        if drop and self.server.store.count(name + "drop") <= drop:
            self.note(0)
            return self.reset()
        if "hang" in faults:
            self.note(0)
            time.sleep(3600)
        if "denied" in faults:
            return self.refuse(403, "DENIED", "requested access to the resource is denied")
        if self.status_fault(faults, "") or not self.authorized(name, faults):
            return None
        if what == "manifests":
            return self.manifest(faults, ref)
        if what == "tags":
            return self.tags(name, faults)
        if self.status_fault(faults, "blob-"):
            return None
        return self.redirect(faults) or self.blob(name, faults, ref)

    def redirect(self, faults):
        if "redirect" in faults or self.number("/".join(faults), "redirect-old"):
            where = "http://localhost:%d%s?signature=x" % (self.server.other_port, self.path)
        elif "redirect-loop" in faults:
            where = self.path
        elif "redirect-file" in faults:
            where = "file:///etc/passwd"
        else:
            return False
        self.answer(307, b"", [("Location", where)])
        return True

    def tags(self, name, faults):
        tags = sorted(t for t in self.server.store.manifests if not t.startswith("sha256:"))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        tags = [t for t in tags if t > query.get("last", [""])[0]]
        headers = [("Content-Type", "application/json")]
        if "pages" in faults and len(tags) > 1:
            tags = tags[:1]
            headers.append(("Link", '</v2/%s/tags/list?last=%s&n=1>; rel="next"' % (name, tags[0])))
        return self.answer(200, json.dumps({"name": name, "tags": tags}).encode(), headers)

    def manifest(self, faults, ref):
        known = self.server.store.manifests.get(ref)
        if not known:
            return self.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
        digest, kind = known
        body = self.server.store.read(digest)
        if "badjson" in faults:
            body = b'{"schemaVersion": 2, "layers": ['
        if "baddigest" in faults:
            body += b" "
        if "bigmanifest" in faults or "bigmanifest-chunked" in faults:
            body = b"{" + b" " * 5000000 + b"}"
        if "bigmanifest-chunked" in faults:
            return self.chunked(body)
        headers = [("Content-Type", kind), ("Docker-Content-Digest", digest)]
        return self.answer(200, body, headers)

    def chunked(self, body):
        self.note(200)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 65536):
            piece = body[at : at + 65536]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def blob(self, name, faults, digest):
        store = self.server.store
        if digest not in store.blobs:
            return self.refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        path = store.blobs[digest]
        if not faults and isinstance(path, str) and "Range" not in self.headers:
            return self.file(path)
        body = store.read(digest)
        if self.number(name, "truncate"):
            body = body[: -self.number(name, "truncate")]
        if self.number(name, "longer"):
            body += b"x" * self.number(name, "longer")
        if "corrupt" in faults:
            at = len(body) // 2
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        return self.send_blob(name, faults, body)

    def file(self, path):
        self.note(200)
        with open(path, "rb") as f:
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(f.fileno()).st_size))
            self.end_headers()
            self.wfile.flush()
            self.connection.sendfile(f)

    def send_blob(self, name, faults, body):
        status, start = 200, 0
        m = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        if m and "norange" not in faults:
            status, start = 206, int(m.group(1)) + (7 if "badrange" in faults else 0)
        if "chunked" in faults and status == 200 and not self.number(name, "die"):
            return self.chunked(body)
        self.note(status)
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(body) - 1, len(body)))
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if self.command == "HEAD":
            return None
        return self.send_body(name, faults, body[start:])

    def send_body(self, name, faults, body):
        die = self.number(name, "die")
        once = self.number(name, "dieonce")
        if once is not None and self.server.store.count(self.path + "dieonce") == 1:
            die = once
        if "hang-blob" in faults:
            die = len(body) // 2
        if die is not None and die < len(body):
            self.wfile.write(body[:die])
            self.wfile.flush()
            if "hang-blob" in faults:
                time.sleep(3600)
            time.sleep(0.02)  # a reset overtakes what the peer has not read yet
            return self.reset()
        slow = self.number(name, "slow")
        step = max(1, slow // 10) if slow else len(body) or 1
        for at in range(0, len(body), step):
            self.wfile.write(body[at : at + step])
            self.wfile.flush()
            if slow:
                time.sleep(0.1)
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that go away are what this is for


def serve(store, args, is_other, other_port=0, port=0):
    server = Server(("127.0.0.1", port), Handler)
    server.store, server.log, server.is_other, server.other_port = (
        store, args.log, is_other, other_port,
    )
    server.tls = bool(args.tls) and not is_other
    if server.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def size(text):
    return int(float(text.rstrip("KMG")) * {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1], 1))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layout", action="append", default=[])
    parser.add_argument("--sample")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--log")
    parser.add_argument("--port-file")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    store = Store()
    for top in args.layout:
        store.add_layout(top)
    if args.sample:
        store.add_sample([size(s) for s in args.sample.split(",")])
    other = serve(store, args, True)
    port = serve(store, args, False, other, args.port)
    line = "%d %d" % (port, other)
    if args.port_file:
        with open(args.port_file + ".tmp", "w", encoding="utf-8") as f:
            f.write(line + "\n")
        os.rename(args.port_file + ".tmp", args.port_file)
    print(line, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A registry that serves an OCI layout and misbehaves as told.

registry.py LAYOUT PORTFILE LOGFILE [WISH...]

Writes its port to PORTFILE when it listens, and a line for each request to LOGFILE:
METHOD PATH STATUS [Range]. Wishes (N: for the first N requests of that kind, else always):

  manifest=CODE[*N] blob=CODE[*N]  answer with that status; 429 comes with Retry-After: 0
  cut=BYTES[*N]    blobs end after BYTES, although Content-Length promised all
  short=BYTES[*N]  blobs are BYTES long, and Content-Length says so
  flip[*N]         one byte in the middle of a blob is another
  norange          Range is ignored, as simple servers do
  redirect         blobs lie behind a 307 on another host (localhost), where Authorization is refused
  json=TEXT        manifests are this text
  big=BYTES        manifests are that long (blanks after the JSON)
  silent           connections are taken and nothing is answered
  stall=BYTES      blobs stop coming after BYTES; the connection stays open
  basic=USER:PASS  authentication; token=USER:PASS: by a bearer token, which is made only for them
  anonymous        a bearer token is made for anyone
"""
import base64
import http.server
import json
import os
import re
import socketserver
import sys
import threading
import time

layout, port_file, log_file = sys.argv[1:4]
lock = threading.Lock()
wishes = {}
for word in sys.argv[4:]:
    name, _, value = word.partition("=")
    value, star, times = value.partition("*") if "*" in value else (value, "", "")
    if "*" in name:
        name, _, times = name.partition("*")
    wishes[name] = [value, int(times) if times else None]


def wish(name):
    """The wish's value while it holds, None otherwise; counts its uses."""
    with lock:
        w = wishes.get(name)
        if w is None or w[1] == 0:
            return None
        if w[1] is not None:
            w[1] -= 1
        return w[0]


def manifests():
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as f:
        return json.load(f)["manifests"]


def blob(digest):
    path = os.path.join(layout, "blobs", *digest.split(":", 1))
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        return f.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        ranged = self.headers.get("Range")
        with lock, open(log_file, "a", encoding="utf-8") as f:
            f.write(f"{self.command} {self.path} {status}{' ' + ranged if ranged else ''}\n")

    def answer(self, status, body=b"", kind="application/json", headers=(), length=None):
        self.note(status)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, message, headers=()):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, body, headers=headers)

    def basic(self):
        h = self.headers.get("Authorization", "")
        return base64.b64decode(h[6:]).decode() if h.startswith("Basic ") else None

    def let_in(self):
        """Whether the request may go on; if not, it has been answered."""
        here = f"http://{self.headers['Host']}"
        if "basic" in wishes and self.basic() != wishes["basic"][0]:
            self.error(401, "UNAUTHORIZED", "authentication required",
                       [("WWW-Authenticate", 'Basic realm="test"')])
            return False
        if "token" in wishes or "anonymous" in wishes:
            if self.headers.get("Authorization") != "Bearer the-token":
                name = re.match(r"/v2/(.+)/(manifests|blobs)/", self.path)
                scope = f',scope="repository:{name[1]}:pull"' if name else ""
                self.error(401, "UNAUTHORIZED", "authentication required", [
                    ("WWW-Authenticate", f'Bearer realm="{here}/token",service="test"{scope}')])
                return False
        return True

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if "silent" in wishes:
            self.note("silence")
            time.sleep(600)
            return
        if self.path.startswith("/token"):
            if "token" in wishes and self.basic() != wishes["token"][0]:
                self.error(401, "UNAUTHORIZED", "no token for you")
            else:
                self.answer(200, b'{"token":"the-token","expires_in":300}')
            return
        stored = re.match(r"/elsewhere/(.+)", self.path)
        if stored:
            if self.headers.get("Authorization"):
                self.error(400, "INVALID", "two kinds of authorization")
            else:
                self.send_blob(stored[1])
            return
        if not self.let_in():
            return
        m = re.match(r"/v2/(.+)/(manifests|blobs)/([^?]+)", self.path)
        if not m:
            self.answer(200 if self.path in ("/v2/", "/v2") else 404, b"{}")
        elif m[2] == "manifests":
            self.send_manifest(m[3])
        elif "redirect" in wishes:
            port = server.server_address[1]
            self.answer(307, headers=[("Location", f"http://localhost:{port}/elsewhere/{m[3]}")])
        else:
            self.send_blob(m[3])

    def refuse(self, kind):
        status = wish(kind)
        if status is None:
            return False
        words = {"401": "UNAUTHORIZED", "403": "DENIED", "404": "MANIFEST_UNKNOWN",
                 "429": "TOOMANYREQUESTS"}
        self.error(int(status), words.get(status, "UNKNOWN"), f"told to answer {status}",
                   [("Retry-After", "0")] if status == "429" else ())
        return True

    def send_manifest(self, ref):
        if self.refuse("manifest"):
            return
        kind, digest = None, ref
        for m in manifests():
            if ref in (m["digest"], m.get("annotations", {}).get("org.opencontainers.image.ref.name")):
                kind, digest = m["mediaType"], m["digest"]
        body = blob(digest)
        if body is None:
            self.error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return
        kind = kind or json.loads(body).get("mediaType", "application/vnd.oci.image.manifest.v1+json")
        if "json" in wishes:
            body = wishes["json"][0].encode()
        if "big" in wishes:
            body = body.ljust(int(wishes["big"][0]))
        self.answer(200, body, kind, [("Docker-Content-Digest", digest)])

    def send_blob(self, digest):
        if self.refuse("blob"):
            return
        body = blob(digest)
        if body is None:
            self.error(404, "BLOB_UNKNOWN", "blob unknown to registry")
            return
        if wish("flip") is not None:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
        short = wish("short")
        if short is not None:
            body = body[:int(short)]
        status, headers, whole = 200, [], len(body)
        ranged = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if ranged and "norange" not in wishes:
            start = int(ranged[1])
            if start >= whole:
                self.answer(416, headers=[("Content-Range", f"bytes */{whole}")])
                return
            body, status = body[start:], 206
            headers = [("Content-Range", f"bytes {start}-{whole - 1}/{whole}")]
        length = len(body)
        stall, cut = wishes.get("stall"), wish("cut") if length > 4096 else None
        if stall and length > int(stall[0]):
            body = body[:int(stall[0])]
        elif cut is not None:
            body = body[:int(cut)]
        self.answer(status, body, "application/octet-stream", headers, length)
        if len(body) < length:
            self.wfile.flush()
            if stall:
                time.sleep(600)
            self.close_connection = True


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that hung up


server = Server(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w", encoding="utf-8") as out:
    out.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()

#!/usr/bin/env python3
"""An OCI layout, or a docker archive, of layers as they are given.

mklayers.py LAYOUT TAG [BLOB...]             each BLOB is a layer as it stands: tar, gzip or zstd
mklayers.py --docker [--legacy] DIR TAG...   the files of a docker-archive: manifest.json and so on,
    one image for each TAG, made of the layers in DIR/in (tars, in the order of their names).
    --legacy: ID/layer.tar, and for a layer that was there before a symbolic link to it
"""
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def uncompressed(path, data):
    if data[:2] == b"\x1f\x8b":
        try:
            return gzip.decompress(data)
        except (OSError, EOFError):  # on purpose damaged: any diffID will do
            return b""
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=False).stdout
    return data


def config_of(diffs, **more):
    return json.dumps({
        "created": "1970-01-01T00:00:00Z", "architecture": ARCH, "os": "linux",
        "config": {"Cmd": ["/bin/sh"], **more},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + d for d in diffs]},
    }).encode()


def layout(top, tag, blobs):
    store = os.path.join(top, "blobs", "sha256")
    os.makedirs(store, exist_ok=True)

    def add(data, kind):
        with open(os.path.join(store, sha(data)), "wb") as f:
            f.write(data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + sha(data),
                "size": len(data)}

    layers, diffs = [], []
    for path in blobs:
        with open(path, "rb") as f:
            data = f.read()
        diffs.append(sha(uncompressed(path, data)))
        # the type says gzip whatever is inside
        layers.append(add(data, "layer.v1.tar+gzip"))
    config = add(config_of(diffs), "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": config, "layers": layers}
    entry = add(json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    with open(os.path.join(top, "oci-layout"), "w", encoding="utf-8") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    with open(os.path.join(top, "index.json"), "w", encoding="utf-8") as f:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, f)


def docker(top, tags, legacy):
    source, images, seen = os.path.join(top, "in"), [], {}
    names = sorted(os.listdir(source))
    for number, tag in enumerate(tags):
        files, diffs = [], []
        for i, name in enumerate(names):
            with open(os.path.join(source, name), "rb") as f:
                diffs.append(sha(f.read()))
            if not legacy:
                files.append(diffs[-1] + ".tar")
                shutil.copy(os.path.join(source, name), os.path.join(top, files[-1]))
                continue
            own = sha(b"%d %d" % (number, i))
            os.makedirs(os.path.join(top, own))
            files.append(own + "/layer.tar")
            target = os.path.join(top, files[-1])
            if diffs[-1] in seen:
                os.symlink("../" + seen[diffs[-1]], target)
            else:
                shutil.copy(os.path.join(source, name), target)
                seen[diffs[-1]] = files[-1]
        config = config_of(diffs, Labels={"number": str(number)})
        with open(os.path.join(top, sha(config) + ".json"), "wb") as f:
            f.write(config)
        images.append({"Config": sha(config) + ".json", "RepoTags": [tag] if tag != "-" else None,
                       "Layers": files})
    with open(os.path.join(top, "manifest.json"), "w", encoding="utf-8") as f:
        json.dump(images, f)
    shutil.rmtree(source)


if sys.argv[1] == "--docker":
    rest = sys.argv[2:]
    is_legacy = rest[0] == "--legacy"
    docker(rest[is_legacy], rest[is_legacy + 1:], is_legacy)
else:
    layout(sys.argv[1], sys.argv[2], sys.argv[3:])

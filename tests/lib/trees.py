#!/usr/bin/env python3
"""trees.py DIR...: each file below, one a line, with everything that an archive can say of it.

Times of whiteouts mean nothing, and those of this hour are only «now»: nobody said them, they just came to be."""
import hashlib
import os
import stat
import sys
import time


def line(top, path, inodes):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    words = [repr(os.path.relpath(path, top)), stat.filemode(st.st_mode), "%o" % stat.S_IMODE(st.st_mode),
             "%d:%d" % (st.st_uid, st.st_gid),
             "whiteout" if kind == stat.S_IFCHR else "now" if abs(time.time() - st.st_mtime) < 3600 else str(st.st_mtime_ns)]
    if kind == stat.S_IFREG:
        with open(path, "rb") as f:
            words += [str(st.st_size), hashlib.sha256(f.read()).hexdigest()[:16]]
    elif kind == stat.S_IFLNK:
        words.append("-> " + repr(os.readlink(path)))
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        words.append("%d,%d" % (os.major(st.st_rdev), os.minor(st.st_rdev)))
    if st.st_nlink > 1 and kind != stat.S_IFDIR and kind != stat.S_IFCHR:
        words.append("= " + inodes.setdefault(st.st_ino, repr(os.path.relpath(path, top))))
    if kind != stat.S_IFLNK:
        for name in sorted(os.listxattr(path, follow_symlinks=False)):
            words.append("%s=%s" % (name, os.getxattr(path, name, follow_symlinks=False).hex()))
    return " ".join(words)


for root in sys.argv[1:]:
    known, found = {}, [root]
    for here, dirs, files in os.walk(os.fsencode(root)):
        found += [os.fsdecode(os.path.join(here, n)) for n in dirs + files]
    for p in sorted(found):
        print(line(root, p, known))

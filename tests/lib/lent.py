"""lent.py HOW USERNS COMMAND...

Has `USERNS lend` make namespaces on a socket, and runs COMMAND with that socket's number in place
of the word @FD@. Its output goes to ours, after one line: the network and the user namespace that
were lent. HOW: whole; killed: the lender dies before anybody asks; silent: nothing is ever sent.
The end of COMMAND's that we have stays open: that it is closed is not what ends a lender.
"""
import array
import os
import socket
import subprocess
import sys

how, userns, command = sys.argv[1], sys.argv[2], sys.argv[3:]
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
lender = None
if how != "silent":
    lender = subprocess.Popen([userns, "lend"], close_fds=False,
                              preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
if how != "silent":
    theirs.close()
if how == "whole":
    room = socket.CMSG_SPACE(3 * array.array("i").itemsize)
    text, beside, _, _ = ours.recvmsg(16, room, socket.MSG_PEEK)
    assert int(text) == lender.pid
    fds = array.array("i", beside[0][2])
    user, net = (os.readlink(f"/proc/self/fd/{fd}") for fd in fds[:2])
    print(net, user, flush=True)
elif lender:
    lender.kill()
    lender.wait()
code = subprocess.run([str(ours.fileno()) if w == "@FD@" else w for w in command],
                      pass_fds=[ours.fileno()]).returncode
ours.close()
if lender and lender.wait(10) not in (0, -9):
    sys.exit("the lender failed")
sys.exit(code)

"""Runs a program under the calls, address families and memory rule of a systemd unit.

The rules come as JSON in the first argument, the program in the others. What is not allowed kills
the program, so that a single call is noticed. What systemd does beyond these three is left out.
"""

import json
import os
import socket
import sys

import seccomp

PROT_WRITE, PROT_EXEC = 2, 4
BOTH = PROT_WRITE | PROT_EXEC


def main():
    rules = json.loads(sys.argv[1])
    jail = seccomp.SyscallFilter(defaction=seccomp.KILL_PROCESS)
    for call in rules["calls"]:
        # A call of another kind of processor has a negative number here.
        if seccomp.resolve_syscall(seccomp.Arch(), call) < 0:
            continue
        if call == "mmap":
            for kept in (0, PROT_WRITE, PROT_EXEC):
                allow(jail, call, seccomp.Arg(2, seccomp.MASKED_EQ, BOTH, kept))
        elif call in ("mprotect", "pkey_mprotect"):
            allow(jail, call, seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
        elif call == "socket":
            for family in rules["families"]:
                number = getattr(socket, family).value
                allow(jail, call, seccomp.Arg(0, seccomp.EQ, number))
        else:
            allow(jail, call)
    jail.load()
    os.execv(sys.argv[2], sys.argv[2:])


def allow(jail, call, *arguments):
    jail.add_rule(seccomp.ALLOW, call, *arguments)


main()

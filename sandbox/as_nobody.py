"""Run a command as `nobody`, for PostgreSQL refuses to run as root.

`nobody` exists on every Linux, so no user needs to be created. One right of root is kept: to pass through folders that
are closed to others. Without it the repository could not lie in a home folder such as /root.

Usage: as_nobody.py COMMAND [ARGUMENT ...]
"""

import ctypes
import os
import pwd
import sys

USER = "nobody"

# Numbers of the kernel's interface: see prctl(2), capset(2) and capabilities(7).
PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 28, 47, 2
SECBIT_NO_SETUID_FIXUP = 4
CAPABILITY_VERSION_3, CAP_DAC_OVERRIDE = 0x20080522, 1


def become_nobody() -> None:
    """Give up root for good, all but the one right."""
    user = pwd.getpwnam(USER)
    libc = ctypes.CDLL(None, use_errno=True)
    # Without it, rights end with root's user id, and access(2), which PostgreSQL calls first, ignores this one.
    libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    mask = 1 << CAP_DAC_OVERRIDE
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    # If the right cannot be kept, the command itself names the folder that it cannot enter.
    if libc.capset(header, effective_permitted_inheritable) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    become_nobody()
    os.execv(sys.argv[1], sys.argv[1:])

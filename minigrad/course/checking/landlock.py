"""Let the system refuse writing outside a folder, on Linux 5.13 or later.

C code can write files without an audit event, so the audit hook in child.py does not notice it. A
Landlock rule set restricts C code too, and it cannot be removed. It lists the kinds of access that
are refused everywhere except in the places to which a rule allows them.
Source: https://docs.kernel.org/userspace-api/landlock.html
"""

import os
import struct
import sys

# The numbers of the system calls are the same on all processors.
CREATE_RULE_SET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_FOR_VERSION = 1
IN_A_FOLDER = 1
"""The kind of a rule that applies to a folder and all that it contains."""
SET_NO_NEW_PRIVILEGES = 38

# Kinds of access, from the kernel's linux/landlock.h.
WRITE_FILE = 1 << 1
CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))
"""Removing folders and files, and making devices, folders, files, sockets, pipes and links."""
MOVE = 1 << 13
"""Moving and linking files to another folder. Kernels with version 1 always refuse this."""
TRUNCATE = 1 << 14
"""Kernels know this kind since version 3."""


def write_only_in(folder: str) -> None:
    """Make the system refuse this process to write, create, move or remove files outside `folder`.
    This cannot be undone. Files that are already open stay as they are.

    Does nothing on systems without Landlock.
    """
    if sys.platform != "linux" or struct.calcsize("P") != 8:
        return
    import ctypes

    library = ctypes.CDLL(None)
    call = library.syscall
    nothing = ctypes.c_void_p()
    version = call(CREATE_RULE_SET, nothing, ctypes.c_size_t(0), ASK_FOR_VERSION)
    if version < 1:
        return
    handled = WRITE_FILE | CHANGE_FOLDER
    if version >= 2:
        handled |= MOVE
    if version >= 3:
        handled |= TRUNCATE
    rule_set = struct.pack("Q", handled)
    rules = call(CREATE_RULE_SET, rule_set, ctypes.c_size_t(len(rule_set)), 0)
    for path, allowed in (
        (folder, handled),
        (os.devnull, handled & (WRITE_FILE | TRUNCATE)),
    ):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        call(ADD_RULE, rules, IN_A_FOLDER, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    library.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call(RESTRICT_SELF, rules, 0)
    os.close(rules)

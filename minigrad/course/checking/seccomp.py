"""Refuse system calls that no lesson needs, on Linux (64-bit x86 and ARM).

C code can bypass the audit hook in child.py. This filter restricts C code too, and it cannot be
removed. The filter is a short program that the kernel runs before each system call. The program
loads the call's number, compares it with each refused number, and returns "not permitted" if one of
them matches.
Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import errno
import platform
import struct
import sys

# The numbers of the refused system calls, from the kernel's asm/unistd_64.h and
# asm-generic/unistd.h. These calls start programs; signal, trace or limit other processes; open
# connections; mount file systems; allocate memory that is not limited or that outlives the process;
# or pass work to the kernel that the filter cannot see (io_uring).
CALLS = {
    "x86_64": (0xC000003E, 56, 302, 72, [
        57, 58, 59, 322,  # fork, vfork, execve, execveat
        62, 200, 234, 129, 297,  # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
        101, 310, 311,  # ptrace, process_vm_readv, process_vm_writev
        41, 53,  # socket, socketpair
        141, 203, 144, 142, 251, 314,  # setpriority, sched_setaffinity and the like, ioprio_set
        272, 308, 165, 155, 161,  # unshare, setns, mount, pivot_root, chroot
        # bpf, perf_event_open, userfaultfd, add_key, request_key, keyctl
        321, 298, 323, 248, 249, 250,
        133, 259,  # mknod, mknodat
        319, 29, 64, 68, 240,  # memfd_create, shmget, semget, msgget, mq_open
    ]),
    "aarch64": (0xC00000B7, 220, 261, 25, [
        221, 281,
        129, 130, 131, 138, 240,
        117, 270, 271,
        198, 199,
        140, 122, 119, 118, 30, 274,
        97, 268, 40, 41, 51,
        280, 241, 282, 217, 218, 219,
        33,
        279, 194, 190, 186, 180,
    ]),
}  # fmt: skip
EVERYWHERE = [424, 434, 438, 425]
"""pidfd_send_signal, pidfd_open, pidfd_getfd, io_uring_setup."""
CLONE3 = 435
CLONE_THREAD = 0x10000
F_SETOWN, F_SETOWN_EX = 8, 15
"""These fcntl commands set a pipe's owner, and the pipe can send signals to its owner. Any process
of the same user can become the owner.
"""
CAPABILITIES = 0b110
"""The root capabilities that are kept. They allow reading and writing other users' files, because a
package may be installed in a user's home folder.
"""


def refuse_calls() -> None:
    """Make the system refuse this process the calls listed above, and drop all of root's capabilities
    except CAPABILITIES. This cannot be undone.

    Does nothing on systems without this filter.
    """
    if sys.platform != "linux" or platform.machine() not in CALLS or struct.calcsize("P") != 8:
        return
    import ctypes

    kind, clone, prlimit, fcntl, numbers = CALLS[platform.machine()]
    load, equal, at_least, has_bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, unknown = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
    # Each step contains an operation, the number of steps to skip if its comparison is true, the
    # number of steps to skip if it is false, and the operand.
    # Refuse calls for another processor.
    steps = [
        (load, 0, 0, 4),
        (equal, 1, 0, kind),
        (answer, 0, 0, refuse),
        # Refuse calls that use the kernel's 32-bit interface.
        (load, 0, 0, 0),
        (at_least, 0, 1, 1 << 30),
        (answer, 0, 0, refuse),
    ]
    for number in (*numbers, *EVERYWHERE):
        steps += [(equal, 0, 1, number), (answer, 0, 0, refuse)]
    # The filter cannot see the flags of clone3. If clone3 is reported as unknown, the C library
    # uses clone instead. The filter allows clone to create a thread but not a process. It allows
    # prlimit only for process 0, which means this process.
    steps += [(equal, 0, 1, CLONE3), (answer, 0, 0, unknown)]
    for number, compare, first in (
        (clone, has_bits, CLONE_THREAD),
        (prlimit, equal, 0),
    ):
        steps += [
            (equal, 0, 4, number),
            (load, 0, 0, 16),
            (compare, 0, 1, first),
            (answer, 0, 0, allow),
            (answer, 0, 0, refuse),
        ]
    steps += [
        (equal, 0, 5, fcntl),
        (load, 0, 0, 24),
        (equal, 1, 0, F_SETOWN),
        (equal, 0, 1, F_SETOWN_EX),
        (answer, 0, 0, refuse),
        (answer, 0, 0, allow),
    ]
    steps.append((answer, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    )
    library = ctypes.CDLL(None)
    version, rights = (
        ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0)),
        ctypes.create_string_buffer(24),
    )
    library.capget(version, rights)
    left = struct.unpack("6I", rights.raw)[1] & CAPABILITIES
    library.capset(version, struct.pack("6I", left, left, 0, 0, 0, 0))
    set_no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    library.prctl(set_no_new_privileges, 1, 0, 0, 0)
    library.prctl(set_seccomp, mode_filter, program)

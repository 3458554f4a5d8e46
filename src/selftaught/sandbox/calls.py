"""The seccomp filter: which calls to the kernel end a process, or fail, behind the walls.

The kernel applies it to a process and its descendants, and nothing takes it off. What has no use in a computation and
much in an escape is refused; a process that calls it is ended by SIGSYS, which its keeper sees (`noted`), or told that
it may not (`denied`). A call that is newer than the tables does not exist.
"""

import ctypes
import errno
import struct
from functools import lru_cache

from selftaught.sandbox.kernel import NEW_CGROUP, NEW_IPC, NEW_MOUNT, NEW_NET, NEW_PID, NEW_USER, NEW_UTS, SECCOMP, control, machine

# Numbers on x86-64 and on 64-bit ARM; None where a processor has no such call.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198), "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "ptrace": (101, 117),
    "kill": (62, 129), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "personality": (135, 92), "syslog": (103, 116),
    "pivot_root": (155, 41), "chroot": (161, 51), "acct": (163, 89), "mount": (165, 40), "umount2": (166, 39), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "settimeofday": (164, 170), "sethostname": (170, 161), "setdomainname": (171, 162),
    "adjtimex": (159, 171), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "iopl": (172, None), "ioperm": (173, None),
    "init_module": (175, 105), "delete_module": (176, 106), "finit_module": (313, 273), "quotactl": (179, 60), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "unshare": (272, 97), "setns": (308, 268), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "kcmp": (312, 272), "memfd_create": (319, 279), "kexec_load": (246, 104), "bpf": (321, 280),
    "kexec_file_load": (320, 294), "userfaultfd": (323, 282), "perf_event_open": (298, 241), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "fanotify_init": (300, 262), "io_setup": (206, 0), "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "mount_setattr": (442, 442),
    "quotactl_fd": (443, 443), "memfd_secret": (447, 447), "process_mrelease": (448, 448),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
}  # fmt: skip
CLONE, CLONE3, NEWEST = (56, 220), 435, 462
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# A second set of numbers for the same calls on x86-64.
OTHER_NUMBERS = 0x40000000
THREAD, NAMESPACES = 0x10000, NEW_MOUNT | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET
KILL, FAIL, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
LOAD, EQUAL, AT_LEAST, ANY_BIT, GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCH, FIRST = 0, 4, 16


class Program(ctypes.Structure):
    """A filter as the kernel takes it."""

    _fields_ = [("count", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction of the filter; `then` and `otherwise` are how many to skip."""
    return struct.pack("HBBI", code, then, otherwise, value)


def give(verdict: int) -> bytes:
    """The instruction that ends the filter with a verdict."""
    return step(GIVE, verdict)


@lru_cache(maxsize=2)
def written(noted: bool) -> bytes:
    """The filter's instructions; `noted` ends a process that makes a refused call, else the call fails with EPERM."""
    which = 0 if machine() == "x86_64" else 1
    refusal = give(KILL if noted else FAIL | errno.EPERM)
    made = [step(LOAD, ARCH), step(EQUAL, ARCHITECTURE[machine()], 1), give(KILL), step(LOAD, NUMBER)]
    if which == 0:
        made += [step(AT_LEAST, OTHER_NUMBERS, 0, 1), give(KILL)]
    # Threads are made by clone3, whose flags a filter cannot read, and by clone where there is none.
    made += [step(EQUAL, CLONE3, 0, 1), give(FAIL | errno.ENOSYS), step(AT_LEAST, NEWEST + 1, 0, 1), give(FAIL | errno.ENOSYS)]
    for pair in REFUSED.values():
        if pair[which] is not None:
            made += [step(EQUAL, int(pair[which] or 0), 0, 1), refusal]
    made += [step(EQUAL, CLONE[which], 1), give(ALLOW), step(LOAD, FIRST), step(ANY_BIT, NAMESPACES, 0, 1), refusal]
    return b"".join([*made, step(ANY_BIT, THREAD, 0, 1), give(ALLOW), refusal])


def shut(noted: bool = True) -> None:
    """Put the filter on this process and its descendants, for good; raises OSError where the kernel has none."""
    text = written(noted)
    program = Program(len(text) // 8, text)
    control(SECCOMP, 2, ctypes.byref(program))

"""The system calls that a sandbox refuses, as a filter for the kernel (a BPF program).

Refused is what makes memory that no limit counts, what looks into other processes, and what an administrator needs.
Numbers: linux/arch/x86/entry/syscalls/syscall_64.tbl, linux/include/uapi/asm-generic/unistd.h.
"""

import errno
import platform
import struct

# Name: number on x86_64, number on aarch64 (None where there is no such call).
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "personality": (135, 92), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "vmsplice": (278, 75), "move_pages": (279, 239), "migrate_pages": (256, 238),
}  # fmt: skip
CLONE, CLONE3, MMAP, SOCKET = (56, 220), (435, 435), (9, 222), (41, 198)
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000  # the bit of a third set of numbers, on x86_64

NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
SHARED_ANONYMOUS = 0x21  # its pages can be hidden from the count of resident ones
FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink; a namespace does not bind all others (vsock)

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; arguments are 8 bytes, low half first


def supported() -> bool:
    """Whether the calls of this machine are known."""
    return platform.machine() in ARCHITECTURES


def program(machine: str) -> bytes:
    """The filter for a machine of ARCHITECTURES, an array of struct sock_filter. A refused call fails with EPERM."""
    column = list(ARCHITECTURES).index(machine)
    rules = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, ARCHITECTURES[machine], 1, 0), _step(_RETURN, _KILL)]
    rules += [_step(_LOAD, _NUMBER), *_refuse_if(_AT_LEAST, X32, errno.ENOSYS)]
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            rules += _refuse_if(_EQUAL, number, errno.EPERM)
    # Its flags lie in memory, where no filter can see them; the C library goes on with clone.
    rules += _refuse_if(_EQUAL, CLONE3[column], errno.ENOSYS)
    rules += _on(CLONE[column], 0, _refuse_if(_ANY_BIT, NEW_NAMESPACES, errno.EPERM))
    anonymous = [_step(_AND, SHARED_ANONYMOUS), *_refuse_if(_EQUAL, SHARED_ANONYMOUS, errno.EPERM)]
    rules += _on(MMAP[column], 3, anonymous)
    families = [_step(_EQUAL, family, len(FAMILIES) - place, 0) for place, family in enumerate(FAMILIES)]
    rules += _on(SOCKET[column], 0, [*families, _step(_RETURN, _ERRNO | errno.EAFNOSUPPORT)])
    return b"".join([*rules, _step(_RETURN, _ALLOW)])


def _on(number: int, argument: int, rules: list[bytes]) -> list[bytes]:
    """Rules for the low half of one argument of one call, which is allowed where none of them refuses."""
    body = [_step(_LOAD, _ARGUMENTS + 8 * argument), *rules, _step(_RETURN, _ALLOW)]
    return [_step(_EQUAL, number, 0, len(body)), *body]


def _refuse_if(test: int, value: int, error: int) -> list[bytes]:
    return [_step(test, value, 0, 1), _step(_RETURN, _ERRNO | error)]


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One struct sock_filter. then, otherwise: how many steps a test skips."""
    return struct.pack("<HBBI", code, then, otherwise, value)

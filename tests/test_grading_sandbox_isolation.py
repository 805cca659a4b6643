"""What code in a sandbox sees and reaches of the machine: nothing but its Python."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from grading_sandboxes import Run, bubblewrap, ran, ran_by_user

import vae_tutorial

PACKAGE = Path(vae_tutorial.__file__).parent


@pytest.fixture(params=[ran, ran_by_user], ids=["caller", "user"])
def run(request: pytest.FixtureRequest) -> Run:
    bubblewrap()
    return request.param


def test_no_network(run: Run) -> None:
    code = """
import socket, sys
def said(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__
print(socket.if_nameindex(), said(lambda: socket.create_connection(("127.0.0.1", PORT), 2)),
      said(lambda: socket.create_connection(("192.0.2.1", 80), 2)), said(lambda: socket.socket(40, socket.SOCK_STREAM)))
"""
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        assert run(code.replace("PORT", str(port))).output == "[(1, 'lo')] ConnectionRefusedError OSError OSError\n"


def test_the_system_and_the_environment_are_read_only(run: Run) -> None:
    code = f"""
import os, sys
for folder in ("/", "/usr", "/usr/bin", "/usr/lib", "/dev", "/etc", sys.prefix, sys.base_prefix, {str(PACKAGE)!r}):
    try:
        open(folder + "/trial", "w")
    except OSError as error:
        if not os.statvfs(folder).f_flag & os.ST_RDONLY:
            print(folder, error)
    else:
        print(folder, "was written to")
"""
    assert run(code).output == ""


def test_nothing_else_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    closed = [
        tmp_path,
        Path.home() / ".ssh",
        PACKAGE.parent / "solutions",
        PACKAGE.parent / "README.md",
        Path("/etc/passwd"),
    ]
    closed += [Path("/sys"), Path("/run"), Path("/var"), Path("/home"), Path("/boot"), Path("/dev/shm", "..", "kmsg")]
    code = f"import os\nprint([path for path in {list(map(str, closed))} if os.path.lexists(path)])"
    assert run(code).output == "[]\n"


def test_all_that_is_there_is_needed(run: Run) -> None:
    code = """
import os
found = []
for folder, folders, files in os.walk("/"):
    found += [os.path.join(folder, name) for name in files]
    folders[:] = [name for name in folders if os.path.join(folder, name) not in KNOWN]
print(sorted(found))
"""
    known = {"/proc", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share/zoneinfo", "/etc/alternatives"}
    known |= {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, PACKAGE)}
    known |= {sys.prefix, sys.base_prefix, str(PACKAGE)}
    found = eval(run(code.replace("KNOWN", repr(known))).output)
    top = {name for name in found if name.count("/") > 1}
    assert {name for name in top if not name.startswith("/dev/")} <= {"/etc/ld.so.cache"}
    assert {name for name in top if name.startswith("/dev/")} <= {
        *("/dev/null", "/dev/random", "/dev/urandom", "/dev/stdin", "/dev/stdout", "/dev/stderr"),
    }


def test_no_environment_variable_comes_through(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "secret")
    known = {
        "PATH",
        "HOME",
        "USER",
        "LANG",
        "PWD",
        "MPLBACKEND",
        "PYTHONSAFEPATH",
        "PYTHONDONTWRITEBYTECODE",
        "LC_CTYPE",
    }
    code = (
        f"import os\nprint([name for name in os.environ if name not in {known} and not name.endswith('_NUM_THREADS')])"
    )
    assert run(code).output == "[]\n"


def test_no_file_of_the_caller_is_open(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert run("import os\nprint(sorted(os.listdir('/proc/self/fd'))[:-1])").output == "['0', '1', '2']\n"


def test_other_processes_are_neither_seen_nor_reached(run: Run) -> None:
    code = f"""
import os
print(sum(name.isdigit() for name in os.listdir("/proc")) <= 3)
for pid in ({os.getpid()}, {os.getppid()}, PID):
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        print("none")
"""
    with subprocess.Popen(["sleep", "60"]) as other:
        assert run(code.replace("PID", str(other.pid))).output == "True\n" + 3 * "none\n"
        assert other.poll() is None
        other.kill()


def test_the_first_process_cannot_be_killed_from_inside(run: Run) -> None:
    code = "import os, time\nfor number in (9, 15, 2, 19): os.kill(1, number)\ntime.sleep(0.3)\nprint('on')"
    assert run(code).output == "on\n"


@pytest.mark.parametrize(
    "call",
    [
        *("unshare(0x10000000)", "unshare(0x40000000)", "setns(0, 0)", "mount(b'none', b'/scratch', b'tmpfs', 0, 0)"),
        *("umount2(b'/scratch', 2)", "chroot(b'/scratch')", "ptrace(0, 0, 0, 0)", "syscall(KEYCTL, 0, -3, 0)"),
        *("syscall(BPF, 0, 0, 0)", "syscall(IO_URING, 4, 0)", "syscall(USERFAULTFD, 0)", "personality(0x40000)"),
        *("setuid(0)", "setgroups(0, 0)", "sethostname(b'a', 1)"),
    ],
)
def test_calls_of_administrators_are_refused(call: str) -> None:
    numbers = {"x86_64": (250, 321, 425, 323), "aarch64": (219, 280, 425, 282)}[os.uname().machine]
    names = zip(("KEYCTL", "BPF", "IO_URING", "USERFAULTFD"), numbers, strict=True)
    for name, number in names:
        call = call.replace(name, str(number))
    code = f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.{call}, ctypes.get_errno())"
    result, error = ran(code).output.split()
    assert result == "-1"
    assert error in ("1", "22")  # EPERM, or EINVAL where the namespace does not know the user 0


def test_it_has_no_capability_and_can_get_none(run: Run) -> None:
    lines = (line.split() for line in run("print(open('/proc/self/status').read())").output.splitlines())
    status = {line[0]: line[1] for line in lines if len(line) > 1}
    assert {status[f"Cap{kind}:"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (status["NoNewPrivs:"], status["Seccomp:"]) == ("1", "2")


def test_pythons_subprocesses_and_pools_work(run: Run) -> None:
    code = """
import multiprocessing, subprocess, sys
print(subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
"""
    assert run(code).output == "b'1\\n'\n[1, 2]\n"

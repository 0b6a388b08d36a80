# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Background processes of the lab that a later command finds again and can stop."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import typing as t
import urllib.error
import urllib.request

from binaries import LabError


#: the variable by which the kubelet marks the processes of pods, with the lab's folder
LAB_MARK = "FLYTE_LAB_POD"


class Process:
    """A process known by a small file, so that a second ``lab-up`` finds it and ``lab-down`` ends it."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.name = name
        self.state = folder / "run" / f"{name}.json"
        self.log = folder / "logs" / f"{name}.log"

    def running(self) -> int | None:
        """Return the process id while it runs, else None."""
        try:
            saved = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        # A process id is used again by the system: the start time tells whether it still is ours.
        return saved["pid"] if _started_at(saved["pid"]) == saved["started_at"] else None

    def start(self, command: list[str], *, environment: dict[str, str] | None = None) -> None:
        """Start it, detached from this terminal, unless it runs."""
        if self.running():
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.state.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        try:
            saved = {"pid": child.pid, "started_at": _started_at(child.pid)}
            self.state.write_text(json.dumps(saved), encoding="utf-8")
        except BaseException:
            child.kill()  # what is not written down nobody would end
            raise

    def stop(self) -> None:
        """End it and wait until it is gone."""
        pid = self.running()
        if pid:
            _signal(pid, signal.SIGTERM)
            if not _gone(pid, 5):
                _signal(pid, signal.SIGKILL)
                _gone(pid, 5)
        self.state.unlink(missing_ok=True)

    def tail(self) -> str:
        """Return the end of its log, for an error message."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        except OSError:
            return "(no log)"


def kill_all_of(folder: pathlib.Path) -> None:
    """Kill every process whose program lies in this folder, and wait until they are gone: what they wrote goes with the folder.

    Also kwokctl at work on this folder, which would start more of them, and what a lab in this folder runs in pods.
    """
    while found := [*_programs_of(folder), *_marked(folder)]:
        _kill(found, folder)


def kill_pods_of(folder: pathlib.Path) -> None:
    """Kill what a lab in this folder runs in pods: of a kubelet that was killed itself, it would run beside the next one's."""
    while found := _marked(folder):
        _kill(found, folder)


def _kill(found: list[int], folder: pathlib.Path) -> None:
    for pid in found:
        _signal(pid, signal.SIGKILL)
    for pid in found:
        if not _gone(pid, 10):
            raise LabError(f"process {pid} of {folder} does not end")


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all below it, whatever session they are in; nothing happens where it ended before.

    Ansible's workers leave the session and the group of the process that was started, so killing that group would let them go on.
    """
    if process.poll() is not None:
        return
    found = [process.pid]
    for pid in found:
        try:
            os.kill(pid, signal.SIGSTOP)  # so that it starts no more while its children are looked for
        except ProcessLookupError:
            continue
        found += _children(pid)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    for pid in found[1:]:
        _gone(pid, 5)


def stat_of(pid: int) -> list[str] | None:
    """Return what the system says of a process (``man proc_pid_stat``, from its state on), None where it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def all_pids() -> list[int]:
    """Return the ids of all processes."""
    return [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]


def _children(parent: int) -> list[int]:
    return [pid for pid in all_pids() if (fields := stat_of(pid)) and int(fields[1]) == parent]


def _programs_of(folder: pathlib.Path) -> list[int]:
    found = []
    inside = os.fsencode(folder) + b"/"
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            program, *arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if program.startswith(inside) or (program.endswith(b"/kwokctl") and any(argument.startswith(inside) for argument in arguments)):
            found.append(int(path.parent.name))
    return found


def _marked(folder: pathlib.Path) -> list[int]:
    """Return the processes that carry the mark of a lab: wherever their programs lie, whoever started them."""
    found = []
    wanted = f"{LAB_MARK}={folder}".encode()
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@contextlib.contextmanager
def interruptible() -> t.Iterator[None]:
    """Take SIGTERM as Ctrl-C is taken, so that what was started is ended."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def uninterrupted() -> t.Iterator[None]:
    """Let no second Ctrl-C break off the tidying up after the first."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


def _signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and, where it leads a group, to all of that."""
    for send in (os.killpg, os.kill):
        try:
            send(pid, number)
        except ProcessLookupError:
            pass


def _gone(pid: int, seconds: float) -> bool:
    ended = time.monotonic() + seconds
    while time.monotonic() < ended:
        try:
            os.waitpid(pid, os.WNOHANG)  # reaps it where it is a child of this very process
        except ChildProcessError:
            pass
        if _started_at(pid) is None:
            return True
        time.sleep(0.05)
    return False


def _started_at(pid: int) -> str | None:
    fields = stat_of(pid)
    return None if fields is None or fields[0] == "Z" else fields[19]


def wait_for(what: str, ready: t.Callable[[], bool], *, seconds: float, explain: t.Callable[[], str]) -> None:
    """Poll until ``ready`` says so, or raise an error that says what did not happen."""
    ended = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > ended:
            raise LabError(f"{what} was not ready after {seconds:.0f} s: {explain()}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Return whether anything answers HTTP at this address, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

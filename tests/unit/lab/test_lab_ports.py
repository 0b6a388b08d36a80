# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two labs side by side never meet: which range of ports a lab takes."""

from __future__ import annotations

import pathlib
import signal
import socket
import subprocess
import sys
import time
import typing as t

import pytest
from binaries import LabError
from lab import COMPONENTS, MOST_CLUSTERS, Lab
from ports import CLAIM, RANGES, SIZE, chosen_range, free_range
from processes import _children, _started_at, kill_all_of, kill_tree

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
#: Ranges that no lab takes by itself and none has by default.
SOME = range(19000, 19300, SIZE)
_CLAIM = "import ports, sys, time\nwith ports.free_range(range({}, {}, {})) as first:\n    print(first, flush=True)\n    time.sleep(60)"


@pytest.fixture
def claimants() -> t.Iterator[t.Callable[[], subprocess.Popen[str]]]:
    """Starts processes that claim a range and hold it."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        code = _CLAIM.format(SOME.start, SOME.stop, SOME.step)
        started.append(subprocess.Popen([sys.executable, "-c", code], cwd=LAB, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _first(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_processes_at_once_get_ranges_of_their_own(claimants: t.Callable[[], subprocess.Popen[str]]) -> None:
    processes = [claimants() for _number in range(3)]
    assert sorted(_first(process) for process in processes) == list(SOME)


def test_a_killed_process_claims_nothing_any_more(claimants: t.Callable[[], subprocess.Popen[str]]) -> None:
    process = claimants()
    assert _first(process) == SOME[0]
    process.send_signal(signal.SIGKILL)
    process.wait()
    with free_range(SOME) as first:
        assert first == SOME[0]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_range_with_one_port_taken_is_left_out(address: str) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((address, SOME[0] + 57))
        other.listen(1)
        with free_range(SOME) as first:
            assert first == SOME[1]
    with free_range(SOME) as first:
        assert first == SOME[0]


def test_a_chosen_range_is_nobody_elses_while_its_lab_comes_up() -> None:
    with chosen_range(SOME[0]):
        with free_range(SOME) as first:
            assert first == SOME[1]
        with chosen_range(SOME[0]):  # as a command within a claim
            pass
        with free_range(SOME) as first:
            assert first == SOME[1]
    with free_range(SOME) as first:
        assert first == SOME[0]


def test_without_a_free_range_it_is_said() -> None:
    with chosen_range(SOME[0]), pytest.raises(LabError, match="no range of 100 ports"), free_range(SOME[:1]):
        pass


def test_every_port_of_a_lab_is_in_its_range_once(tmp_path: pathlib.Path) -> None:
    lab = Lab(tmp_path, RANGES[-1])
    assert RANGES[-1] + SIZE <= 32768
    names = ["controlplane", *(f"dataplane{number}" for number in range(1, MOST_CLUSTERS))]
    ports = [port for number, name in enumerate(names) for port in (lab._api_port(name), *lab._component_ports(number).values())]
    ports += [lab.admin_port, lab.admin_grpc_port, lab.aws_port, lab.aws_port + 1, lab.port + CLAIM]
    assert len(ports) == len(set(ports)) == MOST_CLUSTERS * (len(COMPONENTS) + 1) + 5
    assert all(lab.port <= port < lab.port + SIZE for port in ports)
    with pytest.raises(LabError, match=f"{MOST_CLUSTERS} data planes are too many"):
        lab.up(MOST_CLUSTERS)


def test_only_what_runs_from_a_folder_is_killed(tmp_path: pathlib.Path) -> None:
    inside, outside = tmp_path / "lab" / "bin" / "sleep", tmp_path / "laboratory" / "sleep"
    processes = []
    for program in (inside, outside):
        program.parent.mkdir(parents=True)
        program.symlink_to("/bin/sleep")
        # The second one names the folder only in its arguments, as a person's `tail -f` would.
        processes.append(subprocess.Popen([str(program), "60"], start_new_session=True))
    named = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(inside)], start_new_session=True)
    try:
        time.sleep(0.2)
        kill_all_of(tmp_path / "lab")
        assert processes[0].poll() is not None
        assert processes[1].poll() is None and named.poll() is None
    finally:
        for process in (*processes, named):
            process.kill()
            process.wait()


def test_a_process_is_killed_with_all_below_it_in_whatever_session(tmp_path: pathlib.Path) -> None:
    ready = tmp_path / "ready"
    # As Ansible does: a worker with a session of its own, and a module below it.
    code = "import os, subprocess, time\nif os.fork():\n time.sleep(60)\nos.setsid()\n"
    code += f"child = subprocess.Popen(['sleep', '60'])\nopen({str(ready)!r}, 'w').close()\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        while not ready.exists():
            time.sleep(0.02)
        worker = _children(process.pid)[0]
        below = [process.pid, worker, *_children(worker)]
        kill_tree(process)
    assert len(below) == 3
    assert [_started_at(pid) for pid in below] == [None] * 3

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's binaries: taken from PATH where they fit, else built once through the Go module proxy.

A built binary lies in ``~/.cache/flyte-multicluster/bin/<name>-<version>/`` (``XDG_CACHE_HOME`` is honoured), outside
the repository, so that every checkout and every later run finds it.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
KUBERNETES = "1.34.4"
FLYTE = "1.16.8"


@dataclasses.dataclass(frozen=True)
class Binary:
    """One program of the lab."""

    name: str
    version: str
    package: str
    #: the folder under ``binaries/`` whose go.mod builds it; None: ``go install package@vVERSION`` works as it is
    module: str | None
    #: how long the first build took on two cores, in minutes, for the message that says so
    minutes: float
    #: what ``NAME version`` must print for one on PATH to be used; None: the one on PATH is never used
    accept: tuple[tuple[str, ...], str] | None = None
    ldflags: str = "-s -w"


_KUBE_LDFLAGS = " ".join(
    [
        "-s -w",
        f"-X k8s.io/component-base/version.gitVersion=v{KUBERNETES}",
        f"-X k8s.io/component-base/version.gitMajor={KUBERNETES.split('.', maxsplit=1)[0]}",
        f"-X k8s.io/component-base/version.gitMinor={KUBERNETES.split('.')[1]}",
    ]
)


def _kube(name: str, minutes: float) -> Binary:
    return Binary(
        name=name,
        version=KUBERNETES,
        package=f"k8s.io/kubernetes/cmd/{name}",
        module="kubernetes",
        minutes=minutes,
        accept=(("--version",), f"v{KUBERNETES.rsplit('.', 1)[0]}."),
        ldflags=_KUBE_LDFLAGS,
    )


BINARIES = {
    binary.name: binary
    for binary in (
        Binary("etcd", "3.6.16", "go.etcd.io/etcd/server/v3", "etcd", 1, (("--version",), "etcd Version: 3.")),
        _kube("kube-apiserver", 5),
        _kube("kube-controller-manager", 2),
        _kube("kube-scheduler", 1),
        dataclasses.replace(_kube("kubectl", 1), accept=(("version", "--client"), "Client Version: v1.")),
        Binary("kwok", "0.7.0", "sigs.k8s.io/kwok/cmd/kwok", None, 1, (("--version",), "v0.7.")),
        Binary("kwokctl", "0.7.0", "sigs.k8s.io/kwok/cmd/kwokctl", None, 1, (("--version",), "v0.7.")),
        Binary("helm", "3.19.5", "helm.sh/helm/v3/cmd/helm", None, 2, (("version", "--short"), "v3.")),
        Binary("flytectl", "0.9.8", "github.com/flyteorg/flyte/flytectl", "flytectl", 3),
        Binary("flytepropeller", FLYTE, ".", "flytepropeller", 3),
        # Flyte's compiler for the flyteadmin double; after flytepropeller there is little left to build.
        Binary("flytecompile", FLYTE, "./compile", "flytepropeller", 0.2),
    )
}


class LabError(Exception):
    """Something that the person at the terminal has to mend; its text says what."""


def cache_dir() -> pathlib.Path:
    """The folder of the built binaries."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "flyte-multicluster" / "bin"


def say(text: str) -> None:
    """Print progress at once, also into a pipe."""
    print(text, flush=True)


def find(name: str) -> pathlib.Path:
    """Return the path of a binary, built first where it is not there yet."""
    binary = BINARIES[name]
    on_path = shutil.which(name)
    if on_path and _acceptable(binary, on_path):
        return pathlib.Path(on_path)
    target = cache_dir() / f"{name}-{binary.version}{_own_sources(binary)}" / name
    if not target.exists():
        _build(binary, target)
    return target


def _own_sources(binary: Binary) -> str:
    """Return what tells one state of our own Go sources from another; nothing for a program that has none of them."""
    folder = HERE / "binaries" / binary.module if binary.module else None
    sources = sorted(folder.rglob("*.go")) if folder else []
    if not folder or not sources:
        return ""
    return "-" + hashlib.sha256(b"".join(path.read_bytes() for path in (folder / "go.mod", *sources))).hexdigest()[:8]


def _acceptable(binary: Binary, path: str) -> bool:
    if binary.accept is None:
        return False
    arguments, expected = binary.accept
    try:
        answer = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and expected in answer.stdout


def _build(binary: Binary, target: pathlib.Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise LabError(
            f"{binary.name} {binary.version} is neither on PATH nor in {target.parent}, and there is no 'go' to build it: "
            "install Go 1.24 or newer (https://go.dev/dl/)."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / ".lock", "w", encoding="utf-8") as lock:
        # Two runs at once build a binary once: the second waits here, then finds it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        say(
            f"building {binary.name} {binary.version} with {go} (once; about {binary.minutes:g} min on two cores, "
            f"kept in {target.parent})"
        )
        started = time.monotonic()
        scratch = target.parent / ".build"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        _run_go(binary, go, scratch)
        os.replace(scratch / binary.name, target)
        shutil.rmtree(scratch, ignore_errors=True)
        say(f"built {binary.name} in {time.monotonic() - started:.0f} s")


def _run_go(binary: Binary, go: str, scratch: pathlib.Path) -> None:
    flags = ["-trimpath", "-ldflags", binary.ldflags]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    if binary.module is None:
        environment["GOBIN"] = str(scratch)
        command = [go, "install", *flags, f"{binary.package}@v{binary.version}"]
        folder = scratch
    else:
        command = [go, "build", *flags, "-o", str(scratch / binary.name), binary.package]
        folder = HERE / "binaries" / binary.module
    done = threading.Event()
    threading.Thread(target=_heartbeat, args=(binary.name, done), daemon=True).start()
    try:
        answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    finally:
        done.set()
    if answer.returncode != 0:
        raise LabError(f"building {binary.name} failed: {' '.join(command)} in {folder}\n{answer.stderr[-4000:]}")


def _heartbeat(name: str, done: threading.Event) -> None:
    started = time.monotonic()
    while not done.wait(30):
        say(f"  … still building {name} ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or BINARIES:
        say(f"{wanted}: {find(wanted)}")

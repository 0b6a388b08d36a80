# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The benchmarks, on a lab of their own: ``make bench``. Figures are ratios of jobs that ran in the same session, alternating.

Writes ``results.json``, ``results.md`` and ``results.svg`` into ``benchmarks/results``. The whole of it takes about 40 minutes on two cores,
most of it the stock modules; ``--quick`` leaves out what takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
import typing as t

import requests
import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from sites import CONTROL_PLANE, PROJECT, REPOSITORY, SERVERS, Bench, Run, place  # noqa: E402

import binaries  # noqa: E402
from processes import Process, port_is_free, wait_for  # noqa: E402

RESULTS = HERE / "results"
#: namespace of the control plane where the first benchmark stores its Secret: not flyteadmin's own
NAMESPACE = "flyte-bench"
Sample = dict[str, t.Any]


def say(text: str) -> None:
    """Print progress at once."""
    print(text, flush=True)


class Register:
    """The first job: N tokens made, read and stored in one Secret, M labels set; in four ways."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.lab = bench.lab

    def kubectl(self, server: str, *arguments: str, text: str = "") -> None:
        """Run kubectl on a server."""
        command = [str(binaries.find("kubectl")), "--kubeconfig", str(self.lab.kubeconfig), "--context", server, *arguments]
        subprocess.run(command, input=text, text=True, capture_output=True, check=True)

    def prepare(self, planes: int) -> None:
        """Make the namespaces and the ServiceAccounts, which the data planes' releases would have made."""
        for number, server in enumerate(SERVERS):
            documents: list[dict[str, t.Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
            for plane in range(number, planes, len(SERVERS)):
                name = f"job-{plane:03d}"
                documents.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
                documents.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flyteadmin", "namespace": name}})
            self.kubectl(server, "apply", "-f", "-", text=yaml.safe_dump_all(documents))

    def reset(self, planes: int) -> None:
        """Remove what the job makes."""
        for number, server in enumerate(SERVERS):
            names = [f"job-{plane:03d}" for plane in range(number, planes, len(SERVERS))]
            for name in names:
                self.kubectl(server, "-n", name, "delete", "secret", "flyteadmin-token", "--ignore-not-found", "--wait=false")
        self.kubectl(CONTROL_PLANE, "-n", NAMESPACE, "delete", "secret", "cluster-credentials", "--ignore-not-found")
        self.remove_labels()

    def remove_labels(self) -> None:
        """Remove all labels of the project: its own takes those below along."""
        url = f"{self.lab.admin_url}/api/v1/project_attributes/{PROJECT}"
        requests.delete(url, json={"project": PROJECT, "resource_type": "EXECUTION_CLUSTER_LABEL"}, timeout=30).raise_for_status()

    def check(self, planes: int, labels: int) -> None:
        """Fail where the job is not done."""
        command = [str(binaries.find("kubectl")), "--kubeconfig", str(self.lab.kubeconfig), "--context", CONTROL_PLANE]
        command += ["-n", NAMESPACE, "get", "secret", "cluster-credentials", "-o", "json"]
        stored = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["data"] if planes else {}
        rows = self.rows()
        if len(stored) != 2 * planes or rows != labels:
            raise SystemExit(f"the job is not done: {len(stored)} keys of {2 * planes}, {rows} labels of {labels}")

    def rows(self) -> int:
        """Return how many labels flyteadmin has."""
        url = f"{self.lab.admin_url}/api/v1/matchable_attributes?resource_type=EXECUTION_CLUSTER_LABEL"
        return len(requests.get(url, headers={"Accept": "application/json"}, timeout=30).json()["configurations"])

    def inventory(self, planes: int, labels: int) -> dict[str, t.Any]:
        """Return the inventory of the job."""
        inventory = self.bench.inventory(planes, labels=labels)
        hosts = inventory["all"]["children"]["flyte_data_planes"]["hosts"]
        for number, host in enumerate(hosts.values()):
            host["flyte_namespace"] = f"job-{number:03d}"
        inventory["all"]["vars"]["bench_clusters"] = [
            {"name": name, "kubeconfig": str(self.lab.kubeconfig), "context": host["flyte_kube_context"], "namespace": host["flyte_namespace"]}
            for name, host in hosts.items()
        ]
        return inventory

    def run(self, way: str, planes: int, labels: int) -> Run:
        """Do the job once."""
        inventory = self.inventory(planes, labels)
        if way in ("ours", "stock"):
            return self.bench.play(inventory, playbook=f"benchmarks/jobs/{way}.yml")
        clusters = inventory["all"]["vars"]["bench_clusters"]
        rows = inventory["all"]["vars"]["flyte_execution_cluster_labels"]
        if way == "shell":
            (self.bench.scratch / "planes").write_text("".join(f"{c['name']} {c['context']} {c['namespace']}\n" for c in clusters), encoding="utf-8")
            lines = "".join(f"{r['project']} {r['domain']} {r['workflow']} {r['label']}\n" for r in rows)
            (self.bench.scratch / "labels").write_text(lines, encoding="utf-8")
            config = self.bench.scratch / "flytectl.yaml"
            config.write_text(f"admin:\n  endpoint: dns:///127.0.0.1:{self.lab.admin_grpc_port}\n  insecure: true\n", encoding="utf-8")
            environment = {
                "KUBECTL": str(binaries.find("kubectl")),
                "FLYTECTL": str(binaries.find("flytectl")),
                "FLYTECTL_CONFIG": str(config),
                "KUBECONFIG": str(self.lab.kubeconfig),
                "PLANES": str(self.bench.scratch / "planes"),
                "LABELS": str(self.bench.scratch / "labels"),
            }
            return self.bench.timed([str(HERE / "jobs" / "shell.sh")], environment)
        return self.floor(clusters, rows)

    def floor(self, clusters: list[t.Any], rows: list[t.Any]) -> Run:
        """Send the same requests with the bare client."""
        path = self.bench.scratch / "job.json"
        path.write_text(json.dumps({"planes": clusters, "labels": rows, "admin_url": self.lab.admin_url}), encoding="utf-8")
        return self.bench.timed(["sh", "-c", f'exec "{sys.executable}" "{HERE / "floor.py"}" "{self.lab.kubeconfig}" < "{path}"'])


def required(run: Run, what: str) -> Run:
    """Return a run that succeeded."""
    if run.code != 0:
        raise SystemExit(f"{what} failed:\n{run.output[-4000:]}")
    return run


def spread(values: list[float]) -> str:
    """Return median and range of some seconds."""
    middle = f"{statistics.median(values):.1f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.1f}-{max(values):.1f})"


class Story:
    """All benchmarks, one after the other, and what they gave."""

    def __init__(self, bench: Bench, arguments: argparse.Namespace) -> None:
        self.bench = bench
        self.repeat: int = arguments.repeat
        self.quick: bool = arguments.quick
        self.samples: list[Sample] = []
        self.register = Register(bench)

    def add(self, benchmark: str, way: str, size: str, run: Run, **more: t.Any) -> None:
        """Note one run."""
        sample = {"benchmark": benchmark, "way": way, "size": size, "seconds": round(run.seconds, 2), "mib": round(run.peak_mib), **more}
        sample["helm"] = round(run.helm_seconds, 2)
        self.samples.append(sample)
        say(
            f"  {benchmark}: {way}, {size}: {run.seconds:.1f} s"
            + (f", Helm {run.helm_seconds:.1f} s" if run.helm_seconds else "")
            + f", {run.peak_mib:.0f} MiB"
        )

    # -- (2), (3) and the delay: the whole site

    def site(self, sizes: list[int]) -> None:
        """site.yml with nothing to change, and with one plane more, at each size."""
        for planes in sizes:
            say(f"growing the site to {planes} planes")
            required(self.bench.play(self.bench.inventory(planes)), "site.yml")
            for _number in range(self.repeat):
                run = required(self.bench.play(self.bench.inventory(planes)), "site.yml")
                if run.changed:
                    raise SystemExit(f"site.yml changed {run.changed} things where nothing was to change:\n{run.output[-4000:]}")
                self.add("2 nothing to change", "site.yml", f"N={planes}", run)
            run = required(self.bench.play(self.bench.inventory(planes + 1)), "site.yml")
            self.add("3 one plane more", "site.yml", f"N={planes}", run, without_helm=round(run.seconds - run.helm_seconds, 2))

    def delayed(self, planes: int, milliseconds: int) -> None:
        """The same with a delay to every API."""
        lab = self.bench.lab
        targets = {lab.port + number: lab.port + 60 + number for number in range(len(SERVERS))} | {lab.admin_port: lab.port + 70}
        proxy = Process(lab.folder, "delay")
        command = [sys.executable, str(REPOSITORY / "tests" / "lab" / "delay.py"), "--milliseconds", str(milliseconds)]
        proxy.start([*command, *(f"{listen}:{target}" for target, listen in targets.items())])
        try:
            wait_for("the delaying proxy", lambda: not port_is_free(lab.port + 70), seconds=10, explain=proxy.tail)
            text = lab.kubeconfig.read_text(encoding="utf-8")
            for target, listen in targets.items():
                text = text.replace(f"127.0.0.1:{target}", f"127.0.0.1:{listen}")
            kubeconfig = self.bench.scratch / "kubeconfig-delayed"
            kubeconfig.touch(mode=0o600)
            kubeconfig.write_text(text, encoding="utf-8")
            inventory = self.bench.inventory(planes, kubeconfig=str(kubeconfig), admin_url=f"http://127.0.0.1:{lab.port + 70}")
            endpoints = [lab.api_url(place(number)[0]) for number in range(planes)]
            for (number, host), endpoint in zip(enumerate(inventory["all"]["children"]["flyte_data_planes"]["hosts"].values()), endpoints):
                # flyteadmin itself goes on calling the API servers as before; the data planes' releases stay as they are.
                host["flyte_api_endpoint"] = endpoint
                assert number < planes
            inventory["all"]["vars"]["flyte_admin_endpoint"] = f"127.0.0.1:{lab.admin_grpc_port}"
            for _number in range(self.repeat):
                run = required(self.bench.play(inventory), "site.yml with a delay")
                self.add(f"2 nothing to change, {milliseconds} ms delay", "site.yml", f"N={planes}", run)
        finally:
            proxy.stop()

    # -- (4)

    def observe(self, sizes: list[int]) -> None:
        """Observing, with some clusters dead: they take a connection and never answer."""
        port = self.bench.lab.port + 99
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            silent.bind(("127.0.0.1", port))
            silent.listen(1024)
            for planes in sizes:
                for dead in sorted({0, 1, planes // 10, planes // 2}):
                    inventory = self.register.inventory(planes, 0)
                    clusters = inventory["all"]["vars"]["bench_clusters"]
                    for number, cluster in enumerate(clusters):
                        cluster["namespace"] = place(number)[1]
                    for cluster in clusters[:dead]:
                        cluster.update(kubeconfig=None, context=None, host=f"https://127.0.0.1:{port}", api_key="none", validate_certs=False)
                    run = required(self.bench.play(inventory, playbook="benchmarks/jobs/observe.yml"), "observing")
                    if f"answered {planes - dead} of {planes}" not in run.output:
                        raise SystemExit(f"not {planes - dead} of {planes} answered:\n{run.output[-2000:]}")
                    self.add("4 observe", f"{dead} dead" if dead else "all alive", f"N={planes}", run)

    # -- (5)

    def labels(self, sizes: list[int]) -> None:
        """Labels alone: new ones against the bare client, and those that are there already."""
        for count in sizes:
            for _number in range(self.repeat):
                for way in ("ours", "floor"):
                    self.register.remove_labels()
                    if way == "ours":
                        run = required(self.bench.play(self.register.inventory(2, count), playbook="benchmarks/jobs/labels.yml"), "labels")
                    else:
                        rows = self.register.inventory(2, count)["all"]["vars"]["flyte_execution_cluster_labels"]
                        run = required(self.register.floor([], rows), "the floor")
                    if self.register.rows() != count:
                        raise SystemExit(f"{self.register.rows()} labels instead of {count}")
                    self.add("5 labels, new", way, f"M={count}", run)
                before = self.asked()
                run = required(self.bench.play(self.register.inventory(2, count), playbook="benchmarks/jobs/labels.yml"), "labels")
                self.add("5 labels, unchanged", "ours", f"M={count}", run, requests=self.asked() - before)
            self.register.remove_labels()

    def asked(self) -> int:
        """Return how many requests flyteadmin had, by its own log."""
        time.sleep(0.2)
        return sum(1 for line in open(self.bench.lab.admin.log, encoding="utf-8", errors="replace") if " /api/v1/" in line)

    # -- (1)

    def registration(self, sizes: list[tuple[int, int]]) -> None:
        """The first job in all four ways, alternating."""
        for planes, labels in sizes:
            self.register.prepare(planes)
            slow = planes >= 50
            ways = ["ours", "floor", "shell", "stock"]
            for number in range(1 if slow and self.quick else self.repeat):
                for way in ways:
                    if slow and way in ("stock", "shell") and (number or self.quick):
                        continue  # minutes each: once is enough
                    self.register.reset(planes)
                    run = required(self.register.run(way, planes, labels), way)
                    self.register.check(planes, labels)
                    self.add("1 register and label", way, f"N={planes}, M={labels}", run)
            self.register.reset(planes)


# -- writing


def groups(samples: list[Sample]) -> dict[tuple[str, str, str], list[Sample]]:
    """Return the samples of each benchmark, way and size, in their order."""
    found: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        found.setdefault((sample["benchmark"], sample["way"], sample["size"]), []).append(sample)
    return found


def table(samples: list[Sample]) -> list[str]:
    """Return the results as a Markdown table."""
    by_group = groups(samples)
    lines = ["| benchmark | size | way | seconds: median (range) | times ours | notes |", "|---|---|---|---|---|---|"]
    for (benchmark, way, size), entries in by_group.items():
        seconds = [entry["seconds"] for entry in entries]
        own = by_group.get((benchmark, "ours", size))
        ratio = ""
        if own and way != "ours":
            ratio = f"{statistics.median(seconds) / statistics.median(entry['seconds'] for entry in own):.2f}"
        notes = [f"at most {max(entry['mib'] for entry in entries)} MiB"]
        if "without_helm" in entries[0]:
            notes.append(f"without Helm {entries[0]['without_helm']:.1f} s")
        if "requests" in entries[0]:
            notes.append(f"{max(entry['requests'] for entry in entries)} request(s)")
        lines.append(f"| {benchmark} | {size} | {way} | {spread(seconds)} | {ratio} | {', '.join(notes)} |")
    return lines


def goals(samples: list[Sample]) -> list[str]:
    """Return each goal of the project and what was measured."""
    by_group = groups(samples)

    def median(benchmark: str, way: str, size: str, key: str = "seconds") -> float | None:
        entries = by_group.get((benchmark, way, size))
        return statistics.median(entry[key] for entry in entries) if entries else None

    found: list[str] = []

    def goal(text: str, value: float | None, limit: float, *, at_least: bool = False) -> None:
        if value is not None:
            met = value >= limit if at_least else value <= limit
            found.append(f"- {'met' if met else '**missed**'}: {text}: {value:.1f} (goal {'at least' if at_least else 'at most'} {limit:g})")

    def ratio(above: float | None, below: float | None) -> float | None:
        return above / below if above is not None and below else None

    first = "1 register and label"
    for size, way, limit in (("N=10, M=50", "stock", 8), ("N=10, M=50", "shell", 2), ("N=100, M=1000", "stock", 50)):
        goal(f"(1) {size}: times faster than {way}", ratio(median(first, way, size), median(first, "ours", size)), limit, at_least=True)
    second = "2 nothing to change"
    goal("(2) N=100: seconds", median(second, "site.yml", "N=100"), 15)
    goal("(2) N=100: times the seconds of N=2", ratio(median(second, "site.yml", "N=100"), median(second, "site.yml", "N=2")), 2)
    memory = [entry["mib"] for entry in by_group.get((second, "site.yml", "N=100"), [])]
    goal("(2) N=100: MiB of all processes together", max(memory) if memory else None, 300)
    goal("(2) N=100 with 100 ms delay: seconds", median(f"{second}, 100 ms delay", "site.yml", "N=100"), 20)
    third = "3 one plane more"
    small, large = (median(third, "site.yml", size, "without_helm") for size in ("N=2", "N=100"))
    goal("(3) one more than 100, apart from Helm: times that of one more than 2", ratio(large, small), 1.5)
    fifth = "5 labels, new"
    goal("(5) 1,000 new labels: times the bare client", ratio(median(fifth, "ours", "M=1000"), median(fifth, "floor", "M=1000")), 3)
    goal("(5) 1,000 unchanged labels: requests", median("5 labels, unchanged", "ours", "M=1000", "requests"), 1)
    return found


def plot(samples: list[Sample], path: pathlib.Path) -> None:
    """Draw seconds over sizes, one curve a way."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "flyte.multicluster"
    from matplotlib import pyplot

    panels = ("1 register and label", "2 nothing to change", "4 observe", "5 labels, new")
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 3.6), constrained_layout=True)
    for axis, benchmark in zip(axes, panels):
        curves: dict[str, dict[int, list[float]]] = {}
        for sample in samples:
            if sample["benchmark"] == benchmark:
                size = int("".join(character for character in sample["size"].partition(",")[0] if character.isdigit()))
                curves.setdefault(sample["way"], {}).setdefault(size, []).append(sample["seconds"])
        for way, points in curves.items():
            sizes = sorted(points)
            middle = [statistics.median(points[size]) for size in sizes]
            below = [value - min(points[size]) for size, value in zip(sizes, middle)]
            above = [max(points[size]) - value for size, value in zip(sizes, middle)]
            axis.errorbar(sizes, middle, yerr=[below, above], marker="o", capsize=3, label=way)
        axis.set_title(benchmark, fontsize=10)
        axis.set_xlabel("labels" if benchmark.startswith("5") else "data planes")
        axis.set_ylabel("seconds")
        if benchmark.startswith("1"):
            axis.set_yscale("log")
        else:
            axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        if curves:
            axis.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def merged(samples: list[Sample]) -> list[Sample]:
    """Return new samples with those of before whose benchmark and size was not measured anew."""
    try:
        before: list[Sample] = json.loads((RESULTS / "results.json").read_text(encoding="utf-8"))["samples"]
    except FileNotFoundError:
        before = []
    measured = {(sample["benchmark"], sample["size"]) for sample in samples}
    both = [sample for sample in before if (sample["benchmark"], sample["size"]) not in measured] + samples
    return sorted(both, key=lambda sample: (sample["benchmark"], [int(number) for number in re.findall(r"\d+", sample["size"])]))


def write(samples: list[Sample]) -> None:
    """Write all results."""
    RESULTS.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    (RESULTS / "results.json").write_text(json.dumps({"machine": machine, "samples": samples}, indent=1) + "\n", encoding="utf-8")
    lines = ["# Benchmarks", "", f"Measured by `make bench` on {machine}. The clusters, flyteadmin's double and the measured job share these cores.", ""]
    lines += [*goals(samples), "", "![seconds over sizes](results.svg)", "", *table(samples), ""]
    (RESULTS / "results.md").write_text("\n".join(lines), encoding="utf-8")
    plot(samples, RESULTS / "results.svg")
    say("\n".join(lines))


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out the stock modules and the shell at 50 planes and more")
    parser.add_argument("--repeat", type=int, default=3, metavar="TIMES")
    parser.add_argument("--only", nargs="*", choices=["site", "delay", "observe", "labels", "register"], default=None)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2, 10, 50, 100], metavar="N")
    arguments = parser.parse_args()
    folder = pathlib.Path(os.environ.get("FLYTE_LAB_DIR") or REPOSITORY / ".lab-bench")
    bench = Bench(folder, int(os.environ.get("FLYTE_BENCH_PORT") or 28700))
    story = Story(bench, arguments)

    def wanted(name: str) -> bool:
        return arguments.only is None or name in arguments.only

    try:
        bench.lab.down()
        bench.up()
        sizes: list[int] = arguments.sizes
        if wanted("site"):
            story.site(sizes)
        else:
            required(bench.play(bench.inventory(max(sizes) if wanted("delay") or wanted("observe") else 2)), "site.yml")
        if wanted("delay"):
            required(bench.play(bench.inventory(max(sizes))), "site.yml")
            story.delayed(max(sizes), 100)
        if wanted("observe"):
            story.observe([size for size in sizes if size >= 10])
        if wanted("labels"):
            story.labels([10, 100, 1000])
        if wanted("register"):
            story.registration([(size, {100: 1000}.get(size, size * 5)) for size in sizes])
    finally:
        bench.lab.down()
        if story.samples:
            # With --only, what was measured before stays; a first run of all measures all.
            write(merged(story.samples) if arguments.only else story.samples)
    return 0


if __name__ == "__main__":
    sys.exit(main())

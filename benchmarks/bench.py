# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The benchmarks, on a lab of their own: ``make bench``. Figures are ratios of jobs that ran in the same session, alternating.

Writes ``results.json``, ``results.md`` and ``results.svg`` into ``benchmarks/results``. The whole of it takes about 40 minutes on two cores,
most of it the stock modules; ``--quick`` leaves out what takes minutes. ``--only thousand`` and ``--only status`` are not part of it: their
planes are copies of three that Helm installed (``clones.py``), since 1,000 runs of Helm take most of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import socket
import sys
import time
import typing as t

import requests
import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "unit")]

from clones import Kubectl, Original  # noqa: E402
from report import LABELS_NEW, LABELS_OLD, NOTHING, OBSERVE, ONE_MORE, REGISTER, STATUS, THOUSAND, Sample, merged, say, write  # noqa: E402
from sites import PROJECT, REPOSITORY, SERVERS, Bench, Run, place  # noqa: E402

import binaries  # noqa: E402
from browser import Browser, binary  # noqa: E402
import small_keys  # noqa: E402
from lab import CONTROL_PLANE  # noqa: E402
from processes import Process, interruptible, port_is_free, wait_for  # noqa: E402

#: namespace of the control plane where the first benchmark stores its Secret: not flyteadmin's own
NAMESPACE = "flyte-bench"
PARTS = ("site", "delay", "observe", "labels", "register")


class Register:
    """The first job: N tokens made, read and stored in one Secret, M labels set; in four ways."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.lab = bench.lab

    def on(self, server: str) -> Kubectl:
        """Return what runs kubectl on a server."""
        return Kubectl([str(binaries.find("kubectl")), "--kubeconfig", str(self.lab.kubeconfig), "--context", server])

    def kubectl(self, server: str, *arguments: str, text: str = "") -> None:
        """Run kubectl on a server."""
        self.on(server)(*arguments, text=text)

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
        answer = self.on(CONTROL_PLANE)("-n", NAMESPACE, "get", "secret", "cluster-credentials", "-o", "json") if planes else "{}"
        stored = json.loads(answer).get("data") or {}
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

    def floor(self, clusters: list[t.Any], rows: list[t.Any], *, observe: bool = False) -> Run:
        """Send the same requests with the bare client; those of an observation, or those that register."""
        path = self.bench.scratch / "job.json"
        path.write_text(json.dumps({"planes": clusters, "labels": rows, "admin_url": self.lab.admin_url, "observe": observe}), encoding="utf-8")
        return self.bench.timed(["sh", "-c", f'exec "{sys.executable}" "{HERE / "floor.py"}" "{self.lab.kubeconfig}" < "{path}"'])


class Copies:
    """Data planes that are copies of those of the first three, which Helm installed: one of each API server."""

    def __init__(self, story: Story) -> None:
        self._story, self._there = story, len(SERVERS)
        story.grow(self._there)
        self._originals = [Original(story.register.on(place(number)[0]), place(number)[1], f"plane_{number:03d}") for number in range(self._there)]

    def up_to(self, planes: int) -> None:
        """Make the site one of this many planes."""
        say(f"copying planes up to {planes}")
        for number, original in enumerate(self._originals):
            wanted = [other for other in range(self._there, planes) if other % len(SERVERS) == number]
            original.copies([(place(other)[1], f"plane_{other:03d}") for other in wanted])
        self._there = max(self._there, planes)
        self._story.grow(planes)
        self._story.bench.rest()


def required(run: Run, what: str) -> Run:
    """Return a run that succeeded."""
    if run.code != 0:
        raise SystemExit(f"{what} failed:\n{run.output[-4000:]}")
    return run


class Story:
    """All benchmarks, one after the other, and what they gave."""

    def __init__(self, bench: Bench, arguments: argparse.Namespace) -> None:
        self.bench = bench
        self.repeat: int = arguments.repeat
        self.quick: bool = arguments.quick
        #: where pictures of pages go
        self.pictures: pathlib.Path | None = arguments.pictures
        self.samples: list[Sample] = []
        self.register = Register(bench)

    def add(self, benchmark: str, way: str, size: str, run: Run, **more: t.Any) -> None:
        """Note one run."""
        sample = {"benchmark": benchmark, "way": way, "size": size, "seconds": round(run.seconds, 2), "mib": round(run.peak_mib), **more}
        sample |= {"helm": round(run.helm_seconds, 2), "cpu": round(run.cpu_seconds, 2)}
        self.samples.append(sample)
        say(
            f"  {benchmark}: {way}, {size}: {run.seconds:.1f} s, {run.cpu_seconds:.1f} s of CPU"
            + (f", Helm {run.helm_seconds:.1f} s" if run.helm_seconds else "")
            + f", {run.peak_mib:.0f} MiB"
        )

    # -- (2), (3) and the delay: the whole site

    def site(self, sizes: list[int]) -> None:
        """site.yml with nothing to change, and with one plane more, at each size; at the smallest alternating with one ping."""
        for planes in sizes:
            self.grow(planes)
            for _number in range(self.repeat):
                if planes == min(sizes):
                    run = required(self.bench.play(self.bench.inventory(planes), playbook="benchmarks/jobs/ping.yml"), "ping")
                    self.add(NOTHING, "ping", f"N={planes}", run)
                self.nothing(NOTHING, planes)
            for number in range(self.repeat):
                # Each takes one more than the one before: going back would be something to do, too.
                run = required(self.bench.play(self.bench.inventory(planes + number + 1)), "site.yml")
                if not run.changed or not run.helm_seconds:
                    raise SystemExit(f"site.yml did not add a plane:\n{run.output[-4000:]}")
                self.add(ONE_MORE, "site.yml", f"N={planes}", run, without_helm=round(run.seconds - run.helm_seconds, 2))

    def grow(self, planes: int) -> None:
        """Bring the site to a size."""
        say(f"growing the site to {planes} planes")
        required(self.bench.play(self.bench.inventory(planes)), "site.yml")

    def nothing(self, benchmark: str, planes: int) -> None:
        """Run site.yml where nothing is to change."""
        run = required(self.bench.play(self.bench.inventory(planes)), "site.yml")
        if run.changed:
            raise SystemExit(f"site.yml changed {run.changed} things where nothing was to change:\n{run.output[-4000:]}")
        self.add(benchmark, "site.yml", f"N={planes}", run)

    # -- (6)

    def thousand(self, sizes: t.Iterable[int]) -> None:
        """site.yml with nothing to change at 1,000 planes, and at 100 in the same lab, each beside the bare client.

        Helm installs the first of each API server, the others are copies.
        """
        copies = Copies(self)
        for planes in sizes:
            copies.up_to(planes)
            clusters = [dict(zip(("context", "namespace"), place(number))) for number in range(planes)]
            for _number in range(self.repeat):
                self.nothing(THOUSAND, planes)
                self.add(THOUSAND, "floor", f"N={planes}", required(self.register.floor(clusters, [], observe=True), "the floor"))

    # -- (7)

    def status(self, sizes: t.Iterable[int]) -> None:
        """status.yml with its page, alternating with one ping, at each size."""
        page, copies = self.bench.scratch / "status.html", None
        browser = None if self.pictures is None else Browser(str(binary()), self.bench.scratch / "profile")
        for planes in sizes:
            if planes <= len(SERVERS):
                self.grow(planes)
            else:
                copies = copies or Copies(self)
                copies.up_to(planes)
            inventory = self.bench.inventory(planes)
            for _number in range(self.repeat):
                self.add(STATUS, "ping", f"N={planes}", required(self.bench.play(inventory, playbook="benchmarks/jobs/ping.yml"), "ping"))
                page.unlink(missing_ok=True)
                run = required(self.bench.play(inventory, "-e", f"flyte_status_page={page}", playbook="playbooks/status.yml"), "status.yml")
                if f"plane_{planes - 1:03d}" not in page.read_text(encoding="utf-8"):
                    raise SystemExit(f"the page has not all {planes} planes:\n{run.output[-4000:]}")
                self.add(STATUS, "status.yml", f"N={planes}", run)
            if browser and self.pictures:
                browser.show(page)
                (self.pictures / f"status-{planes}.png").write_bytes(browser.picture())
        if browser:
            browser.close()

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
                self.add(f"{NOTHING}, {milliseconds} ms delay", "site.yml", f"N={planes}", run)
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
                    self.add(OBSERVE, f"{dead} dead" if dead else "all alive", f"N={planes}", run)

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
                    self.add(LABELS_NEW, way, f"M={count}", run)
                before = self.asked()
                run = required(self.bench.play(self.register.inventory(2, count), playbook="benchmarks/jobs/labels.yml"), "labels")
                self.add(LABELS_OLD, "ours", f"M={count}", run, requests=self.asked() - before)
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
                    self.add(REGISTER, way, f"N={planes}, M={labels}", run)
            self.register.reset(planes)


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out the stock modules and the shell at 50 planes and more")
    parser.add_argument("--repeat", type=int, default=3, metavar="TIMES")
    parser.add_argument("--only", nargs="*", choices=[*PARTS, "thousand", "status"], default=None)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2, 10, 50, 100], metavar="N")
    parser.add_argument("--thousand", type=int, nargs="*", default=[100, 1000], metavar="N", help="the sizes of --only thousand")
    parser.add_argument("--status", type=int, nargs="*", default=[2, 10, 100], metavar="N", help="the sizes of --only status")
    parser.add_argument("--pictures", type=pathlib.Path, metavar="FOLDER", help="of --only status: a picture of each page, made by a headless Chromium")
    arguments = parser.parse_args()
    if any(larger - smaller <= arguments.repeat for smaller, larger in zip(arguments.sizes, arguments.sizes[1:])):
        parser.error("--sizes: each has to be larger than the one before by more than --repeat, which is how many planes are added at each.")
    folder = pathlib.Path(os.environ.get("FLYTE_LAB_DIR") or REPOSITORY / ".lab-bench")
    bench = Bench(folder, int(os.environ.get("FLYTE_BENCH_PORT") or 28700))
    story = Story(bench, arguments)
    parts: set[str] = set(PARTS if arguments.only is None else arguments.only)
    with interruptible():
        try:
            if "status" in parts:
                bench.lab.down()
                bench.up()
                story.status(arguments.status)
            if parts - {"thousand", "status"}:
                measure(story, parts, arguments.sizes)
            if "thousand" in parts:
                # A lab of its own: the Secret of 1,000 planes has room only for small certificates and tokens.
                bench.lab.down()
                bench.lab.make_pki = small_keys.make_pki
                bench.up()
                story.thousand(arguments.thousand)
        finally:
            bench.lab.down()
            if story.samples:
                # With --only, what was measured before stays; a run of all measures all.
                write(merged(story.samples, everything=arguments.only is None))
    return 0


def measure(story: Story, parts: set[str], sizes: list[int]) -> None:
    """Run the parts that share a lab."""
    bench = story.bench
    bench.lab.down()
    bench.up()
    if "site" in parts:
        story.site(sizes)
    else:
        required(bench.play(bench.inventory(max(sizes) if parts & {"delay", "observe"} else 2)), "site.yml")
    if "delay" in parts:
        required(bench.play(bench.inventory(max(sizes))), "site.yml")
        story.delayed(max(sizes), 100)
    if "observe" in parts:
        story.observe([size for size in sizes if size >= 10])
    if "labels" in parts:
        story.labels([10, 100, 1000])
    if "register" in parts:
        story.registration([(size, {100: 1000}.get(size, size * 5)) for size in sizes])


if __name__ == "__main__":
    sys.exit(main())

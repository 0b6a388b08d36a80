# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks gave: goals, a table and curves, from the samples alone."""

from __future__ import annotations

import json
import os
import pathlib
import platform
import re
import statistics
import time
import typing as t

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
Sample = dict[str, t.Any]
#: the names of the benchmarks, in their order in the results
REGISTER, NOTHING, ONE_MORE, OBSERVE = "1 register and label", "2 nothing to change", "3 one plane more", "4 observe"
LABELS_NEW, LABELS_OLD, THOUSAND = "5 labels, new", "5 labels, unchanged", "6 a thousand planes, nothing to change"
STATUS = "7 status and its page"


def say(text: str) -> None:
    """Print progress at once."""
    print(text, flush=True)


def spread(values: list[float]) -> str:
    """Return median and range of some seconds."""
    middle = f"{statistics.median(values):.1f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.1f}-{max(values):.1f})"


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
        if all("cpu" in entry for entry in entries):
            notes.append(f"{spread([entry['cpu'] for entry in entries])} s of CPU")
        if "without_helm" in entries[0]:
            notes.append(f"without Helm {spread([entry['without_helm'] for entry in entries])} s")
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
            found.append(f"- {'met' if met else '**missed**'}: {text}: {value:.2f} (goal {'at least' if at_least else 'at most'} {limit:g})")

    def ratio(above: float | None, below: float | None) -> float | None:
        return above / below if above is not None and below else None

    for size, way, limit in (("N=10, M=50", "stock", 8), ("N=10, M=50", "shell", 2), ("N=100, M=1000", "stock", 50)):
        goal(f"(1) {size}: times faster than {way}", ratio(median(REGISTER, way, size), median(REGISTER, "ours", size)), limit, at_least=True)
    small, large = (median(NOTHING, "site.yml", size) for size in ("N=2", "N=100"))
    goal("(2) N=2: times the seconds of a playbook with one ping", ratio(small, median(NOTHING, "ping", "N=2")), 3)
    goal("(2) N=100: seconds", large, 15)
    goal("(2) N=100: times the seconds of N=2", ratio(large, small), 1.4)
    memory = [entry["mib"] for entry in by_group.get((NOTHING, "site.yml", "N=100"), [])]
    goal("(2) N=100: MiB of all processes together", max(memory) if memory else None, 150)
    goal("(2) N=100 with 100 ms delay: seconds", median(f"{NOTHING}, 100 ms delay", "site.yml", "N=100"), 20)
    small_more, large_more = (median(ONE_MORE, "site.yml", size, "without_helm") for size in ("N=2", "N=100"))
    goal("(3) one more than 100, apart from Helm: times that of one more than 2", ratio(large_more, small_more), 1.5)
    goal("(3) one more than 2, apart from Helm: times nothing to change at N=2", ratio(small_more, small), 1.8)
    goal("(3) one more than 100, apart from Helm: times nothing to change at N=100", ratio(large_more, large), 1.8)
    goal("(5) 1,000 new labels: times the bare client", ratio(median(LABELS_NEW, "ours", "M=1000"), median(LABELS_NEW, "floor", "M=1000")), 3)
    goal("(5) 1,000 unchanged labels: requests", median(LABELS_OLD, "ours", "M=1000", "requests"), 1)
    thousand = ratio(median(THOUSAND, "site.yml", "N=1000"), median(THOUSAND, "site.yml", "N=100"))
    goal("(6) N=1,000: times the seconds of N=100", thousand, 6)
    pages = {size: median(STATUS, "status.yml", size) for size in ("N=2", "N=10", "N=100")}
    for size, limit in (("N=2", 3), ("N=10", 4), ("N=100", 10)):
        goal(f"(7) {size}: status and its page: times the seconds of a playbook with one ping", ratio(pages[size], median(STATUS, "ping", size)), limit)
    goal("(7) N=100: times the seconds of N=2", ratio(pages["N=100"], pages["N=2"]), 5)
    return found


def plot(samples: list[Sample], path: pathlib.Path) -> None:
    """Draw seconds over sizes, one curve a way."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "flyte.multicluster"
    from matplotlib import pyplot

    panels = (REGISTER, NOTHING, OBSERVE, LABELS_NEW)
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
        axis.set_xlabel("labels" if benchmark == LABELS_NEW else "data planes")
        axis.set_ylabel("seconds")
        if benchmark == REGISTER:
            axis.set_yscale("log")
        else:
            axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        if curves:
            axis.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def merged(samples: list[Sample], *, everything: bool) -> list[Sample]:
    """Return new samples with those of before whose benchmark and size was not measured anew.

    :param everything: these are of a run of all: of before, only what has to be asked for by its name stays.
    """
    try:
        before: list[Sample] = json.loads((RESULTS / "results.json").read_text(encoding="utf-8"))["samples"]
    except FileNotFoundError:
        before = []
    measured = {(sample["benchmark"], sample["size"]) for sample in samples}
    kept = [sample for sample in before if sample["benchmark"] in (THOUSAND, STATUS) or not everything]
    both = [sample for sample in kept if (sample["benchmark"], sample["size"]) not in measured] + samples
    return sorted(both, key=lambda sample: (sample["benchmark"], [int(number) for number in re.findall(r"\d+", sample["size"])]))


def write(samples: list[Sample]) -> None:
    """Write all results."""
    RESULTS.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    (RESULTS / "results.json").write_text(json.dumps({"machine": machine, "samples": samples}, indent=1) + "\n", encoding="utf-8")
    lines = ["# Benchmarks", "", f"Measured by `make bench` on {machine}. The clusters, flyteadmin's double and the measured job share these cores.", ""]
    if any(sample["benchmark"] in (THOUSAND, STATUS) for sample in samples):
        lines += ["The planes of (6) and (7), but for three, are copies of those, Helm's records too (`clones.py`): what is measured reads them alike.", ""]
    lines += [*goals(samples), "", "![seconds over sizes](results.svg)", "", *table(samples), ""]
    (RESULTS / "results.md").write_text("\n".join(lines), encoding="utf-8")
    plot(samples, RESULTS / "results.svg")
    say("\n".join(lines))

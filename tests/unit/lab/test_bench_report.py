# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The benchmarks' goals are told from their samples as they are: met, missed, or not measured."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import types
import typing as t

import pytest

_PATH = pathlib.Path(__file__).resolve().parents[3] / "benchmarks" / "report.py"


@pytest.fixture(name="report")
def _report(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("bench_report", _PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def _sample(benchmark: str, size: str, seconds: float, way: str = "site.yml", **more: t.Any) -> dict[str, t.Any]:
    return {"benchmark": benchmark, "way": way, "size": size, "seconds": seconds, "mib": 100, "helm": 0.0, **more}


def _verdicts(report: types.ModuleType, samples: list[dict[str, t.Any]]) -> dict[str, tuple[str, str]]:
    """Return verdict and value by goal."""
    lines = [line.removeprefix("- ").replace("*", "").partition(": ") for line in report.goals(samples)]
    return {text.rpartition(": ")[0]: (verdict, text.rpartition(": ")[2].partition(" ")[0]) for verdict, _colon, text in lines}


@pytest.mark.parametrize(
    ("text", "samples", "met", "missed"),
    [
        ("(2) N=2: times the seconds of a playbook with one ping", [("NOTHING", "N=2", "ping", 1.0), ("NOTHING", "N=2", "site.yml", None)], 3.0, 3.1),
        ("(2) N=100: times the seconds of N=2", [("NOTHING", "N=2", "site.yml", 1.0), ("NOTHING", "N=100", "site.yml", None)], 1.4, 1.5),
        (
            "(3) one more than 2, apart from Helm: times nothing to change at N=2",
            [("NOTHING", "N=2", "site.yml", 1.0), ("ONE_MORE", "N=2", "site.yml", None)],
            1.8,
            1.9,
        ),
        (
            "(3) one more than 100, apart from Helm: times nothing to change at N=100",
            [("NOTHING", "N=100", "site.yml", 1.0), ("ONE_MORE", "N=100", "site.yml", None)],
            1.8,
            1.9,
        ),
        (
            "(7) N=100: status and its page: times the seconds of a playbook with one ping",
            [("STATUS", "N=100", "ping", 1.0), ("STATUS", "N=100", "status.yml", None)],
            10.0,
            10.1,
        ),
        ("(7) N=100: times the seconds of N=2", [("STATUS", "N=2", "status.yml", 1.0), ("STATUS", "N=100", "status.yml", None)], 5.0, 5.1),
        ("(6) N=1,000: times the seconds of N=100", [("THOUSAND", "N=100", "site.yml", 1.0), ("THOUSAND", "N=1000", "site.yml", None)], 6.0, 6.1),
    ],
)
def test_a_ratio_is_that_of_the_medians(report: types.ModuleType, text: str, samples: list[t.Any], met: float, missed: float) -> None:
    for value, verdict in ((met, "met"), (missed, "missed")):
        made = []
        for benchmark, size, way, seconds in samples:
            # One sample far off changes nothing: the median of three counts. What Helm takes does not count for one plane more.
            for own in (seconds or value, seconds or value, 99.0):
                made.append(_sample(getattr(report, benchmark), size, own + 50 if benchmark == "ONE_MORE" else own, way, without_helm=own))
        assert _verdicts(report, made)[text] == (verdict, f"{value:.2f}")
        # Of the first alone there is no ratio.
        assert text not in _verdicts(report, made[:3])


def test_memory_is_that_of_the_largest_run(report: types.ModuleType) -> None:
    samples = [_sample(report.NOTHING, "N=100", 1.0, mib=mib) for mib in (90, 150, 120)]
    assert _verdicts(report, samples)["(2) N=100: MiB of all processes together"] == ("met", "150.00")
    samples.append(_sample(report.NOTHING, "N=100", 1.0, mib=151))
    assert _verdicts(report, samples)["(2) N=100: MiB of all processes together"] == ("missed", "151.00")


def test_the_table_has_each_group_with_median_and_range(report: types.ModuleType) -> None:
    samples = [_sample(report.ONE_MORE, "N=2", seconds, without_helm=seconds - 1) for seconds in (4.0, 9.0, 5.0)]
    assert report.table(samples)[2:] == ["| 3 one plane more | N=2 | site.yml | 5.0 (4.0-9.0) |  | at most 100 MiB, without Helm 4.0 (3.0-8.0) s |"]


def test_what_was_not_measured_anew_stays(report: types.ModuleType) -> None:
    before = [_sample(report.NOTHING, "N=2", 7.0), _sample(report.NOTHING, "N=10", 8.0), _sample(report.THOUSAND, "N=1000", 9.0)]
    (report.RESULTS / "results.json").write_text(json.dumps({"samples": before}), encoding="utf-8")
    new = [_sample(report.NOTHING, "N=10", 1.0)]
    assert report.merged(new, everything=False) == [before[0], new[0], before[2]]
    # A run of all leaves only the part that has to be asked for.
    assert report.merged(new, everything=True) == [new[0], before[2]]

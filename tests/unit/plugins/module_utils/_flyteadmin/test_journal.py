# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows that a delete takes along are kept, and what keeps them from being kept is said before anything is deleted."""

from __future__ import annotations

import base64
import gzip
import json
import pathlib
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.journal import ConfigMapJournal, FileJournal, Journal, JournalError
from stateful_api import StatefulApi

ROWS = {("team1", "", ""): "label1", ("team1", "development", "a.wf"): "label2"}


class _Kube:
    """One ConfigMap of an API server."""

    def __init__(self) -> None:
        self.stored: dict[str, t.Any] | None = None
        self.refuses = False

    def find(self, _path: str) -> dict[str, t.Any] | None:
        return self.stored

    def create(self, _path: str, body: dict[str, t.Any]) -> None:
        if self.refuses:
            raise KubeError("api", "forbidden", status=403, hint="Give the right.")
        if self.stored is not None:
            raise KubeError("api", "there already", status=409)
        self.stored = body

    def patch(self, _path: str, body: dict[str, t.Any]) -> None:
        assert self.stored is not None
        self.stored = {**self.stored, **body}

    def delete(self, _path: str) -> None:
        self.stored = None


@pytest.fixture(name="kube")
def _kube() -> _Kube:
    return _Kube()


@pytest.fixture(name="journal", params=["file", "config map"])
def _journal(request: pytest.FixtureRequest, tmp_path: pathlib.Path, kube: _Kube) -> Journal:
    return FileJournal(str(tmp_path / "journal"), "https://x") if request.param == "file" else ConfigMapJournal(lambda: t.cast(t.Any, kube), "flyte")


def test_rows_are_kept_until_they_are_forgotten(journal: Journal) -> None:
    assert journal.read() == {}
    journal.write(ROWS)
    journal.write({**ROWS, ("team2", "", ""): "label1"})
    assert journal.read() == {**ROWS, ("team2", "", ""): "label1"}
    journal.clear()
    journal.clear()
    assert journal.read() == {}


@pytest.mark.parametrize("text", ["{", "7", "[7]", "[{}]", '{"a": 1}', '[{"project": "p", "domain": null, "workflow": "", "label": "l"}]', '[{"project": []}]'])
def test_a_journal_that_cannot_be_read_is_said(tmp_path: pathlib.Path, kube: _Kube, text: str) -> None:
    kept = FileJournal(str(tmp_path), "https://x")
    kept.write(ROWS)
    pathlib.Path(kept.place).write_text(text, encoding="utf-8")
    kube.stored = {"data": {"rows.json": text}}
    for journal in (kept, ConfigMapJournal(lambda: t.cast(t.Any, kube), "flyte")):
        with pytest.raises(JournalError, match="cannot be read") as caught:
            journal.read()
        assert journal.place in str(caught.value) and "rows to restore" in caught.value.hint


def test_a_journal_that_cannot_be_written_is_said_before_anything_is_deleted(tmp_path: pathlib.Path, kube: _Kube) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    kube.refuses = True
    for journal in (FileJournal(str(tmp_path / "file"), "https://x"), ConfigMapJournal(lambda: t.cast(t.Any, kube), "flyte")):
        with pytest.raises(JournalError, match="cannot be written") as caught:
            journal.write(ROWS)
        assert caught.value.hint.startswith("Nothing was deleted.")


def test_each_flyteadmin_has_a_file_of_its_own(tmp_path: pathlib.Path) -> None:
    first, same, other = (FileJournal(str(tmp_path), url) for url in ("https://x", "https://x/", "https://y"))
    first.write(ROWS)
    assert same.read() == ROWS and other.read() == {}
    assert json.loads(pathlib.Path(first.place).read_text(encoding="utf-8"))[0]["project"] == "team1"


def test_rows_that_are_changed_on_purpose_are_kept_for_people(tmp_path: pathlib.Path) -> None:
    api = StatefulApi()
    try:
        ConfigMapJournal(lambda: Kube(api.access), "flyte").keep(ROWS)
        (secret,) = api.objects.values()
        assert secret["metadata"]["labels"]["flyte.multicluster/backup"] == "labels"
        assert json.loads(gzip.decompress(base64.b64decode(secret["data"]["rows.json.gz"])))[0] == {
            "project": "team1", "domain": "", "workflow": "", "label": "label1"
        }  # fmt: skip
        api.answer = lambda _method, _path, _body: (403, {"message": "forbidden"})  # type: ignore[method-assign]
        with pytest.raises(JournalError, match="the backup of labels cannot be kept"):
            ConfigMapJournal(lambda: Kube(api.access), "flyte").keep(ROWS)
    finally:
        api.close()
    FileJournal(str(tmp_path), "https://x").keep(ROWS)
    assert len(json.loads(next(tmp_path.glob("*.backup.json")).read_text(encoding="utf-8"))) == 2
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(JournalError, match="cannot be written"):
        FileJournal(str(tmp_path / "file"), "https://x").keep(ROWS)

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flyte_ecl, flyte_ecl_info and flyteadmin's client, against the double (whose answers are recorded ones)."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.flyte.multicluster.plugins.module_utils import _admin, _labels
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl, flyte_ecl_info, flyte_execution_info
from conftest import Double

DEV, PROD, FLOW = ("team1", "development", ""), ("team1", "production", ""), ("team1", "development", "a.wf")


@pytest.fixture(name="run")
def _run(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    """Runs a module as Ansible does and returns its result."""

    def run(module: t.Any, *, check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        if module is flyte_ecl:
            arguments.setdefault("journal", str(tmp_path))
        arguments.setdefault("retry_for", 1)
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return run


def rows(*entries: tuple[str, str]) -> list[dict[str, t.Any]]:
    found = []
    for place, label in entries:
        project, domain, workflow = (place.split("/") + ["", ""])[:3]
        found.append({"project": project, "domain": domain or None, "workflow": workflow or None, "label": label})
    return found


def test_create_again_change_again_delete_again_each_in_check_mode_too(admin: Double, run: t.Any) -> None:
    one = {"url": admin.url, "project": "team1", "domain": "development"}
    for label in ("label1", "label2"):
        before = admin.rows()
        assert run(flyte_ecl, check=True, label=label, **one)["changed"] and admin.rows() == before
        result = run(flyte_ecl, label=label, **one)
        assert result["changed"] and admin.rows() == {"team1/development": label}
        assert result["after"] == [{"project": "team1", "domain": "development", "workflow": "", "label": label}]
        assert not run(flyte_ecl, check=True, label=label, **one)["changed"] and not run(flyte_ecl, label=label, **one)["changed"]
    assert run(flyte_ecl, check=True, state="absent", **one)["changed"] and admin.rows()
    assert run(flyte_ecl, state="absent", **one)["changed"] and not admin.rows()
    assert not run(flyte_ecl, state="absent", **one)["changed"]


def test_what_is_already_so_costs_one_request(admin: Double, run: t.Any) -> None:
    many = rows(*[(f"team1/development/w{number}", "label1") for number in range(200)])
    assert run(flyte_ecl, url=admin.url, labels=many)["changed"] and len(admin.rows()) == 200
    admin.requests.clear()
    assert not run(flyte_ecl, url=admin.url, labels=many)["changed"]
    assert len(admin.requests) == 1


def test_a_workflow_label_equal_to_the_inherited_one_is_written(admin: Double, run: t.Any) -> None:
    run(flyte_ecl, url=admin.url, labels=rows(("team1/development", "label1"), ("team1/development/a.wf", "label1")))
    assert admin.rows() == {"team1/development": "label1", "team1/development/a.wf": "label1"}


@pytest.mark.parametrize("place", ["team1/development", "team1"])
def test_rows_that_flyteadmin_deletes_along_are_restored(admin: Double, run: t.Any, place: str, tmp_path: pathlib.Path) -> None:
    below = [("team1/development/a.wf", "label2"), ("team1/development/b.wf", "label1")]
    run(flyte_ecl, url=admin.url, labels=rows((place, "label1"), *below, ("project1/development/c.wf", "label1")))
    project, _slash, domain = place.partition("/")
    result = run(flyte_ecl, url=admin.url, state="absent", project=project, domain=domain or None)
    assert admin.rows() == {**dict(below), "project1/development/c.wf": "label1"}
    assert [row["workflow"] for row in result["restored"]] == ["a.wf", "b.wf"]
    assert not list(tmp_path.iterdir())


def test_a_run_killed_between_delete_and_restore_loses_nothing(admin: Double, run: t.Any, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    run(flyte_ecl, url=admin.url, labels=rows(("team1/development", "label1"), ("team1/development/a.wf", "label2")))

    def killed(*_arguments: t.Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_admin.Admin, "put_label", killed)
        arguments = {"url": admin.url, "state": "absent", "project": "team1", "domain": "development", "journal": str(tmp_path), "retry_for": 1}
        with patch_module_args(arguments), pytest.raises(KeyboardInterrupt):
            flyte_ecl.main()
    assert not admin.rows() and list(tmp_path.iterdir())
    # The next run, about something else altogether, finds the rows where they were saved.
    result = run(flyte_ecl, url=admin.url, project="project1", label="label1")
    assert admin.rows() == {"project1": "label1", "team1/development/a.wf": "label2"}
    assert [row["workflow"] for row in result["restored"]] == ["a.wf"] and not list(tmp_path.iterdir())


def test_other_kinds_of_attributes_are_never_touched(admin: Double, run: t.Any) -> None:
    admin.service.store.put_attributes("TASK_RESOURCE", "team1", "development", "", b"kept")
    run(flyte_ecl, url=admin.url, labels=rows(("team1/development", "label1")))
    run(flyte_ecl, url=admin.url, state="absent", project="team1", domain="development")
    assert admin.service.store.attributes("TASK_RESOURCE") == [("team1", "development", "", b"kept")]


def test_purge_is_limited_to_the_given_projects(admin: Double, run: t.Any) -> None:
    run(flyte_ecl, url=admin.url, labels=rows(("team1/development", "label1"), ("team1/staging/x", "label1"), ("project1", "label2")))
    run(flyte_ecl, url=admin.url, labels=rows(("team1/production", "label1")), purge=["team1"])
    assert admin.rows() == {"team1/production": "label1", "project1": "label2"}


def test_an_unknown_label_is_refused_before_anything_is_written(admin: Double, run: t.Any) -> None:
    result = run(flyte_ecl, url=admin.url, labels=rows(("team1/development", "label1"), ("team1/production", "labl2")), known_labels=["label1", "label2"])
    assert result["failed"] and "team1/production: unknown label 'labl2'. Did you mean 'label2'?" in result["msg"]
    assert not admin.rows() and not admin.requests


def test_an_unknown_project_is_said_with_what_to_do(admin: Double, run: t.Any) -> None:
    result = run(flyte_ecl, url=admin.url, project="nope", domain="development", label="label1")
    assert result["failed"] and "nope/development" in result["msg"] and "code 3" in result["msg"] and "Create the project first" in result["msg"]


def test_info_says_where_a_label_comes_from_and_where_it_leads(admin: Double, run: t.Any) -> None:
    run(flyte_ecl, url=admin.url, labels=rows(("team1", "label1"), ("team1/production", "label2")))
    arguments: dict[str, t.Any] = {
        "url": admin.url,
        "project": "team1",
        "label_cluster_map": {"label2": [{"id": "a", "weight": 1}, {"id": "b", "weight": 3}, {"id": "off", "weight": 4}]},
        "enabled_clusters": ["a", "b"],
    }
    found = run(flyte_ecl_info, domain="production", workflow="x", **arguments)
    assert found["effective"] == {"label": "label2", "level": "project-domain", "clusters": {"a": 0.25, "b": 0.75}}
    assert run(flyte_ecl_info, domain="staging", **arguments)["effective"] == {"label": "label1", "level": "project", "clusters": {}}
    assert len(found["rows"]) == 2


def test_executions_are_listed_to_the_end(admin: Double, run: t.Any) -> None:
    from flyteidl.admin import execution_pb2

    for number in range(250):
        execution = execution_pb2.Execution()
        execution.id.project, execution.id.domain, execution.id.name = "team1", "development", f"f{number}"
        cluster = f"dataplane_{number % 2 + 1}"
        execution.spec.metadata.system_metadata.execution_cluster = cluster
        admin.service.store.put_execution(execution.id, cluster, "SUCCEEDED", execution.SerializeToString())
    assert len(run(flyte_execution_info, url=admin.url)["executions"]) == 250
    assert len(run(flyte_execution_info, url=admin.url, cluster="dataplane_2", phases=["SUCCEEDED"])["executions"]) == 125


# -- authentication and errors


def test_client_credentials_are_found_through_flyteadmins_metadata(admin_with_auth: Double, run: t.Any, tmp_path: pathlib.Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("right secret\n", encoding="utf-8")
    login = {"url": admin_with_auth.url, "client_id": "client", "client_secret_file": str(secret), "journal": str(tmp_path / "journal")}
    assert run(flyte_ecl, project="team1", label="label1", **login)["changed"]
    assert admin_with_auth.rows() == {"team1": "label1"} and admin_with_auth.auth and admin_with_auth.auth.issued == 1


def test_a_token_is_renewed_once_where_it_is_not_accepted_any_more(admin_with_auth: Double) -> None:
    settings = _admin.Settings(admin_with_auth.url, client_id="client", client_secret="right secret", retry_for=1)
    client = _admin.Admin(settings)
    assert client.label_rows() == [] and admin_with_auth.auth
    admin_with_auth.auth.revoke_all()
    assert client.label_rows() == [] and admin_with_auth.auth.issued == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "401, code 16"),
        ({"token": "a.b.c"}, "set a new one"),
        ({"client_id": "client", "client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "client", "client_secret": "right secret", "scopes": ("bogus",)}, "invalid_scope"),
    ],
)
def test_what_is_wrong_with_a_login_is_said_without_the_secret(admin_with_auth: Double, settings: dict[str, t.Any], said: str) -> None:
    with pytest.raises(_admin.AdminError, match=said) as caught:
        _admin.Admin(_admin.Settings(admin_with_auth.url, retry_for=1, **settings)).label_rows()
    assert "right secret" not in str(caught.value) and "wrong" not in str(caught.value)


def test_a_client_where_authentication_is_off_is_said(admin: Double) -> None:
    with pytest.raises(_admin.AdminError, match="authentication turned off"):
        _admin.Admin(_admin.Settings(admin.url, client_id="client", client_secret="x", retry_for=1)).label_rows()


def test_an_html_page_is_said_to_be_one(admin: Double) -> None:
    admin.gateway.serving = lambda: False
    with pytest.raises(_admin.AdminError, match=r"503, an HTML page \(503 Service Temporarily Unavailable\)"):
        _admin.Admin(_admin.Settings(admin.url, retry_for=0.1)).label_rows()


def test_a_closed_port_is_said() -> None:
    with pytest.raises(_admin.AdminError, match="Connection refused. Check url"):
        _admin.Admin(_admin.Settings("http://127.0.0.1:1", retry_for=0.1)).label_rows()


def test_503_is_repeated_until_it_serves(admin: Double) -> None:
    answers = iter([False, False, True])
    admin.gateway.serving = lambda: next(answers, True)
    assert _admin.Admin(_admin.Settings(admin.url, retry_for=10)).label_rows() == []


# -- planning


def test_deletes_come_with_what_they_take_along() -> None:
    current = {("p", "", ""): "l", ("p", "d", ""): "l", ("p", "d", "w"): "l", ("q", "", ""): "l"}
    changes = _labels.plan(current, {}, [("p", "", ""), ("p", "d", "")])
    assert [change.key for change in _labels.deletes(changes)] == [("p", "", "")]
    assert changes[0].restores == ((("p", "d", "w"), "l"),)


def test_a_row_that_is_restored_gets_its_wanted_value() -> None:
    current = {("p", "d", ""): "l", ("p", "d", "w"): "old"}
    changes = _labels.plan(current, {("p", "d", "w"): "new"}, [("p", "d", "")])
    assert changes[0].restores == ((("p", "d", "w"), "new"),)


def test_labels_that_lead_nowhere_are_found() -> None:
    label_map = {"a": [{"id": "x", "weight": 1}], "off": [{"id": "y", "weight": 1}]}
    found = _labels.astray({DEV: "a", PROD: "typo", FLOW: "off"}, label_map, ["x"])
    assert [(row["label"], row["reason"]) for row in found] == [
        ("off", "all of its clusters are disabled"),
        ("typo", "labelClusterMap has no such label"),
    ]

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules of AWS as Ansible runs them: amazon.aws' options, its fallbacks to the environment, and errors as actions."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.modules import flyte_aws_info, flyte_oidc_provider, flyte_pod_identity
from aws_double import ACCOUNT, create_cluster, moto_server
from conftest import REPOSITORY
from module_arguments import patch_module_args

MODULES = (flyte_aws_info, flyte_oidc_provider, flyte_pod_identity)
ISSUER = "https://oidc.eks.us-east-2.amazonaws.com/id/ABC"
Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture(name="moto", scope="module")
def _moto() -> t.Iterator[str]:
    with moto_server() as url:
        create_cluster(url, "eu-west-1", "dp1", {})
        yield url


@pytest.fixture(name="run_aws")
def _run_aws(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a module with a clean environment but for what is in ``environment``."""
    for name in ("REGION", "DEFAULT_REGION", "URL", "ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def run(module: t.Any, environment: dict[str, str], *, check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        text = capsys.readouterr().out
        assert "hidden-key-4711" not in text
        return t.cast("dict[str, t.Any]", json.loads(text))

    return run


def _environment(moto: str, **more: str) -> dict[str, str]:
    return {"AWS_REGION": "eu-west-1", "AWS_URL": moto, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "hidden-key-4711", **more}


def test_the_environment_is_read_as_amazon_aws_does(moto: str, run_aws: Run) -> None:
    found = run_aws(flyte_aws_info, _environment(moto), eks_clusters=[{"name": "dp1"}])
    assert found["account"] == ACCOUNT and found["clusters"]["dp1"]["status"] == "ACTIVE", found
    elsewhere = run_aws(flyte_aws_info, {}, eks_clusters=[{"name": "dp1"}], aws_region="us-east-2")
    assert elsewhere["clusters"]["dp1"]["missing"]


def test_the_options_win_over_the_environment(moto: str, run_aws: Run) -> None:
    environment = _environment("http://127.0.0.1:1", AWS_REGION="us-east-2")
    found = run_aws(flyte_aws_info, environment, eks_clusters=[{"name": "dp1"}], endpoint_url=moto, region="eu-west-1")
    assert found["clusters"]["dp1"]["status"] == "ACTIVE"


@pytest.mark.parametrize("state", ["present", "absent"])
def test_providers_in_check_mode_and_again(moto: str, run_aws: Run, state: str) -> None:
    arguments = {"issuers": [ISSUER], "state": state}
    expected = [True, True, False]
    results = [run_aws(flyte_oidc_provider, _environment(moto), check=check, **arguments) for check in (True, False, False)]
    assert [result["changed"] for result in results] == expected
    assert results[1]["providers"] == ([] if state == "absent" else [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"])


def test_an_error_is_the_action_that_failed(run_aws: Run) -> None:
    slow = {"aws_config": {"retries": {"max_attempts": 0}}}
    failed = run_aws(flyte_oidc_provider, _environment("http://127.0.0.1:1"), issuers=[ISSUER], **slow)
    assert failed["failed"] and failed["msg"].startswith("Failed to find out whose credentials these are: Could not connect to the endpoint URL"), failed
    row = {"cluster": "dp1", "namespace": "flyte", "service_account": "flyteadmin", "role_arn": "arn:x"}
    failed = run_aws(flyte_pod_identity, _environment("http://127.0.0.1:1"), associations=[row], **slow)
    assert failed["msg"].startswith("Failed to list the Pod Identity associations of the EKS cluster dp1: Could not connect"), failed


def test_a_region_is_needed_and_said(run_aws: Run) -> None:
    environment = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "hidden-key-4711"}
    row = {"cluster": "dp1", "namespace": "flyte", "service_account": "flyteadmin", "role_arn": "arn:x"}
    failed = run_aws(flyte_pod_identity, environment, associations=[row])
    assert failed["failed"] and "No region of AWS is known. Set the option region, or AWS_REGION." in failed["msg"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_module_is_documentation_and_a_short_tail(module: t.Any) -> None:
    lines = pathlib.Path(module.__file__).read_text(encoding="utf-8").splitlines()
    tail = lines[next(number for number, line in enumerate(lines) if line.startswith("from ansible_collections.")) :]
    assert len(tail) <= 40
    assert "flyte.multicluster.aws" in yaml.safe_load(module.DOCUMENTATION)["extends_documentation_fragment"]


def test_the_action_group_has_the_modules() -> None:
    groups = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    assert groups["aws"] == [module.__name__.rpartition(".")[2] for module in MODULES]

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How AWS is asked: in the process of the plan, by the options of the module."""

from __future__ import annotations

import sys
import typing as t

import ansible_collections.flyte.multicluster.plugins.modules as _modules
import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._module import OperationFailed, run_here
from ansible_collections.flyte.multicluster.plugins.modules import flyte_aws_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import observed_aws


def test_without_amazon_aws_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_modules, "flyte_aws_info", raising=False)
    monkeypatch.setitem(sys.modules, flyte_aws_info.__name__, None)
    with pytest.raises(Refused, match="ansible-galaxy collection install amazon.aws"):
        observed_aws(t.cast(t.Any, None), {})


def _run(monkeypatch: pytest.MonkeyPatch, observe: t.Callable[[dict[str, t.Any]], dict[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:
    monkeypatch.setattr(flyte_aws_info, "observe", observe)
    return run_here(flyte_aws_info.OPERATION, {"eks_clusters": [{"name": "a"}], **options}, check_mode=True, warn=lambda _text: None)


def test_its_options_are_those_of_the_module_with_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-4711")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    params = _run(monkeypatch, lambda params: {"params": params, "said": "with a-secret-4711"})
    assert params["params"]["region"] == "eu-west-1" and params["params"]["roles"] == [] and "a-secret-4711" not in str(params)
    assert "a-secret-4711" in SECRETS.known()
    with pytest.raises(OperationFailed, match="eks_clusters"):
        _run(monkeypatch, lambda _params: {}, eks_clusters=None)


def test_what_aws_refuses_reads_as_the_action(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_params: dict[str, t.Any]) -> dict[str, t.Any]:
        raise AwsError("Failed to read the role x: AccessDenied: no.", "Check the credentials.")

    with pytest.raises(OperationFailed) as raised:
        _run(monkeypatch, refused)
    assert str(raised.value) == "Failed to read the role x: AccessDenied: no. Check the credentials."

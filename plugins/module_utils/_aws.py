# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""boto3, for what amazon.aws and community.aws have no module for."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import missing_required_lib

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible.module_utils.basic import AnsibleModule


class AwsError(Exception):
    """AWS has something that must not be changed here; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.hint = hint


def argument_spec() -> dict[str, t.Any]:
    """Return the connection's options; the names are amazon.aws' own."""
    return {
        "region": {"type": "str", "required": True},
        "profile": {"type": "str"},
        "endpoint_url": {"type": "str"},
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
        "session_token": {"type": "str", "no_log": True},
    }


def client(params: Mapping[str, t.Any], service: str) -> t.Any:
    """Return a boto3 client."""
    import boto3

    session = boto3.session.Session(
        aws_access_key_id=params["access_key"],
        aws_secret_access_key=params["secret_key"],
        aws_session_token=params["session_token"],
        region_name=params["region"],
        profile_name=params["profile"],
    )
    return session.client(service, endpoint_url=params["endpoint_url"])


def run_aws_module(module: AnsibleModule, work: Callable[[], dict[str, t.Any]]) -> None:
    """Run a module that talks to AWS."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(error))
    try:
        result = work()
    except (BotoCoreError, ClientError) as error:
        module.fail_json(msg=f"AWS: {error}. Check the credentials, the region, and that this identity may do it.")
    except AwsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""boto3, for what amazon.aws and community.aws have no module for."""

from __future__ import annotations

import base64
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


def session(params: Mapping[str, t.Any], *, region: str | None = None, assume_role_arn: str | None = None) -> t.Any:
    """Return a boto3 session.

    :param region: another one than the options'.
    :param assume_role_arn: a role, of another account for example, to take on first.
    """
    import boto3

    own = boto3.session.Session(
        aws_access_key_id=params.get("access_key"),
        aws_secret_access_key=params.get("secret_key"),
        aws_session_token=params.get("session_token"),
        region_name=region or params["region"],
        profile_name=params.get("profile"),
    )
    if not assume_role_arn:
        return own
    sts = own.client("sts", endpoint_url=params.get("endpoint_url"))
    taken = sts.assume_role(RoleArn=assume_role_arn, RoleSessionName="flyte-multicluster")["Credentials"]
    return boto3.session.Session(
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
        region_name=region or params["region"],
    )


def client(params: Mapping[str, t.Any], service: str, *, region: str | None = None, assume_role_arn: str | None = None) -> t.Any:
    """Return a boto3 client."""
    return session(params, region=region, assume_role_arn=assume_role_arn).client(service, endpoint_url=params.get("endpoint_url"))


def eks_token(params: Mapping[str, t.Any], cluster: str, *, region: str | None = None, assume_role_arn: str | None = None) -> str:
    """Return a token for the API server of an EKS cluster, as ``aws eks get-token`` makes it: a presigned STS request. A secret.

    EKS accepts it for 15 minutes. Nothing is sent: the API server sends the request, and so learns who signed it.
    """
    from botocore.signers import RequestSigner

    given = session(params, region=region, assume_role_arn=assume_role_arn)
    sts = given.client("sts", endpoint_url=params.get("endpoint_url"))
    # The regional endpoint, as EKS wants it; the one that is given where there is one.
    host = params.get("endpoint_url") or f"https://sts.{given.region_name}.{_suffix(given)}"
    signer = RequestSigner(sts.meta.service_model.service_id, given.region_name, "sts", "v4", given.get_credentials(), given.events)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{host.rstrip('/')}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name=given.region_name,
        expires_in=60,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _suffix(given: t.Any) -> str:
    partition = given.get_partition_for_region(given.region_name)
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"


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


def pod_identity_associations(eks: t.Any, cluster: str) -> list[dict[str, t.Any]]:
    """Return the EKS Pod Identity associations of a cluster, each with its role and tags."""
    found = []
    for page in eks.get_paginator("list_pod_identity_associations").paginate(clusterName=cluster):
        for entry in page["associations"]:
            whole = eks.describe_pod_identity_association(clusterName=cluster, associationId=entry["associationId"])["association"]
            found.append(
                {
                    "id": whole["associationId"],
                    "namespace": whole["namespace"],
                    "service_account": whole["serviceAccount"],
                    "role_arn": whole["roleArn"],
                    "tags": whole.get("tags") or {},
                }
            )
    return found

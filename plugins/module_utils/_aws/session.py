# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to AWS by amazon.aws' rules: its options, its fallbacks to the environment, any region, any role.

The options may be an AnsibleAWSModule's ``params``, or a mapping of amazon.aws' option names where there is no module of AWS: what such a mapping
does not set, the environment may.
"""

from __future__ import annotations

import base64
import functools
import json
import threading
import time
import typing as t

from .errors import AwsError, action, attempt, said

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: the header by which EKS binds a token to one cluster
_CLUSTER_HEADER = "x-k8s-aws-id"
#: without these boto3 waits a minute for each of five attempts: an endpoint that never answers would hold a run for that long at each question
_CONNECT_SECONDS, _ANSWER_SECONDS, _ATTEMPTS = 5, 20, 3
#: what is kept of a role taken on ends after an hour
_LIFETIME = 1800.0


class _Caller:
    """What amazon.aws' helpers take for a module: options, and an error in the place of the module's end."""

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        self.params = params

    def fail_json(self, *, msg: str, **_more: t.Any) -> t.NoReturn:
        """Refuse the options."""
        raise AwsError(f"{msg.rstrip('.')}.", "Correct the options of AWS, or the environment variables AWS_….")


def with_fallbacks(params: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return all options of amazon.aws, from the environment where they are not set. An AnsibleAWSModule's own are complete already."""
    from ansible.module_utils.common.parameters import set_fallbacks
    from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

    spec = aws_argument_spec()
    found = {name: params[name] for name in spec if params.get(name) is not None}
    set_fallbacks(spec, found)
    return {**{name: option.get("default") for name, option in spec.items()}, **found}


def client(params: Mapping[str, t.Any], service: str, *, region: str | None = None, assume_role_arn: str | None = None) -> t.Any:
    """Return a new boto3 client.

    :param region: another one than the options'.
    :param assume_role_arn: a role, of another account for example, to take on first.
    """
    options = with_fallbacks(params)
    credentials = _taken(options, region, assume_role_arn) if assume_role_arn else {}
    return _connect(options, service, region, credentials)


def _connect(options: Mapping[str, t.Any], service: str, region: str | None, more: Mapping[str, t.Any]) -> t.Any:
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn, get_aws_connection_info
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError

    own_region, endpoint, given = get_aws_connection_info(_Caller(options))
    bounds = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_ANSWER_SECONDS, retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"})
    given = {"conn_type": "client", "resource": service, "region": region or own_region, "endpoint": endpoint, "config": bounds, **given, **more}
    try:
        return boto3_inventory_conn(**given)
    except NoRegionError as error:
        raise _no_region() from error
    except (BotoCoreError, ValueError) as error:
        raise AwsError(f"Failed to connect to AWS: {said(error)}.", "Correct the options of AWS, or the environment variables AWS_….") from error


def _region(options: Mapping[str, t.Any]) -> str:
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_region

    found: str | None = get_aws_region(_Caller(options))
    if not found:
        raise _no_region()
    return found


def _no_region() -> AwsError:
    return AwsError("No region of AWS is known.", "Set the option region, or AWS_REGION.")


def _taken(options: Mapping[str, t.Any], region: str | None, role: str) -> dict[str, str]:
    """Return the credentials of a role. Secrets."""
    sts = _connect(options, "sts", region, {})
    answer = attempt(f"assume the role {role}", sts.assume_role, RoleArn=role, RoleSessionName="flyte-multicluster")["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


# -- one client for all that is asked at one place: to make one takes longer than to ask


class _Shared:
    """One client, made by the first thread that needs it, and anew before what it was made with ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: t.Any = None
        self._made = 0.0

    def get(self, make: Callable[[], t.Any]) -> t.Any:
        """Return the client."""
        with self._lock:
            if self._client is None or time.monotonic() - self._made > _LIFETIME:
                self._client, self._made = make(), time.monotonic()
            return self._client


_SHARED: dict[str, _Shared] = {}
_SHARED_LOCK = threading.Lock()


def _shared(make: Callable[..., t.Any], params: Mapping[str, t.Any], *place: str | None) -> t.Any:
    key = json.dumps([make.__name__, with_fallbacks(params), place], sort_keys=True, default=str)
    with _SHARED_LOCK:
        shared = _SHARED.setdefault(key, _Shared())
    return shared.get(lambda: make(params, *place))


def shared_client(params: Mapping[str, t.Any], service: str, *, region: str | None = None, assume_role_arn: str | None = None) -> t.Any:
    """Return this process' one client for these options, this region and this role. boto3's clients may be used by threads together."""
    return _shared(_client, params, service, region, assume_role_arn)


def _client(params: Mapping[str, t.Any], service: str, region: str | None, role: str | None) -> t.Any:
    return client(params, service, region=region, assume_role_arn=role)


# -- EKS


def describe_cluster(params: Mapping[str, t.Any], cluster: str, *, region: str | None = None, assume_role_arn: str | None = None) -> dict[str, t.Any]:
    """Return what EKS says of a cluster, as it answers: ``endpoint``, ``certificateAuthority``, ``status`` and so on.

    :raises AwsError: EKS does not have it (``is_missing``), or cannot be asked.
    """
    eks = shared_client(params, "eks", region=region, assume_role_arn=assume_role_arn)
    return t.cast("dict[str, t.Any]", attempt(f"describe the EKS cluster {cluster}", eks.describe_cluster, name=cluster)["cluster"])


def eks_token(params: Mapping[str, t.Any], cluster: str, *, region: str | None = None, assume_role_arn: str | None = None) -> str:
    """Return a token for the API server of an EKS cluster, as ``aws eks get-token`` makes it: a presigned STS request. A secret.

    EKS accepts it for 15 minutes. Nothing is sent but what takes the role on: the API server sends the request, and so learns who signed it.

    :raises AwsError: there are no credentials, or the role cannot be taken on.
    """
    signer = _shared(_signer, params, region, assume_role_arn)
    with action(f"sign a token for the EKS cluster {cluster}"):
        url = signer.generate_presigned_url("get_caller_identity", Params={_CLUSTER_HEADER: cluster}, ExpiresIn=60, HttpMethod="GET")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _signer(params: Mapping[str, t.Any], region: str | None, role: str | None) -> t.Any:
    """Return a client of STS whose requests may name a cluster in their signed headers, as the AWS CLI makes it."""
    options = with_fallbacks(params)
    credentials = _taken(options, region, role) if role else {}
    sts = _connect(options, "sts", region, {"endpoint": options["endpoint_url"] or sts_endpoint(region or _region(options)), **credentials})

    def take(params: dict[str, t.Any], context: dict[str, t.Any], **_more: t.Any) -> None:
        context[_CLUSTER_HEADER] = params.pop(_CLUSTER_HEADER)

    def put(request: t.Any, **_more: t.Any) -> None:
        request.headers[_CLUSTER_HEADER] = request.context[_CLUSTER_HEADER]

    sts.meta.events.register("provide-client-params.sts.GetCallerIdentity", take)
    sts.meta.events.register("before-sign.sts.GetCallerIdentity", put)
    return sts


@functools.lru_cache(maxsize=1)
def _resolver() -> t.Any:
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver

    return EndpointResolver(create_loader().load_data("endpoints"), uses_builtin_data=True)


@functools.lru_cache(maxsize=64)
def sts_endpoint(region: str) -> str:
    """Return the URL of STS in a region, as EKS wants it: the regional one, in whatever partition of AWS the region is.

    :raises AwsError: botocore does not know such a region.
    """
    endpoint = _resolver().construct_endpoint("sts", region)
    if endpoint is None:
        raise AwsError(f"{region!r} is no region that botocore knows.", "Correct the region, or take a newer botocore.")
    return f"https://{endpoint['hostname']}"

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands in for AWS in unit tests: moto's server, and botocore's Stubber for what moto does not have."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import client

ACCOUNT = "123456789012"
KEYS = {"access_key": "AKIATEST", "secret_key": "not-a-secret", "session_token": None, "profile": None, "region": "us-east-2"}


@contextlib.contextmanager
def moto_server() -> t.Iterator[str]:
    """Serve moto on a free port; gives its URL."""
    import requests
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    # What moto has is this process', not the server's.
    requests.post(f"{url}/moto-api/reset", timeout=15).raise_for_status()
    try:
        yield url
    finally:
        server.stop()


def create_cluster(url: str, region: str, name: str, tags: dict[str, str], role: str | None = None) -> t.Any:
    """Create an EKS cluster in moto; returns the client."""
    eks = client({**KEYS, "endpoint_url": url}, "eks", region=region, assume_role_arn=role)
    eks.create_cluster(name=name, version="1.34", roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig={"subnetIds": []}, tags=tags)
    return eks


#: an operation with the parameters that are expected, and the answer; a text is the code of an error
Call = tuple[str, dict[str, t.Any], "dict[str, t.Any] | str"]


def stubbed(service: str, *expected: Call) -> tuple[t.Any, t.Any]:
    """Return a stubber with the calls that are expected, in their order, and its client."""
    from botocore.stub import Stubber

    own = client(KEYS, service)
    stubber = Stubber(own)
    for operation, parameters, answer in expected:
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer, "said AWS", expected_params=parameters)
        else:
            stubber.add_response(operation, answer, parameters)
    stubber.activate()
    return stubber, own

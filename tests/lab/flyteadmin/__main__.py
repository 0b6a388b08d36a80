# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the flyteadmin double. See README.md: it is no Flyte."""

from __future__ import annotations

import argparse
import os
import pathlib
import typing as t

from auth import Auth
from control_plane import ControlPlane
from gateway import Gateway, grpc_server
from service import Service
from store import Store


def _signer(url: str, bucket: str) -> t.Callable[[str], str]:
    import boto3

    s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-2", aws_access_key_id="testing", aws_secret_access_key="testing")
    return lambda key: s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=600)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True, help="of the control plane")
    parser.add_argument("--context", required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int, required=True)
    parser.add_argument("--state", required=True, help="the database's file")
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="a folder for what it writes down to use it: CA certificates")
    parser.add_argument("--s3-url")
    parser.add_argument("--bucket")
    parser.add_argument("--finish-after", type=float, default=0.5, metavar="SECONDS", help="negative: executions stay as they are")
    parser.add_argument("--auth", metavar="CLIENT_ID", help="want a token; the client's secret is in FLYTEADMIN_DOUBLE_SECRET")
    arguments = parser.parse_args()
    signer = _signer(arguments.s3_url, arguments.bucket) if arguments.s3_url else None
    service = Service(Store(arguments.state), s3=signer, finish_after=arguments.finish_after)
    arguments.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    control_plane = ControlPlane(arguments.kubeconfig, arguments.context, arguments.scratch, service.project_names, service.seed)
    service.control_plane = control_plane
    auth = None
    if arguments.auth:
        auth = Auth(f"http://127.0.0.1:{arguments.http_port}", arguments.auth, os.environ["FLYTEADMIN_DOUBLE_SECRET"])

    def serving() -> bool:
        return control_plane.current is not None

    server = grpc_server(arguments.grpc_port, service, auth, serving)
    server.start()
    Gateway(arguments.http_port, service, auth, serving).serve_forever()


if __name__ == "__main__":
    main()

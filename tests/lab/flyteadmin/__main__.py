# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the flyteadmin double. See README.md: it is no Flyte."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys

# What the lab's programs have in common lies beside them.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from auth import Auth  # noqa: E402
from blobs import Bucket  # noqa: E402
from compiler import FlyteCompile  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from gateway import Gateway, grpc_server  # noqa: E402
from service import Service  # noqa: E402
from store import Store  # noqa: E402


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
    parser.add_argument("--compiler", type=pathlib.Path, required=True, help="flytecompile")
    arguments = parser.parse_args()
    blobs = Bucket(arguments.s3_url, arguments.bucket) if arguments.s3_url else None
    service = Service(Store(arguments.state), FlyteCompile(arguments.compiler), blobs)
    arguments.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    control_plane = ControlPlane(arguments.kubeconfig, arguments.context, arguments.scratch, service.project_names, service.seed)
    service.control_plane = control_plane
    # Client ids with their secrets, as JSON: an argument would be seen by everybody. With any, a token is wanted.
    clients = json.loads(os.environ.pop("FLYTEADMIN_DOUBLE_CLIENTS", "{}"))
    auth = Auth(f"http://127.0.0.1:{arguments.http_port}", clients) if clients else None

    def serving() -> bool:
        return control_plane.current is not None

    server = grpc_server(arguments.grpc_port, service, auth, serving)
    server.start()
    Gateway(arguments.http_port, service, auth, serving).serve_forever()


if __name__ == "__main__":
    main()

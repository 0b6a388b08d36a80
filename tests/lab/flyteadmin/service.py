# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The handlers: one method for each RPC, named as in flyteidl, the same for gRPC and HTTP."""

from __future__ import annotations

import secrets
import typing as t

from auth import Auth
from errors import INVALID_ARGUMENT, UNIMPLEMENTED, Fault
from events import Events
from flyteidl.service import dataproxy_pb2
from google.protobuf import descriptor_pool, json_format


class Service(Events):
    """flyteadmin's API on a store and on the clusters of the control plane's current generation."""

    def CreateUploadLocation(self, request: t.Any) -> t.Any:
        if self._blobs is None:
            raise Fault(UNIMPLEMENTED, "no object store")
        md5 = request.content_md5.hex() if request.content_md5 else secrets.token_hex(8)
        key = "/".join(part for part in (request.project, request.domain, request.filename_root or md5, request.filename or "file") if part)
        signed, native = self._blobs.location(key)
        return dataproxy_pb2.CreateUploadLocationResponse(signed_url=signed, native_url=native)


def handlers(service: Service, auth: Auth | None) -> dict[str, tuple[t.Any, t.Callable[[t.Any], t.Any]]]:
    """Return every RPC of flyteadmin by its full name: its descriptor and the handler, which may say 'not here'."""
    pool = descriptor_pool.Default()
    found: dict[str, tuple[t.Any, t.Callable[[t.Any], t.Any]]] = {}
    for name in ("AdminService", "DataProxyService", "AuthMetadataService", "IdentityService", "SignalService"):
        descriptor = pool.FindServiceByName(f"flyteidl.service.{name}")
        for method in descriptor.methods:
            owner = auth if name == "AuthMetadataService" else service
            found[method.full_name] = (method, getattr(owner, method.name, _absent(method)))
    return found


def _absent(method: t.Any) -> t.Callable[[t.Any], t.Any]:
    def answer(_request: t.Any) -> t.Any:
        service = method.containing_service.full_name
        if service in ("flyteidl.service.AuthMetadataService", "flyteidl.service.IdentityService"):
            raise Fault(UNIMPLEMENTED, f"unknown service {service}")
        raise Fault(UNIMPLEMENTED, f"the double has no {method.name}")

    return answer


def parse(message: t.Any, content: t.Any) -> None:
    """Fill a message from JSON content, with flyteadmin's error for what is no object of that kind."""
    try:
        json_format.ParseDict(content, message, ignore_unknown_fields=True)
    except json_format.ParseError as problem:
        raise Fault(INVALID_ARGUMENT, f"proto:\u00a0{problem}") from problem

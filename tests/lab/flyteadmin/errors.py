# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The error that every handler raises, as gRPC code and message."""

from __future__ import annotations

import typing as t

INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL, UNAUTHENTICATED = 3, 5, 6, 9, 12, 13, 16

#: as grpc-gateway maps them
HTTP_STATUS = {
    INVALID_ARGUMENT: 400,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    FAILED_PRECONDITION: 400,
    UNIMPLEMENTED: 501,
    INTERNAL: 500,
    UNAUTHENTICATED: 401,
}


class Fault(Exception):
    """An answer that is an error.

    :param detail: a message that tells a client by its fields what the text tells a person; flytepropeller decides by it.
    """

    def __init__(self, code: int, message: str, detail: t.Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail


def limit_of(request: t.Any) -> int:
    """Return how many entries a list may have: flyteadmin wants that said for every list but that of projects."""
    if not request.limit:
        raise Fault(INVALID_ARGUMENT, "invalid value for limit")
    return int(request.limit)


class NotServing(Exception):
    """No pod of flyteadmin is ready: the ingress has nothing behind it."""

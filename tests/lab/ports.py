# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ranges of 100 ports for labs that stand side by side on one machine.

Who listens on a range's port ``CLAIM`` has claimed the range: of two at once only one can, nothing is left of it when its process ends,
however it ends, and it counts for all users and checkouts of the machine.
"""

from __future__ import annotations

import contextlib
import socket
import typing as t

from binaries import LabError
from processes import port_is_free

SIZE = 100
CLAIM = 98
#: Below Linux' range of local ports of outgoing connections (from 32768 on), any of which may be taken for a minute, and below the ports
#: from 28100 on that a lab or a benchmark at its default place has.
RANGES = range(20000, 28000, SIZE)


def _listen(port: int) -> socket.socket | None:
    claim = socket.socket()
    try:
        # No SO_REUSEADDR: with it, two could hold the port until one listens.
        claim.bind(("127.0.0.1", port))
        claim.listen(1)
    except OSError:
        claim.close()
        return None
    return claim


@contextlib.contextmanager
def free_range(ranges: t.Iterable[int] = RANGES) -> t.Iterator[int]:
    """Claim a range that is free altogether; give its first port, and hold the claim until the end."""
    for first in ranges:
        claim = _listen(first + CLAIM)
        if claim is None:
            continue
        with claim:
            if all(port_is_free(first + number) for number in range(SIZE) if number != CLAIM):
                yield first
                return
    raise LabError("no range of 100 ports of 127.0.0.1 is free: end what listens there, or choose one by FLYTE_TEST_PORT or FLYTE_MOLECULE_PORT.")


@contextlib.contextmanager
def chosen_range(first: int) -> t.Iterator[None]:
    """Hold the claim of a range that somebody chose, so that nobody else takes it while its lab comes up."""
    claim = _listen(first + CLAIM)  # None: whoever started us holds it
    try:
        yield
    finally:
        if claim is not None:
            claim.close()

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""moto's server, with what moto simplifies too far for us: each EKS cluster has an OIDC issuer of its own.

moto gives all clusters the same issuer. Here a cluster tagged ``issuer: none`` has none, as one made without OIDC.
"""

from __future__ import annotations

import hashlib
import sys
import typing as t

from moto.eks import models
from moto.server import main

_original = models.Cluster.__init__


def _with_own_issuer(self: t.Any, *arguments: t.Any, **options: t.Any) -> None:
    _original(self, *arguments, **options)
    if (self.tags or {}).get("issuer") == "none":
        self.identity = {}
    else:
        number = hashlib.sha256(self.arn.encode()).hexdigest()[:32].upper()
        region = self.arn.split(":")[3]
        self.identity = {"oidc": {"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{number}"}}


if __name__ == "__main__":
    models.Cluster.__init__ = _with_own_issuer
    main(sys.argv[1:])

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""moto's server, with what moto simplifies too far for us.

- Each EKS cluster has an OIDC issuer of its own; moto gives all the same. A cluster tagged ``issuer: none`` has none, as one made without OIDC.
- An EKS cluster tagged ``creating: SECONDS`` is CREATING for so long; a node group tagged ``status: STATUS`` has that status. With moto all are ACTIVE.
- An EKS cluster ``flyte-NAME`` has the endpoint and the CA of the lab's Kubernetes cluster ``NAME``, where there is one.
- It has EKS Pod Identity associations, which moto lacks.
- Beside it, on the next port, is what EKS' API servers ask about tokens (``aws-iam-authenticator``): a TokenReview webhook that accepts a
  presigned STS request if it is signed for that very cluster, by the lab's access key, at most 15 minutes ago.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import sys
import threading
import typing as t
import urllib.parse
import uuid

import yaml
from moto.core.responses import ActionResult
from moto.eks import models, responses, urls
from moto.eks.exceptions import ResourceInUseException, ResourceNotFoundException
from moto.server import main

LAB = pathlib.Path(os.environ["FLYTE_LAB_DIR"]) if os.environ.get("FLYTE_LAB_DIR") else None
ACCESS_KEY, SECRET_KEY = "testing", "testing"
EKS_PREFIX = "flyte-"
_LIFETIME = datetime.timedelta(minutes=15)
_original = models.Cluster.__init__
_original_node_group = models.Nodegroup.__init__


def _as_eks_has_it(self: t.Any, *arguments: t.Any, **options: t.Any) -> None:
    _original(self, *arguments, **options)
    if (self.tags or {}).get("issuer") == "none":
        self.identity = {}
    else:
        number = hashlib.sha256(self.arn.encode()).hexdigest()[:32].upper()
        region = self.arn.split(":")[3]
        self.identity = {"oidc": {"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{number}"}}
    if (self.tags or {}).get("creating"):
        self.status = "CREATING"
        active = threading.Timer(float(self.tags["creating"]), setattr, (self, "status", models.ACTIVE_STATUS))
        active.daemon = True
        active.start()
    folder = LAB / "kwok" / "clusters" / self.name.removeprefix(EKS_PREFIX) if LAB else None
    if folder and folder.is_dir():
        kubeconfig = yaml.safe_load((folder / "kubeconfig.yaml").read_text(encoding="utf-8"))
        self.endpoint = kubeconfig["clusters"][0]["cluster"]["server"]
        self.certificate_authority = {"data": base64.b64encode((folder / "pki" / "ca.crt").read_bytes()).decode()}


def _node_group_as_tagged(self: t.Any, *arguments: t.Any, **options: t.Any) -> None:
    _original_node_group(self, *arguments, **options)
    self.status = (self.tags or {}).get("status") or self.status


# -- Pod Identity


class _PodIdentity(responses.EKSResponse):  # type: ignore[misc]
    """The operations on associations, each by the name that moto looks for."""

    #: by account, region and cluster, then by the association's id
    kept: t.ClassVar[dict[tuple[str, str, str], dict[str, dict[str, t.Any]]]] = {}

    def _of_cluster(self) -> dict[str, dict[str, t.Any]]:
        name = self._get_param("name")
        self.eks_backend.describe_cluster(name)  # raises, as EKS does, where there is none
        return self.kept.setdefault((self.current_account, self.region, name), {})

    def _one(self) -> dict[str, t.Any]:
        number = self._get_param("associationId")
        found = self._of_cluster().get(number)
        if found is None:
            raise ResourceNotFoundException(clusterName=None, nodegroupName=None, message=f"No association found with id: {number}")
        return found

    def create_pod_identity_association(self) -> ActionResult:
        """Associate an account with a role; it has one at most."""
        all_of_them = self._of_cluster()
        wanted = {key: self._get_param(key) for key in ("namespace", "serviceAccount", "roleArn")}
        if any(entry["namespace"] == wanted["namespace"] and entry["serviceAccount"] == wanted["serviceAccount"] for entry in all_of_them.values()):
            raise ResourceInUseException(clusterName=None, nodegroupName=None, message="Association already exists")
        number = f"a-{uuid.uuid4().hex[:17]}"
        all_of_them[number] = {**wanted, "clusterName": self._get_param("name"), "associationId": number, "tags": self._get_param("tags") or {}}
        return ActionResult({"association": all_of_them[number]})

    def list_pod_identity_associations(self) -> ActionResult:
        """Return what EKS' summary has: neither roles nor tags."""
        shown = ("clusterName", "namespace", "serviceAccount", "associationId")
        return ActionResult({"associations": [{key: entry[key] for key in shown} for entry in self._of_cluster().values()]})

    def describe_pod_identity_association(self) -> ActionResult:
        """Return all of one."""
        return ActionResult({"association": self._one()})

    def update_pod_identity_association(self) -> ActionResult:
        """Give it another role."""
        self._one()["roleArn"] = self._get_param("roleArn")
        return ActionResult({"association": self._one()})

    def delete_pod_identity_association(self) -> ActionResult:
        """Delete it."""
        gone = self._one()
        del self._of_cluster()[gone["associationId"]]
        return ActionResult({"association": gone})


def _with_pod_identity() -> None:
    place = "{0}/clusters/(?P<name>[^/]+)/pod-identity-associations"
    urls.url_paths.update({f"{place}$": _PodIdentity.dispatch, f"{place}/(?P<associationId>[^/]+)$": _PodIdentity.dispatch})


# -- the authenticator


def _signature(url: urllib.parse.SplitResult, query: dict[str, str], cluster: str) -> str:
    """Return the signature (version 4) that this request has to have for a cluster, from AWS' own description of it."""
    canonical_query = "&".join(
        f"{urllib.parse.quote(key, safe='-_.~')}={urllib.parse.quote(value, safe='-_.~')}" for key, value in sorted(query.items()) if key != "X-Amz-Signature"
    )
    headers = f"host:{url.netloc}\nx-k8s-aws-id:{cluster}\n"
    canonical = "\n".join(["GET", url.path or "/", canonical_query, headers, "host;x-k8s-aws-id", hashlib.sha256(b"").hexdigest()])
    scope = query["X-Amz-Credential"].partition("/")[2]
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + SECRET_KEY.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def accepts(token: str, cluster: str) -> bool:
    """Return whether EKS would accept this token for a cluster."""
    prefix, _dot, encoded = token.partition(".")
    try:
        url = urllib.parse.urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
        query = dict(urllib.parse.parse_qsl(url.query, strict_parsing=True))
        signed = datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        return (
            prefix == "k8s-aws-v1"
            and query["Action"] == "GetCallerIdentity"
            and query["X-Amz-Credential"].startswith(ACCESS_KEY + "/")
            and abs(datetime.datetime.now(datetime.timezone.utc) - signed) < _LIFETIME
            and hmac.compare_digest(query["X-Amz-Signature"], _signature(url, query, cluster))
        )
    except (binascii.Error, UnicodeDecodeError, ValueError, KeyError):
        return False


class _Authenticator(http.server.BaseHTTPRequestHandler):
    """Answers TokenReviews at ``/<name of the EKS cluster>``."""

    def do_POST(self) -> None:
        """Answer one."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        accepted = accepts(review["spec"].get("token", ""), urllib.parse.urlsplit(self.path).path.strip("/"))
        user = {"username": "arn:aws:iam::123456789012:user/lab", "groups": ["system:masters"]}
        review["status"] = {"authenticated": True, "user": user} if accepted else {"authenticated": False}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: t.Any) -> None:
        """Log no tokens."""


if __name__ == "__main__":
    models.Cluster.__init__ = _as_eks_has_it
    models.Nodegroup.__init__ = _node_group_as_tagged
    _with_pod_identity()
    port = int(sys.argv[sys.argv.index("--port") + 1]) + 1
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Authenticator)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    main(sys.argv[1:])

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that takes secrets out of texts. Texts of libraries, of Helm and of servers quote what they were given, in forms of their own."""

from __future__ import annotations

import base64
import bisect
import itertools
import json
import re
import threading
import typing as t
import urllib.parse
from collections.abc import Iterable, Mapping

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MASK = "********"
#: what is shorter stands in other words too
_SHORTEST = 5
#: what every message of ours is full of: without it nobody could read which variable is meant
_OWN_WORDS = frozenset({"flyte", "flyteadmin", "flytepropeller"})
#: a user and password of a URL; they may hold "/" and "@" themselves
_USERINFO = re.compile(r"(?<=://)[^\s\"'<>]*@")
#: how a key ends whose value is a secret, or has secrets below it; a path or a name of one is none. For every place that looks for secrets.
_SECRET_ENDS = (
    r"(?:password|passwd|passphrase|token|secret|credential|dsn"
    r"|(?:api|access|private|signing|encryption|tls|ssl|hash|block|licen[cs]e|host|auth|account|master|shared)[_.-]?key)s?"
    # The "existingSecretKey" of many charts is a name.
    r"|(?<!existing)(?<!existing_)secret[_.-]?key|access[_.-]?key[_.-]?id|client-key-data|connection[_.-]?string|pass\.txt"
)
#: and one whose own value is a secret, while a section of that name (nginx's authorization, a mount called db-pass) has none below it
_OWN_ENDS = (
    r"pwd|(?:db|pg|user|admin|root|smtp|redis|require)pass|(?<![A-Za-z])pass|(?-i:(?<=[a-z0-9])Pass)"
    r"|(?<![A-Za-z])(?:authorization|cookie)|redis[_.-]?auth"
)
#: the same in a pattern of a text
KEY_ENDS = f"(?:{_SECRET_ENDS}|{_OWN_ENDS})"
#: what is a secret by how it looks: a JSON Web Token, a token of GitHub, GitLab or Slack, an address of Slack's to post to, the id of a key of AWS
TOKENS = (
    r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*|\bgh[opsru]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bglpat-[\w-]{20,}|\bxox[a-z]-[\w-]{10,}|\bhooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]+"
)
_HOLDS_SECRETS = re.compile(f"(?:{_SECRET_ENDS})$", re.IGNORECASE)
_SECRET_KEY = re.compile(f"{KEY_ENDS}$", re.IGNORECASE)
#: what stands below only names a key of an object
_REFERENCES = frozenset({"secretKeyRef", "configMapKeyRef"})
#: what of something secret is none, though its place says so: what it is called, where it is mounted, whether it is there
_NO_SECRET = frozenset(
    {"enabled", "name", "namespace", "secretName", "clientId", "optional", "defaultMode", "mountPath", "readOnly", "kind", "apiVersion", "type"}
)
#: the keys of a Kubernetes volume's ``secret``
_VOLUME = frozenset({"secretName", "items", "defaultMode", "optional"})


def forms(secret: str) -> Iterator[str]:
    """Return how a secret may stand in a text: as it is, escaped, in base64, in a URL."""
    raw = secret.strip()
    if len(raw) < _SHORTEST or raw in _OWN_WORDS:
        return
    for found in (secret, raw):
        sent = _sent(found)
        yield from (found, repr(found)[1:-1], json.dumps(found)[1:-1], urllib.parse.quote(sent, safe=""), urllib.parse.quote_plus(sent))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for content in (_sent(raw), _sent(secret)):
            # Without its end: that depends on what follows in the same text, and is left out in URLs.
            yield encode(content).decode().rstrip("=")


def _sent(text: str) -> bytes:
    """Return a text as bytes, also one that was made of bytes that are none, as ``b64decode`` does."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


class Redactor:
    """Knows secrets, and takes them out of texts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._recent: set[str] = set()

    def know(self, *secrets: t.Any) -> None:
        """Learn secrets; what is no text is none."""
        found = {form for secret in secrets if isinstance(secret, str) for form in forms(secret)}
        with self._lock:
            self._forms |= found
            self._recent |= found

    def know_values(self, values: t.Any) -> None:
        """Learn the secrets of a tree of values: those whose key says that they are one."""
        self.know(*_secrets_of(values))

    def start(self) -> None:
        """Begin anew to note which secrets somebody has in hands, known before or not."""
        with self._lock:
            self._recent = set()

    def recent(self) -> set[str]:
        """Return all forms of the secrets that were learned, or learned again, since the start."""
        with self._lock:
            return set(self._recent)

    def known(self) -> set[str]:
        """Return all forms of the secrets that are known."""
        with self._lock:
            return set(self._forms)

    def text(self, text: str, instead: t.Callable[[str], str] = lambda _secret: MASK) -> str:
        """Return a text without the secrets, and without users and passwords of URLs.

        :param instead: what stands for a secret.
        """
        # The longest first: one secret may be the beginning of another one.
        for form in sorted((form for form in self.known() if form in text), key=len, reverse=True):
            text = text.replace(form, instead(form))
        return _USERINFO.sub(f"{MASK}@", text) if "://" in text else text

    def data(self, value: t.Any) -> t.Any:
        """Return plain data whose texts are without the secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.data(key): self.data(item) for key, item in value.items()}
        return [self.data(item) for item in value] if isinstance(value, (list, tuple)) else value


def texts_of(value: t.Any) -> set[str]:
    """Return the different texts of plain data: what stands in a thousand places is there once. Numbers are texts, too; keys are none."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.add(one)
        elif isinstance(one, bytes):
            found.add(one.decode(errors="surrogateescape"))
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, Iterable):
            items = list(one)
            waiting.extend(set(items) if all(isinstance(item, str) for item in items) else items)
        else:
            found.add(str(one))
    return found


def those_in(secrets: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Return the secrets that stand in any of the texts."""
    # A token is longer than nearly all that is observed: it is looked for where there is room for it.
    ordered = sorted(texts, key=len)
    lengths = [len(text) for text in ordered]
    found: set[str] = set()
    for length, alike in itertools.groupby(sorted(secrets, key=len), len):
        text = "\0".join(ordered[bisect.bisect_left(lengths, length) :])
        found |= {secret for secret in alike if secret in text}
    return found


def looks_secret(key: t.Any) -> bool:
    """Return whether the name of a value says that it is a secret."""
    return isinstance(key, str) and bool(_SECRET_KEY.search(key))


def holds_secrets(key: t.Any) -> bool:
    """Return whether the name of a section says that what is below it is secret."""
    return isinstance(key, str) and bool(_HOLDS_SECRETS.search(key))


def is_secret_place(keys: Sequence[str]) -> bool:
    """Return whether a place in a tree of values, by its keys from the top, says that its value is a secret."""
    own, above = keys[-1], keys[:-1]
    if _REFERENCES.intersection(above):
        return False
    # A variable of an environment has its value below its name; a file of Docker its logins below "auths".
    named = own == "value" and bool(above) and looks_secret(above[-1])
    return looks_secret(own) or named or (own == "auth" and "auths" in above) or (own not in _NO_SECRET and any(map(holds_secrets, above)))


def _names_a_secret(values: dict[t.Any, t.Any]) -> bool:
    """Return whether a mapping is a Kubernetes volume's ``secret``: it names a Secret and its keys, and there is nothing else in it."""
    return "secretName" in values and values.keys() <= _VOLUME


def shown_path(path: str) -> str:
    """Return the path of a file with a secret as a message shows it: what has no folder in it may be the secret itself, at the wrong place."""
    return shown_file(path) if "/" in path else "(not shown: it may be the secret itself)"


def shown_file(path: str) -> str:
    """Return the path of a file, or a program, as a message shows it: a URL in its place may hold a secret."""
    return "(not shown: it is a URL)" if "://" in path else path


def _secrets_of(values: t.Any, keys: tuple[str, ...] = ()) -> Iterator[str]:
    """Return the texts at places that are those of secrets."""
    if isinstance(values, str):
        if keys and is_secret_place(keys):
            yield values
    elif isinstance(values, dict) and not _names_a_secret(values):
        for key, item in values.items():
            # A variable of an environment says by its name what its value is.
            named = str(values.get("name")) if key == "value" else str(key)
            yield from _secrets_of(item, (*keys, named))
    elif isinstance(values, (list, tuple)):
        for item in values:
            yield from _secrets_of(item, keys)


#: what this process knows
SECRETS = Redactor()

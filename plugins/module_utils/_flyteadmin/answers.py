# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back over HTTP: flyteadmin's JSON, its errors, or what answers in its place. Nothing of an answer is trusted. No I/O."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from .errors import AdminError, ShapeError
from .hints import CHECK_URL, NO_BACKEND, SET_LOGIN, TOKEN_EXPIRED, TOO_MANY_REQUESTS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came over HTTP, whole."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> t.Any:
        """Return what the body says."""
        return json.loads(self.body)


def decoded(answer: Answer, method: str, url: str) -> Json:
    """Return the message that an answer holds.

    :raises AdminError: it is an error, or none of flyteadmin's: a page, text, a list, nothing.
    """
    status, body = answer.status_code, answer.text
    if "html" in answer.headers.get("Content-Type", "") or body.lstrip()[:1] == "<":
        title = page_title(body)
        text = f"{method} {url}: {status}, an HTML page{f' ({title})' if title else ''} instead of flyteadmin's JSON."
        raise AdminError(text, status=status, hint=NO_BACKEND)
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        found = f"no JSON: {body[:200]!r}" if body.strip() else "an empty answer"
        raise AdminError(f"{method} {url}: {status}, {found}.", status=status, hint=_hint(status, "") or CHECK_URL) from None
    if status >= 300:
        raise _answer_error(method, url, status, content if isinstance(content, dict) else {"message": shown(content)})
    if not isinstance(content, dict):
        raise AdminError(f"{method} {url}: {status}, no JSON object: {shown(content)}.", status=status, hint=CHECK_URL)
    return content


def _answer_error(method: str, url: str, status: int, content: Mapping[str, t.Any]) -> AdminError:
    code, message = content.get("code"), str(content.get("message") or content.get("error") or "")
    # What flyteadmin answers has a code; what has none comes from something else, and so may be at another address.
    hint = _hint(status, message) or (CHECK_URL if code is None else "See what flyteadmin says; its own log says more.")
    return AdminError(f"{method} {url}: {status}, code {code}: {message}", status=status, code=code, hint=hint)


def _hint(status: int, message: str) -> str:
    if status == 401:
        return TOKEN_EXPIRED if "expired" in message else SET_LOGIN
    if status == 403:
        return "This account may not do that: give it the right in flyteadmin's authorization."
    if status == 429:
        return TOO_MANY_REQUESTS
    if status in (502, 503, 504):
        return "Check that flyteadmin's pods run."
    if status >= 500:
        return "flyteadmin's own log says more."
    if "is unrecognized by system" in message:
        return "Correct the domain, or add it to flyteadmin's configmap.domain.domains."
    if "project [" in message and "not found" in message:
        return "Create the project first (flytectl create project), or correct its name."
    return ""


def page_title(text: str) -> str:
    """Return the title of an HTML page, nothing where there is none."""
    import html

    found = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return html.unescape(found.group(1)).strip()[:200] if found else ""


def shown(value: t.Any) -> str:
    """Return a value for a message, shortened."""
    return json.dumps(value, default=str)[:80]


# -- parts of a message; one that is not set comes as null, or not at all


def part(content: Mapping[str, t.Any], *path: str) -> Json:
    """Return the message at a path; one that is not set is empty."""
    found: t.Any = content
    for key in path:
        found = found.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise ShapeError(f"the answer is none of flyteadmin's: {'.'.join(path)} is no object: {shown(found)}.")
    return t.cast(Json, found)


def parts(content: Mapping[str, t.Any], key: str) -> list[Json]:
    """Return the messages of a list; one that is not set is empty."""
    found = content.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ShapeError(f"the answer is none of flyteadmin's: {key} is no list of objects: {shown(found)}.")
    return found


def listed(answer: Mapping[str, t.Any], key: str) -> list[Json]:
    """Return the messages of the list that an answer is about: flyteadmin sends it also where it is empty."""
    if answer.get(key) is None:
        raise ShapeError(f"the answer is none of flyteadmin's: it has no {key}: {shown(answer)}.")
    return parts(answer, key)


def text(content: Mapping[str, t.Any], key: str) -> str:
    """Return a text; one that is not set is empty."""
    found = content.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise ShapeError(f"the answer is none of flyteadmin's: {key} is no text: {shown(found)}.")
    return found


def texts(content: Mapping[str, t.Any], key: str) -> list[str]:
    """Return the texts of a list; one that is not set is empty."""
    found = content.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ShapeError(f"the answer is none of flyteadmin's: {key} is no list of texts: {shown(found)}.")
    return found


def required(content: Mapping[str, t.Any], key: str) -> str:
    """Return a text that is always set."""
    found = text(content, key)
    if not found:
        raise ShapeError(f"the answer is none of flyteadmin's: {key} is missing: {shown(content)}.")
    return found

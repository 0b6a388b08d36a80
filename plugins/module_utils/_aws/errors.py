# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of AWS that read as the action that failed, in the manner of amazon.aws' error handlers."""

from __future__ import annotations

import contextlib
import re
import typing as t

from .._common.explain import NOTES

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible.module_utils.basic import AnsibleModule

#: codes that say that what is named does not exist, of IAM and of EKS
MISSING = frozenset({"NoSuchEntity", "NoSuchEntityException", "NotFoundException", "ResourceNotFoundException"})
#: codes that say that AWS is busy, beside those that amazon.aws knows
_BUSY = ("ThrottlingException",)
_HINT = "Check the credentials, the region, and that this identity may do it."
#: what AWS answers where its clock and this machine's are minutes apart
_SKEWED = ("RequestTimeTooSkewed", "RequestExpired")
_OF_ANOTHER_TIME = re.compile(r"Signature (expired|not yet current)")
_CLOCK = "Set the clock of this machine right: AWS takes no request that is minutes older, or newer, than its own time."
_NO_AWS = "Check flyte_aws_endpoint_url, and AWS_ENDPOINT_URL: a proxy or a login page may stand in front of it."
# IAM and STS quote the request whose signature is wrong, with the header of the session token.
_QUOTED_REQUEST = "The Canonical String for this request"


class AwsError(Exception):
    """AWS cannot be asked, an action failed, or AWS has something that must not be changed here; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint
        #: AWS' own code of the error, where it gave one
        self.code = code

    @property
    def is_missing(self) -> bool:
        """Whether AWS answered that what was named does not exist."""
        return self.code in MISSING


def code_of(error: Exception) -> str:
    """Return AWS' own code of an error, an empty text where the error is not AWS' answer."""
    return str((getattr(error, "response", None) or {}).get("Error", {}).get("Code", ""))


def said(error: Exception) -> str:
    """Return what an error says, without what may be a secret in it."""
    code = code_of(error)
    text = ": ".join(filter(None, [code, error.response["Error"].get("Message")])) if code else str(error)  # type: ignore[attr-defined]  # a ClientError
    text = re.sub(r"://[^/@\s]*@", "://***@", text.partition(_QUOTED_REQUEST)[0])
    return text.strip().rstrip(".")


@contextlib.contextmanager
def action(description: str) -> Iterator[None]:
    """Make whatever AWS says against an action read as that action: ``Failed to <description>: <code>: <message>.``

    A context manager, and a decorator.

    :raises AwsError: AWS refused, or cannot be asked.
    """
    from botocore.exceptions import BotoCoreError, ClientError, WaiterError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except WaiterError as error:
        raise AwsError(f"Timeout trying to {description}: {said(error)}.", _HINT) from error
    except (ResponseParserError, LookupError, TypeError, AttributeError, ValueError) as error:
        # botocore, and amazon.aws' retries, end so themselves in what has not the shape of an answer.
        NOTES.note(error)
        raise AwsError(f"Failed to {description}: what answers is not AWS.", _NO_AWS) from error
    except (BotoCoreError, ClientError) as error:
        late = code_of(error) in _SKEWED or bool(_OF_ANOTHER_TIME.search(said(error)))
        raise AwsError(f"Failed to {description}: {said(error)}.", _CLOCK if late else _HINT, code=code_of(error)) from error


def attempt(description: str, call: Callable[..., t.Any], **arguments: t.Any) -> t.Any:
    """Return AWS' answer to one call, which is repeated while AWS is busy.

    :raises AwsError: it failed.
    """
    from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

    with action(description):
        return AWSRetry.jittered_backoff(catch_extra_error_codes=list(_BUSY))(call)(**arguments)


def attempt_to_find(description: str, call: Callable[..., t.Any], **arguments: t.Any) -> t.Any:
    """Return AWS' answer to a question, None where what is asked for does not exist."""
    try:
        return attempt(description, call, **arguments)
    except AwsError as error:
        if error.is_missing:
            return None
        raise


def attempt_to_delete(description: str, call: Callable[..., t.Any], **arguments: t.Any) -> bool:
    """Delete something; return whether it was there until now."""
    return attempt_to_find(description, call, **arguments) is not None


def run_aws_module(module: AnsibleModule, work: Callable[[], dict[str, t.Any]]) -> None:
    """Run a module that talks to AWS."""
    try:
        result = work()
    except AwsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A headless Chromium, driven by its DevTools protocol through two pipes: no driver, no package, no port."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import time
import typing as t

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING = "no Chromium: install it (Debian: apt-get install chromium; make test does that as root), or name one in CHROMIUM"
# Without those about the background it asks Google's hosts for news of itself.
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe", "about:blank",
)  # fmt: skip
#: a browser on a busy machine takes its time
_LONGEST = 240.0


def binary() -> str | None:
    """Return the Chromium of this machine, None where there is none."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


def _high_pipe() -> tuple[int, int]:
    """Return a pipe whose ends are none of the numbers that the protocol is spoken on."""
    made = os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in made]
    for end in made:
        os.close(end)
    return ends[0], ends[1]


class Browser:
    """One browser with one page."""

    def __init__(self, program: str, profile: pathlib.Path) -> None:
        theirs_in, self._out = _high_pipe()
        self._in, theirs_out = _high_pipe()

        def protocol() -> None:
            # It is spoken on 3 and 4.
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
            [program, f"--user-data-dir={profile}", *_OPTIONS],
            preexec_fn=protocol, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._last, self._session, self._unread = 0, "", b""
        #: what the page asked for, and what its console said
        self.requests: list[str] = []
        self.said: list[str] = []
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        try:
            os.write(self._out, json.dumps({"id": self._last + 1, "method": "Browser.close"}).encode() + b"\0")
            self._process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        finally:
            # Its helpers too: all of them are of the session that it was started in.
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._out)
            os.close(self._in)

    def show(self, path: pathlib.Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Show a page, in a window of this size."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.requests, self.said = [], []
        self._call("Page.navigate", url=path.as_uri())
        ended = time.monotonic() + _LONGEST
        while self.run("document.readyState + location.href") != f"complete{path.as_uri()}":
            assert time.monotonic() < ended, "the page does not load"
            time.sleep(0.02)

    def run(self, script: str) -> t.Any:
        """Return what a script in the page gives; its policy is no matter for this."""
        found = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self._call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def picture(self) -> bytes:
        """Return the window as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"])

    # -- the protocol

    def _call(self, method: str, **params: t.Any) -> dict[str, t.Any]:
        self._last += 1
        own = self._last
        message = {"id": own, "method": method, "params": params, **({"sessionId": self._session} if self._session else {})}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        ended = time.monotonic() + _LONGEST
        while True:
            answer = self._next(ended)
            if answer.get("id") == own:
                assert "error" not in answer, answer["error"]
                return t.cast("dict[str, t.Any]", answer["result"])
            self._note(answer)

    def _next(self, ended: float) -> dict[str, t.Any]:
        while b"\0" not in self._unread:
            ready, _writable, _broken = select.select([self._in], [], [], max(ended - time.monotonic(), 0))
            got = os.read(self._in, 1 << 16) if ready else b""
            if not got:
                raise OSError(f"Chromium does not answer (it ended with {self._process.poll()})")
            self._unread += got
        message, self._unread = self._unread.split(b"\0", 1)
        return t.cast("dict[str, t.Any]", json.loads(message))

    def _note(self, event: dict[str, t.Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.said.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.said.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str(params["args"]))

"""Child processes that do not outlive this one."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def end_with_parent(by: int = signal.SIGKILL) -> None:
    """This process gets the signal when the one that started it ends, in whatever way."""
    LIBC.prctl(PR_SET_PDEATHSIG, by)


def start(words: list[Any], folder: Path, output: Path, by: int = signal.SIGKILL, **variables: str) -> subprocess.Popen:
    """A program with its output in a file, in a session of its own; it ends with this process."""

    def prepare() -> None:
        end_with_parent(by)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with output.open("wb") as file:
        return subprocess.Popen([str(word) for word in words], cwd=folder, stdin=subprocess.DEVNULL, stdout=file,
                                stderr=subprocess.STDOUT, env={**os.environ, **variables}, preexec_fn=prepare,
                                start_new_session=True)


def kill(process: subprocess.Popen) -> None:
    """Ends a program and all that is in its group."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


def last_line(output: Path) -> str:
    """What a program said at last, the last line with an error in it if there is one."""
    lines = [line.strip() for line in output.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [""])[-1]

"""How far a run is: a line that is written anew on a terminal, else a line for every step and every tenth of it."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Progress:
    """Lines on a terminal, or plain ones in a log."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self.stream = stream
        self.on_terminal = stream.isatty()
        self.begin("")

    def line(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        self.stream.write(text + "\n")
        self.stream.flush()

    def begin(self, step: str) -> None:
        """A step begins."""
        self.step, self.tenth = step, 0
        self.first: float | None = None  # the share that was done before
        self.started = self.written = time.monotonic()

    def show(self, share: float, text: str = "") -> None:
        """The share of the step that is done."""
        now = time.monotonic()
        seconds = now - self.started
        left = ""
        if self.first is None:
            self.first = share
        if share > self.first + 0.01 and seconds > 2:
            left = f", {in_words(seconds * (1 - share) / (share - self.first))} left"
        text = f"{self.step}: {share:4.0%}{text}{left}"
        if self.on_terminal:
            if now - self.written > 0.2:
                self.stream.write(f"\r{text}\033[K")
                self.stream.flush()
                self.written = now
        elif int(10 * share) > self.tenth and now - self.written > 10:
            self.tenth, self.written = int(10 * share), now
            self.stream.write(text + "\n")
            self.stream.flush()

    def clear(self) -> None:
        if self.on_terminal:
            self.stream.write("\r\033[K")


def in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""Writes docs/reference/commands.md from the help of the program: python scripts/command_reference.py [PROGRAM]

PROGRAM is build/bin/grapevine if none is given. With --check nothing is written, and the exit code is 1 if the page is
not what would be written.
"""

import argparse
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "commands.md"
HEAD = """# Command line reference

What `grapevine COMMAND --help` prints, with long lines broken. This page is made by `scripts/command_reference.py`.
"""
WIDTH = 92  # columns of a block on the page


def help_text(program, command):
    words = [str(program), *command, "--help"]
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError) as problem:
        raise SystemExit(f"{' '.join(words)}: {problem}") from None


def commands_of(text):
    """Names under the heading Subcommands."""
    _, heading, rest = text.partition("\nSubcommands:\n")
    return re.findall(r"^  (\w\S*)", rest.split("\n\n")[0], re.MULTILINE) if heading else []


def paragraphs(text):
    """Lines of a help text; those of a paragraph that the program has broken are one."""
    lines, before = [], ""
    for line in text.splitlines():
        begins_at_margin = line[:1].strip() and before[:1].strip()
        if begins_at_margin and len(before) > WIDTH and not line.startswith("Usage:"):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        before = line
    return lines


def broken(line):
    """The line in pieces of at most WIDTH columns, the later ones below the text of the first."""
    start = re.match(r" +\S(?:.*?\S)? {2,}(?=\S)| *", line).end()
    wrapper = textwrap.TextWrapper(WIDTH, subsequent_indent=" " * start, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(line) or [""]


def sections(program, command=()):
    """The section of a command and those of its subcommands."""
    text = help_text(program, command)
    shown = "\n".join(piece for line in paragraphs(text.strip()) for piece in broken(line))
    yield f"\n## {' '.join(['grapevine', *command])}\n\n```text\n{shown}\n```\n"
    for name in commands_of(text):
        yield from sections(program, (*command, name))


def page(program):
    return HEAD + "".join(sections(program))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", type=Path, default=ROOT / "build" / "bin" / "grapevine")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not options.program.is_file():
        raise SystemExit(f"{options.program}: no such program; build it first with scripts/build.sh grapevine_cli")
    text = page(options.program)
    if not options.check:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        raise SystemExit(f"{PAGE.relative_to(ROOT)} is not up to date; run scripts/command_reference.py")


if __name__ == "__main__":
    sys.exit(main())

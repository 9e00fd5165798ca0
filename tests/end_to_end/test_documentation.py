"""The documentation keeps its word: tutorials run and print what they show, links lead somewhere, pages are up to date.

Tutorials are run as a reader would do it, block by block in one folder: ```python blocks in one interpreter, ```bash
blocks in a shell, blocks with a title are written to a file of that name. A ```text block is what the block before it
prints; three dots in a line of their own stand for any lines. Comments in front of a block say more:

    <!-- not run -->              the block is only shown
    <!-- within 5 % -->           numbers of the text block may differ that much; otherwise by one in their last digit
"""

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from lammps_run import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("bench/*.md")),
         *sorted(ROOT.glob("models/*.md")), *sorted((ROOT / "examples").rglob("README.md"))]
RUN = [DOCS / "index.md", DOCS / "install.md", DOCS / "python.md", *sorted((DOCS / "tutorials").glob("*.md"))]

FENCE = re.compile(r"(?:^<!-- (?P<remark>.*?) -->\n)?^```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<body>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
SEPARATOR = "\x1e"

RUNNER = """
import json, pathlib, subprocess, sys
page, blocks = json.load(sys.stdin)
names = {"__name__": "__main__"}
for block in blocks:
    if block["title"]:
        pathlib.Path(block["title"]).write_text(block["body"])
    elif block["language"] == "python":
        exec(compile("\\n" * block["line"] + block["body"], page, "exec"), names)
    else:
        command = ["bash", "-euo", "pipefail", "-c", block["body"]]
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
            sys.exit(f"{page}, line {block['line']}: failed: {block['body']}")
    print(end="\\x1e", flush=True)
"""


@dataclass
class Block:
    """A fenced block, and the output that the page shows for it."""

    language: str
    title: str
    body: str
    line: int
    shown: str | None = None
    share: float = 0


def blocks_of(text):
    """Blocks that are run or written, in order."""
    blocks = []
    for fence in FENCE.finditer(text):
        remark = fence["remark"] or ""
        title = re.search(r'title="([^"]+)"', fence["rest"])
        if remark == "not run":
            continue
        if fence["language"] == "text":
            assert blocks and blocks[-1].shown is None, f"output of no block: {fence['body']}"
            blocks[-1].shown = fence["body"]
            within = re.fullmatch(r"within ([\d.]+) %", remark)
            blocks[-1].share = float(within[1]) / 100 if within else 0
        elif title or fence["language"] in ("python", "bash"):
            line = text[: fence.start("body")].count("\n")
            blocks.append(Block(fence["language"], title[1] if title else "", fence["body"], line))
    return blocks


def agree(shown, printed, share=0.0):
    """Whether lines are those shown."""
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(agree(shown[1:], printed[n:], share) for n in range(len(printed) + 1))
    return bool(printed) and same(shown[0].split(), printed[0].split(), share) and agree(shown[1:], printed[1:], share)


def same(shown, printed, share):
    if len(shown) != len(printed):
        return False
    for a, b in zip(shown, printed):
        if NUMBER.sub("#", a) != NUMBER.sub("#", b):
            return False
        for x, y in zip(NUMBER.findall(a), NUMBER.findall(b)):
            if abs(float(x) - float(y)) > max(step(x), share * abs(float(x))) * (1 + 1e-9):
                return False
    return True


def step(number):
    """One in the last digit of a number with a decimal point; integers are exact."""
    mantissa, _, exponent = number.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - digits) if digits else 0.0


def environment():
    """A shell in which the environment with Grapevine is active."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "LAMMPS_", "GRAPEVINE_"))}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    # Ranks that wait give way to those that work.
    env |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "MPIR_CVAR_POLLS_BEFORE_YIELD": "10", "CHECKOUT": str(ROOT)}
    return env


def run_blocks(page, blocks, folder, timeout):
    """What each block prints."""
    work = json.dumps([str(page), [vars(block) for block in blocks]])
    done = subprocess.run([sys.executable, "-c", RUNNER], cwd=folder, env=environment(), input=work, text=True,
                          capture_output=True, timeout=timeout)
    assert done.returncode == 0, f"{done.stdout.split(SEPARATOR)[-1]}\n{done.stderr}"
    return done.stdout.split(SEPARATOR)[:-1]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_blocks_run_and_print_what_is_shown(page, tmp_path, request):
    if page.stem == "sevennet":
        (tmp_path / "sevennet").symlink_to(request.getfixturevalue("sevennet_checkpoints"))
    blocks = blocks_of(page.read_text())
    assert blocks
    printed = run_blocks(page.relative_to(ROOT), blocks, tmp_path, 120)
    assert len(printed) == len(blocks)
    for block, text in zip(blocks, printed):
        if block.shown is not None:
            where = f"{page.relative_to(ROOT)}, line {block.line}"
            assert agree(block.shown.splitlines(), text.splitlines(), block.share), f"{where} prints\n{text}"


def test_citation_is_of_this_version():
    version = re.search(r"project\(grapevine VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize(("shown", "printed", "share", "same"), [
    ("E = -12.961 eV", "E =  -12.960 eV", 0, True),
    ("E = -12.961 eV", "E = -12.958 eV", 0, False),
    ("E = -12.961 eV", "E = -12.5 eV", 0.05, True),
    ("E = -12.961 eV", "E = -12.961 meV", 0.05, False),
    ("432 atoms", "433 atoms", 0, False),
    ("2.5e-07", "2.6e-07", 0, True),
    ("2.5e-07", "2.8e-07", 0, False),
    ("a\nb", "a\nb\nc", 0, False),
    ("a\nb\nc", "a\nb", 0, False),
    ("...\nb\n...", "a\nb\nc", 0, True),
    ("a\n...\nd 1.0", "a\nb\nc\nd 1.0", 0, True),
    ("a\n...\nd 1.0", "a\nb\nc\nd 2.0", 0, False),
    ("...\nd\n...", "a\nb\nc", 0, False),
])
def test_shown_output_is_compared_number_by_number(shown, printed, share, same):
    assert agree(shown.splitlines(), printed.splitlines(), share) == same


def test_command_reference_is_up_to_date(grapevine):
    script = ROOT / "scripts" / "command_reference.py"
    done = subprocess.run([sys.executable, script, grapevine, "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_command_reference_fits_on_the_page():
    for block in re.findall(r"```text\n(.*?)```", (DOCS / "reference" / "commands.md").read_text(), re.DOTALL):
        for line in block.splitlines():
            assert len(line) <= 92 or " " not in line.strip(), line


def test_every_page_is_in_the_navigation():
    navigation = re.findall(r": (\S+\.md)$|^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    named = sorted(a or b for a, b in navigation)
    hooks = (ROOT / "scripts" / "site_hooks.py").read_text()
    generated = re.findall(r'^    "\S+\.md": "(\S+\.md)",$', hooks, re.MULTILINE)
    assert named == sorted([*generated, *(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))])


# ---- links


LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


def prose(text):
    """Without blocks and code."""
    return re.sub(r"`[^`\n]*`", "`code`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(text):
    """Anchors that GitHub makes of the headings."""
    found, seen = [], Counter()
    for heading in re.findall(r"^#+ +(.*?)\s*$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        kept = (c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        slug = "".join(kept).replace(" ", "-")
        seen[slug] += 1
        found.append(slug if seen[slug] == 1 else f"{slug}-{seen[slug] - 1}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    missing = []
    for target in LINK.findall(prose(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        known = there.exists() and there.is_relative_to(ROOT)
        if not known or anchor and anchor not in anchors(there.read_text()):
            missing.append(target)
    assert not missing

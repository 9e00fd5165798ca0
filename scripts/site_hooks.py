"""What the documentation site does beyond MkDocs: pages from outside docs/, links that leave it, formulas."""

import html
import posixpath
import re
from pathlib import Path

import math_core
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]

# Files of the repository that are pages of the site too.
PAGES = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "bench/README.md": "bench.md",
    "examples/python/README.md": "python-examples.md",
    "models/README.md": "models.md",
}

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
FETCHED = re.compile(r'<(?:script|link|img|iframe)\b(?![^>]*"canonical")[^>]*\b(?:src|href)="?https?:[^\s>]*')
LATEX = math_core.LatexToMathML(fancy_error=False)


def on_files(files, config):
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown, page, config, files):
    source = {name: path for path, name in PAGES.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return outside_fences(
        lambda text: LINK.sub(lambda link: moved(link, source, page.file.src_uri, config.repo_url), text), markdown
    )


def outside_fences(change, markdown):
    """`change` applied to what is not in a fenced block."""
    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [change(markdown[end : fence.start()]), fence.group()]
        end = fence.end()
    return "".join([*parts, change(markdown[end:])])


def moved(link, source, page, repository):
    """A link of the file `source` as it has to be on `page`: to a page, into the repository, or the file's name."""
    image, text, target = link.groups()
    path, mark, anchor = target.partition("#")
    if not path or re.match(r"[a-z]+:", target):
        return link.group()
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if path in PAGES or path.startswith("docs/"):
        there = PAGES.get(path, path.removeprefix("docs/"))
        there = posixpath.relpath(there, posixpath.dirname(page) or ".")
        return f"{image}[{text}]({there}{mark}{anchor})"
    if repository:
        return f"{image}[{text}]({repository.rstrip('/')}/blob/main/{path}{mark}{anchor})"
    return text if text.strip("`") == path else f"{text} (`{path}`)"


def on_page_content(content, page, config, files):
    """Formulas become MathML, which browsers show without a script."""

    def mathml(formula):
        try:
            return LATEX.convert_with_local_state(html.unescape(formula[3]).strip(), displaystyle=formula[2] == "[")
        except math_core.LatexError as problem:
            raise PluginError(f"{page.file.src_uri}: {formula[3]}: {problem}") from None

    return FORMULA.sub(mathml, content)


def on_post_page(output, page, config):
    """Pages have to work without a network."""
    if fetched := FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri}: fetched from the network: {fetched.group()}")
    return output

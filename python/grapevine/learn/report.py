"""report.html: how a run is doing, in one file to look at."""

from __future__ import annotations

import html
import math
import time
from typing import Any

from grapevine.learn import figures
from grapevine.learn.folder import Folder, read_frames, read_json, read_json_lines, write_text
from grapevine.learn.options import Options

SHOWN = 8  # structures of a round that are drawn

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }}
td, th {{ border-bottom: 1px solid #ddd; padding: .2rem .7rem; text-align: right; }}
td:first-child, th:first-child {{ text-align: left; }} th {{ font-weight: 600; }}
img {{ max-width: 100%; }} code {{ font-size: 13px; }} p.note {{ color: #555; }}
</style></head><body>
<h1>{title}</h1>
{body}
<p class="note">Written by grapevine learn on {date}.</p>
</body></html>
"""


def write_report(folder: Folder, state: str, options: Options) -> None:
    """Writes report.html of what is there."""
    summaries = summaries_of(folder)
    last = summaries[-1]
    parts = [f"<p>{html.escape(state[:1].upper() + state[1:])}. {last['data']} labelled structures, "
             f"{len(summaries) - 1} rounds of exploration, label <code>{folder_tag(folder)}</code> "
             f"({html.escape(options.label.calculator or options.label.command)}).</p>", rounds_table(summaries)]
    parts += ["<h2>Errors</h2>", figures.embedded(figures.draw_errors(summaries)),
              '<p class="note">New structures of the next round are judged before they are trained on: a true test, of '
              "the hardest structures met. Validation is the mean over the models, each on what it has set aside. Test "
              "errors are of the committee's mean.</p>"]
    if any(one["runs"] for one in summaries):
        parts += ["<h2>Deviations met</h2>", figures.embedded(figures.draw_deviations(summaries))]
    if any(one["before"] for one in summaries):
        parts += ["<h2>Deviation and true error</h2>", figures.embedded(figures.draw_truth(summaries))]
    parts += [runs_table(last), *selected(folder, summaries), *failures(folder, summaries), *committee(folder)]
    write_text(folder / "report.html", PAGE.format(title=html.escape(f"Active learning: {folder.path.name}"),
                                                   body="\n".join(parts), date=time.strftime("%Y-%m-%d %H:%M")))


def summaries_of(folder: Folder) -> list[dict[str, Any]]:
    found = []
    while (path := folder.round(len(found)) / "summary.json").exists():
        found.append(read_json(path))
    return found


def folder_tag(folder: Folder) -> str:
    return read_json(folder / "label.json")["tag"]


def table(head: list[str], rows: list[list[str]]) -> str:
    def row(cells: list[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    return "<table>" + row(head, "th") + "".join(row(cells, "td") for cells in rows) + "</table>"


def number(value: float | None, digits: int, scale: float = 1) -> str:
    return "" if value is None or not math.isfinite(value) else f"{scale * value:.{digits}f}"


def rounds_table(summaries: list[dict[str, Any]]) -> str:
    rows = []
    for one in summaries:
        before, valid, test = one["before"] or {}, one["validation"] or {}, one["test"] or {}
        runs = one["runs"].values()
        stopped = f"{sum(run['ended'] != 'whole' for run in runs)} of {len(runs)}" if runs else ""
        rows.append([str(one["round"]), stopped, f"{one['share_above']:.1%}" if runs else "",
                     str(one["candidates"]) if runs else "", str(one["labelled"]), str(one["failed"]), str(one["data"]),
                     number(before.get("energy"), 1, 1000), number(before.get("forces"), 3),
                     number(valid.get("energy"), 1, 1000), number(valid.get("forces"), 3),
                     number(test.get("energy"), 1, 1000), number(test.get("forces"), 3)])
    head = ["round", "runs stopped", "above lower", "candidates", "labelled", "failed", "data", "new: meV/atom", "eV/Å",
            "validation: meV/atom", "eV/Å", "test: meV/atom", "eV/Å"]
    kept = [n for n in range(len(head)) if n < 7 or any(row[n] for row in rows)]
    return table([head[n] for n in kept], [[row[n] for n in kept] for row in rows])


def runs_table(last: dict[str, Any]) -> str:
    if not last["runs"]:
        return ""
    rows = [[name, str(run["steps"]), run["ended"], str(run["below"]), str(run["between"]), str(run["above"])]
            for name, run in last["runs"].items()]
    return f"<h2>Runs of round {last['round']}</h2>" + table(["run", "steps", "ended", "below", "between", "above"], rows)


def selected(folder: Folder, summaries: list[dict[str, Any]]) -> list[str]:
    """Pictures of what the last rounds picked."""
    parts = []
    for one in reversed(summaries[-3:]):
        frames = read_frames(folder.round(one["round"]) / "selected.extxyz")[:SHOWN]
        if frames:
            parts += [f"<h2>Selected in round {one['round']}: {one['selected']}, the first {len(frames)}</h2>",
                      figures.embedded(figures.draw_structures(frames))]
    return parts


def failures(folder: Folder, summaries: list[dict[str, Any]]) -> list[str]:
    rows = [[str(one["round"]), str(failed["number"]), failed["reason"]] for one in summaries
            for failed in read_json_lines(folder.round(one["round"]) / "failed.jsonl")]
    return ["<h2>Labels that failed</h2>", table(["round", "structure", "reason"], rows)] if rows else []


def committee(folder: Folder) -> list[str]:
    models = read_json(folder / "state.json").get("models", []) if (folder / "state.json").exists() else []
    items = "".join(f"<li><code>{html.escape(path)}</code></li>" for path in models)
    return ["<h2>Committee</h2>", f"<ul>{items}</ul>"] if models else []

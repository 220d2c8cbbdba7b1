"""The results as a table, for the terminal, a file and docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.results import BenchRow, Results
from stack.layout import ROOT

BEGIN, END = "<!-- benchmarks: begin (./demo bench --write) -->", "<!-- benchmarks: end -->"
HERE = ROOT / "benchmarks"


def markdown(results: Results) -> str:
    """Two tables: each measurement at the middle level with its goal, and how the ratios move with the level."""
    levels = results.levels
    base = levels[len(levels) // 2]
    shown = list(results.at(base).values())
    shown += [row for key, row in results.at(levels[-1]).items() if key not in results.at(base)]
    lines = [
        f"Measured {results.began} on {results.machine}, in {results.seconds:.0f} s; {base} users known where nothing"
        " else is said.",
        "",
        "| measured | ratio or count | goal | |",
        "|---|---:|---:|---|",
        *(_line(row) for row in shown),
        "",
        f"| with so many known users | {' | '.join(f'{level:,}' for level in levels)} |",
        f"|---|{'---:|' * len(levels)}",
    ]
    for key, row in results.at(base).items():
        values = [results.at(level).get(key) for level in levels]
        lines.append(f"| {row.what} | {' | '.join(f'{v.value:.2f}' if v else '' for v in values)} |")
    return "\n".join(lines)


def write(results: Results, *, page: Path = ROOT / "docs/benchmarks.md", folder: Path = HERE) -> None:
    """The tables into ``docs/benchmarks.md``, between its markers, and beside this module as Markdown and JSON."""
    table = markdown(results)
    (folder / "results.md").write_text(f"{table}\n")
    (folder / "results.json").write_text(json.dumps(results.as_json(), indent=1, ensure_ascii=False) + "\n")
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the lines {BEGIN} and {END}.")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def _line(row: BenchRow) -> str:
    verdict = {None: "", True: "reached", False: "**not reached**"}[row.reached]
    number = f"{row.value:.2f}" if row.value != int(row.value) else f"{row.value:.0f}"
    return f"| {row.what} | {number} | {row.goal} | {'; '.join(part for part in (verdict, row.detail) if part)} |"

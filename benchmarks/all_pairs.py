#!/usr/bin/env python3
"""Every comparison between stores, and the tables of docs/performance-tuning.md.

  all_pairs.py [--runs 3] [--only SOURCE:TARGET] [--sizes 50000x768,200000x128] [--step fill] [--table] [--docs]

--table prints the tables of what has been measured and measures nothing; --docs puts them into docs/performance-tuning.md. The rest goes
to between_stores.py, for each pair.
"""
import argparse, json, os, pathlib, statistics, subprocess, sys, tempfile

PAIRS = ["chroma:milvus", "faiss:qdrant", "elasticsearch-8:milvus", "elasticsearch-8:qdrant", "chroma:qdrant", "faiss:milvus",
         "elasticsearch-8:elasticsearch-9", "milvus:qdrant", "qdrant:chroma"]
BEGIN, END = "<!-- made by benchmarks/all_pairs.py -->", "<!-- end -->"
NAMES = {"chroma": "Chroma", "faiss": "FAISS", "milvus": "Milvus", "qdrant": "Qdrant", "elasticsearch-8": "Elasticsearch 8", "elasticsearch-9": "Elasticsearch 9"}
here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--only", help="comma-separated pairs")
parser.add_argument("--sizes", default="50000x768,200000x128")
parser.add_argument("--step", choices=["fill", "measure", "check"])
parser.add_argument("--tools")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--table", action="store_true")
parser.add_argument("--docs", action="store_true")
options = parser.parse_args()
pairs = options.only.split(",") if options.only else PAIRS


def measure():
    for size in options.sizes.split(","):
        rows, dimension = size.split("x")
        for pair in pairs:
            for step in [options.step] if options.step else ["fill", "measure", "check"]:
                subprocess.run([sys.executable, here / "between_stores.py", *pair.split(":"), "--rows", rows, "--dimension", dimension, "--runs", str(options.runs),
                                "--work", options.work, "--step", step, *(["--tools", options.tools] if options.tools else [])], check=True)


def results():
    """For each pair and size, for each tool: the figures of its runs, and what the last check found."""
    found = {}
    for line in (pathlib.Path(options.work) / "results.jsonl").read_text().splitlines():
        line = json.loads(line)
        key = f"{line['source']}:{line['target']}", line["rows"], line["dimension"]
        tool = found.setdefault(key, {}).setdefault(line["who"], {"runs": [], "check": None})
        if "lost" in line:
            tool["check"] = line
        elif "failed" not in line:
            tool["runs"].append(line)
    order = {pair: number for number, pair in enumerate(PAIRS)}
    return sorted(((key, tools) for key, tools in found.items() if key[0] in pairs), key=lambda item: (order.get(item[0][0], 99), -item[0][2]))


def median(tool, figure):
    values = [run[figure] for run in tool["runs"] if figure in run]
    return statistics.median(values) if values else None


def cell(value, digits=1):
    return "" if value is None else f"{value:,.{digits}f}"


def tables():
    lines = ["| | rows | runs | wall s | rows/s | CPU s: client | source | target | peak MB | MB on the wire | lost | changed | vecferry's wall | vecferry's CPU |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    limits = ["| | rows | scan s | ingest s | archive MB | disk write s | disk read s | vecferry / max(scan, ingest) |", "|---|---|---|---|---|---|---|---|"]
    for (pair, rows, dimension), tools in results():
        title = " to ".join(NAMES[kind] for kind in pair.split(":"))
        size = f"{rows:,} x {dimension}"
        ours = tools.get("vecferry")
        for who, tool in tools.items():
            if who in ("limits", "vecferry-worker") or not tool["runs"]:
                continue
            wall, cpu = median(tool, "wall s"), total_cpu(tool)
            check = tool["check"] or {}
            ratios = ["", ""] if tool is ours or not ours or not ours["runs"] else [f"{median(ours, 'wall s') / wall:.2f}", f"{total_cpu(ours) / cpu:.2f}"]
            lines.append(f"| {title}: {who} | {size} | {len(tool['runs'])} | {cell(wall)} | {cell(rows / wall, 0)} | " + " | ".join(
                [cell(median(tool, figure)) for figure in ("client cpu s", "source cpu s", "target cpu s")]
                + [cell(median(tool, figure), 0) for figure in ("peak MB", "wire MB")] + [cell(check.get(what), 0) for what in ("lost", "changed")] + ratios) + " |")
        if "limits" in tools and ours and ours["runs"]:
            limit = tools["limits"]
            slower = max(median(limit, "scan s"), median(limit, "ingest s"))
            limits.append(f"| {title} | {size} | " + " | ".join(cell(median(limit, figure), digits) for figure, digits in [
                ("scan s", 1), ("ingest s", 1), ("archive MB", 0), ("disk write s", 2), ("disk read s", 2)]) + f" | {median(ours, 'wall s') / slower:.2f} |")
    return "\n".join(lines) + "\n\n" + "\n".join(limits) + "\n\n### By a worker that runs already\n\n" + "\n".join(running()) + "\n"


def running():
    """vecferry by a worker that has run the migration before, beside the loop and the other tools."""
    lines = ["| | rows | runs | wall s | CPU s: client | source | target | peak MB | lost | changed | wall, CPU / the loop's | wall / the fastest tool's |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for (pair, rows, dimension), tools in results():
        ours = tools.get("vecferry-worker", {"runs": []})
        loop = tools.get("python", {"runs": []})
        if not ours["runs"] or not loop["runs"]:
            continue
        wall, check = median(ours, "wall s"), ours["check"] or {}
        others = [(median(tool, "wall s"), who) for who, tool in tools.items() if tool["runs"] and who.startswith(("migration", "elasticdump"))]
        fastest = f"{wall / min(others)[0]:.2f} ({min(others)[1]})" if others else ""
        lines.append(f"| {' to '.join(NAMES[kind] for kind in pair.split(':'))} | {rows:,} x {dimension} | {len(ours['runs'])} | {cell(wall)} | " + " | ".join(
            [cell(median(ours, figure)) for figure in ("client cpu s", "source cpu s", "target cpu s")] + [cell(median(ours, "peak MB"), 0)]
            + [cell(check.get(what), 0) for what in ("lost", "changed")])
            + f" | {wall / median(loop, 'wall s'):.2f}, {total_cpu(ours) / total_cpu(loop):.2f} | {fastest} |")
    return lines


def total_cpu(tool):
    return sum(median(tool, figure) or 0 for figure in ("client cpu s", "source cpu s", "target cpu s"))


if not options.table and not options.docs:
    measure()
text = tables()
print(text)
if options.docs:
    page = here.parent / "docs/performance-tuning.md"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}")

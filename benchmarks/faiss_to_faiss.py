#!/usr/bin/env python3
"""vecferry against a Python loop: FAISS to FAISS through a Parquet backup, in turn, several times, results checked row by row.

  faiss_to_faiss.py [--rows 1000000] [--dimension 128] [--runs 5] [--plain] [--heap 1g] [--work DIR]

--plain    vectors only; without it ids, documents and metadata travel too
--work     where data and results go (default: vecferry-benchmark in the folder for temporary files)

Needs numpy, faiss-cpu and pyarrow. Prints a table with the median of each figure and the ratio of the medians.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--dimension", type=int, default=128)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--plain", action="store_true")
parser.add_argument("--heap", default="1g")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--only", choices=["vecferry", "python"])
options = parser.parse_args()

kind = "plain" if options.plain else "metadata"
work = pathlib.Path(options.work)
data = work / f"{options.rows}x{options.dimension}-{kind}"
if not (data / "manifest.json").exists():
    command = [sys.executable, here / "make_synthetic.py", options.rows, options.dimension, 7, data, "--queries", 1]
    subprocess.run([str(c) for c in command] + (["--plain"] if options.plain else []), check=True, stdout=sys.stderr)

spec = work / "spec.yaml"
output = {"vecferry": work / "vecferry" / "out", "python": work / "python"}
spec.write_text(json.dumps({
    "name": "benchmark",
    "source": {"type": "faiss", "path": str(data)},
    "target": {"type": "faiss", "path": str(output["vecferry"])},
}))


def command_of(name):
    if name == "python":
        loop = [sys.executable, str(here / "python_loop.py"), str(data), str(output["python"])]
        return loop + ([] if options.plain else ["--metadata"])
    return [str(here.parent / "vecferry"), "run", str(spec), "--archive", str(work / "vecferry" / "archive")]


def run(name):
    shutil.rmtree(output[name].parent if name == "vecferry" else output[name], ignore_errors=True)
    output[name].parent.mkdir(parents=True, exist_ok=True)
    os.sync()
    environment = dict(os.environ, VECFERRY_JAVA_OPTIONS=f"-Xmx{options.heap}")
    environment.pop("TEMPORAL_ADDRESS", None)
    start = time.time()
    process = subprocess.Popen(command_of(name), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    os.sync()
    wall = time.time() - start
    if status != 0:
        sys.exit(f"{name} failed:\n{errors}")
    if name == "vecferry":
        phases.append(errors)
    return {"wall s": wall, "cpu s": usage.ru_utime + usage.ru_stime, "peak MB": usage.ru_maxrss / 1024}


def differences(name):
    """Rows that are not as in the source, by faiss and json alone."""
    import faiss
    import numpy as np
    expected, actual = (faiss.read_index(str(folder / "index.faiss")) for folder in (data, output[name]))
    if expected.ntotal != actual.ntotal:
        return abs(expected.ntotal - actual.ntotal)
    flat = [faiss.downcast_index(index.index) if hasattr(index, "index") else index for index in (expected, actual)]
    wrong = 0
    for start in range(0, expected.ntotal, 100_000):
        rows = min(100_000, expected.ntotal - start)
        left, right = (index.reconstruct_n(start, rows).view(np.uint32) for index in flat)
        wrong += int((left != right).any(axis=1).sum())
    if not options.plain:
        with open(data / "meta.jsonl") as left, open(output[name] / "meta.jsonl") as right:
            for a, b in zip(left, right, strict=True):
                a, b = json.loads(a), json.loads(b)
                wrong += any(a[key] != b[key] for key in ("id", "document", "metadata"))
    return wrong


phases = []
names = [options.only] if options.only else ["vecferry", "python"]
figures = {name: [] for name in names}
for number in range(options.runs + 1):
    for name in names:
        figure = run(name)
        if number > 0:  # The first round warms the page cache and is not counted.
            figures[name].append(figure)
        print(f"round {number} {name}: " + ", ".join(f"{k} {v:.1f}" for k, v in figure.items()), file=sys.stderr)

wrong = {name: differences(name) for name in names}
print(f"{options.rows} x {options.dimension}, {kind}, median of {options.runs} runs\n")
print("| | " + " | ".join(figures[names[0]][0]) + " | rows/s | rows wrong |")
print("|---|" + "---|" * (len(figures[names[0]][0]) + 2))
median = {}
for name in names:
    median[name] = {key: statistics.median(f[key] for f in figures[name]) for key in figures[name][0]}
    cells = [f"{value:.1f}" for value in median[name].values()]
    cells += [f"{options.rows / median[name]['wall s']:,.0f}", str(wrong[name])]
    print(f"| {name} | " + " | ".join(cells) + " |")
if len(names) == 2:
    ratio = [f"{median['vecferry'][key] / median['python'][key]:.2f}" for key in median["vecferry"]]
    print("| vecferry / python | " + " | ".join(ratio) + " | | |")
if phases:
    print("\nPhases of the last vecferry run:\n\n```\n" + phases[-1].strip() + "\n```")

#!/usr/bin/env python3
"""An archive in S3 against one in a folder: the same migration, FAISS to FAISS, in turn, several times.

  s3_archive.py [--rows 1000000] [--dimension 128] [--runs 3] [--part-rows N] [--apart] [--heap 1g] [--work DIR] [--place s3://BUCKET/PREFIX] [--spec FILE]

--apart    one phase after the other, so that each can be compared; without it they overlap, as they do by default
--place    where in S3, reached as the VECFERRY_S3_ variables say; what is written there stays. Without it the server of
           deploy/local/up s3, in a bucket that is removed
--spec     another migration: JSON with its source and target; {run} in it stands for another word in each run

Needs numpy. Prints a table with the median seconds of each phase, from the start of the first step of the phase to the end of its last, and the folder's share of
them: the speed with S3 as a part of that with a folder.
"""
import argparse, json, os, pathlib, re, shutil, statistics, subprocess, sys, tempfile, time

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--dimension", type=int, default=128)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--part-rows", type=int)
parser.add_argument("--apart", action="store_true")
parser.add_argument("--heap", default="1g")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--place")
parser.add_argument("--spec", type=pathlib.Path)
options = parser.parse_args()

work = pathlib.Path(options.work)
data = work / f"{options.rows}x{options.dimension}-plain"
if not options.spec and not (data / "manifest.json").exists():
    command = [sys.executable, here / "make_synthetic.py", options.rows, options.dimension, 7, data, "--queries", 1, "--plain"]
    subprocess.run([str(c) for c in command], check=True, stdout=sys.stderr)

environment = dict(os.environ, VECFERRY_JAVA_OPTIONS=f"-Xmx{options.heap}")
environment.pop("TEMPORAL_ADDRESS", None)
bucket = None
place = options.place
if not place:
    local = here.parent / "deploy/local"
    address = subprocess.run([local / "up", "s3"], check=True, capture_output=True, text=True).stdout.split()[1]
    servers = os.environ.get("VECFERRY_SERVERS") or os.path.join(
        os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "vecferry/servers")
    # Buckets of this server are folders.
    bucket = pathlib.Path(servers) / f"s3/data/buckets/benchmark-{os.getpid()}"
    place = f"s3://{bucket.name}/archive"
    environment.update(VECFERRY_S3_ENDPOINT=address, VECFERRY_S3_ACCESS_KEY="env:BENCHMARK_KEY", BENCHMARK_KEY="vecferry",
                       VECFERRY_S3_SECRET_KEY="env:BENCHMARK_SECRET", BENCHMARK_SECRET="vecferry-secret")

stamp = int(time.time())


def archive_of(where, number):
    return f"{place}/{stamp}-{number}" if where == "S3" else str(work / "archive")


def empty():
    shutil.rmtree(work / "archive", ignore_errors=True)
    shutil.rmtree(work / "out", ignore_errors=True)
    if bucket:
        shutil.rmtree(bucket, ignore_errors=True)
        bucket.mkdir(parents=True)


def run(where, number):
    empty()
    os.sync()
    spec = work / "spec.yaml"
    sides = json.loads(options.spec.read_text().replace("{run}", f"{stamp}_{number}_{where.lower()}")) if options.spec else {
        "source": {"type": "faiss", "path": str(data)}, "target": {"type": "faiss", "path": str(work / "out")}}
    spec.write_text(json.dumps({
        **sides,
        "name": "benchmark",
        "overlap": not options.apart,
        "export": {"partRows": options.part_rows} if options.part_rows else {},
    }))
    vecferry = [str(here.parent / "vecferry")]
    archive = ["--archive", archive_of(where, number)]
    start = time.time()
    process = subprocess.Popen(vecferry + ["run", str(spec)] + archive, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.time() - start
    if status != 0:
        sys.exit(f"{where} failed:\n{errors}")
    report = json.loads(subprocess.run(vecferry + ["report", "benchmark", "--json"] + archive, env=environment, check=True, capture_output=True).stdout)
    phases = {phase["name"]: phase for phase in report["phases"]}
    if phases["VALIDATE_IMPORT"]["rows"] != (phases["EXPORT"]["rows"] if options.spec else options.rows):
        sys.exit(f"{where}: {phases['VALIDATE_IMPORT']['rows']} records were compared")

    def took(first, last):
        return (phases[last]["finishedMillis"] - phases[first]["startedMillis"]) / 1000

    figures = {"export": took("EXPORT", "EXPORT"), "export and its check": took("EXPORT", "VALIDATE_EXPORT")}
    if options.apart:
        figures.update({"check": took("VALIDATE_EXPORT", "VALIDATE_EXPORT"), "import": took("IMPORT", "IMPORT")})
    else:
        figures["export, check, import"] = took("EXPORT", "IMPORT")
    figures.update({"comparison": took("VALIDATE_IMPORT", "VALIDATE_IMPORT"), "quality check": took("QUALITY_CHECK", "QUALITY_CHECK"),
                    "planning": took("PLANNING", "PLANNING"), "whole migration": (report["finishedMillis"] - report["startedMillis"]) / 1000,
                    "command": wall, "CPU of vecferry": usage.ru_utime + usage.ru_stime})
    return figures, usage.ru_maxrss / 1024, (phases["EXPORT"]["bytes"], errors)


figures = {"folder": [], "S3": []}
peak = {"folder": 0, "S3": 0}
last = {}
for number in range(options.runs + 1):
    for where in figures:
        figure, memory, last[where] = run(where, number)
        if number > 0:  # The first round warms server and page cache and is not counted.
            figures[where].append(figure)
            peak[where] = max(peak[where], memory)
        print(f"round {number} {where}: " + ", ".join(f"{k} {v:.1f}" for k, v in figure.items()), file=sys.stderr)
empty()
if bucket:
    shutil.rmtree(bucket)

parts = re.search(r"(\d+) parts", last["S3"][1])
print(f"{options.spec.name if options.spec else f'{options.rows:,} x {options.dimension}'}, {last['S3'][0] / 1e6:.0f} MB in {parts[1] if parts else '?'} parts, median of {options.runs} runs, seconds\n")
print("| | S3 | folder | share of its speed |\n|---|---|---|---|")
for key in figures["S3"][0]:
    s3, folder = (statistics.median(figure[key] for figure in figures[where]) for where in ("S3", "folder"))
    print(f"| {key} | {s3:.1f} | {folder:.1f} | {folder / s3 if s3 else 1:.2f} |")
print(f"\nPeak of resident memory: {peak['S3']:.0f} MB with S3, {peak['folder']:.0f} MB with a folder")
print("\nThe last run with S3:\n\n```\n" + last["S3"][1].strip() + "\n```")

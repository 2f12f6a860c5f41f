#!/usr/bin/env python3
"""vecferry against others, from one store to another, in turn, several times, results checked row by row.

  between_stores.py SOURCE TARGET [--rows 50000] [--dimension 768] [--runs 3] [--tools vecferry,python] [--step measure]

SOURCE is chroma, elasticsearch-8, elasticsearch-9, faiss, milvus or qdrant; TARGET is one of them but faiss.

vecferry is `vecferry run` with its defaults: each run starts a JVM and a Temporal service of its own. vecferry-worker, which is not measured
unless --tools names it, is the same command given to a Temporal service and a worker that have run the same migration once, as they are
where migrations are run every day; their CPU counts as the client's. It needs deploy/local/up temporal.

The others:
- python: the loop that a user writes, as in the migration guide: 1000 records from the one client, 1000 to the other, then
  flush, index and load where the store wants it; it proves nothing.
- migration-50, -256, -1000 and elasticdump-100, -1000: qdrant/migration and elasticdump with these batch sizes, the first of each its
  default, where they know the way and rivals.py --install has been run.
- vdf and vdf-all: vdf-io, its export and its import together, with its defaults, and with all of a Chroma collection in one batch.

Limits, in the same runs: the scan reads the source as fast as a client can (two connections, bodies thrown away); the ingest
sends requests that were serialised before (two connections, flush, index and load included); the disk writes, with fsync, and reads
as many bytes as vecferry's archive has.

CPU of a server is that of its process group, from /proc, before and after. The bytes are all that the loopback interface carries, less
what it carried when nothing was running: run nothing else. Milvus talks to itself over it.

--step fill, measure or check does only that: all steps together leave the machine idle between measurements. What was measured
is added to results.jsonl in the folder of --work, from which all_pairs.py makes its tables.

--estimate runs nothing but vecferry: rows of a table of what its plan says and what comes of it, and of how long it says, while it
works, that it will take. Memory is what a server that was just started grows by when the collection is loaded, so Milvus is
restarted; the other has no such moment.

VECFERRY_JAVA_OPTIONS: more options for vecferry's JVM. BENCHMARK_SHARDS: shards of an Elasticsearch index (1). Needs what
rivals.py --install puts into the folder clients, and servers: deploy/local/up, then eval "$(deploy/local/env)".
"""
import argparse, atexit, functools, json, os, pathlib, re, shutil, subprocess, sys, tempfile, time

import measure, rivals, stores

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("source", choices=list(stores.KINDS))
parser.add_argument("target", choices=[kind for kind in stores.KINDS if kind != "faiss"])
parser.add_argument("--rows", type=int, default=50_000)
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--tools", help="comma-separated, of those above and limits; default all")
parser.add_argument("--step", choices=["fill", "measure", "check"])
parser.add_argument("--heap", default="1g")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--estimate", action="store_true", help="what vecferry's plan says, beside what came of it, and stop")
parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
options = parser.parse_args()

work = pathlib.Path(options.work)
work.mkdir(parents=True, exist_ok=True)
os.environ["BENCHMARK_WORK"] = str(work)
data = stores.Data(options.rows, options.dimension, options.source != "faiss")
source, target = stores.open_store(options.source, data), stores.open_store(options.target, data)
source_name = f"benchmark_{options.rows}x{options.dimension}" + ("" if data.has_text else "_plain")
about = {"source": options.source, "target": options.target, "rows": options.rows, "dimension": options.dimension}


def target_name(who):
    return f"benchmark_{options.source}_{who}".replace("-", "_")


def keep(**more):
    with open(work / "results.jsonl", "a") as file:
        file.write(json.dumps({**about, **more}) + "\n")


def loop():
    name = target_name("python")
    target.create(name)
    write = target.writer(name)
    for page in source.read(source_name):
        write(*page)
    target.finish(name)


def write_spec(name, collection):
    spec = work / "between-stores.json"
    spec.write_text(json.dumps({
        "name": name, "source": source.spec(source_name),
        "target": getattr(target, "target_spec", target.spec)(collection),
        # An index asked for by hand may find less than the source, and that is not what is measured.
        "quality": {"minRecall": 0.9}}))
    return spec


def vecferry_command(verb="run"):
    shutil.rmtree(work / "vecferry", ignore_errors=True)
    spec = write_spec("benchmark", target_name("vecferry"))
    return [str(here.parent / "vecferry"), verb, str(spec), "--archive", str(work / "vecferry")]


def heap():
    return {"VECFERRY_JAVA_OPTIONS": f"-Xmx{options.heap} {os.environ.get('VECFERRY_JAVA_OPTIONS', '')}"}


def environment(more):
    found = dict(os.environ, **more)
    found.pop("TEMPORAL_ADDRESS", None)
    return found


class Worker:
    """A worker that has run the migration once, on the service that TEMPORAL_ADDRESS names."""

    def __init__(self):
        if not os.environ.get("TEMPORAL_ADDRESS"):
            sys.exit('vecferry-worker needs a Temporal service: deploy/local/up temporal, then eval "$(deploy/local/env)"')
        self.archive = work / "vecferry-worker"
        shutil.rmtree(self.archive, ignore_errors=True)
        self.log = open(work / "vecferry-worker-process.log", "w")
        command = [here.parent / "vecferry", "worker", "--archive", self.archive]
        self.process = subprocess.Popen(command, env=dict(os.environ, **heap()), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        atexit.register(self.stop)
        if not self.run("warm")[1]:
            sys.exit((work / "vecferry-worker.log").read_text())
        target.drop(target_name("warm"))

    def run(self, who):
        command = [here.parent / "vecferry", "run", write_spec(f"benchmark-{time.time_ns()}", target_name(who)), "--archive", self.archive]
        return measure.run([str(word) for word in command], work / "vecferry-worker.log", options.source, options.target, dict(os.environ))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / measure.TICK + (measure.cpu_seconds("temporal") or 0)

    def peak_mb(self):
        return int(re.search(r"VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def measured(self):
        before = self.cpu_seconds()
        figures, success = self.run("vecferry-worker")
        figures["client cpu s"] += self.cpu_seconds() - before
        figures["peak MB"] = self.peak_mb()
        return figures, success

    def stop(self):
        self.process.terminate()
        self.process.wait()


@functools.cache
def worker():
    return Worker()


def run_tool(who):
    folder, more = None, {}
    if who == "vecferry-worker":
        return worker().measured()
    if who == "vecferry":
        command, more = vecferry_command(), heap()
    elif who == "python":
        command = [sys.executable, *sys.argv, "--loop"]
    else:
        rivals.prepare(who, target, target_name(who), options.source)
        command, more, folder = rivals.command(who, source, source_name, target, target_name(who))
    return measure.run(command, work / f"{who}.log", options.source, options.target, environment(more), folder)


def measured(who):
    target.drop(target_name(who))
    figures, success = run_tool(who)
    if success:
        keep(who=who, **figures)
        print(f"{who}: " + ", ".join(f"{k} {v:.1f}" for k, v in figures.items()), file=sys.stderr)
        return
    text = (work / f"{who}.log").read_text()
    if who in ("vecferry", "vecferry-worker", "python"):
        sys.exit(f"{who} failed:\n{text}")
    print(f"{who} failed: {text[-300:]}", file=sys.stderr)
    keep(who=who, failed=text[-300:])


def limits():
    start = time.time()
    source.scan(source_name)
    scan = time.time() - start
    name = target_name("ingest")
    target.drop(name)
    target.create(name)
    requests = list(target.requests(name))
    start = time.time()
    target.send(name, requests)
    if options.target not in ("milvus", "qdrant"):
        target.finish(name)
    ingest = time.time() - start
    target.drop(name)
    size, written, read = measure.disk(work / "vecferry", work / "disk")
    figures = {"scan s": scan, "ingest s": ingest, "archive MB": size / 1e6, "disk write s": written, "disk read s": read}
    keep(who="limits", **figures)
    print("limits: " + ", ".join(f"{k} {v:.1f}" for k, v in figures.items()), file=sys.stderr)


def has_written(who):
    """Whether the last that is known of a tool is that it was measured."""
    lines = [json.loads(line) for line in (work / "results.jsonl").read_text().splitlines()]
    return "wall s" in next((line for line in reversed(lines) if line["who"] == who and about.items() <= line.items()), {})


def loading_mb():
    """What Milvus grows by when it loads the collection and nothing else, after a start."""
    from pymilvus import MilvusClient

    client = MilvusClient(uri=target.url)
    for collection in client.list_collections():
        client.release_collection(collection)
    for command in ["down", "up"]:
        subprocess.run([here.parent / "deploy/local" / command, "milvus"], check=True, stdout=subprocess.DEVNULL)
    client = MilvusClient(uri=target.url)
    time.sleep(10)
    before = measure.resident_mb("milvus")
    client.load_collection(target_name("vecferry"))
    time.sleep(10)
    return measure.resident_mb("milvus") - before


def estimate():
    target.drop(target_name("vecferry"))
    command = [*vecferry_command("plan"), "--json"]
    plan = json.loads(subprocess.run(command, env=environment({}), check=True, capture_output=True).stdout)
    measured("vecferry")
    needed = next(need["needed"] for need in plan["forecast"]["needs"] if need["name"] == "target memory") / 2**20
    grown = loading_mb() if options.target == "milvus" else None
    report = json.loads((work / "vecferry/benchmark/reports/report.json").read_text())
    took = {phase["name"]: (phase["finishedMillis"] - phase["startedMillis"]) / 1000 for phase in report["phases"]}
    archive = next(phase["bytes"] for phase in report["phases"] if phase["name"] == "EXPORT") / 1e6
    planned_archive = plan["estimate"]["archiveBytes"] / 1e6
    # Planning is over when its forecast begins.
    total = (report["finishedMillis"] - report["startedMillis"]) / 1000 - took["PLANNING"]
    cells = [f"{planned_archive:.0f} / {archive:.0f} ({planned_archive / archive - 1:+.0%})", f"{needed:.0f} / {grown:.0f} ({needed / max(grown, 1) - 1:+.0%})" if grown else "",
             f"{plan['estimate']['seconds']} / {total:.0f} ({plan['estimate']['seconds'] / total - 1:+.0%})"]
    for line in re.findall(r"^ +(\d+) s: .* about (\d+) (s|min) left", (work / "vecferry.log").read_text(), re.M):
        at, left = int(line[0]), int(line[1]) * (60 if line[2] == "min" else 1)
        cells.append(f"at {at}: {at + left} / {total + took['PLANNING']:.0f} ({(at + left) / (total + took['PLANNING']) - 1:+.0%})")
    print(f"| {options.source} to {options.target} | {options.rows:,} x {options.dimension} | " + " | ".join(cells[:3]) + " | " + "; ".join(cells[3:]) + " |")
    for phase in plan["forecast"]["phases"]:
        print(f"{phase['phase']:16} planned {phase['seconds']:4} s, took {took[phase['phase']]:6.1f} s", file=sys.stderr)
    print((work / "vecferry.log").read_text(), file=sys.stderr)


if options.loop:
    loop()
    sys.exit()
tools = options.tools.split(",") if options.tools else ["vecferry", "python", *rivals.names(options.source, options.target), "limits"]
if options.step in (None, "fill"):
    stores.fill(source, source_name)
if options.estimate:
    estimate()
    sys.exit()
if options.step in (None, "measure"):
    for _ in range(options.runs):
        for who in tools:
            limits() if who == "limits" else measured(who)
if options.step in (None, "check"):
    for who in [who for who in tools if who != "limits" and has_written(who)]:
        lost, changed = stores.lost_and_changed(target, target_name(who))
        keep(who=who, lost=lost, changed=changed)
        target.drop(target_name(who))
        if who in ("vecferry", "vecferry-worker", "python") and lost + changed:
            print(f"{who}: {lost} rows lost, {changed} changed", file=sys.stderr)
if options.step is None:
    subprocess.run([sys.executable, here / "all_pairs.py", "--table", "--work", options.work, "--only", f"{options.source}:{options.target}"], check=True)

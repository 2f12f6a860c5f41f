#!/usr/bin/env python3
"""What a second worker brings: the same migration, Chroma to Qdrant behind links that delay, by one worker and by two that share
nothing but the Temporal service and an archive in S3.

  scale_out.py [--rows 8000] [--dimension 16] [--batch 50] [--parts 16] [--activities 2] [--delay 20] [--runs 3] [--work DIR]

--activities  parts that a worker works on at once
--delay       milliseconds that each piece takes longer to a store, and from it

With the links it is time and not the processor that is short, so that two cores can show it. Needs chroma, qdrant, s3 and temporal
of deploy/local, which it starts. The first migration of each number of workers warms them and is not counted. Prints a table with the
median seconds of each phase.
"""
import argparse, json, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.error, urllib.request

import slow_link

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=8_000)
parser.add_argument("--dimension", type=int, default=16)
parser.add_argument("--batch", type=int, default=50)
parser.add_argument("--parts", type=int, default=16)
parser.add_argument("--activities", type=int, default=2)
parser.add_argument("--delay", type=float, default=20)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
options = parser.parse_args()

local = here.parent / "deploy/local"
work = pathlib.Path(options.work)
work.mkdir(parents=True, exist_ok=True)
servers = subprocess.run([local / "up", "chroma", "qdrant", "s3", "temporal"], check=True, capture_output=True, text=True).stdout
address = dict(line.split() for line in servers.splitlines())
# Buckets of this server are folders.
state = os.environ.get("VECFERRY_SERVERS") or os.path.join(
    os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "vecferry/servers")
bucket = pathlib.Path(state) / f"s3/data/buckets/scale-{os.getpid()}"
bucket.mkdir(parents=True)
environment = dict(
    os.environ, TEMPORAL_ADDRESS=address["temporal"], VECFERRY_ARCHIVE=f"s3://{bucket.name}/archives", VECFERRY_JAVA_OPTIONS="-Xmx512m",
    VECFERRY_S3_ENDPOINT=address["s3"], VECFERRY_S3_ACCESS_KEY="env:BENCHMARK_KEY", BENCHMARK_KEY="vecferry",
    VECFERRY_S3_SECRET_KEY="env:BENCHMARK_SECRET", BENCHMARK_SECRET="vecferry-secret")
vecferry = str(here.parent / "vecferry")
collection = f"scale-{options.rows}x{options.dimension}-{os.getpid()}"


def chroma(method, path, body=None):
    request = urllib.request.Request(
        address["chroma"] + "/api/v2/tenants/default_tenant/databases/default_database/collections" + path, method=method,
        data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request).read() or "null")


def fill():
    import numpy as np
    random = np.random.default_rng(7)
    number = chroma("POST", "", {"name": collection})["id"]
    for start in range(0, options.rows, 500):
        ids = range(start, min(start + 500, options.rows))
        chroma("POST", f"/{number}/add", {
            "ids": [f"id-{i}" for i in ids], "documents": [f"document {i}" for i in ids], "metadatas": [{"number": i} for i in ids],
            "embeddings": random.standard_normal((len(ids), options.dimension), np.float32).tolist()})


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def start_worker(number):
    http = f"127.0.0.1:{free_port()}"
    log = open(work / f"worker-{number}.log", "w")
    command = [vecferry, "worker", "--activities", str(options.activities), "--http", http]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://{http}/readyz")
            return process
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.2)
    sys.exit(f"worker {number} does not start, see {log.name}")


def busy():
    """Seconds that all processors have worked, and could have worked."""
    times = [int(word) for word in open("/proc/stat").readline().split()[1:9]]
    return sum(times) - times[3] - times[4], sum(times)


def migrate(name, source, target):
    spec = work / "scale.yaml"
    spec.write_text(json.dumps({
        "name": name,
        "source": {"type": "chroma", "url": f"http://{source}", "collection": collection},
        "target": {"type": "qdrant", "url": f"http://{target}", "collection": name},
        "export": {"batchSize": options.batch, "partRows": options.rows // options.parts, "parallelism": 2 * options.activities},
        "import": {"batchSize": options.batch},
        "quality": {"sampleSize": 20, "iterations": 1},
        "overlap": False,
    }))
    before = busy()
    run = subprocess.run([vecferry, "run", str(spec)], env=environment, capture_output=True, text=True)
    after = busy()
    if run.returncode:
        sys.exit(f"{name} failed:\n{run.stdout}{run.stderr}")
    report = subprocess.run([vecferry, "report", name, "--json"], env=environment, check=True, capture_output=True).stdout
    report = json.loads(report)
    phases = {phase["name"]: phase for phase in report["phases"]}
    if phases["VALIDATE_IMPORT"]["rows"] != options.rows:
        sys.exit(f"{name}: {phases['VALIDATE_IMPORT']['rows']} records were compared")
    names = {"EXPORT": "export", "VALIDATE_EXPORT": "its check", "IMPORT": "import", "VALIDATE_IMPORT": "comparison"}
    figures = {text: (phases[key]["finishedMillis"] - phases[key]["startedMillis"]) / 1000 for key, text in names.items()}
    figures["whole migration"] = (report["finishedMillis"] - report["startedMillis"]) / 1000
    figures["processors busy, %"] = 100 * (after[0] - before[0]) / (after[1] - before[1])
    return figures


workers = []
figures = {1: [], 2: []}
try:
    fill()
    links = [slow_link.start(address[name].rpartition("/")[2], options.delay) for name in ("chroma", "qdrant")]
    for count in figures:
        workers.append(start_worker(count))
        for number in range(options.runs + 1):
            figure = migrate(f"scale-{os.getpid()}-{count}-{number}", *links)
            if number > 0:
                figures[count].append(figure)
            print(f"{count} workers, run {number}: " + ", ".join(f"{k} {v:.1f}" for k, v in figure.items()), file=sys.stderr)
finally:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.wait()
    shutil.rmtree(bucket)

print(f"{options.rows:,} x {options.dimension} in {options.parts} parts, {options.delay:.0f} ms each way, {options.activities} parts at once in a worker, "
      f"median of {options.runs} runs, seconds\n")
print("| | one worker | two workers | ratio |\n|---|---|---|---|")
for key in figures[1][0]:
    one, two = (statistics.median(figure[key] for figure in figures[count]) for count in (1, 2))
    print(f"| {key} | {one:.1f} | {two:.1f} | {one / two if two else 1:.2f} |")

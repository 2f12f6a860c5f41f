#!/usr/bin/env python3
"""vecferry against a Python loop: Chroma to Milvus, IVF_FLAT with IP, in turn, several times, results checked row by row.

  chroma_to_milvus.py [--rows 50000] [--dimension 768] [--runs 3] [--heap 1g] [--work DIR]

The loop is the one of the migration guide: the chromadb client gets 1000 records, pymilvus inserts them, then flush, index
and load; it proves nothing. Limits: the scan is the fastest reading of Chroma that a client can do (two connections, bodies
thrown away); the ingest is pymilvus with whole columns from memory (flush, index and load included).

Needs numpy, chromadb-client and pymilvus, and the servers of deploy/local/up chroma milvus.
"""
import argparse, concurrent.futures, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time, urllib.request

import numpy as np

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=50_000)
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--heap", default="1g")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--chroma", default=os.environ.get("CHROMA_URL"))
parser.add_argument("--milvus", default=os.environ.get("MILVUS_URL"))
parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
options = parser.parse_args()
if not options.chroma or not options.milvus:
    sys.exit('Set CHROMA_URL and MILVUS_URL: deploy/local/up chroma milvus; eval "$(deploy/local/env)"')

BATCH = 1000
NLIST, NPROBE = 128, 128
work = pathlib.Path(options.work)
work.mkdir(parents=True, exist_ok=True)
source = f"benchmark-{options.rows}x{options.dimension}"
address = f"{options.chroma}/api/v2/tenants/default_tenant/databases/default_database/collections"


def call(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        return response.read()


def chroma_id():
    return json.loads(call("GET", f"{address}/{source}"))["id"]


def vectors():
    random = np.random.default_rng(7)
    values = random.standard_normal((options.rows, options.dimension), dtype=np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def metadata(n):
    return {"category": "abcdefgh"[n % 8], "rank": n, "score": n / 8, "language": "en", "title": f"Record number {n}"}


def fill():
    try:
        if int(call("GET", f"{address}/{chroma_id()}/count")) == options.rows:
            return
        call("DELETE", f"{address}/{source}")
    except urllib.error.HTTPError:
        pass
    made = json.loads(call("POST", address, {"name": source, "configuration": {"hnsw": {"space": "ip"}}}))
    values = vectors()
    for start in range(0, options.rows, BATCH):
        end = min(options.rows, start + BATCH)
        call("POST", f"{address}/{made['id']}/add", {
            "ids": [f"id-{n}" for n in range(start, end)],
            "embeddings": values[start:end].tolist(),
            "documents": [f"This is the text of record {n}, which says little." for n in range(start, end)],
            "metadatas": [metadata(n) for n in range(start, end)],
        })
        print(f"filling Chroma: {end}", end="\r", file=sys.stderr)


def milvus():
    from pymilvus import MilvusClient
    return MilvusClient(uri=options.milvus)


def create(client, name):
    from pymilvus import DataType
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=512)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=options.dimension)
    schema.add_field("document", DataType.VARCHAR, max_length=65535)
    client.create_collection(name, schema=schema)


def finish(client, name):
    client.flush(name)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="IVF_FLAT", metric_type="IP", params={"nlist": NLIST})
    client.create_index(name, index)
    client.load_collection(name)


def loop():
    """What a Python user writes."""
    import chromadb
    host, port = options.chroma.rsplit("/", 1)[1].split(":")
    collection = chromadb.HttpClient(host=host, port=int(port)).get_collection(source)
    client = milvus()
    create(client, "benchmark_python")
    for start in range(0, options.rows, BATCH):
        got = collection.get(limit=BATCH, offset=start, include=["embeddings", "documents", "metadatas"])
        client.insert("benchmark_python", [
            {"id": got["ids"][n], "vector": got["embeddings"][n], "document": got["documents"][n], **got["metadatas"][n]}
            for n in range(len(got["ids"]))
        ])
    finish(client, "benchmark_python")


def scan():
    ids = [f"id-{n}" for n in range(options.rows)]
    url = f"{address}/{chroma_id()}/get"
    pages = [ids[start:start + BATCH] for start in range(0, options.rows, BATCH)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda page: call("POST", url, {"ids": page, "include": ["embeddings", "documents", "metadatas"]}), pages))


def ingest():
    from pymilvus import Collection, connections
    values = vectors()
    client = milvus()
    create(client, "benchmark_ingest")
    connections.connect(uri=options.milvus)
    collection = Collection("benchmark_ingest")
    start_time = time.time()
    for start in range(0, options.rows, 5000):
        end = min(options.rows, start + 5000)
        collection.insert([
            [f"id-{n}" for n in range(start, end)], values[start:end],
            [f"This is the text of record {n}, which says little." for n in range(start, end)],
        ])
    finish(client, "benchmark_ingest")
    return time.time() - start_time


def vecferry():
    shutil.rmtree(work / "vecferry", ignore_errors=True)
    spec = work / "chroma-to-milvus.json"
    spec.write_text(json.dumps({
        "name": "benchmark",
        "source": {"type": "chroma", "url": options.chroma, "collection": source},
        "target": {"store_type": "milvus", "url": options.milvus, "collection_name": "benchmark_vecferry",
                   "dimension": options.dimension, "index_type": "IVF_FLAT", "metric_type": "IP",
                   "params": {"nlist": NLIST, "nprobe": NPROBE}},
    }))
    return [str(here.parent / "vecferry"), "run", str(spec), "--archive", str(work / "vecferry")]


def timed(name):
    client = milvus()
    if client.has_collection(f"benchmark_{name}"):
        client.drop_collection(f"benchmark_{name}")
    command = vecferry() if name == "vecferry" else [sys.executable, *sys.argv, "--loop", "--chroma", options.chroma, "--milvus", options.milvus]
    environment = dict(os.environ, VECFERRY_JAVA_OPTIONS=f"-Xmx{options.heap}")
    environment.pop("TEMPORAL_ADDRESS", None)
    start = time.time()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{name} failed:\n{errors}")
    if name == "vecferry":
        phases.append(errors)
    return {"wall s": time.time() - start, "cpu s": usage.ru_utime + usage.ru_stime, "peak MB": usage.ru_maxrss / 1024}


def differences(name):
    """Rows that are not as they were made, by pymilvus alone."""
    client = milvus()
    values = vectors()
    wrong = 0
    key = "id" if name == "python" else next(f["name"] for f in client.describe_collection(f"benchmark_{name}")["fields"] if f.get("is_primary"))
    for start in range(0, options.rows, BATCH):
        wanted = {f"id-{n}": n for n in range(start, min(options.rows, start + BATCH))}
        rows = client.get(f"benchmark_{name}", ids=list(wanted), output_fields=["*"])
        wrong += len(wanted) - len(rows)
        for row in rows:
            n = wanted[row[key]]
            same = np.array_equal(np.asarray(row["vector"], np.float32).view(np.uint32), values[n].view(np.uint32))
            same &= all(row.get(k) == v and type(row.get(k)) is type(v) for k, v in metadata(n).items())
            wrong += not same
    return wrong + abs(client.query(f"benchmark_{name}", output_fields=["count(*)"])[0]["count(*)"] - options.rows)


if options.loop:
    loop()
    sys.exit()
fill()
phases = []
names = ["vecferry", "python"]
figures = {name: [] for name in names}
limits = {"scan": [], "ingest": []}
for number in range(options.runs):
    for name in names:
        figures[name].append(timed(name))
        print(f"run {number} {name}: " + ", ".join(f"{k} {v:.1f}" for k, v in figures[name][-1].items()), file=sys.stderr)
    start = time.time()
    scan()
    limits["scan"].append(time.time() - start)
    if milvus().has_collection("benchmark_ingest"):
        milvus().drop_collection("benchmark_ingest")
    limits["ingest"].append(ingest())
    print(f"run {number} limits: " + ", ".join(f"{k} {v[-1]:.1f} s" for k, v in limits.items()), file=sys.stderr)

wrong = {name: differences(name) for name in names}
print(f"Chroma to Milvus, {options.rows} x {options.dimension}, median of {options.runs} runs\n")
print("| | wall s | cpu s | peak MB | rows/s | rows wrong |\n|---|---|---|---|---|---|")
median = {name: {key: statistics.median(f[key] for f in figures[name]) for key in figures[name][0]} for name in names}
for name in names:
    cells = [f"{value:.1f}" for value in median[name].values()]
    print(f"| {name} | " + " | ".join(cells) + f" | {options.rows / median[name]['wall s']:,.0f} | {wrong[name]} |")
print("| vecferry / python | " + " | ".join(f"{median['vecferry'][k] / median['python'][k]:.2f}" for k in median["vecferry"]) + " | | |")
limit = {name: statistics.median(times) for name, times in limits.items()}
for name, seconds in limit.items():
    print(f"| limit: {name} | {seconds:.1f} | | | {options.rows / seconds:,.0f} | |")
print(f"| vecferry / max(scan, ingest) | {median['vecferry']['wall s'] / max(limit.values()):.2f} | | | | |")
print("\nPhases of the last vecferry run:\n\n```\n" + phases[-1].strip() + "\n```")

#!/usr/bin/env python3
"""vecferry against others, from one store to another, in turn, several times, results checked row by row.

  between_stores.py SOURCE TARGET [--rows 50000] [--dimension 768] [--runs 3] [--shards 1] [--rival FILE]

SOURCE is chroma, elasticsearch or faiss; TARGET is milvus or qdrant.

The others:
- python: the loop that a user writes, as in the migration guide: 1000 records from the one client, 1000 to the other, then
  flush, index and load where the store wants it; it proves nothing.
- migration-50, migration-256: qdrant/migration with these batch sizes, when --rival names its binary and TARGET is qdrant.
  Its FAISS path runs in its module's folder: name that with --rival-folder, and a Python environment with what its
  requirements.txt asks for with --rival-python.

Limits, in the same runs: the scan reads the source as fast as a client can (two connections, bodies thrown away); the ingest
writes prepared batches (two connections, flush, index and load included).

--estimate runs nothing but vecferry: rows of a table of what its plan says and what comes of it, and of how long it says, while it
works, that it will take. Memory is what a server that was just started grows by when the collection is loaded, so Milvus is
restarted; the other has no such moment.

Needs numpy and the clients of the stores, and servers: deploy/local/up, then eval "$(deploy/local/env)".
"""
import argparse, base64, concurrent.futures, functools, json, os, pathlib, re, shutil, statistics, subprocess, sys, tempfile, time
import urllib.error, urllib.request

import numpy as np

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("source", choices=["chroma", "elasticsearch", "faiss"])
parser.add_argument("target", choices=["milvus", "qdrant"])
parser.add_argument("--rows", type=int, default=50_000)
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--shards", type=int, default=1, help="of the Elasticsearch index")
parser.add_argument("--heap", default="1g")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--rival")
parser.add_argument("--rival-folder")
parser.add_argument("--rival-python")
parser.add_argument("--fill", action="store_true", help="fill the source and stop")
parser.add_argument("--estimate", action="store_true", help="what vecferry's plan says, beside what came of it, and stop")
parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
options = parser.parse_args()

BATCH = 1000
NLIST, NPROBE = 128, 16
work = pathlib.Path(options.work)
work.mkdir(parents=True, exist_ok=True)
rows, dimension = options.rows, options.dimension
name = f"benchmark-{rows}x{dimension}"


def address(variable):
    if not os.environ.get(variable):
        sys.exit(f"{variable} is not set: start the server with deploy/local/up, then eval \"$(deploy/local/env)\"")
    return os.environ[variable]


def call(method, url, body=None, kind="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=300) as response:
        return response.read()


def is_missing(url):
    try:
        call("GET", url)
        return False
    except urllib.error.HTTPError as e:
        return e.code == 404


@functools.cache
def vectors():
    """In clusters of about a hundred, as embeddings are; vectors without any order have no index that finds them."""
    random = np.random.default_rng(7)
    centres = random.standard_normal((max(1, rows // 100), dimension), dtype=np.float32)
    values = random.standard_normal((rows, dimension), dtype=np.float32)
    values *= 0.7
    values += centres[random.integers(0, len(centres), rows)]
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def metadata(n):
    return {"category": "abcdefgh"[n % 8], "rank": n, "score": n / 8, "language": "en", "title": f"Record number {n}"}


def document(n):
    return f"This is the text of record {n}, which says little."


def batches(size=BATCH):
    return [range(start, min(rows, start + size)) for start in range(0, rows, size)]


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(function, items))


class Chroma:
    has_text = True

    def __init__(self):
        self.url = address("CHROMA_URL")
        self.collections = f"{self.url}/api/v2/tenants/default_tenant/databases/default_database/collections"
        self.spec = {"type": "chroma", "url": self.url, "collection": name}

    def id(self):
        return json.loads(call("GET", f"{self.collections}/{name}"))["id"]

    def fill(self):
        if not is_missing(f"{self.collections}/{name}"):
            if int(call("GET", f"{self.collections}/{self.id()}/count")) == rows:
                return
            call("DELETE", f"{self.collections}/{name}")
        made = json.loads(call("POST", self.collections, {"name": name, "configuration": {"hnsw": {"space": "ip"}}}))
        for batch in batches():
            call("POST", f"{self.collections}/{made['id']}/add", {
                "ids": [f"id-{n}" for n in batch],
                "embeddings": [base64.b64encode(vectors()[n].tobytes()).decode() for n in batch],
                "documents": [document(n) for n in batch],
                "metadatas": [metadata(n) for n in batch],
            })

    def scan(self):
        url = f"{self.collections}/{self.id()}/get"
        in_parallel(lambda batch: call("POST", url, {
            "ids": [f"id-{n}" for n in batch], "include": ["embeddings", "documents", "metadatas"]}), batches())

    def read(self):
        import chromadb
        host, port = self.url.rsplit("/", 1)[1].split(":")
        collection = chromadb.HttpClient(host=host, port=int(port)).get_collection(name)
        for start in range(0, rows, BATCH):
            got = collection.get(limit=BATCH, offset=start, include=["embeddings", "documents", "metadatas"])
            yield got["ids"], got["embeddings"], got["documents"], got["metadatas"]

    def rival(self):
        return ["chroma", "--chroma.collection", name, "--chroma.url", self.url, "--qdrant.distance-metric", "dot"]


class Elasticsearch:
    has_text = True

    def __init__(self):
        self.url = address("ELASTICSEARCH_8_URL")
        self.index = f"{name}-{options.shards}"
        self.spec = {"type": "elasticsearch", "url": self.url, "collection": self.index}

    def fill(self):
        if not is_missing(f"{self.url}/{self.index}"):
            if json.loads(call("GET", f"{self.url}/{self.index}/_count"))["count"] == rows:
                return
            call("DELETE", f"{self.url}/{self.index}")
        call("PUT", f"{self.url}/{self.index}", {
            "settings": {"number_of_shards": options.shards, "number_of_replicas": 0, "refresh_interval": "-1"},
            "mappings": {"properties": {
                "vector": {"type": "dense_vector", "dims": dimension, "similarity": "dot_product", "index": True, "index_options": {"type": "flat"}},
                "category": {"type": "keyword"}, "text": {"type": "text", "index": False}}},
        })
        for batch in batches():
            lines = []
            for n in batch:
                lines.append(json.dumps({"index": {"_id": f"id-{n}"}}))
                lines.append(json.dumps({"vector": vectors()[n].tolist(), "text": document(n), **metadata(n)}))
            answer = json.loads(call("POST", f"{self.url}/{self.index}/_bulk", ("\n".join(lines) + "\n").encode(), "application/x-ndjson"))
            assert not answer["errors"], answer
        call("POST", f"{self.url}/{self.index}/_refresh")

    def pages(self, pit, number, slices):
        after = None
        while True:
            body = {"size": BATCH, "pit": {"id": pit, "keep_alive": "5m"}, "sort": [{"_shard_doc": "asc"}], "track_total_hits": False}
            if slices > 1:
                body["slice"] = {"id": number, "max": slices}
            if after:
                body["search_after"] = after
            text = call("POST", f"{self.url}/_search", body)
            if b'"hits":[]' in text:
                return
            # The last sort value, without parsing the page.
            after = json.loads(text[text.rindex(b'"sort":') + 7:].split(b"}")[0])
            yield text

    def pit(self):
        return json.loads(call("POST", f"{self.url}/{self.index}/_pit?keep_alive=5m"))["id"]

    def scan(self):
        pit = self.pit()
        in_parallel(lambda number: [None for _ in self.pages(pit, number, 2)], range(2))

    def read(self):
        for text in self.pages(self.pit(), 0, 1):
            hits = json.loads(text)["hits"]["hits"]
            texts, values, more = [], [], []
            for hit in hits:
                record = hit["_source"]
                values.append(record.pop("vector"))
                texts.append(record.pop("text"))
                more.append(record)
            yield [hit["_id"] for hit in hits], values, texts, more

    def rival(self):
        return ["elasticsearch", "--elasticsearch.url", self.url, "--elasticsearch.index", self.index]


class Faiss:
    has_text = False

    def __init__(self):
        self.path = work / f"{name}.faiss"
        self.spec = {"type": "faiss", "path": str(self.path)}

    def fill(self):
        import faiss
        if not self.path.exists():
            index = faiss.IndexFlatIP(dimension)
            index.add(vectors())
            faiss.write_index(index, str(self.path))

    def scan(self):
        import faiss
        faiss.read_index(str(self.path)).reconstruct_n(0, rows)

    def read(self):
        import faiss
        index = faiss.read_index(str(self.path))
        for batch in batches():
            yield list(batch), index.reconstruct_n(batch.start, len(batch)), None, None

    def rival(self):
        return ["faiss", "--faiss.index-path", str(self.path), "--qdrant.distance-metric", "dot"]


class Milvus:
    def __init__(self, source):
        from pymilvus import MilvusClient
        self.url = address("MILVUS_URL")
        self.client = MilvusClient(uri=self.url)
        self.source = source

    def collection(self, who):
        return f"benchmark_{who}".replace("-", "_")

    def spec(self, who):
        more = {"partitionKey": "category"} if options.source == "elasticsearch" else {}
        return {"store_type": "milvus", "url": self.url, "collection_name": self.collection(who), "dimension": dimension,
                "index_type": "IVF_FLAT", "metric_type": "IP", "params": {"nlist": NLIST, "nprobe": NPROBE}, **more}

    def drop(self, who):
        if self.client.has_collection(self.collection(who)):
            self.client.drop_collection(self.collection(who))

    def create(self, who):
        from pymilvus import DataType
        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=True)
        if self.source.has_text:
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=512)
            schema.add_field("document", DataType.VARCHAR, max_length=65535)
            if options.source == "elasticsearch":
                schema.add_field("category", DataType.VARCHAR, max_length=64, is_partition_key=True)
        else:
            schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        self.client.create_collection(self.collection(who), schema=schema)

    def write(self, who, ids, values, texts, more):
        self.client.insert(self.collection(who), [
            {"id": ids[n], "vector": values[n], **({} if texts is None else {"document": texts[n], **more[n]})} for n in range(len(ids))])

    def finish(self, who):
        self.client.flush(self.collection(who))
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="IVF_FLAT", metric_type="IP", params={"nlist": NLIST})
        self.client.create_index(self.collection(who), index)
        self.client.load_collection(self.collection(who))

    def ingest(self):
        from pymilvus import Collection, connections
        self.create("ingest")
        connections.connect(uri=self.url)
        collection = Collection(self.collection("ingest"))
        def columns(batch):
            if not self.source.has_text:
                return [list(batch), vectors()[batch.start:batch.stop]]
            category = [[metadata(n)["category"] for n in batch]] if options.source == "elasticsearch" else []
            return [[f"id-{n}" for n in batch], [document(n) for n in batch], *category, vectors()[batch.start:batch.stop]]
        prepared = [columns(batch) for batch in batches(5000)]
        start = time.time()
        in_parallel(collection.insert, prepared)
        self.finish("ingest")
        return time.time() - start

    def wrong(self, who):
        collection = self.collection(who)
        fields = self.client.describe_collection(collection)["fields"]
        key = next(field["name"] for field in fields if field.get("is_primary"))
        vector = next(field["name"] for field in fields if field["type"] == 101)
        wrong = 0
        for batch in batches():
            wanted = {(f"id-{n}" if self.source.has_text else n): n for n in batch}
            found = self.client.get(collection, ids=list(wanted), output_fields=["*"])
            wrong += len(wanted) - len(found)
            for record in found:
                n = wanted[record[key]]
                same = np.array_equal(np.asarray(record[vector], np.float32).view(np.uint32), vectors()[n].view(np.uint32))
                if self.source.has_text:
                    same &= all(record.get(k) == v and type(record.get(k)) is type(v) for k, v in metadata(n).items())
                wrong += not same
        return wrong + abs(self.client.query(collection, output_fields=["count(*)"])[0]["count(*)"] - rows)


class Qdrant:
    def __init__(self, source):
        from qdrant_client import QdrantClient
        self.url = address("QDRANT_URL")
        self.port = int(self.url.rsplit(":", 1)[1])
        self.client = QdrantClient(host="127.0.0.1", grpc_port=self.port, prefer_grpc=True, check_compatibility=False, timeout=300)
        self.source = source

    def spec(self, who):
        return {"type": "qdrant", "url": self.url, "collection": f"benchmark_{who}"}

    def drop(self, who):
        self.client.delete_collection(f"benchmark_{who}")
        self.client.delete_collection("_migration_offsets")

    def create(self, who, field=None):
        from qdrant_client import models
        config = models.VectorParams(size=dimension, distance=models.Distance.DOT)
        self.client.create_collection(f"benchmark_{who}", vectors_config={field: config} if field else config)

    def points(self, ids, values, texts, more):
        from qdrant_client import models
        import uuid
        if texts is None:
            return models.Batch(ids=ids, vectors=values.tolist(), payloads=None)
        return models.Batch(
            ids=[str(uuid.uuid5(uuid.NAMESPACE_URL, i)) for i in ids], vectors=np.asarray(values, np.float32).tolist(),
            payloads=[{"id": ids[n], "document": texts[n], **more[n]} for n in range(len(ids))])

    def write(self, who, *record):
        self.client.upsert(f"benchmark_{who}", self.points(*record))

    def finish(self, who):
        pass

    def ingest(self):
        from qdrant_client.conversions.conversion import RestToGrpc
        from qdrant_client import grpc
        import grpc as transport
        self.create("ingest")
        def request(batch):
            points = [
                grpc.PointStruct(
                    id=grpc.PointId(num=n), vectors=grpc.Vectors(vector=grpc.Vector(data=vectors()[n])),
                    payload=RestToGrpc.convert_payload({"document": document(n), **metadata(n)}) if self.source.has_text else None)
                for n in batch]
            return grpc.UpsertPoints(collection_name="benchmark_ingest", wait=True, points=points)
        prepared = [request(batch) for batch in batches(BATCH)]
        with transport.insecure_channel(f"127.0.0.1:{self.port}", options=[("grpc.max_send_message_length", -1)]) as channel:
            stub = grpc.PointsStub(channel)
            start = time.time()
            in_parallel(stub.Upsert, prepared)
            return time.time() - start

    def wrong(self, who):
        from qdrant_client import models
        collection = f"benchmark_{who}"
        wrong, seen, offset = 0, set(), None
        while True:
            found, offset = self.client.scroll(collection, limit=BATCH, offset=offset, with_payload=True, with_vectors=True)
            for point in found:
                payload = point.payload or {}
                if self.source.has_text:
                    n = int(str(payload.get("title", "number -1")).rsplit(" ", 1)[1])
                    # A rival may nest the metadata.
                    nested = payload.get("metadata") if isinstance(payload.get("metadata"), dict) else payload
                    same = all(nested.get(k) == v and type(nested.get(k)) is type(v) for k, v in metadata(n).items())
                else:
                    n, same = point.id, True
                vector = next(iter(point.vector.values())) if isinstance(point.vector, dict) else point.vector
                same &= 0 <= n < rows and np.array_equal(
                    np.asarray(vector, np.float32).view(np.uint32), vectors()[n].view(np.uint32))
                seen.add(n)
                wrong += not same
            if offset is None:
                return wrong + rows - len(seen & set(range(rows)))


source = {"chroma": Chroma, "elasticsearch": Elasticsearch, "faiss": Faiss}[options.source]()
target = {"milvus": Milvus, "qdrant": Qdrant}[options.target](source)


def loop():
    target.create("python")
    for record in source.read():
        target.write("python", *record)
    target.finish("python")


def command_of(who):
    if who == "python":
        return [sys.executable, *sys.argv, "--loop"], {}, None
    if who == "vecferry":
        shutil.rmtree(work / "vecferry", ignore_errors=True)
        spec = work / "between-stores.json"
        spec.write_text(json.dumps({"name": "benchmark", "source": source.spec, "target": target.spec(who),
                                    # An index asked for by hand may find less than the source, and that is not what is measured.
                                    "quality": {"minRecall": 0.9}}))
        command = [str(here.parent / "vecferry"), "run", str(spec), "--archive", str(work / "vecferry")]
        return command, {"VECFERRY_JAVA_OPTIONS": f"-Xmx{options.heap}"}, None
    command = [options.rival, *source.rival(), "--qdrant.url", target.url, "--qdrant.collection", f"benchmark_{who}",
               "--migration.batch-size", who.rsplit("-", 1)[1], "--migration.create-collection"]
    if options.source == "elasticsearch":
        # It does not make the collection of this path itself, and names the vector after its field.
        target.create(who, "vector")
        command.remove("--migration.create-collection")
    return command, {"VIRTUAL_ENV": options.rival_python or ""}, options.rival_folder


def timed(who):
    target.drop(who)
    command, more, folder = command_of(who)
    environment = dict(os.environ, **more)
    environment.pop("TEMPORAL_ADDRESS", None)
    with open(work / f"{who}.log", "w+") as log:
        start = time.time()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.time() - start
    if status != 0:
        text = (work / f"{who}.log").read_text()
        if who in ("vecferry", "python"):
            sys.exit(f"{who} failed:\n{text}")
        print(f"{who} failed: {text[-300:]}", file=sys.stderr)
        return None
    return {"wall s": wall, "cpu s": usage.ru_utime + usage.ru_stime, "peak MB": usage.ru_maxrss / 1024}


def resident_mb(store):
    """Of the server and what it has started, as deploy/local runs it."""
    state = pathlib.Path(os.environ.get("XDG_STATE_HOME", pathlib.Path.home() / ".local/state"))
    servers = pathlib.Path(os.environ.get("VECFERRY_SERVERS", state / "vecferry/servers"))
    pids, kilobytes = {(servers / store / "pid").read_text().split()[0]}, 0
    for process in sorted((entry for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()), key=lambda entry: int(entry.name)):
        try:
            status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if process.name in pids or status["PPid"].strip() in pids:
            pids.add(process.name)
            kilobytes += int(status.get("VmRSS", "0").split()[0])
    return kilobytes / 1024


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
    before = resident_mb("milvus")
    client.load_collection(target.collection("vecferry"))
    time.sleep(10)
    return resident_mb("milvus") - before


def estimate():
    target.drop("vecferry")
    command, more, _ = command_of("vecferry")
    environment = dict(os.environ, **more)
    environment.pop("TEMPORAL_ADDRESS", None)
    plan = json.loads(subprocess.run([command[0], "plan", *command[2:], "--json"], env=environment, check=True, capture_output=True).stdout)
    shutil.rmtree(work / "vecferry", ignore_errors=True)
    timed("vecferry")
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
    print(f"| {options.source} to {options.target} | {rows:,} x {dimension} | " + " | ".join(cells[:3]) + " | " + "; ".join(cells[3:]) + " |")
    for phase in plan["forecast"]["phases"]:
        print(f"{phase['phase']:16} planned {phase['seconds']:4} s, took {took[phase['phase']]:6.1f} s", file=sys.stderr)
    print((work / "vecferry.log").read_text(), file=sys.stderr)


if options.loop:
    loop()
    sys.exit()
source.fill()
if options.fill:
    sys.exit()
if options.estimate:
    estimate()
    sys.exit()
people = ["vecferry", "python"]
if options.rival and options.target == "qdrant":
    people += ["migration-50", "migration-256"]
figures = {who: [] for who in people}
limits = {"scan": [], "ingest": []}
for number in range(options.runs):
    for who in list(people):
        figure = timed(who)
        if figure is None:
            people.remove(who)
            continue
        figures[who].append(figure)
        print(f"run {number} {who}: " + ", ".join(f"{k} {v:.1f}" for k, v in figure.items()), file=sys.stderr)
    start = time.time()
    source.scan()
    limits["scan"].append(time.time() - start)
    target.drop("ingest")
    limits["ingest"].append(target.ingest())
    print(f"run {number} limits: " + ", ".join(f"{k} {v[-1]:.1f} s" for k, v in limits.items()), file=sys.stderr)

wrong = {who: target.wrong(who) for who in people}
shards = f" ({options.shards} shards)" if options.source == "elasticsearch" else ""
print(f"{options.source}{shards} to {options.target}, {rows} x {dimension}, median of {options.runs} runs\n")
print("| | wall s | cpu s | peak MB | rows/s | rows wrong |\n|---|---|---|---|---|---|")
median = {who: {key: statistics.median(f[key] for f in figures[who]) for key in figures[who][0]} for who in people}
for who in people:
    cells = [f"{value:.1f}" for value in median[who].values()]
    print(f"| {who} | " + " | ".join(cells) + f" | {rows / median[who]['wall s']:,.0f} | {wrong[who]} |")
for who in people[1:]:
    print(f"| vecferry / {who} | " + " | ".join(f"{median['vecferry'][k] / median[who][k]:.2f}" for k in median["vecferry"]) + " | | |")
limit = {what: statistics.median(times) for what, times in limits.items()}
for what, seconds in limit.items():
    print(f"| limit: {what} | {seconds:.1f} | | | {rows / seconds:,.0f} | |")
print(f"| vecferry / max(scan, ingest) | {median['vecferry']['wall s'] / max(limit.values()):.2f} | | | | |")
print(f"\nThe last vecferry run:\n\n```\n{(work / 'vecferry.log').read_text().strip()[-3000:]}\n```")

"""The stores, as a benchmark needs each of them: filled, read and written as fast as a client can, read and written as a user's
loop does, and looked into row by row. Addresses are those that deploy/local/env prints."""
import base64, concurrent.futures, functools, http.client, json, os, pathlib, sys, threading, urllib.error, urllib.request, uuid

import numpy as np

BATCH = 1000
NLIST, NPROBE = 128, 16


class Data:
    """What is moved. FAISS has numbers and vectors only; of the others each record has an id, a text and metadata too."""

    def __init__(self, rows, dimension, has_text):
        self.rows, self.dimension, self.has_text = rows, dimension, has_text

    @functools.cached_property
    def vectors(self):
        """In clusters of about a hundred, as embeddings are; vectors without any order have no index that finds them."""
        random = np.random.default_rng(7)
        centres = random.standard_normal((max(1, self.rows // 100), self.dimension), dtype=np.float32)
        values = random.standard_normal((self.rows, self.dimension), dtype=np.float32)
        values *= 0.7
        values += centres[random.integers(0, len(centres), self.rows)]
        return values / np.linalg.norm(values, axis=1, keepdims=True)

    def metadata(self, n):
        return {"category": "abcdefgh"[n % 8], "rank": n, "score": n / 8, "language": "en", "title": f"Record number {n}"}

    def document(self, n):
        return f"This is the text of record {n}, which says little."

    def batches(self, size=BATCH):
        return [range(start, min(self.rows, start + size)) for start in range(0, self.rows, size)]


def address(variable):
    if not os.environ.get(variable):
        sys.exit(f"{variable} is not set: start the server with deploy/local/up, then eval \"$(deploy/local/env)\"")
    return os.environ[variable]


connections = threading.local()


def call(method, url, body=None, kind="application/json"):
    """One connection for each thread and server, kept open."""
    host, _, path = url.split("//", 1)[1].partition("/")
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    kept = connections.__dict__.setdefault("of", {})
    for attempt in range(2):
        connection = kept.setdefault(host, http.client.HTTPConnection(host, timeout=300))
        try:
            connection.request(method, "/" + path, data, {"Content-Type": kind})
            response = connection.getresponse()
            break
        except (http.client.RemoteDisconnected, ConnectionError):
            kept.pop(host).close()
            if attempt:
                raise
    answer = response.read()
    if response.status >= 400:
        raise urllib.error.HTTPError(url, response.status, answer[:500].decode(errors="replace"), response.headers, None)
    return answer


def call_if_there(method, url):
    try:
        return call(method, url)
    except urllib.error.HTTPError as e:
        if e.code != 404:
            raise


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(function, items))


def joined(texts, more):
    """One flat object per record, as a loop writes where there is no place for a text."""
    return [{"document": text, **metadata} for text, metadata in zip(texts, more)]


class Chroma:
    def __init__(self, data, server):
        self.data, self.url = data, address("CHROMA_URL")
        self.collections = f"{self.url}/api/v2/tenants/default_tenant/databases/default_database/collections"

    def spec(self, collection):
        return {"type": "chroma", "url": self.url, "collection": collection}

    def of(self, collection):
        return f"{self.collections}/{json.loads(call('GET', f'{self.collections}/{collection}'))['id']}"

    def count(self, collection):
        return int(call("GET", f"{self.of(collection)}/count")) if call_if_there("GET", f"{self.collections}/{collection}") else 0

    def drop(self, collection):
        call_if_there("DELETE", f"{self.collections}/{collection}")

    def create(self, collection):
        call("POST", self.collections, {"name": collection, "configuration": {"hnsw": {"space": "ip"}}})

    def requests(self, collection):
        for batch in self.data.batches():
            yield json.dumps({
                "ids": [f"id-{n}" for n in batch],
                "embeddings": [base64.b64encode(self.data.vectors[n].tobytes()).decode() for n in batch],
                "documents": [self.data.document(n) for n in batch] if self.data.has_text else None,
                "metadatas": [self.data.metadata(n) for n in batch] if self.data.has_text else None,
            }).encode()

    def send(self, collection, requests):
        url = f"{self.of(collection)}/upsert"
        in_parallel(lambda body: call("POST", url, body), requests)

    def scan(self, collection):
        url = f"{self.of(collection)}/get"
        in_parallel(lambda batch: call("POST", url, {
            "ids": [f"id-{n}" for n in batch], "include": ["embeddings", "documents", "metadatas"]}), self.data.batches())

    def client(self):
        import chromadb
        host, port = self.url.rsplit("/", 1)[1].split(":")
        return chromadb.HttpClient(host=host, port=int(port))

    def read(self, collection):
        found = self.client().get_collection(collection)
        for start in range(0, self.data.rows, BATCH):
            got = found.get(limit=BATCH, offset=start, include=["embeddings", "documents", "metadatas"])
            yield got["ids"], got["embeddings"], got["documents"], got["metadatas"]

    def writer(self, collection):
        found = self.client().get_collection(collection)
        return lambda ids, values, texts, more: found.add([str(i) for i in ids], np.asarray(values, np.float32), more, texts)

    def finish(self, collection):
        pass

    def records(self, collection):
        for ids, values, texts, more in self.read(collection):
            for n in range(len(ids)):
                yield ids[n], values[n], {"document": texts[n], **(more[n] or {})}


class Elasticsearch:
    """Two pages or bulk requests at once, thrown away unread, are the limit."""

    def __init__(self, data, server):
        self.data, self.server = data, server
        self.url = address(server.replace("-", "_").upper() + "_URL")
        self.shards = int(os.environ.get("BENCHMARK_SHARDS", 1))

    def spec(self, collection):
        return {"type": "elasticsearch", "url": self.url, "collection": collection}

    def count(self, collection):
        found = call_if_there("GET", f"{self.url}/{collection}/_count")
        return json.loads(found)["count"] if found else 0

    def drop(self, collection):
        # It may be an alias.
        for index in json.loads(call_if_there("GET", f"{self.url}/{collection}") or "{}"):
            call("DELETE", f"{self.url}/{index}")

    def create(self, collection):
        text = {"category": {"type": "keyword"}, "document": {"type": "text", "index": False}} if self.data.has_text else {}
        call("PUT", f"{self.url}/{collection}", {
            "settings": {"number_of_shards": self.shards, "number_of_replicas": 0, "refresh_interval": "-1"},
            "mappings": {"properties": {
                "vector": {"type": "dense_vector", "dims": self.data.dimension, "similarity": "dot_product", "index": True,
                           "index_options": {"type": "flat"}}, **text}},
        })

    def requests(self, collection):
        for batch in self.data.batches():
            lines = []
            for n in batch:
                more = {"document": self.data.document(n), **self.data.metadata(n)} if self.data.has_text else {}
                lines.append(json.dumps({"index": {"_id": f"id-{n}" if self.data.has_text else str(n)}}))
                lines.append(json.dumps({"vector": self.data.vectors[n].tolist(), **more}))
            yield ("\n".join(lines) + "\n").encode()

    def send(self, collection, requests):
        def one(body):
            answer = call("POST", f"{self.url}/{collection}/_bulk?filter_path=errors", body, "application/x-ndjson")
            assert b"true" not in answer, answer
        in_parallel(one, requests)

    def pages(self, collection, pit, number, slices):
        after = None
        while True:
            body = {"size": BATCH, "pit": {"id": pit, "keep_alive": "5m"}, "sort": [{"_shard_doc": "asc"}], "track_total_hits": False,
                    "_source": {"exclude_vectors": False} if self.server == "elasticsearch-9" else True}
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

    def pit(self, collection):
        return json.loads(call("POST", f"{self.url}/{collection}/_pit?keep_alive=5m"))["id"]

    def scan(self, collection):
        pit = self.pit(collection)
        in_parallel(lambda number: [None for _ in self.pages(collection, pit, number, 2)], range(2))

    def sources(self, collection):
        for text in self.pages(collection, self.pit(collection), 0, 1):
            for hit in json.loads(text)["hits"]["hits"]:
                yield hit["_id"], hit["_source"]

    def read(self, collection):
        """By the pages above and Python's json, without the client."""
        page = [], [], [], []
        for key, record in self.sources(collection):
            for column, value in zip(page, (key, record.pop("vector"), record.pop("document"), record)):
                column.append(value)
            if len(page[0]) == BATCH:
                yield page
                page = [], [], [], []
        if page[0]:
            yield page

    def writer(self, collection):
        def write(ids, values, texts, more):
            lines = []
            for n, i in enumerate(ids):
                rest = {} if texts is None else {"document": texts[n], **more[n]}
                lines.append(json.dumps({"index": {"_id": str(i)}}))
                lines.append(json.dumps({"vector": np.asarray(values[n]).tolist(), **rest}))
            answer = json.loads(call("POST", f"{self.url}/{collection}/_bulk", ("\n".join(lines) + "\n").encode(), "application/x-ndjson"))
            assert not answer["errors"], answer
        return write

    def finish(self, collection):
        call("POST", f"{self.url}/{collection}/_refresh")

    def records(self, collection):
        self.finish(collection)
        for key, record in self.sources(collection):
            name = next((name for name, value in record.items() if isinstance(value, list) and len(value) == self.data.dimension), None)
            yield key, record.pop(name, None), record


class Faiss:
    def __init__(self, data, server):
        self.data = data
        self.folder = pathlib.Path(os.environ["BENCHMARK_WORK"])

    def path(self, collection):
        return str(self.folder / f"{collection}.faiss")

    def spec(self, collection):
        return {"type": "faiss", "path": self.path(collection)}

    def count(self, collection):
        return self.data.rows if os.path.exists(self.path(collection)) else 0

    def drop(self, collection):
        pathlib.Path(self.path(collection)).unlink(missing_ok=True)

    def create(self, collection):
        pass

    def requests(self, collection):
        return [self.data.vectors]

    def send(self, collection, requests):
        import faiss
        index = faiss.IndexFlatIP(self.data.dimension)
        for values in requests:
            index.add(values)
        faiss.write_index(index, self.path(collection))

    def scan(self, collection):
        import faiss
        faiss.read_index(self.path(collection)).reconstruct_n(0, self.data.rows)

    def read(self, collection):
        import faiss
        index = faiss.read_index(self.path(collection))
        for batch in self.data.batches():
            yield list(batch), index.reconstruct_n(batch.start, len(batch)), None, None

    def finish(self, collection):
        pass


class Milvus:
    def __init__(self, data, server):
        self.data, self.url = data, address("MILVUS_URL")

    @functools.cached_property
    def client(self):
        from pymilvus import MilvusClient
        return MilvusClient(uri=self.url)

    def spec(self, collection):
        return {"type": "milvus", "url": self.url, "collection": collection}

    def target_spec(self, collection):
        return {**self.spec(collection), "metric": "ip", "index": {"type": "IVF_FLAT", "params": {"nlist": NLIST, "nprobe": NPROBE}}}

    def count(self, collection):
        if not self.client.has_collection(collection):
            return 0
        self.client.load_collection(collection)
        return self.client.query(collection, output_fields=["count(*)"])[0]["count(*)"]

    def drop(self, collection):
        if self.client.has_collection(collection):
            self.client.drop_collection(collection)

    def create(self, collection):
        from pymilvus import DataType
        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=self.data.has_text)
        if self.data.has_text:
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=512)
            schema.add_field("document", DataType.VARCHAR, max_length=65535)
        else:
            schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.data.dimension)
        self.client.create_collection(collection, schema=schema)

    def row(self, n):
        more = {"document": self.data.document(n), **self.data.metadata(n)} if self.data.has_text else {}
        return {"id": f"id-{n}" if self.data.has_text else n, "vector": self.data.vectors[n], **more}

    def requests(self, collection):
        """Serialised. The collection's name is in each of them."""
        from pymilvus.client.prepare import Prepare
        description = self.client.describe_collection(collection)
        for batch in self.data.batches(5000):
            yield Prepare.row_insert_param(
                collection, [self.row(n) for n in batch], "", fields_info=description["fields"],
                enable_dynamic=description["enable_dynamic_field"]).SerializeToString()

    def send(self, collection, requests):
        import grpc
        from pymilvus.grpc_gen import milvus_pb2
        host = self.url.split("//")[1]
        with grpc.insecure_channel(host, options=[("grpc.max_send_message_length", -1)]) as channel:
            insert = channel.unary_unary("/milvus.proto.milvus.MilvusService/Insert", response_deserializer=milvus_pb2.MutationResult.FromString)
            def one(request):
                answer = insert(request)
                assert answer.status.code == 0 and answer.status.error_code == 0, answer.status
            in_parallel(one, requests)
        self.finish(collection)

    def scan(self, collection):
        """Pages of 5,000 by the numbers or the ids, two at once."""
        keys = [f"id-{n}" if self.data.has_text else n for n in range(self.data.rows)]
        pages = [keys[start:start + 5000] for start in range(0, len(keys), 5000)]
        in_parallel(lambda page: self.client.get(collection, ids=page, output_fields=["*"]), pages)

    def read(self, collection):
        iterator = self.client.query_iterator(collection, batch_size=BATCH, output_fields=["*"])
        while page := iterator.next():
            ids, values = [record.pop("id") for record in page], [record.pop("vector") for record in page]
            texts = [record.pop("document") for record in page] if self.data.has_text else None
            yield ids, values, texts, [dict(record) for record in page] if self.data.has_text else None
        iterator.close()

    def writer(self, collection):
        def write(ids, values, texts, more):
            rest = [{}] * len(ids) if texts is None else joined(texts, more)
            self.client.insert(collection, [{"id": ids[n], "vector": values[n], **rest[n]} for n in range(len(ids))])
        return write

    def finish(self, collection):
        self.client.flush(collection)
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="IVF_FLAT", metric_type="IP", params={"nlist": NLIST})
        self.client.create_index(collection, index)
        self.client.load_collection(collection)

    def records(self, collection):
        fields = self.client.describe_collection(collection)["fields"]
        key = next(field["name"] for field in fields if field.get("is_primary"))
        vector = next(field["name"] for field in fields if field["type"] == 101)
        self.client.load_collection(collection)
        for batch in self.data.batches():
            keys = [f"id-{n}" if self.data.has_text else n for n in batch]
            for record in self.client.get(collection, ids=keys, output_fields=["*"]):
                record = dict(record)
                yield record.pop(key), record.pop(vector), record


class Qdrant:
    def __init__(self, data, server):
        self.data, self.url = data, address("QDRANT_URL")
        self.port = int(self.url.rsplit(":", 1)[1])

    @functools.cached_property
    def client(self):
        from qdrant_client import QdrantClient
        return QdrantClient(host="127.0.0.1", grpc_port=self.port, prefer_grpc=True, check_compatibility=False, timeout=300)

    def spec(self, collection):
        return {"type": "qdrant", "url": self.url, "collection": collection}

    def count(self, collection):
        return self.client.count(collection, exact=True).count if self.client.collection_exists(collection) else 0

    def drop(self, collection):
        self.client.delete_collection(collection)
        # Where qdrant/migration remembers how far it has come.
        self.client.delete_collection("_migration_offsets")

    def create(self, collection, field=None):
        from qdrant_client import models
        config = models.VectorParams(size=self.data.dimension, distance=models.Distance.DOT)
        self.client.create_collection(collection, vectors_config={field: config} if field else config)

    def requests(self, collection):
        """Serialised. The collection's name is in each of them."""
        from qdrant_client import grpc
        from qdrant_client.conversions.conversion import RestToGrpc
        for batch in self.data.batches():
            yield grpc.UpsertPoints(collection_name=collection, wait=True, points=[
                grpc.PointStruct(
                    id=grpc.PointId(num=n), vectors=grpc.Vectors(vector=grpc.Vector(data=self.data.vectors[n])),
                    payload=RestToGrpc.convert_payload({"document": self.data.document(n), **self.data.metadata(n)}) if self.data.has_text else None)
                for n in batch]).SerializeToString()

    def send(self, collection, requests):
        import grpc
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[("grpc.max_send_message_length", -1)]) as channel:
            in_parallel(channel.unary_unary("/qdrant.Points/Upsert"), requests)

    def scan(self, collection):
        import grpc as transport
        from qdrant_client import grpc
        with transport.insecure_channel(f"127.0.0.1:{self.port}", options=[("grpc.max_receive_message_length", -1)]) as channel:
            get = channel.unary_unary("/qdrant.Points/Get", request_serializer=grpc.GetPoints.SerializeToString)
            in_parallel(lambda batch: get(grpc.GetPoints(
                collection_name=collection, ids=[grpc.PointId(num=n) for n in batch],
                with_payload=grpc.WithPayloadSelector(enable=True), with_vectors=grpc.WithVectorsSelector(enable=True))), self.data.batches())

    def points(self, collection):
        offset = None
        while True:
            found, offset = self.client.scroll(collection, limit=BATCH, offset=offset, with_payload=True, with_vectors=True)
            yield found
            if offset is None:
                return

    def read(self, collection):
        for page in self.points(collection):
            texts = [point.payload.pop("document") for point in page] if self.data.has_text else None
            yield [point.id for point in page], [point.vector for point in page], texts, [point.payload for point in page] if texts else None

    def writer(self, collection):
        from qdrant_client import models
        def write(ids, values, texts, more):
            keys = ids if all(isinstance(i, int) for i in ids) else [str(uuid.uuid5(uuid.NAMESPACE_URL, i)) for i in ids]
            payloads = None if texts is None else [{"id": i, **rest} for i, rest in zip(ids, joined(texts, more))]
            self.client.upsert(collection, models.Batch(ids=keys, vectors=np.asarray(values, np.float32).tolist(), payloads=payloads))
        return write

    def finish(self, collection):
        pass

    def records(self, collection):
        for page in self.points(collection):
            for point in page:
                vector = next(iter(point.vector.values()), None) if isinstance(point.vector, dict) else point.vector
                yield point.id, vector, point.payload or {}


KINDS = {"chroma": Chroma, "elasticsearch-8": Elasticsearch, "elasticsearch-9": Elasticsearch, "faiss": Faiss, "milvus": Milvus, "qdrant": Qdrant}


def open_store(kind, data):
    return KINDS[kind](data, kind)


def fill(store, collection):
    if store.count(collection) != store.data.rows:
        store.drop(collection)
        store.create(collection)
        store.send(collection, store.requests(collection))
        store.finish(collection)


def lost_and_changed(store, collection):
    """Rows of the source that are not in the target, and rows there that are not as in the source, bit by bit. Which row it is tells its
    title, or its number when there is none. A tool may nest metadata, or rename the text."""
    data, seen, changed = store.data, set(), 0
    for key, vector, record in store.records(collection):
        more = next((record[name] for name in ("metadata", "$meta") if isinstance(record.get(name), dict)), record)
        n = int(str(more.get("title", "number -1")).rsplit(" ", 1)[1]) if data.has_text else int(key)
        if not 0 <= n < data.rows or n in seen:
            changed += 1
            continue
        seen.add(n)
        same = vector is not None and np.array_equal(np.asarray(vector, np.float32).view(np.uint32), data.vectors[n].view(np.uint32))
        if data.has_text:
            same &= all(more.get(k) == v and type(more.get(k)) is type(v) for k, v in data.metadata(n).items())
            same &= data.document(n) in record.values()
        changed += not same
    return data.rows - len(seen), changed

#!/usr/bin/env python3
"""Fills collections as a user of a store would, and reads them with the store's own client or protocol.

    stores.py seed TYPE PLACE COLLECTION EXPECTED     fills a new collection; EXPECTED gets its records
    stores.py read TYPE PLACE COLLECTION FOUND        reads a collection, undoing vecferry's reserved keys
    stores.py drop TYPE PLACE COLLECTION
    stores.py list TYPE PLACE PART NAMES              names of everything whose name has PART in it, with what tells of changes

PLACE is an address, or a folder for faiss. Records are JSON lines, sorted by id: id as text, vector as the hexadecimal
bytes of little-endian floats, document or null, metadata. Nothing here is code of vecferry.
"""
import json
import os
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

import numpy as np

DIMENSION = 8
ORDINARY = 300
RESERVED = "_vecferry_"


def ordinary():
    random = np.random.default_rng(7)
    for n in range(ORDINARY):
        vector = random.standard_normal(DIMENSION).astype("<f4")
        vector /= np.linalg.norm(vector)
        yield record(
            f"item-{n}",
            vector,
            f"Saying {n}: \u00e9\u4e2d\U0001f600",
            {"category": "abc"[n % 3], "rank": n, "score": n + 0.25, "exact": 1.0, "flag": n % 2 == 0, "big": 2**63 - 1 - n},
        )


def record(identity, vector, document, metadata):
    return {"id": identity, "vector": np.asarray(vector, "<f4"), "document": document, "metadata": metadata}


def adversarial(native):
    """Rows that have broken somebody's migration, as far as a store can hold them natively."""
    one = [1.0] + [0.0] * (DIMENSION - 1)
    odd = [-0.0, 1e-42, -1e-45, 1e15, -1e15, 0.1, 2.0, 3.0]  # squares still fit a float
    rows = [
        record("007", odd, "leading zeros", {"a": 1}),
        record("1", one, "a number as text", {"a": 1.0}),
        record("4D1D1A65-5215-4078-B025-E8D1DCC21D3C", one, "capitals", {"a": "1"}),
        record("4d1d1a65-5215-4078-b025-e8d1dcc21d3d", one, "a uuid as text", {"a": True}),
        record("q\"uo'te\\end", one, "line\nbreak\r\n\"", {"quoted": "\\\"'\n\t"}),
        record("emoji \U0001f680 \u00e9", [0.0] * DIMENSION, "zero vector", {"min": -(2**63), "tiny": 5e-324, "third": 1 / 3}),
        record("x" * 300, one, "0123456789abcdef" * 3750, {"long": "0123456789abcdef" * 1000}),
    ]
    if native != "chroma":
        rows += [
            record("nested", one, "nested", {"n": {"a": [1, [2.5, {"b": None}]], "e": []}, "null": None, "mixed": [1, "a", 2.0]}),
            record("keys", one, "keys", {"with space": 1, "\u00e9": 2, "UPPER": 3}),
        ]
    return rows


def records(kind):
    rows = list(ordinary()) + adversarial(kind)
    if kind == "qdrant":
        # Only numbers and uuids are ids there.
        for n, row in enumerate(rows):
            row["id"] = str(2**64 - 1 - n) if n % 2 else str(uuid.uuid5(uuid.NAMESPACE_URL, row["id"]))
            row["document"] = None
    return rows


def call(method, url, body=None, content_type="application/json"):
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {url}: {error.code} {error.read()[:500]}")


def floats(row):
    return [float(value) for value in row["vector"]]


# Chroma


def chroma(place):
    return f"{place}/api/v2/tenants/default_tenant/databases/default_database/collections"


def seed_chroma(place, name, rows):
    made = call("POST", chroma(place), {"name": name, "configuration": {"hnsw": {"space": "l2"}}})
    for start in range(0, len(rows), 100):
        some = rows[start : start + 100]
        call(
            "POST",
            f"{chroma(place)}/{made['id']}/add",
            {
                "ids": [row["id"] for row in some],
                "embeddings": [floats(row) for row in some],
                "documents": [row["document"] for row in some],
                "metadatas": [row["metadata"] for row in some],
            },
        )


def read_chroma(place, name):
    made = call("GET", f"{chroma(place)}/{name}")
    found = call("POST", f"{chroma(place)}/{made['id']}/get", {"include": ["embeddings", "documents", "metadatas"]})
    for n, identity in enumerate(found["ids"]):
        yield record(identity, found["embeddings"][n], found["documents"][n], found["metadatas"][n])


def drop_chroma(place, name):
    call("DELETE", f"{chroma(place)}/{name}")


def list_chroma(place, part):
    for made in call("GET", f"{chroma(place)}?limit=1000"):
        if part in made["name"]:
            yield made["name"], [made["id"], call("GET", f"{chroma(place)}/{made['id']}/count")]


# Elasticsearch


def seed_elasticsearch(place, name, rows):
    properties = {
        "embedding": {"type": "dense_vector", "dims": DIMENSION, "similarity": "l2_norm", "index": True},
        "text": {"type": "text"},
    }
    call("PUT", f"{place}/{name}", {"settings": {"number_of_shards": 2, "number_of_replicas": 0}, "mappings": {"dynamic": False, "properties": properties}})
    lines = []
    for row in rows:
        lines.append(json.dumps({"index": {"_id": row["id"]}}))
        lines.append(json.dumps({"embedding": floats(row), "text": row["document"], **row["metadata"]}))
    answer = call("POST", f"{place}/{name}/_bulk?refresh=true", ("\n".join(lines) + "\n").encode(), "application/x-ndjson")
    assert not answer["errors"], [item for item in answer["items"] if item["index"].get("error")][:1]


def read_elasticsearch(place, name):
    mapping = next(iter(call("GET", f"{place}/{name}/_mapping").values()))["mappings"]
    vector = next(field for field, what in mapping["properties"].items() if what["type"] == "dense_vector")
    document = next((field for field, what in mapping["properties"].items() if what["type"] == "text"), "document")
    source = {"_source": True, "fields": [vector]}
    answer = call("POST", f"{place}/{name}/_search", {"size": 5000, "query": {"match_all": {}}, **source})
    for hit in answer["hits"]["hits"]:
        metadata = dict(hit["_source"])
        values = metadata.pop(vector, None) or hit["fields"][vector]
        text = metadata.pop(document, None)
        yield record(hit["_id"], values, text, metadata)


def drop_elasticsearch(place, name):
    for index in call("GET", f"{place}/{name}/_alias"):  # An alias itself cannot be deleted like that.
        call("DELETE", f"{place}/{index}")


def list_elasticsearch(place, part):
    for index in call("GET", f"{place}/_cat/indices?format=json&expand_wildcards=all&h=index,uuid,docs.count"):
        yield index["index"], [index["uuid"], index["docs.count"]]
    for alias in call("GET", f"{place}/_cat/aliases?format=json&expand_wildcards=all"):
        yield alias["alias"], ["alias", alias["index"]]


# Milvus


def milvus(place):
    from pymilvus import MilvusClient

    return MilvusClient(uri=place)


def seed_milvus(place, name, rows):
    from pymilvus import DataType

    client = milvus(place)
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=1000)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=DIMENSION)
    schema.add_field("text", DataType.VARCHAR, max_length=65535)
    index = client.prepare_index_params()
    index.add_index("embedding", index_type="FLAT", metric_type="L2")
    client.create_collection(name, schema=schema, index_params=index)
    client.insert(name, [{"pk": row["id"], "embedding": floats(row), "text": row["document"], **row["metadata"]} for row in rows])
    client.flush(name)


def read_milvus(place, name):
    client = milvus(place)
    fields = client.describe_collection(name)["fields"]
    key = next(field["name"] for field in fields if field.get("is_primary"))
    vector = next(field["name"] for field in fields if int(field["type"]) == 101)
    texts = [field["name"] for field in fields if field["name"] in ("text", "document")]
    client.load_collection(name)
    rows = client.query(name, filter=f"{key} != ''" if fields[0]["type"] != 5 else f"{key} > -1", limit=16000, output_fields=["*"], consistency_level="Strong")
    for row in rows:
        metadata = dict(row)
        identity = str(metadata.pop(key))
        values = metadata.pop(vector)
        text = metadata.pop(texts[0]) if texts else None
        yield record(identity, values, text, metadata)


def drop_milvus(place, name):
    milvus(place).drop_collection(name)


def list_milvus(place, part):
    client = milvus(place)
    for name in client.list_collections():
        if part in name:
            yield name, client.get_collection_stats(name)


# Qdrant


def qdrant(place):
    from qdrant_client import QdrantClient

    address = urllib.parse.urlparse(place)
    return QdrantClient(host=address.hostname, grpc_port=address.port, prefer_grpc=True, check_compatibility=False, timeout=60)


def seed_qdrant(place, name, rows):
    from qdrant_client import models

    client = qdrant(place)
    client.create_collection(name, vectors_config=models.VectorParams(size=DIMENSION, distance=models.Distance.EUCLID))
    points = [models.PointStruct(id=number(row["id"]), vector=floats(row), payload=row["metadata"]) for row in rows]
    for start in range(0, len(points), 100):
        client.upsert(name, points[start : start + 100], wait=True)


def number(identity):
    return int(identity) if identity.isdigit() else identity


def read_qdrant(place, name):
    client = qdrant(place)
    offset = None
    while True:
        points, offset = client.scroll(name, limit=1000, offset=offset, with_payload=True, with_vectors=True)
        for point in points:
            payload = dict(point.payload)
            text = payload.pop("document", None)
            vector = point.vector
            if isinstance(vector, dict):
                (vector,) = vector.values()
            yield record(str(point.id), vector, text, payload)
        if offset is None:
            return


def drop_qdrant(place, name):
    qdrant(place).delete_collection(name)


def list_qdrant(place, part):
    client = qdrant(place)
    for made in client.get_collections().collections:
        if part in made.name:
            yield made.name, client.count(made.name).count
    for alias in client.get_aliases().aliases:
        yield alias.alias_name, ["alias", alias.collection_name]


# FAISS


def seed_faiss(place, name, rows):
    import faiss
    from langchain_community.docstore.in_memory import InMemoryDocstore
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document
    from langchain_core.embeddings import FakeEmbeddings

    index = faiss.IndexFlatL2(DIMENSION)
    index.add(np.stack([row["vector"] for row in rows]))
    documents = {row["id"]: Document(id=row["id"], page_content=row["document"], metadata=row["metadata"]) for row in rows}
    positions = {n: row["id"] for n, row in enumerate(rows)}
    FAISS(FakeEmbeddings(size=DIMENSION), index, InMemoryDocstore(documents), positions).save_local(f"{place}/{name}")


def read_faiss(place, name):
    import faiss

    index = faiss.read_index(f"{place}/{name}/index.faiss")
    if os.path.exists(f"{place}/{name}/index.pkl"):
        from langchain_community.vectorstores import FAISS
        from langchain_core.embeddings import FakeEmbeddings

        folder = FAISS.load_local(f"{place}/{name}", FakeEmbeddings(size=DIMENSION), allow_dangerous_deserialization=True)
        for n, identity in folder.index_to_docstore_id.items():
            document = folder.docstore.search(identity)
            yield record(identity, index.reconstruct(n), document.page_content, document.metadata)
        return
    with open(f"{place}/{name}/meta.jsonl", encoding="utf-8") as lines:
        for n, line in enumerate(lines.read().rstrip("\n").split("\n")):
            row = json.loads(line)
            yield record(row["id"], index.reconstruct(n), row.get("document"), row.get("metadata"))


def drop_faiss(place, name):
    import shutil

    shutil.rmtree(f"{place}/{name}")


def list_faiss(place, part):
    for folder, _, files in os.walk(place):
        for name in [".", *files]:
            path = os.path.join(folder, name)
            yield path, "folder" if name == "." else os.stat(path).st_mtime_ns


def restore(row):
    """Undoes what docs/stores say of reserved keys."""
    metadata = row["metadata"] or {}
    identity = metadata.get(RESERVED + "id", row["id"])
    document = None if metadata.get(RESERVED + "no_document") else row["document"]
    original = metadata.get(RESERVED + "metadata_json")
    if original is not None:
        metadata = json.loads(original)
    else:
        metadata = {key: value for key, value in metadata.items() if not key.startswith(RESERVED)}
    return record(identity, row["vector"], document, metadata)


def write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in sorted(rows, key=lambda row: row["id"]):
            vector = struct.pack(f"<{len(row['vector'])}f", *row["vector"]).hex()
            json.dump([row["id"], vector, row["document"], row["metadata"]], file, sort_keys=True)
            file.write("\n")


def main():
    verb, kind, place, name = sys.argv[1:5]
    kind = kind.split("-")[0]
    if verb == "seed":
        rows = records(kind)
        globals()["seed_" + kind](place, name, rows)
        write(sys.argv[5], rows)
    elif verb == "read":
        write(sys.argv[5], [restore(row) for row in globals()["read_" + kind](place, name)])
    elif verb == "list":
        # Other tests make and drop collections meanwhile: only those that are meant are asked.
        listed = sorted([own, what] for own, what in globals()["list_" + kind](place, name) if name in own)
        with open(sys.argv[5], "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in listed)
    else:
        globals()["drop_" + kind](place, name)


if __name__ == "__main__":
    main()

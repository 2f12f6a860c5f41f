#!/usr/bin/env python3
"""Makes Milvus collections with every kind of setting, and says what is in one, by Milvus' own client.

    milvus_collection.py make PLACE COLLECTION       makes, fills and loads a collection
    milvus_collection.py lengths PLACE COLLECTION    the same with vectors of different lengths and no settings
    milvus_collection.py describe PLACE COLLECTION   prints what defines it as JSON, names and ids of its own left out
    milvus_collection.py rows PLACE COLLECTION       prints its rows as sorted JSON lines, all fields as they are
    milvus_collection.py drop PLACE COLLECTION

Nothing here is code of vecferry.
"""
import json
import struct
import sys

from pymilvus import DataType, MilvusClient

ROWS = 120


def make(client, name):
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True, description="products, made by hand")
    schema.add_field("sku", DataType.VARCHAR, is_primary=True, max_length=77, description="what is on the label")
    schema.add_field("tenant", DataType.INT64, is_partition_key=True)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=8, description="of the picture")
    schema.add_field("text", DataType.VARCHAR, max_length=1000)
    schema.add_field("title", DataType.VARCHAR, max_length=33)
    schema.add_field("available", DataType.BOOL)
    schema.add_field("grade", DataType.INT8)
    schema.add_field("price", DataType.DOUBLE)
    schema.add_field("weight", DataType.FLOAT)
    schema.add_field("details", DataType.JSON)
    schema.add_field("tags", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=4, max_length=9)
    client.create_collection(
        name,
        schema=schema,
        num_shards=2,
        num_partitions=8,
        consistency_level="Session",
        properties={"collection.ttl.seconds": 864000},
    )
    index = client.prepare_index_params()
    index.add_index("embedding", index_type="IVF_FLAT", metric_type="IP", params={"nlist": 7})
    index.add_index("title", index_type="Trie")
    client.create_index(name, index)
    rows = [
        {
            "sku": f"sku '{n}' \"é\"",
            "tenant": n % 5,
            "embedding": [n / 7 - k for k in range(8)],
            "text": f"Saying {n}",
            "title": "t" * (n % 34),
            "available": n % 2 == 0,
            "grade": n - 100,
            "price": n + 0.1,
            "weight": n + 0.5,
            "details": {"n": n, "inner": {"list": [1, 2.5, None, "x"]}},
            "tags": ["a", "é"][: n % 3],
            "dynamic": n,
            "more": {"x": [n]},
        }
        for n in range(ROWS)
    ]
    client.insert(name, rows)
    client.flush(name)
    client.load_collection(name)


def lengths(client, name):
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=4)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_collection(name, schema=schema, index_params=index)
    client.insert(name, [{"id": n, "vector": [float(n + 1)] * 4, "category": "c"} for n in range(20)])
    client.flush(name)


def pairs(what):
    return {str(key): str(value) for key, value in sorted((what or {}).items())}


def describe(client, name):
    found = client.describe_collection(name)
    indexes = {}
    for index in client.list_indexes(name):
        about = client.describe_index(name, index)
        kept = {key: about[key] for key in ("index_type", "metric_type", "nlist", "params") if key in about}
        indexes[about["field_name"]] = pairs(kept)
    fields = {}
    for field in found["fields"]:
        fields[field["name"]] = {
            key: pairs(value) if isinstance(value, dict) else str(value)
            for key, value in field.items()
            if key not in ("field_id", "name")
        }
    properties = {key: value for key, value in pairs(found["properties"]).items() if "vecferry" not in key}
    return {
        "fields": fields,
        "indexes": indexes,
        "properties": properties,
        **{
            key: str(found.get(key))
            for key in ("auto_id", "enable_dynamic_field", "num_shards", "num_partitions", "consistency_level", "functions")
        },
    }


def rows(client, name):
    key = next(field for field in client.describe_collection(name)["fields"] if field.get("is_primary"))
    everything = f"{key['name']} >= ''" if key["type"] == DataType.VARCHAR else f"{key['name']} > -1"
    for row in client.query(name, filter=everything, limit=16000, output_fields=["*"], consistency_level="Strong"):
        yield {field: exactly(value) for field, value in row.items()}


def exactly(value):
    """Vectors as the hexadecimal bytes of their floats; the numbers of JSON stay as they are."""
    if isinstance(value, (list, tuple)) and value and type(value[0]).__name__ in ("float", "float32") and len(value) in (4, 8):
        return struct.pack(f"<{len(value)}f", *value).hex()
    if hasattr(value, "__iter__") and not isinstance(value, (str, dict, bytes)):
        return list(value)
    return json.loads(value) if isinstance(value, bytes) else value


def main():
    verb, place, name = sys.argv[1:4]
    client = MilvusClient(uri=place)
    if verb == "make":
        make(client, name)
    elif verb == "lengths":
        lengths(client, name)
    elif verb == "describe":
        print(json.dumps(describe(client, name), sort_keys=True, indent=1))
    elif verb == "rows":
        print("\n".join(sorted(json.dumps(row, sort_keys=True) for row in rows(client, name))))
    else:
        client.drop_collection(name)


if __name__ == "__main__":
    main()

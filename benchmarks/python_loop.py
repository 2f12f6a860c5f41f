#!/usr/bin/env python3
"""What a Python user would write to move a FAISS index through a Parquet backup to a new index. Proves nothing.

  python_loop.py SOURCE WORK [--metadata]

SOURCE has index.faiss (IndexFlat) and, for --metadata, meta.jsonl; WORK is emptied first. With --metadata, ids, documents and
metadata go through Parquet too and are written beside the new index; without it only vectors are moved.
"""
import json, os, shutil, sys, time

start = time.time()
source, work = sys.argv[1], sys.argv[2]
with_metadata = "--metadata" in sys.argv
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

index = faiss.read_index(f"{source}/index.faiss")
vectors = index.reconstruct_n(0, index.ntotal)
columns = {"vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), index.d)}
if with_metadata:
    with open(f"{source}/meta.jsonl") as file:
        rows = [json.loads(line) for line in file]
    columns["id"] = [row["id"] for row in rows]
    columns["document"] = [row["document"] for row in rows]
    columns["metadata"] = [json.dumps(row["metadata"]) for row in rows]
pq.write_table(pa.table(columns), f"{work}/backup.parquet")

table = pq.read_table(f"{work}/backup.parquet")
flat = table["vector"].combine_chunks().flatten().to_numpy()
target = faiss.IndexFlatL2(index.d)
target.add(np.ascontiguousarray(flat.reshape(-1, index.d)))
faiss.write_index(target, f"{work}/index.faiss")
if with_metadata:
    with open(f"{work}/meta.jsonl", "w") as file:
        for row in table.select(["id", "document", "metadata"]).to_pylist():
            row["metadata"] = json.loads(row["metadata"])
            file.write(json.dumps(row) + "\n")
os.sync()
print(f"{target.ntotal} rows in {time.time() - start:.2f} s")

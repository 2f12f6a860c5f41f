#!/usr/bin/env python3
"""Writes the same queries in the formats that people keep them in. Nothing here is code of vecferry.

    make_queries.py FOLDER COUNT DIMENSION
"""
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

folder, count, dimension = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
queries = np.random.default_rng(5).uniform(-1, 1, (count, dimension)).astype("<f4")

np.save(folder / "queries.npy", queries)
with open(folder / "queries.jsonl", "w") as lines:
    for number, query in enumerate(queries):
        lines.write(json.dumps({"text": f"question {number}", "vector": [float(x) for x in query]}) + "\n")

names = pa.array([f"q{n}" for n in range(count)])
pq.write_table(
    pa.table({"name": names, "vector": pa.array(list(queries), pa.list_(pa.float32()))}), folder / "queries.parquet"
)
doubles = pa.FixedSizeListArray.from_arrays(pa.array(queries.astype("f8").ravel()), dimension)
pq.write_table(pa.table({"q": doubles, "name": names}), folder / "doubles.parquet", compression="gzip")
pq.write_table(
    pa.table({"a": doubles, "b": doubles}), folder / "two.parquet"
)
pq.write_table(pa.table({"name": names}), folder / "none.parquet")
holes = [list(map(float, query)) for query in queries]
holes[3] = None
pq.write_table(pa.table({"vector": pa.array(holes, pa.list_(pa.float32()))}), folder / "holes.parquet")
holes[3] = [float("nan")] * dimension
pq.write_table(pa.table({"vector": pa.array(holes, pa.list_(pa.float32()))}), folder / "nan.parquet")
whole = (folder / "queries.parquet").read_bytes()
(folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
pq.write_table(
    pa.table({"vector": pa.array(list(queries), pa.list_(pa.float32()))}),
    folder / "damaged.parquet",
    write_page_checksum=True,
)
damaged = bytearray((folder / "damaged.parquet").read_bytes())
damaged[len(damaged) // 3] ^= 0xFF
(folder / "damaged.parquet").write_bytes(damaged)

#!/usr/bin/env python3
"""Writes the golden FAISS fixtures with the real libraries (faiss-cpu, langchain-community).

  make_faiss_fixtures.py OUT

For every readable index NAME.faiss there is NAME.f32 (all vectors, float32 little-endian, row-major) and, where it has an
id map, NAME.i64 (labels). Vectors come from a fixed formula, with -0.0, denormals and large values among them.
"""
import os
import pickle
import sys

import faiss
import numpy as np
from langchain_community.docstore.in_memory import InMemoryDocstore
from langchain_core.documents import Document

ROWS, DIMENSION = 17, 5


def vectors():
    values = np.sin(np.arange(ROWS * DIMENSION, dtype=np.float64) * 1.7).astype("<f4").reshape(ROWS, DIMENSION)
    values[0, 0] = -0.0
    values[1, 1] = 1e-42
    values[2, :] = 0
    values[3, 2] = 3e18
    return values


def write(out, name, index, labels=None):
    faiss.write_index(index, f"{out}/{name}.faiss")
    vectors().tofile(f"{out}/{name}.f32")
    if labels is not None:
        labels.astype("<i8").tofile(f"{out}/{name}.i64")


def flat(metric, argument=0.0):
    if metric == faiss.METRIC_L2:
        index = faiss.IndexFlatL2(DIMENSION)
    elif metric == faiss.METRIC_INNER_PRODUCT:
        index = faiss.IndexFlatIP(DIMENSION)
    else:
        index = faiss.IndexFlat(DIMENSION, metric)
        index.metric_arg = argument
    return index


def filled(index):
    index.add(vectors())
    return index


class Global:
    """Pickles as a call of a function; only the name gets into the file."""

    def __reduce__(self):
        return (os.system, ("echo refused",))


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    write(out, "flat-l2", filled(flat(faiss.METRIC_L2)))
    write(out, "flat-ip", filled(flat(faiss.METRIC_INNER_PRODUCT)))
    write(out, "flat-l1", filled(flat(faiss.METRIC_L1)))
    write(out, "flat-lp", filled(flat(faiss.METRIC_Lp, 2.5)))
    write(out, "flat-canberra", filled(flat(faiss.METRIC_Canberra)))

    sparse = np.array([(-1) ** i * (i * i * 1_000_003 + 7) for i in range(ROWS)], dtype="<i8")
    sparse[0], sparse[1] = -(2**63), 2**63 - 1
    for name, kind in (("idmap", faiss.IndexIDMap), ("idmap2", faiss.IndexIDMap2)):
        index = kind(flat(faiss.METRIC_L2))
        index.add_with_ids(vectors(), sparse)
        write(out, name, index, sparse)

    metadata = [
        {}, {"a": 1, "b": 1.0, "c": None, "d": True, "e": False}, {"big": 2**63 - 1, "small": -(2**63), "huge": 10**30, "neg": -(10**20)},
        {"f": [0.1, 1e16, 1e-5, 5e-324, 1.7976931348623157e308, -0.0, 123456789.125, 9007199254740993.0]},
        {"nested": {"x": [1, [2, {"y": "z"}], ()], "t": (1, "2")}}, {"emoji": "\U0001f600", "nul": "a\0b", "quote": "\"\\\n\t"},
        {"k.with.dots": 1, "$dollar": 2, "": 3, "\u00e9": 4},
    ]
    documents = {}
    for row in range(ROWS):
        identity = ["007", "id \"quoted\"", "\u00e9\U0001f600", "line\nbreak"][row] if row < 4 else f"doc-{row}"
        text = "" if row == 5 else "text " * 40 if row == 6 else f"text of row {row} \U0001f680"
        documents[identity] = Document(page_content=text, metadata=metadata[row % len(metadata)])
    store = (InMemoryDocstore(documents), dict(enumerate(documents)))
    for protocol in range(6):
        folder = f"{out}/langchain-protocol-{protocol}"
        os.makedirs(folder, exist_ok=True)
        faiss.write_index(filled(flat(faiss.METRIC_L2)), f"{folder}/index.faiss")
        with open(f"{folder}/index.pkl", "wb") as file:
            pickle.dump(store, file, protocol)
    import json
    with open(f"{out}/langchain-rows.jsonl", "w", encoding="utf-8", newline="\n") as file:
        for identity, document in documents.items():
            file.write(json.dumps([identity, document.page_content, json.dumps(document.metadata, ensure_ascii=False, separators=(",", ":"))]) + "\n")

    def single(value, identity="a"):
        document = Document.model_construct(page_content="text", metadata=value)
        return pickle.dumps((InMemoryDocstore({identity: document}), {0: identity}), 4)

    hostile = {
        "os-system": pickle.dumps(Global(), 4), "os-system-inside": single({"k": Global()}), "nan": single({"k": float("nan")}),
        "infinity": single({"k": {"inner": float("-inf")}}), "number-key": single({"k": {1: "x"}}), "surrogate": single({"k": "\ud800"}),
        "bytes": single({"k": b"x"}), "surrogate-id": single({}, "\udc00"), "two-rows": pickle.dumps((InMemoryDocstore({"a": Document(page_content="x")}), {0: "a", 1: "a"}), 4),
    }
    for name, content in hostile.items():
        with open(f"{out}/hostile-{name}.pkl", "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main()

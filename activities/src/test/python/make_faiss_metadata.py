#!/usr/bin/env python3
"""Writes golden files of what stands beside FAISS indexes.

  make_faiss_metadata.py OUT [llamaindex]

Needs faiss-cpu, numpy and pyarrow; with `llamaindex` instead llama-index-core and llama-index-vector-stores-faiss, whose
folders it then writes. Pickles of LangChain's old releases are made of classes with their names and their state.
"""
import json
import os
import pickle
import shutil
import sys
import types

import faiss
import numpy as np


def numbered(rows, dimension=4):
    values = np.zeros((rows, dimension), dtype="f4")
    values[:, 0] = np.arange(rows)
    values[:, 1] = 1
    return values


def parquet(out):
    import datetime

    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = range(40)
    pq.write_table(pa.table({
        "key": [f"key-{row}" for row in rows], "number": pa.array(rows, pa.int32()), "price": [row + 0.25 for row in rows],
        "flag": [row % 2 == 0 for row in rows], "tags": [["a", f"b{row}"] for row in rows],
        "inner": pa.array([{"x": row, "y": None} for row in rows], pa.struct([("x", pa.int64()), ("y", pa.string())])),
        "day": [datetime.date(2024, 1, 2)] * 40,
        "time": pa.array([datetime.datetime(2024, 1, 2, 3, 4, 5, 6, datetime.timezone.utc)] * 40, pa.timestamp("us", "UTC")),
        "nothing": pa.array([None] * 40, pa.string()), "big": pa.array([2**64 - 1] * 40, pa.uint64()),
    }), f"{out}/rows.parquet")


def lang_chain(out):
    def module(name, *classes):
        created = types.ModuleType(name)
        sys.modules[name] = created
        for part in range(1, name.count(".") + 1):
            parent = ".".join(name.split(".")[:part])
            sys.modules.setdefault(parent, types.ModuleType(parent))
        for kind in classes:
            kind.__module__ = name
            kind.__qualname__ = kind.__name__
            setattr(created, kind.__name__, kind)

    def classes():
        class Document:
            def __getstate__(self):
                # What pydantic 1 pickles.
                return {"__dict__": {"page_content": self.text, "lookup_str": "", "lookup_index": 0, "metadata": self.metadata},
                        "__fields_set__": {"page_content", "metadata"}, "__private_attribute_values__": {}}

        class InMemoryDocstore:
            pass

        return Document, InMemoryDocstore

    def folder(name, document, docstore, index, labels):
        kinds = {}
        for row in range(6):
            item = document()
            item.text, item.metadata = f"text {row}", {"n": row}
            kinds[f"doc-{row}"] = item
        store = docstore()
        store._dict = kinds
        os.makedirs(f"{out}/{name}", exist_ok=True)
        faiss.write_index(index, f"{out}/{name}/index.faiss")
        with open(f"{out}/{name}/index.pkl", "wb") as file:
            pickle.dump((store, {label: f"doc-{row}" for row, label in enumerate(labels)}), file)

    flat = faiss.IndexFlatL2(4)
    flat.add(numbered(6))
    document, docstore = classes()
    module("langchain.docstore.document", document)
    module("langchain.docstore.in_memory", docstore)
    folder("langchain-v1", document, docstore, flat, range(6))
    document, docstore = classes()
    module("langchain.schema", document)
    module("langchain.docstore.in_memory", docstore)
    folder("langchain-schema", document, docstore, flat, range(6))
    # An inverted file keeps its numbers when vectors are removed.
    lists = faiss.index_factory(4, "IVF2,Flat")
    lists.train(np.random.default_rng(1).normal(size=(100, 4)).astype("f4"))
    labels = np.array([0, 2, 3, 7, 8, 20])
    lists.add_with_ids(numbered(6), labels)
    folder("langchain-gaps", document, docstore, lists, labels.tolist())


def llama_index(out):
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.embeddings import MockEmbedding
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.faiss import FaissMapVectorStore, FaissVectorStore

    def nodes():
        return [TextNode(id_=f"node-{row}", text=f"text {row}", metadata={"n": row, "x": 1.5, "s": "\u00e9"},
                         embedding=numbered(5)[row].tolist()) for row in range(5)]

    for name, store in (("flat", FaissVectorStore(faiss_index=faiss.IndexFlatL2(4))),
                        ("map", FaissMapVectorStore(faiss_index=faiss.IndexIDMap2(faiss.IndexFlatL2(4))))):
        context = StorageContext.from_defaults(vector_store=store)
        index = VectorStoreIndex(nodes(), storage_context=context, embed_model=MockEmbedding(embed_dim=4))
        if name == "map":
            index.delete_nodes(["node-2"], delete_from_docstore=True)
        folder = f"{out}/llamaindex-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        index.storage_context.persist(folder)
        for file in ("graph_store.json", "image__vector_store.json"):
            if os.path.exists(f"{folder}/{file}"):
                os.remove(f"{folder}/{file}")
        expected(out, name, [row for row in range(5) if name == "flat" or row != 2])
    # Before 0.6: other names, and what the index says is an object.
    folder = f"{out}/llamaindex-old"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(f"{out}/llamaindex-flat", folder)
    os.rename(f"{folder}/default__vector_store.json", f"{folder}/vector_store.json")
    with open(f"{folder}/index_store.json", encoding="utf-8") as file:
        store = json.load(file)
    for entry in store["index_store/data"].values():
        entry["__data__"] = json.loads(entry["__data__"])
    with open(f"{folder}/index_store.json", "w", encoding="utf-8") as file:
        json.dump(store, file)
    with open(f"{folder}/docstore.json", encoding="utf-8") as file:
        store = json.load(file)
    for entry in store["docstore/data"].values():
        data = entry["__data__"]
        entry["__data__"] = {"text": data["text"], "doc_id": data["id_"], "extra_info": data["metadata"], "relationships": {}}
    with open(f"{folder}/docstore.json", "w", encoding="utf-8") as file:
        json.dump(store, file)
    expected(out, "old", range(5))


def expected(out, name, rows):
    with open(f"{out}/llamaindex-{name}.txt", "w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(f'node-{row}\ttext {row}\t{{"n":{row},"x":1.5,"s":"\u00e9"\t{row}\n')


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    if len(sys.argv) > 2:
        llama_index(sys.argv[1])
    else:
        parquet(sys.argv[1])
        lang_chain(sys.argv[1])

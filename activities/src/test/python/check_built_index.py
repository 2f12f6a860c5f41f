#!/usr/bin/env python3
"""Loads indexes that vecferry built, searches them, and builds the same with the library.

check_built_index.py VECTORS DIMENSION FOLDER...: one line per folder with the class of the index, its number of vectors,
recall of ours, recall of the library's, and "same" or what differs: codes for SQ8, vectors for indexes that keep floats.
A folder with index.pkl is loaded by LangChain too, when that is there.
"""
import json
import os
import sys

import faiss
import numpy as np

K = 10


def recall(found, truth):
    return np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth)])


def rows_of(folder, index, inner, count):
    """From what search returns to row numbers of VECTORS; ids are "row N" or 7 * ((N * 31) % count) - 5."""
    path = f"{folder}/meta.jsonl"
    if not os.path.exists(path):
        return np.arange(count)
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert len(lines) == count
    rows = np.array([line["metadata"]["row"] for line in lines])
    if isinstance(lines[0]["id"], int) and (hasattr(index, "id_map") or hasattr(inner, "nlist")):
        return {line["id"]: row for line, row in zip(lines, rows)}
    return rows


def build(inner, vectors, dimension, metric):
    name = type(inner).__name__
    if name == "IndexHNSWFlat":
        built = faiss.IndexHNSWFlat(dimension, inner.hnsw.nb_neighbors(1), metric)
        built.hnsw.efConstruction = inner.hnsw.efConstruction
        built.hnsw.efSearch = inner.hnsw.efSearch
    elif name == "IndexScalarQuantizer":
        built = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_8bit, metric)
    else:
        quantizer = faiss.IndexFlat(dimension, metric)
        if name == "IndexIVFFlat":
            built = faiss.IndexIVFFlat(quantizer, dimension, inner.nlist, metric)
        else:
            eight = faiss.ScalarQuantizer.QT_8bit
            built = faiss.IndexIVFScalarQuantizer(quantizer, dimension, inner.nlist, eight, metric)
        built.nprobe = inner.nprobe
    built.train(vectors)
    built.add(vectors)
    return built


def check(folder, vectors, queries, dimension):
    index = faiss.read_index(f"{folder}/index.faiss")
    inner = faiss.downcast_index(index.index) if hasattr(index, "id_map") else index
    count = len(vectors)
    exact = faiss.IndexFlat(dimension, index.metric_type)
    exact.add(vectors)
    truth = exact.search(queries, K)[1]
    rows = rows_of(folder, index, inner, count)
    found = [[rows[label] for label in answer] for answer in index.search(queries, K)[1].tolist()]
    built = build(inner, vectors, dimension, index.metric_type)
    theirs = built.search(queries, K)[1]
    said = "same"
    if type(inner).__name__ == "IndexScalarQuantizer":
        if not np.array_equal(faiss.vector_to_array(inner.codes), faiss.vector_to_array(built.codes)):
            said = "codes"
        if not np.array_equal(faiss.vector_to_array(inner.sq.trained), faiss.vector_to_array(built.sq.trained)):
            said = "ranges"
    elif type(inner).__name__ == "IndexHNSWFlat":
        if not np.array_equal(inner.reconstruct_n(0, count), vectors):
            said = "vectors"
    elif type(inner).__name__ == "IndexIVFFlat":
        lists = inner.invlists
        for number in range(inner.nlist):
            size = lists.list_size(number)
            if size:
                labels = faiss.rev_swig_ptr(lists.get_ids(number), size).tolist()
                codes = faiss.rev_swig_ptr(lists.get_codes(number), size * dimension * 4).view("<f4").reshape(size, dimension)
                if not np.array_equal(codes, vectors[[rows[label] for label in labels]]):
                    said = "vectors"
    if hasattr(inner, "nlist"):
        assert inner.invlists.compute_ntotal() == count
    index.add(vectors[:1]) if not hasattr(index, "id_map") else index.add_with_ids(vectors[:1], np.array([10**12]))
    assert index.ntotal == count + 1
    if os.path.exists(f"{folder}/index.pkl"):
        try:
            from langchain_community.vectorstores import FAISS
            from langchain_core.embeddings import FakeEmbeddings
        except ImportError:
            FAISS = None
        if FAISS is not None:
            store = FAISS.load_local(folder, FakeEmbeddings(size=dimension), allow_dangerous_deserialization=True)
            for row in range(0, count, 97):
                documents = store.similarity_search_by_vector(vectors[row].tolist(), k=3)
                if not any(document.metadata["row"] == row for document in documents):
                    said = "documents"
    print(type(index).__name__, type(inner).__name__, count, recall(found, truth), recall(theirs, truth), said)


def main():
    vectors = np.fromfile(sys.argv[1], "<f4").reshape(-1, int(sys.argv[2]))
    queries = vectors[::20] + np.float32(0.05)
    for folder in sys.argv[3:]:
        check(folder, vectors, queries, vectors.shape[1])


if __name__ == "__main__":
    main()

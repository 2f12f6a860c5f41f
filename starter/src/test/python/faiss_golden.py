#!/usr/bin/env python3
"""Compares indexes that arrived with what FAISS itself reconstructs from the golden files that they came from.

  faiss_golden.py GOLDEN TARGETS NAME...

GOLDEN/NAME.f32 and NAME.i64 are what make_faiss_types.py had the library reconstruct; TARGETS/NAME/index.faiss is read with faiss
and the ids from its id map, or from meta.jsonl beside it. Prints one line per index that differs.
"""
import json
import os
import re
import sys

import faiss
import numpy as np

# Rotations are undone with sums, whose last bits depend on the order of the additions.
ROTATED = re.compile("(pca|opq|rotation|two-transforms|idmap2-pca|independent).*")


def arrived(folder):
    index = faiss.read_index(f"{folder}/index.faiss")
    lines = f"{folder}/meta.jsonl"
    ids = None
    if os.path.exists(lines):
        with open(lines, encoding="utf-8") as file:
            ids = np.array([json.loads(line)["id"] for line in file], dtype="i8")
    if not hasattr(index, "id_map"):
        return ids, index.reconstruct_n(0, index.ntotal)
    labels = faiss.vector_to_array(index.id_map)
    assert ids is None or (ids == labels).all(), f"{folder}: meta.jsonl and the id map differ"
    return labels, faiss.downcast_index(index.index).reconstruct_n(0, index.ntotal)


def difference(golden, folder, name):
    ids, actual = arrived(folder)
    expected = np.fromfile(f"{golden}/{name}.f32", dtype="<f4").reshape(-1, actual.shape[1])
    if actual.shape != expected.shape:
        return f"{actual.shape} instead of {expected.shape}"
    path = f"{golden}/{name}.i64"
    wanted = np.fromfile(path, dtype="<i8") if os.path.exists(path) else np.arange(len(expected))
    if sorted(ids) != sorted(wanted):
        return f"the ids {sorted(ids)} instead of {sorted(wanted)}"
    actual, expected = actual[np.argsort(ids)], expected[np.argsort(wanted)]
    if ROTATED.fullmatch(name):
        far = np.abs(actual - expected).max(axis=1) > 1e-6 * np.linalg.norm(expected, axis=1)
    else:
        far = (actual.view("u4") != expected.view("u4")).any(axis=1)
    return f"{far.sum()} of {len(far)} vectors differ, the first in row {far.argmax()}" if far.any() else None


def main():
    golden, targets, *names = sys.argv[1:]
    for name in names:
        found = difference(golden, f"{targets}/{name}", name)
        if found:
            print(f"{name}: {found}")
    print(f"compared {len(names)}")


if __name__ == "__main__":
    main()

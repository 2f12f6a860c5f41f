#!/usr/bin/env python3
"""Prints what the real libraries read from a folder: read_faiss_folder.py vecferry|langchain FOLDER OUT.

OUT.f32 gets all vectors; OUT.jsonl one line per row: [label, id, document, metadata as Python spells it].
"""
import json
import sys

import faiss
import numpy as np


def main():
    layout, folder, out = sys.argv[1:]
    if layout == "langchain":
        from langchain_community.vectorstores import FAISS
        from langchain_core.embeddings import FakeEmbeddings

        loaded = FAISS.load_local(folder, FakeEmbeddings(size=4), allow_dangerous_deserialization=True)
        index = loaded.index
        rows = []
        for row in range(index.ntotal):
            identity = loaded.index_to_docstore_id[row]
            document = loaded.docstore.search(identity)
            assert document.id == identity and document.type == "Document", document
            assert document.model_copy(deep=True) == document
            rows.append([row, identity, document.page_content, json.dumps(document.metadata, ensure_ascii=True, separators=(",", ":"))])
        again = loaded.similarity_search_by_vector([0.1] * index.d, k=min(2, index.ntotal))
        assert len(again) == min(2, index.ntotal)
        loaded.save_local(out + ".again")
    else:
        index = faiss.read_index(f"{folder}/index.faiss")
        labels = faiss.vector_to_array(index.id_map) if hasattr(index, "id_map") else range(index.ntotal)
        rows = [[int(label), None, None, None] for label in labels]
    flat = faiss.downcast_index(index.index) if hasattr(index, "id_map") else index
    vectors = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d) if flat.ntotal else np.zeros(0, "f4")
    np.asarray(vectors).astype("<f4").tofile(out + ".f32")
    with open(out + ".jsonl", "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
    print(type(index).__name__, index.ntotal, index.d, index.metric_type, index.metric_arg)


if __name__ == "__main__":
    main()

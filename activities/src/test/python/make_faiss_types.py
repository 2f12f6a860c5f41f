#!/usr/bin/env python3
"""Writes a golden file for every FAISS index type that vecferry reads, with the real library (faiss-cpu).

  make_faiss_types.py OUT

NAME.faiss is the index, NAME.f32 what the library reconstructs (float32 little-endian, row-major), NAME.i64 the ids, both in
the order of the file: by row, and for inverted lists list after list. NAME.txt says the library's version and the class.
Indexes of more than a few KB, as those with 16-bit product codes, have made-up codebooks and are stored as NAME.faiss.gz.
"""
import gzip
import os
import sys

import faiss
import numpy as np

ROWS, DIMENSION = 40, 8


def vectors(rows=ROWS, dimension=DIMENSION, seed=3):
    return np.random.default_rng(seed).normal(size=(rows, dimension)).astype("<f4")


def train_set(dimension=DIMENSION):
    return vectors(300, dimension, 5)


def built(index, rows=ROWS, dimension=DIMENSION, ids=None):
    index.train(train_set(dimension))
    if ids is None:
        index.add(vectors(rows, dimension))
    else:
        index.add_with_ids(vectors(rows, dimension), np.asarray(ids, dtype="i8"))
    return index


def factory(recipe, rows=ROWS, dimension=DIMENSION, metric=faiss.METRIC_L2):
    index = faiss.index_factory(dimension, recipe, metric)
    for part in (index, getattr(index, "index", None), getattr(index, "base_index", None)):
        if part is not None:
            quiet(faiss.downcast_index(part))
    return built(index, rows, dimension)


def quiet(index):
    for name in ("pq", "cp"):
        if hasattr(index, name):
            part = getattr(index, name)
            getattr(part, "cp", part).min_points_per_centroid = 1


def ivf_of(index):
    return faiss.downcast_index(faiss.extract_index_ivf(index))


def ids_of_list(lists, number):
    size = lists.list_size(number)
    return faiss.rev_swig_ptr(lists.get_ids(number), size).copy() if size else np.empty(0, "i8")


def in_file_order(ivf, whole):
    """Ids in the order of the lists, and what `whole` says about them."""
    ids, rows = [], []
    lists = ivf.invlists
    for number in range(ivf.nlist):
        ids.append(ids_of_list(lists, number))
        for offset in range(lists.list_size(number)):
            row = np.empty(ivf.d, dtype="f4")
            ivf.reconstruct_from_offset(number, offset, faiss.swig_ptr(row))
            rows.append(row)
    return np.concatenate(ids), whole(np.array(rows, dtype="<f4").reshape(-1, ivf.d))


class Output:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        os.makedirs(folder, exist_ok=True)

    def write(self, name, index, values, ids=None, compressed=False, binary=False):
        path = f"{self.folder}/{name}.faiss"
        (faiss.write_index_binary if binary else faiss.write_index)(index, path)
        if compressed:
            with open(path, "rb") as plain, open(path + ".gz", "wb") as packed:
                packed.write(gzip.compress(plain.read(), 9, mtime=0))
            os.remove(path)
        np.ascontiguousarray(values, dtype="<f4").tofile(f"{self.folder}/{name}.f32")
        if ids is not None:
            np.ascontiguousarray(ids, dtype="<i8").tofile(f"{self.folder}/{name}.i64")
        kind = type(index).__name__ if binary else type(faiss.downcast_index(index)).__name__
        print(f"{name}: {kind}, {os.path.getsize(path + ('.gz' if compressed else ''))} bytes")

    def rows(self, name, index, **options):
        # A file that was read knows more than the index that was written: whether a matrix is a rotation.
        path = f"{self.folder}/{name}.faiss"
        faiss.write_index(index, path)
        read = faiss.read_index(path)
        self.write(name, index, read.reconstruct_n(0, read.ntotal), **options)

    def lists(self, name, index, whole=None, id_map=None, **options):
        ids, values = in_file_order(ivf_of(index), whole or (lambda rows: rows))
        if id_map is not None:
            ids = id_map[ids]
        self.write(name, index, values, ids, **options)


def scalar(out):
    kinds = {name[3:]: getattr(faiss.ScalarQuantizer, name) for name in (
        "QT_8bit", "QT_4bit", "QT_8bit_uniform", "QT_4bit_uniform", "QT_fp16", "QT_8bit_direct", "QT_6bit", "QT_bf16",
        "QT_8bit_direct_signed")}
    for name, kind in kinds.items():
        for dimension in (8, 7):
            index = faiss.IndexScalarQuantizer(dimension, kind)
            scale = {"8bit_direct": (40, 128), "8bit_direct_signed": (40, 0)}.get(name, (1, 0))
            index.train(train_set(dimension))
            index.add(np.clip(np.round(vectors(ROWS, dimension) * scale[0] + scale[1]), -128 if scale[1] == 0 else 0, 255)
                      if "direct" in name else vectors(ROWS, dimension))
            out.rows(f"sq-{name}-{dimension}", index)
        for residual in (True, False):
            quantizer = faiss.IndexFlatL2(DIMENSION)
            index = faiss.IndexIVFScalarQuantizer(quantizer, DIMENSION, 3, kind, faiss.METRIC_L2, residual)
            if "direct" in name and residual:
                continue
            index.train(train_set())
            index.add(vectors() if "direct" not in name else np.abs(np.round(vectors() * 20)))
            out.lists(f"ivf-sq-{name}-{'residual' if residual else 'plain'}", index)
    index = faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    out.rows("sq-8bit-ip", built(index))


def inverted(out):
    out.lists("ivf-flat", factory("IVF4,Flat"))
    out.lists("ivf-flat-ip", factory("IVF4,Flat", metric=faiss.METRIC_INNER_PRODUCT))
    sparse = [(-1) ** i * (i * 1_000_003 + 5) for i in range(ROWS)]
    index = faiss.index_factory(DIMENSION, "IVF4,Flat")
    out.lists("ivf-flat-own-ids", built(index, ids=sparse))
    index = faiss.index_factory(DIMENSION, "IVF64,Flat")
    out.lists("ivf-flat-sparse-lists", built(index, rows=9))
    index = factory("IVF4,Flat")
    index.make_direct_map()
    out.lists("ivf-flat-direct-array", index)
    index = faiss.index_factory(DIMENSION, "IVF4,Flat")
    built(index, ids=sparse)
    index.set_direct_map_type(faiss.DirectMap.Hashtable)
    out.lists("ivf-flat-direct-hash", index)
    index = faiss.index_factory(DIMENSION, "IVF4_HNSW4,Flat")
    out.lists("ivf-hnsw-quantizer", built(index))
    index = faiss.index_factory(DIMENSION, "IMI2x3,SQ8")
    index.quantizer_trains_alone = 1
    out.lists("imi-sq8", built(index))
    index = faiss.index_factory(DIMENSION, "IVF4,Flat")
    index.train(train_set())
    values = vectors()
    values[7, 3] = np.nan
    index.add(values)
    out.lists("ivf-flat-nan-dropped", index)
    quantizer = faiss.IndexFlatL2(DIMENSION)
    index = faiss.IndexIVFFlatDedup(quantizer, DIMENSION, 4, faiss.METRIC_L2)
    index.train(train_set())
    values = vectors()
    values[20:30] = values[0:10]
    values[30:33] = values[0:3]
    index.add(values)
    # The library itself cannot reconstruct this type; the duplicates stand in a table before the lists.
    ids = np.concatenate([ids_of_list(index.invlists, number) for number in range(4)])
    ids = np.concatenate([ids, np.setdiff1d(np.arange(ROWS), ids)])
    out.write("ivf-flat-dedup", index, values[ids], ids)
    on_disk(out)
    labels = np.array(sparse, dtype="i8")
    inner = faiss.index_factory(DIMENSION, "IVF4,Flat")
    index = faiss.IndexIDMap2(inner)
    built(index, ids=labels)
    out.lists("idmap2-ivf-flat", index, id_map=labels)


def on_disk(out):
    index = faiss.index_factory(DIMENSION, "IVF4,Flat")
    index.train(train_set())
    index.add(vectors())
    here = os.getcwd()
    os.chdir(out.folder)
    try:
        lists = faiss.OnDiskInvertedLists(index.nlist, index.code_size, "ivf-flat-on-disk.ivfdata")
        for number in range(index.nlist):
            size = index.invlists.list_size(number)
            lists.add_entries(number, size, index.invlists.get_ids(number), index.invlists.get_codes(number))
        index.replace_invlists(lists, False)
        out.lists("ivf-flat-on-disk", index)
    finally:
        os.chdir(here)


def independent(out):
    quantizer, inner = faiss.IndexFlatL2(DIMENSION), faiss.IndexFlatL2(DIMENSION)
    lists = faiss.IndexIVFPQ(inner, DIMENSION, 3, 2, 4)
    transform = faiss.RandomRotationMatrix(DIMENSION, DIMENSION)
    transform.init(5)
    index = faiss.IndexIVFIndependentQuantizer(quantizer, lists, transform)
    built(index)
    ids, rows = in_file_order(lists, lambda values: values)
    out.write("independent-quantizer", index, transform.reverse_transform(rows), ids)


def graphs(out):
    for name, recipe in {"flat": "HNSW4,Flat", "sq8": "HNSW4,SQ8", "sqfp16": "HNSW4,SQfp16", "pq": "HNSW4,PQ4x4"}.items():
        out.rows(f"hnsw-{name}", factory(recipe))
    out.rows("hnsw-flat-ip", factory("HNSW4,Flat", metric=faiss.METRIC_INNER_PRODUCT))
    quantizer = faiss.IndexFlatL2(DIMENSION)
    index = built(faiss.IndexHNSW2Level(quantizer, 4, 2, 4))
    out.rows("hnsw-2level", index)
    index.flip_to_ivf()
    ids, rows = in_file_order(faiss.downcast_index(index.storage), lambda values: values)
    out.write("hnsw-2level-ivf", index, rows, ids)
    labels = np.arange(ROWS) * 3 - 10
    inner = faiss.IndexHNSWFlat(DIMENSION, 4)
    index = faiss.IndexIDMap(inner)
    index.add_with_ids(vectors(), labels)
    out.write("idmap-hnsw-flat", index, vectors(), labels)
    for name, index in {"flat": faiss.IndexNSGFlat(DIMENSION, 6), "pq": faiss.IndexNSGPQ(DIMENSION, 2, 6, 4),
                        "sq": faiss.IndexNSGSQ(DIMENSION, faiss.ScalarQuantizer.QT_8bit, 6)}.items():
        index.GK = 8
        index.train(train_set())
        index.add(vectors(120))
        out.rows(f"nsg-{name}", index)
    index = faiss.IndexHNSWFlatPanorama(DIMENSION, 4, 2)
    index.add(vectors())
    out.rows("hnsw-panorama", index)
    index = faiss.IndexHNSWCagra(DIMENSION, 4)
    index.add(vectors())
    out.rows("hnsw-cagra", index)
    index = faiss.IndexNNDescentFlat(DIMENSION, 6, faiss.METRIC_L2)
    index.add(vectors(120))
    out.rows("nndescent-flat", index)


def product(out):
    for bits in (4, 5, 7):
        index = faiss.IndexPQ(DIMENSION, 4, bits)
        index.pq.cp.min_points_per_centroid = 1
        out.rows(f"pq-4x{bits}", built(index))
    index = faiss.IndexPQ(DIMENSION, 2, 8)
    index.pq.cp.min_points_per_centroid = 1
    out.rows("pq-2x8", built(index))
    index = faiss.IndexPQ(DIMENSION, 4, 4)
    index.do_polysemous_training = True
    index.polysemous_ht = 3
    out.rows("pq-polysemous", built(index))
    for bits in (10, 12, 16):
        index = faiss.IndexPQ(4, 2, bits)
        made_up(index.pq)
        index.is_trained = True
        index.add(vectors(ROWS, 4) * 50 + 1000)
        out.rows(f"pq-2x{bits}", index, compressed=True)
    for bits, residual in ((4, True), (6, False), (8, True)):
        quantizer = faiss.IndexFlatL2(DIMENSION)
        index = faiss.IndexIVFPQ(quantizer, DIMENSION, 3, 2, bits)
        index.by_residual = residual
        index.pq.cp.min_points_per_centroid = 1
        out.lists(f"ivf-pq-2x{bits}-{'residual' if residual else 'plain'}", built(index))
    quantizer = faiss.IndexFlatL2(DIMENSION)
    index = faiss.IndexIVFPQR(quantizer, DIMENSION, 3, 2, 4, 2, 5)
    built(index)
    out.lists("ivf-pqr", index)
    out.rows("pq-fastscan", factory("PQ4x4fs"))
    out.rows("pq-fastscan-odd", factory("PQ3x4fs", rows=70, dimension=6))
    out.lists("ivf-pq-fastscan", factory("IVF3,PQ4x4fs"))
    index = faiss.index_factory(DIMENSION, "IVF3,PQ4x4fsr")
    out.lists("ivf-pq-fastscan-residual", built(index, rows=100))
    quantizer = faiss.IndexFlatL2(DIMENSION)
    out.rows("two-layer", built(faiss.Index2Layer(quantizer, 4, 2, 5)))


def made_up(pq):
    per_part = pq.ksub * pq.dsub
    pattern = (np.arange(pq.M * per_part) % per_part // (per_part // 512)).astype("f4") * np.float32(4.125)
    faiss.copy_array_to_vector(pattern, pq.centroids)


def wrapped(out):
    out.rows("refine-sq8-flat", factory("SQ8,RFlat"))
    out.rows("refine-sq4-sq8", factory("SQ4,Refine(SQ8)"))
    out.rows("refine-ivf-pq", factory("IVF3,PQ2x4,RFlat"))
    out.rows("pca-flat", factory("PCA4,Flat"))
    out.rows("pcar-sq8", factory("PCAR4,SQ8"))
    out.rows("opq-pq", factory("OPQ2,PQ2x4"))
    out.lists("opq-ivf-pq", *transformed(factory("OPQ2_4,IVF3,PQ2x4")))
    out.rows("rotation-flat", factory("RR8,Flat"))
    out.rows("normalised-flat", factory("L2norm,Flat", metric=faiss.METRIC_INNER_PRODUCT))
    out.rows("remap-flat", factory("Pad12,Flat"))
    transform, inner = faiss.CenteringTransform(DIMENSION), faiss.IndexFlatL2(DIMENSION)
    out.rows("centred-flat", built(faiss.IndexPreTransform(transform, inner)))
    out.rows("two-transforms", factory("PCA6,L2norm,SQ8"))
    inner = factory("PCA4,SQ8", rows=0)
    index = faiss.IndexIDMap2(inner)
    labels = np.arange(ROWS, dtype="i8") * 7
    index.add_with_ids(vectors(), labels)
    out.write("idmap2-pca-sq8", index, faiss.downcast_index(index.index).reconstruct_n(0, ROWS), labels)


def transformed(index):
    def whole(rows):
        result = np.empty((len(rows), index.d), dtype="<f4")
        for at in range(len(rows)):
            result[at] = index.chain.at(0).reverse_transform(rows[at:at + 1])[0]
        return result

    return index, whole


def before_2018(out):
    """Formats that the library still reads and no longer writes, made from what it writes now."""
    def text(name, index):
        path = f"{out.folder}/{name}.faiss"
        faiss.write_index(index, path)
        with open(path, "rb") as file:
            return file.read()

    def finish(name, content, lists=True):
        path = f"{out.folder}/{name}.faiss"
        with open(path, "wb") as file:
            file.write(content)
        index = faiss.read_index(path)
        if lists:
            ids, values = in_file_order(index, lambda rows: rows)
            ids.astype("<i8").tofile(f"{out.folder}/{name}.i64")
        else:
            values = index.reconstruct_n(0, index.ntotal)
        values.astype("<f4").tofile(f"{out.folder}/{name}.f32")
        print(f"{name}: {type(index).__name__}, {len(content)} bytes")

    def vector(array):
        return np.uint64(array.size).tobytes() + array.tobytes()

    def parts(index):
        """What stands before the direct map, between it and the lists, and the ids and codes of each list."""
        content = text("old", index)
        os.remove(f"{out.folder}/old.faiss")
        quantizer = faiss.serialize_index(faiss.downcast_index(index.quantizer)).tobytes()
        head = content[:33 + 4 + 16] + quantizer
        assert content.startswith(head)
        at = content.index(b"ilar")
        ids = [ids_of_list(index.invlists, number).astype("<i8") for number in range(index.nlist)]
        codes = [faiss.rev_swig_ptr(index.invlists.get_codes(number), len(ids[number]) * index.code_size).copy()
                 for number in range(index.nlist)]
        direct_map = content[len(head):len(head) + 9]
        return head, direct_map, content[len(head) + 9:at], ids, codes

    for name, fourcc, index in (
            ("old-ivf-floats", b"IvFl", factory("IVF3,Flat")), ("old-ivf-flat", b"IvFL", factory("IVF3,Flat")),
            ("old-ivf-sq", b"IvSQ", factory("IVF3,SQ8")), ("old-ivf-pq", b"IvPQ", factory("IVF3,PQ2x4"))):
        head, direct_map, middle, ids, codes = parts(index)
        if fourcc == b"IvSQ":
            middle = middle[:-1]
        if fourcc == b"IvFl":
            codes = [part.view("<f4") for part in codes]
        finish(name, fourcc + head[4:] + b"".join(map(vector, ids)) + direct_map + middle + b"".join(map(vector, codes)))
    content = text("old-ivf-sq-2018", factory("IVF3,SQ8"))
    at = content.index(b"ilar")
    finish("old-ivf-sq-2018", b"IwSQ" + content[4:at - 1] + content[at:])
    content = text("old-pq", factory("PQ4x4"))
    finish("old-pq", b"IxPQ" + content[4:-9], False)
    finish("old-polysemous", b"IxPo" + content[4:], False)


def binary(out):
    values = np.random.default_rng(9).integers(0, 256, size=(ROWS, 3), dtype="u1")
    bits = np.unpackbits(values, axis=1, bitorder="big").astype("f4")
    index = faiss.IndexBinaryFlat(24)
    index.add(values)
    out.write("binary-flat", index, bits, binary=True)
    labels = np.arange(ROWS, dtype="i8") * 2 - 9
    inner = faiss.IndexBinaryFlat(24)
    index = faiss.IndexBinaryIDMap2(inner)
    index.add_with_ids(values, labels)
    out.write("binary-idmap2", index, bits, labels, binary=True)
    index = faiss.IndexBinaryHNSW(24, 4)
    index.add(values)
    out.write("binary-hnsw", index, bits, binary=True)
    quantizer = faiss.IndexBinaryFlat(24)
    index = faiss.IndexBinaryIVF(quantizer, 24, 3)
    index.cp.min_points_per_centroid = 1
    index.train(values)
    index.add(values)
    ids = np.concatenate([ids_of_list(index.invlists, number) for number in range(3)])
    out.write("binary-ivf", index, bits[ids], ids, binary=True)


def refused(out):
    """Types that cannot be reconstructed or are not read: only their names are wanted."""
    for name, recipe in {"lsh": "LSH", "residual-quantizer": "RQ2x4", "local-search": "LSQ2x4", "rabitq": "RaBitQ"}.items():
        index = faiss.index_factory(DIMENSION, recipe)
        index.train(train_set())
        faiss.write_index(index, f"{out.folder}/refused-{name}.faiss")
    inner = faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_8bit)
    for name, index in {"rowwise": faiss.IndexRowwiseMinMax(inner),
                        "turbo": faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_4bit_tqmse)}.items():
        index.train(train_set())
        faiss.write_index(index, f"{out.folder}/refused-{name}.faiss")
    index = factory("IVF3,Flat")
    index.replace_invlists(None)
    faiss.write_index(index, f"{out.folder}/refused-no-lists.faiss")
    index = factory("HNSW4,Flat")
    faiss.write_index(index, f"{out.folder}/refused-no-storage.faiss", faiss.IO_FLAG_SKIP_STORAGE)
    transform, inner = faiss.PCAMatrix(DIMENSION, 4, -0.5), faiss.IndexFlatL2(4)
    index = built(faiss.IndexPreTransform(transform, inner))
    faiss.write_index(index, f"{out.folder}/refused-whitened.faiss")


def main():
    faiss.omp_set_num_threads(1)
    out = Output(sys.argv[1])
    for part in (scalar, inverted, independent, graphs, product, wrapped, before_2018, binary, refused):
        part(out)


if __name__ == "__main__":
    main()

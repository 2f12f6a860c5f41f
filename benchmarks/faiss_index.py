#!/usr/bin/env python3
"""vecferry's own FAISS reader and builders against the library, in turn, several times.

  faiss_index.py [--runs 3] [--read-rows 1000000] [--build-rows 200000] [--dimension 128] [--work DIR] [--only read|build|memory]

read    an IndexFlat and an IVF1024,SQ8 into batches of 1,000, against faiss.read_index and reconstruct_n
build   HNSW (M 32, efConstruction 40) and IVF1024 with as many threads as processors, against train, add and write_index; both are
        then searched by faiss with the same parameters
memory  each writer in a heap of what planning says it needs and 64 MB; resident memory at most (Linux), as a multiple of the file

Needs numpy, faiss-cpu, Maven. Prints tables with medians and the ratio of the medians, and the load of the machine before and after.
"""
import argparse, os, pathlib, re, shutil, statistics, subprocess, sys, tempfile, time

import faiss
import numpy as np

here = pathlib.Path(__file__).resolve().parent
home = here.parent
parser = argparse.ArgumentParser()
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--read-rows", type=int, default=1_000_000)
parser.add_argument("--build-rows", type=int, default=200_000)
parser.add_argument("--dimension", type=int, default=128)
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
parser.add_argument("--only", choices=["read", "build", "memory"])
options = parser.parse_args()
work = pathlib.Path(options.work)
work.mkdir(parents=True, exist_ok=True)
threads = len(os.sched_getaffinity(0))
faiss.omp_set_num_threads(threads)


def vectors(rows, seed):
    """Around a thousand centres, as embeddings lie; in blocks, to be gone soon."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(1000, options.dimension)).astype("f4")
    for start in range(0, rows, 100_000):
        count = min(100_000, rows - start)
        yield centres[random.integers(0, 1000, count)] + random.normal(size=(count, options.dimension)).astype("f4") * np.float32(.6)


def made(name, rows, recipe):
    path = work / f"{name}-{rows}x{options.dimension}.faiss"
    if not path.exists():
        index = faiss.index_factory(options.dimension, recipe)
        if not index.is_trained:
            index.train(next(vectors(100_000, 5)))
        for block in vectors(rows, 7):
            index.add(block)
        faiss.write_index(index, str(path))
    return path


def class_path():
    subprocess.run([str(home / "vecferry"), "--version"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["mvn", "-q", "-B", "-pl", "activities", "-am", "test-compile"], cwd=home, check=True, stdout=sys.stderr)
    return f"{home}/activities/target/test-classes:{(home / 'starter/target/classpath').read_text()}"


def java(main, *arguments, heap="1g"):
    command = ["java", f"-Xmx{heap}", "-cp", classes, f"io.vecferry.store.faiss.{main}", *map(str, arguments)]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.returncode != 0:
        sys.exit(f"{command} failed:\n{process.stdout}")
    return process.stdout


def table(title, figures):
    print(f"\n{title}\n\n| | vecferry s | faiss s | ratio |\n|---|---|---|---|")
    for name, (ours, theirs) in figures.items():
        left, right = statistics.median(ours), statistics.median(theirs)
        print(f"| {name} | {left:.2f} | {right:.2f} | {left / right:.2f} |")


def read():
    """One thread each: reconstruct_n of inverted lists has no more. The first time in a process, and the third."""
    figures = {}
    for name, recipe in (("Flat", "Flat"), ("IVF1024,SQ8", "IVF1024,SQ8")):
        path = made(recipe.replace(",", "-").lower(), options.read_rows, recipe)
        path.read_bytes()
        first, third, two, theirs = [], [], [], []
        for _ in range(options.runs):
            said = java("FaissReadTiming", path)
            seconds = [sum(map(float, found)) for found in re.findall(r"opened in ([\d.]+) s, read in ([\d.]+) s", said)]
            first.append(seconds[0])
            third.append(seconds[2])
            two.append(seconds[5])
            start = time.time()
            index = faiss.read_index(str(path))
            index.reconstruct_n(0, index.ntotal)
            theirs.append(time.time() - start)
            del index
        figures |= {f"{name}, first in the process": (first, theirs), f"{name}, warm": (third, theirs), f"{name}, warm, 2 partitions": (two, theirs)}
    table(f"Reading {options.read_rows} x {options.dimension}", figures)


RECIPES = {
    "HNSW": ("HNSW32,Flat", ["M=32", "efConstruction=40"]),
    "IVF_FLAT": ("IVF1024,Flat", ["nlist=1024"]),
}


def recall(index, queries, truth):
    inner = faiss.downcast_index(index.index) if hasattr(index, "id_map") else index
    if hasattr(inner, "hnsw"):
        inner.hnsw.efSearch = 64
    else:
        inner.nprobe = 16
    _, found = index.search(queries, 10)
    return sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist())) / truth.size


def build():
    source = made("flat", options.build_rows, "Flat")
    flat = faiss.read_index(str(source))
    queries = next(vectors(500, 99))
    _, truth = flat.search(queries, 10)
    all_vectors = flat.reconstruct_n(0, flat.ntotal)
    figures, recalls = {}, {}
    for name, (recipe, parameters) in RECIPES.items():
        ours, theirs = [], []
        for _ in range(options.runs):
            target = work / "built"
            shutil.rmtree(target, ignore_errors=True)
            said = java("FaissBuildTiming", source, target, name, *parameters, heap="2g")
            ours.append(float(re.search(r"built in ([\d.]+) s", said)[1]))
            index = faiss.index_factory(options.dimension, recipe)
            if hasattr(index, "hnsw"):
                index.hnsw.efConstruction = 40
            start = time.time()
            index.train(all_vectors)
            index.add(all_vectors)
            faiss.write_index(index, str(work / "library.faiss"))
            theirs.append(time.time() - start)
        figures[name] = (ours, theirs)
        recalls[name] = (recall(faiss.read_index(str(target / "index.faiss")), queries, truth), recall(index, queries, truth))
    table(f"Building from {options.build_rows} x {options.dimension} with {threads} threads", figures)
    for name, (left, right) in recalls.items():
        print(f"\n{name}: recall at 10, searched by faiss: vecferry's {left:.3f}, faiss' {right:.3f}")


def memory():
    source = made("flat", options.build_rows, "Flat")
    raw = options.build_rows * options.dimension * 4
    links = options.build_rows * (8 * 32 + 4 + 4 + 7 + threads)
    sample = min(raw, 256 * 1024 * options.dimension * 4)
    needs = {"Flat": 4 << 20, "SQ8": 24 << 20, "HNSW": raw + links, "IVF_FLAT": sample + sample // 64, "IVF_SQ8": sample + sample // 64}
    print("\nMemory of writers\n\n| | index MB | heap MB | resident MB | resident / index |\n|---|---|---|---|---|")
    for name, need in needs.items():
        parameters = RECIPES["HNSW" if name == "HNSW" else "IVF_FLAT"][1] if "_" in name or name == "HNSW" else []
        target = work / "built"
        shutil.rmtree(target, ignore_errors=True)
        heap = (need >> 20) + 64
        said = java("FaissBuildTiming", source, target, name, *parameters, heap=f"{heap}m")
        # What wait4 says of a process includes what its parent held when it was forked.
        resident = int(re.search(r"VmHWM:\s+(\d+) kB", said)[1]) * 1024
        size = os.path.getsize(target / "index.faiss")
        print(f"| {name} | {size / 1e6:.0f} | {heap} | {resident / 1e6:.0f} | {resident / size:.1f} |")


def load():
    return "load " + " ".join(f"{value:.1f}" for value in os.getloadavg())


classes = class_path()
before = load()
for part in (read, build, memory):
    if options.only in (None, part.__name__):
        part()
print(f"\n{threads} processors, faiss {faiss.__version__}; {before} before, {load()} after")

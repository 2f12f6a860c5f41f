#!/usr/bin/env python3
"""Exact search over vectors in memory, as the quality check does it over an archive, against faiss IndexFlat with the same threads.

  exact_search.py [--rows 1000000] [--queries 1000] [--dimension 128] [--k 10] [--rounds 5] [--metric l2|ip] [--java OPTIONS] [--work DIR]

Both sides get the same vectors and queries, take turns twice, and have to give the same answers but for ties. Prints seconds of each
round; the first of each process is with a cold compiler or cache. Needs numpy, faiss-cpu, Maven, and twice the size of the vectors in memory.
"""
import argparse, os, pathlib, statistics, subprocess, sys, tempfile, time

import faiss
import numpy as np

home = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--queries", type=int, default=1_000)
parser.add_argument("--dimension", type=int, default=128)
parser.add_argument("--k", type=int, default=10)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--metric", choices=["l2", "ip"], default="l2")
parser.add_argument("--java", default="", help="options of the JVM")
parser.add_argument("--classes", help="class path with the test classes of activities; built by Maven otherwise")
parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "vecferry-benchmark"))
options = parser.parse_args()
work = pathlib.Path(options.work)
work.mkdir(parents=True, exist_ok=True)
threads = len(os.sched_getaffinity(0))
faiss.omp_set_num_threads(threads)

classes = options.classes
if not classes:
    subprocess.run(["mvn", "-q", "-B", "-pl", "activities", "-am", "test-compile"], cwd=home, check=True, stdout=sys.stderr)
    classes = f"{home}/activities/target/test-classes:{home}/activities/target/classes"

random = np.random.default_rng(7)
centres = random.normal(size=(1000, options.dimension)).astype("f4")


def vectors(count):
    """Around a thousand centres, as embeddings lie."""
    return centres[random.integers(0, 1000, count)] + random.normal(size=(count, options.dimension)).astype("f4") * np.float32(0.6)


base = np.concatenate([vectors(min(100_000, options.rows - at)) for at in range(0, options.rows, 100_000)])
queries = vectors(options.queries)
base.tofile(work / "base.f32")
queries.tofile(work / "queries.f32")


def by_vecferry():
    command = ["java", "-Xmx4g", *options.java.split(), "-cp", classes, "io.vecferry.search.ExactSearchTiming"]
    command += [work / "base.f32", work / "queries.f32", options.dimension, options.k, options.metric, threads, options.rounds, work / "answers"]
    lines = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout.split()
    return [float(line) for line in lines], np.loadtxt(work / "answers", dtype="i8", ndmin=2)


def by_faiss():
    index = (faiss.IndexFlatL2 if options.metric == "l2" else faiss.IndexFlatIP)(options.dimension)
    index.add(base)
    seconds = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        _, found = index.search(queries, options.k)
        seconds.append(time.perf_counter() - start)
    return seconds, found


taken = {"vecferry": [], "faiss": []}
for _ in range(2):
    for name, side in (("vecferry", by_vecferry), ("faiss", by_faiss)):
        seconds, answers = side()
        taken[name] += seconds[1:]
        print(f"{name:10}", " ".join(f"{s:.2f}" for s in seconds), flush=True)
        if name == "vecferry":
            ours = answers
        else:
            same = np.mean([len(set(a) & set(b)) / options.k for a, b in zip(ours, answers)])
            print(f"           same answers: {same:.6f}", flush=True)
ours, theirs = statistics.median(taken["vecferry"]), statistics.median(taken["faiss"])
print(f"{options.queries} queries, {options.rows} x {options.dimension}, {options.metric}, {threads} threads:"
      f" vecferry {ours:.2f} s, faiss {theirs:.2f} s, ratio {ours / theirs:.2f}")

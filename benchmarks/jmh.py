#!/usr/bin/env python3
"""Time and allocation of the code that every record goes through, for vectors of two lengths, measured by JMH.

  jmh.py [--only PATTERN] [--iterations 3] [--seconds 1] [--java OPTIONS] [--json FILE]

Prints a Markdown table: nanoseconds and bytes of heap for each record with 128 and with 1,024 components, and the bytes that each
further component takes. A float itself takes 4; an object for each one would take 16 or more. The benchmarks are classes *Benchmark
next to the tests of activities. PATTERN is a regular expression for their names, such as Milvus. Needs Maven.
"""
import argparse, collections, json, os, pathlib, subprocess, sys, tempfile

home = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--only", default="", help="regular expression for the names of benchmarks")
parser.add_argument("--iterations", type=int, default=3, help="iterations to warm up, and to measure")
parser.add_argument("--seconds", type=int, default=1, help="seconds of an iteration")
parser.add_argument("--java", default="", help="options of the JVM that is measured")
parser.add_argument("--json", help="file for what JMH writes")
parser.add_argument("--classes", help="class path with the test classes of activities; built by Maven otherwise")
options = parser.parse_args()
folder = tempfile.TemporaryDirectory()


def built():
    """The class path of the tests of activities."""
    file = pathlib.Path(folder.name, "classpath")
    maven = ["mvn", "-q", "-B", "-pl", "activities", "-am", "test-compile", "dependency:build-classpath"]
    subprocess.run([*maven, f"-Dmdep.outputFile={file}"], cwd=home, check=True, stdout=sys.stderr)
    return f"{home}/activities/target/test-classes:{home}/activities/target/classes:{file.read_text()}"


results = options.json or os.path.join(folder.name, "results.json")
command = ["java", "-cp", options.classes or built(), "org.openjdk.jmh.Main", f"{options.only}.*Benchmark\\.", "-prof", "gc", "-foe", "true"]
command += ["-wi", options.iterations, "-i", options.iterations, "-w", options.seconds, "-r", options.seconds, "-rf", "json", "-rff", results]
if options.java:
    command += ["-jvmArgsAppend", options.java]
subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)

table = collections.defaultdict(dict)
for result in json.loads(pathlib.Path(results).read_text()):
    name = ".".join(result["benchmark"].split(".")[-2:]).replace("Benchmark.", " ")
    bytes = result["secondaryMetrics"]["gc.alloc.rate.norm"]["score"]
    table[name][int(result["params"]["dimension"])] = result["primaryMetric"]["score"], bytes
print("| | ns, 128 | ns, 1,024 | bytes, 128 | bytes, 1,024 | bytes a component |")
print("|---|---|---|---|---|---|")
for name, ((short, few), (long, many)) in ((name, (row[128], row[1024])) for name, row in table.items()):
    print(f"| {name} | {short:,.0f} | {long:,.0f} | {few:,.0f} | {many:,.0f} | {(many - few) / (1024 - 128):.1f} |")

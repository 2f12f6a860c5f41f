#!/usr/bin/env python3
"""How time, memory and histories grow with the size of a collection: FAISS to FAISS, Milvus or Qdrant, one migration per size.

  growth.py [SIZE...] [--target faiss|milvus|qdrant] [--heap 512m] [--results FILE] [--data] [--work DIR]
  growth.py --draw [--results FILE] [--docs DIR]

SIZE is ROWSxDIMENSION, such as 1000000x128. Without any: 10 thousand to 5 million x 128, and 32 to 4,096 components in the same 512 MB of
floats. Each size gets a worker of its own, whose peak memory is taken, with the default heap of the JVM unless --heap says another one.
Time is of `vecferry run`, backup and proof included. Results are added to FILE; --draw makes the tables and the plots of all in it.

--data     only make the data, which is not measured and takes longer than the migrations
Needs numpy, and servers: deploy/local/up temporal, and milvus or qdrant, then eval "$(deploy/local/env)".
"""
import argparse, collections, glob, json, math, os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, time

here = pathlib.Path(__file__).resolve().parent
launcher = str(here.parent / "vecferry")
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("sizes", nargs="*", metavar="SIZE")
parser.add_argument("--target", choices=["faiss", "milvus", "qdrant"], default="faiss")
parser.add_argument("--heap", default="", help="of the worker; the JVM's default otherwise")
parser.add_argument("--results", type=pathlib.Path)
parser.add_argument("--data", action="store_true")
parser.add_argument("--draw", action="store_true")
parser.add_argument("--docs", type=pathlib.Path, default=here.parent / "docs")
parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir(), "vecferry-benchmark"))
options = parser.parse_args()
options.work.mkdir(parents=True, exist_ok=True)
results = options.results or options.work / "growth.json"

FLOATS = 128_000_000
SIZES = [(rows, 128) for rows in (10_000, 100_000, 1_000_000, 5_000_000)]
SIZES += [(FLOATS // dimension, dimension) for dimension in (32, 512, 1536, 4096)]
sizes = [tuple(int(number) for number in size.split("x")) for size in options.sizes] or SIZES


def data(rows, dimension):
    folder = options.work / f"{rows}x{dimension}-metadata"
    if not (folder / "manifest.json").exists():
        command = [sys.executable, here / "make_synthetic.py", rows, dimension, 7, folder, "--queries", 1]
        subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)
    return folder


def temporal(*words):
    """What Temporal's command line answers."""
    found = shutil.which("temporal") or max(glob.glob(os.path.expanduser("~/.cache/vecferry/servers/temporal-*/temporal")), default=None)
    if not found:
        sys.exit("There is no command line of Temporal. deploy/local/install temporal builds it.")
    address = os.environ["TEMPORAL_ADDRESS"]
    return json.loads(subprocess.run([found, *words, "--address", address, "-o", "json"], check=True, capture_output=True).stdout)


def histories(name):
    """Events and bytes of the histories of a migration and of its partitions."""
    events = size = 0
    for workflow in temporal("workflow", "list", "--query", f"WorkflowId STARTS_WITH 'migration-{name}'"):
        execution = workflow["execution"]
        info = temporal("workflow", "describe", "-w", execution["workflowId"], "-r", execution["runId"])["workflowExecutionInfo"]
        events += int(info["historyLength"])
        size += int(info["historySizeBytes"])
    return events, size


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def migrate(rows, dimension):
    name = f"growth-{rows}x{dimension}-{int(time.time())}"
    folder = options.work / name  # A run that was broken off still holds its target.
    folder.mkdir()
    target = {"type": "faiss", "path": str(folder / "out")}
    if options.target != "faiss":
        url = os.environ[options.target.upper() + "_URL"]
        target = {"type": options.target, "url": url, "collection": name.replace("-", "_")}
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"name": name, "source": {"type": "faiss", "path": str(data(rows, dimension))}, "target": target}))
    environment = dict(os.environ)
    environment.pop("VECFERRY_JAVA_OPTIONS", None)
    archive = ["--archive", str(folder / "archive")]
    port = free_port()
    os.sync()
    with open(folder / "worker.log", "w") as log:
        worker = subprocess.Popen([launcher, "worker", *archive, "--http", f"127.0.0.1:{port}"], stdout=log, stderr=log,
                                  env=dict(environment, VECFERRY_JAVA_OPTIONS=f"-Xmx{options.heap}") if options.heap else environment)
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.2)
        start = time.time()
        run = subprocess.run([launcher, "run", str(spec), *archive], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seconds = time.time() - start
        worker.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(worker.pid, 0)
    if run.returncode != 0:
        sys.exit(f"{name} ended with {run.returncode}:\n{run.stderr.decode()}")
    events, size = histories(name)
    stored = sum(file.stat().st_size for file in (folder / "archive").rglob("*") if file.is_file())
    parts = sum(1 for _ in (folder / "archive").rglob("*.parquet"))
    shutil.rmtree(folder)
    return {"target": options.target, "heap": options.heap, "rows": rows, "dimension": dimension, "seconds": seconds,
            "cpu": usage.ru_utime + usage.ru_stime, "peakMb": usage.ru_maxrss / 1024, "events": events, "historyBytes": size,
            "parts": parts, "archiveMb": stored / 1e6}


# Drawing

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 300, 230, 58, 14, 30, 44
COLOURS = ["#1b6ca8", "#c2571a", "#4a7c2f", "#7d3c98"]


def ticks(low, high):
    return [10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def spelled(number):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:g}{unit}"
    return f"{number:g}"


def plot(x, title, below, lines, doubling=False):
    """One plot, logarithmic both ways; lines are pairs of a name and points."""
    points = [point for _, line in lines for point in line]
    across = [p[0] for p in points]
    upward = [p[1] for p in points]
    x0, x1 = math.log10(min(across)) - 0.08, math.log10(max(across)) + 0.08
    y0, y1 = math.floor(math.log10(min(upward))), math.ceil(math.log10(max(upward)) + 1e-9)

    def place(px, py):
        return (x + LEFT + (math.log10(px) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (math.log10(py) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM))

    out = [f'<text x="{x + LEFT}" y="18" font-weight="bold">{title}</text>']
    for value in ticks(10 ** y0, 10 ** y1):
        _, y = place(min(across), value)
        out.append(f'<line x1="{x + LEFT}" x2="{x + WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{x + LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{spelled(value)}</text>')
    marks = sorted(set(across)) if doubling else [value for value in ticks(min(across), max(across)) if x0 <= math.log10(value) <= x1]
    for value in marks:
        px, _ = place(value, 10 ** y0)
        out.append(f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value if doubling else spelled(value)}</text>')
    out.append(f'<text x="{x + (LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{below}</text>')
    for number, (name, line) in enumerate(lines):
        colour = COLOURS[number]
        at = [place(*point) for point in sorted(line)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in at)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in at]
        if len(lines) > 1:
            out.append(f'<text x="{x + LEFT + 8}" y="{TOP + 14 * (number + 1)}" fill="{colour}">{name}</text>')
    return out


def picture(file, plots):
    body = [line for number, (title, below, lines, doubling) in enumerate(plots) for line in plot(number * WIDTH, title, below, lines, doubling)]
    size = f'width="{WIDTH * len(plots)}" height="{HEIGHT}"'
    file.write_text("\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
                               '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>"]) + "\n")


def draw():
    measured = json.loads(results.read_text())
    groups = collections.defaultdict(dict)
    for one in measured:  # The last result of a size counts.
        groups[one["target"], one["heap"]][one["rows"], one["dimension"]] = one
    print("| to | heap | rows | seconds | rows/s | CPU us a row | peak MB | parts | events | history KB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (target, heap), group in sorted(groups.items()):
        for (rows, dimension), one in sorted(group.items(), key=lambda item: (item[0][1] != 128, item[0][1], item[0][0])):
            cells = [target, heap or "default", f"{rows:,} x {dimension}", f"{one['seconds']:.1f}", f"{rows / one['seconds']:,.0f}",
                     f"{one['cpu'] / rows * 1e6:.1f}", f"{one['peakMb']:,.0f}", one["parts"], f"{one['events']:,}", f"{one['historyBytes'] / 1e3:,.0f}"]
            print("| " + " | ".join(str(cell) for cell in cells) + " |")

    def lines(figure, chosen, horizontal):
        drawn = []
        for (target, heap), group in sorted(groups.items()):
            points = [(one[horizontal], figure(one)) for key, one in group.items() if chosen(*key)]
            if len(points) > 1:
                drawn.append((f"{target}, {heap or 'default'} heap", points))
        return drawn

    def by_rows(rows, dimension):
        return dimension == 128

    def by_dimension(rows, dimension):
        return abs(rows * dimension - FLOATS) < dimension

    for file, chosen, horizontal, below in (("growth-rows.svg", by_rows, "rows", "rows x 128"),
                                            ("growth-dimensions.svg", by_dimension, "dimension", "components; 512 MB of floats")):
        figures = [("seconds", lambda one: one["seconds"]), ("peak MB", lambda one: one["peakMb"]), ("history events", lambda one: one["events"])]
        plots = [(title, below, lines(figure, chosen, horizontal), horizontal == "dimension") for title, figure in figures]
        if all(plot[2] for plot in plots):
            picture(options.docs / file, plots)


if options.draw:
    draw()
else:
    for rows, dimension in sizes:
        if options.data:
            data(rows, dimension)
            continue
        one = migrate(rows, dimension)
        before = json.loads(results.read_text()) if results.exists() else []
        results.write_text(json.dumps([*before, one], indent=1))
        print(f"{rows} x {dimension}: {one['seconds']:.1f} s, {one['peakMb']:,.0f} MB, {one['parts']} parts, {one['events']} events", file=sys.stderr, flush=True)

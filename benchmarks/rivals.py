#!/usr/bin/env python3
"""The other tools: installed from their public packages, and how each is called.

  rivals.py --install

puts them and a Python with the clients of the stores into a folder of the user's cache (BENCHMARK_RIVALS); what cannot be installed is
named and left out. Needs Go 1.24 and Cargo for qdrant/migration and npm for elasticdump.
"""
import json, os, pathlib, shlex, shutil, subprocess, sys

cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
folder = pathlib.Path(os.environ.get("BENCHMARK_RIVALS", cache / "vecferry/rivals"))
MIGRATION, ELASTICDUMP, VDF = "0.6.5", "6.125.1", "0.1.248"
CLIENTS = ["numpy==2.4.6", "faiss-cpu==1.15.1", "chromadb==1.5.9", "pymilvus==2.6.17", "qdrant-client==1.18.0"]
# What the requirements.txt of qdrant/migration asks for, for its path from FAISS.
MIGRATION_PYTHON = ["faiss-cpu==1.11.0.post1", "numpy==2.3.2", "tqdm==4.67.1", "qdrant-client==1.17.0"]
# What vdf-io imports for Chroma, Milvus and Qdrant; its own list has torch and the clients of all that it knows. The client of Qdrant is an
# older one, which has the count of vectors that it reads.
VDF_PYTHON = ["numpy==2.4.6", "pandas==3.1.1", "pyarrow==26.0.1", "chromadb==1.5.9", "pymilvus==2.6.17", "qdrant-client==1.15.1",
              "sentry-sdk[opentelemetry]==2.75.0", "halo==0.0.31", "tqdm==4.70.1", "python-dotenv==1.2.4", "pillow==13.0.0", "requests==2.34.2",
              "ratelimit==2.2.1", "backoff==2.2.1"]

# The Elasticsearch that deploy/local runs has no GET /, by which elasticdump finds the version.
ELASTICDUMP_VERSION = """
const base = require('elasticdump/lib/transports/__es__/_base.js')
base.prototype.version = function (prefix, callback) {
  this.ESFullversion = '8.19.21'
  this.ESversion = '8'
  this.ESDistribution = 'elasticsearch'
  this.setSearchBody()
  callback()
}
"""


# The client of Chroma in qdrant/migration makes an embedding function at its start, which a copy never calls, and downloads a model and two
# libraries for it. The libraries can come from PyPI (onnxruntime, with chromadb) and from the source of the module, and a tokenizer of one
# word does for the model.
TOKENIZER = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
             "decoder": None, "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}}

# vdf-io imports the clients of all that it knows at its start, and at its end asks PyPI for a newer version of itself. Both are empty here.
# It has no flag for the port of Qdrant's gRPC.
VDF_STAND_INS = """
import functools, os, sys, types

for name in ["astrapy.db", "cassandra.auth", "cassandra.cluster", "cassandra.query", "google.api_core.exceptions", "google.auth",
             "google.cloud.aiplatform", "google.cloud.aiplatform_v1.types.index", "google.cloud.aiplatform_v1.types.index_endpoint",
             "kdbai_client", "lancedb", "pinecone.grpc", "turbopuffer", "weaviate", "vdf_io.scripts.check_for_updates"]:
    while name not in ("", "google", "vdf_io", "vdf_io.scripts"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__getattr__ = lambda wanted: lambda *_: None
        name = name.rpartition(".")[0]
if "QDRANT_GRPC_PORT" in os.environ:
    from qdrant_client import QdrantClient
    QdrantClient.__init__ = functools.partialmethod(QdrantClient.__init__, grpc_port=int(os.environ["QDRANT_GRPC_PORT"]))
"""


def python_environment(name, packages):
    environment = folder / name
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin/python", "-m", "pip", "install", "--quiet", *packages], check=True)


def copy_module(module, to):
    source = subprocess.run(["go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", module], cwd=folder / "migration", check=True, capture_output=True, text=True).stdout.strip()
    shutil.copytree(source, to, dirs_exist_ok=True)
    # What Go keeps is read-only.
    subprocess.run(["chmod", "-R", "u+w", to], check=True)


def install_migration():
    home = folder / "migration"
    home.mkdir(exist_ok=True)
    (home / "go.mod").write_text(f"module benchmark\n\ngo 1.24\n\nrequire github.com/qdrant/migration v{MIGRATION}\n")
    subprocess.run(["go", "build", "-mod=mod", "-o", "qdrant-migration", "github.com/qdrant/migration"], cwd=home, check=True)
    # Its path from FAISS is a script beside its source.
    copy_module("github.com/qdrant/migration", home / "source")
    python_environment("migration-python", MIGRATION_PYTHON)
    copy_module("github.com/amikos-tech/pure-tokenizers", home / "tokenizers")
    subprocess.run(["cargo", "build", "--quiet", "--release", "--lib", "--locked"], cwd=home / "tokenizers", check=True)
    model = home / "home/.cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
    model.mkdir(parents=True, exist_ok=True)
    (model / "tokenizer.json").write_text(json.dumps(TOKENIZER))


def install_elasticdump():
    home = folder / "elasticdump"
    home.mkdir(exist_ok=True)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", f"elasticdump@{ELASTICDUMP}"], cwd=home, check=True)
    (home / "version.js").write_text(ELASTICDUMP_VERSION)


def install_vdf():
    python_environment("vdf-python", VDF_PYTHON)
    subprocess.run([folder / "vdf-python/bin/python", "-m", "pip", "install", "--quiet", "--no-deps", f"vdf-io=={VDF}"], check=True)
    home = folder / "vdf"
    home.mkdir(exist_ok=True)
    (home / "sitecustomize.py").write_text(VDF_STAND_INS)


def install():
    folder.mkdir(parents=True, exist_ok=True)
    for name, function in [("clients", lambda: python_environment("clients", CLIENTS)), ("migration", install_migration),
                           ("elasticdump", install_elasticdump), ("vdf", install_vdf)]:
        try:
            function()
        except (OSError, subprocess.CalledProcessError) as e:
            print(f"{name}: not installed: {e}", file=sys.stderr)


def names(source, target):
    """Those that know the way from one store to the other and are installed: with their defaults, and with their best flags."""
    found = []
    if target == "qdrant" and source in ("chroma", "elasticsearch-8", "faiss", "milvus") and (folder / "migration/qdrant-migration").exists():
        # From Milvus it copies a column of a batch for each of its records, so that larger batches are slower, and 1,000 take 6 GB.
        found += ["migration-50", *{"chroma": ["migration-1000"], "faiss": ["migration-1000"], "elasticsearch-8": ["migration-256"]}.get(source, [])]
    if source.startswith("elasticsearch") and target.startswith("elasticsearch") and (folder / "elasticdump/version.js").exists():
        found += ["elasticdump-100", "elasticdump-1000"]
    if {source, target} < {"chroma", "milvus", "qdrant"} and source != target and (folder / "vdf/sitecustomize.py").exists():
        # From Chroma it writes only the last batch of those that it reads.
        found += ["vdf", *(["vdf-all"] if source == "chroma" else [])]
    return found


def prepare(who, target, collection, source):
    """What a tool wants to be there."""
    if who.startswith("elasticdump"):
        target.create(collection)
    elif who.startswith("vdf"):
        shutil.rmtree(vdf_work(), ignore_errors=True)
        vdf_work().mkdir()
    elif source == "elasticsearch-8":
        # It does not make the collection of this path itself, and names the vector after its field.
        target.create(collection, "vector")


def command(who, source, source_collection, target, collection):
    """The arguments, more of the environment, and the folder to run it in."""
    tool, _, batch = who.partition("-")
    if tool == "vdf":
        return vdf_command(batch, source, source_collection, target, collection), vdf_environment(source, target), vdf_work()
    if tool == "elasticdump":
        options = [] if batch == "100" else ["--concurrency=4", "--noRefresh", "--maxSockets=8"]
        return ([str(folder / "elasticdump/node_modules/.bin/elasticdump"), f"--input={source.url}/{source_collection}",
                 f"--output={target.url}/{collection}", "--type=data", "--quiet", f"--limit={batch}", *options],
                {"NODE_OPTIONS": f"--require {folder}/elasticdump/version.js"}, None)
    create = "--migration.create-collection"
    more = {
        "Chroma": ["chroma", "--chroma.collection", source_collection, "--chroma.url", getattr(source, "url", ""), "--qdrant.distance-metric", "dot", create],
        "Elasticsearch": ["elasticsearch", "--elasticsearch.url", getattr(source, "url", ""), "--elasticsearch.index", source_collection],
        "Faiss": ["faiss", "--faiss.index-path", source.spec(source_collection).get("path", ""), "--qdrant.distance-metric", "dot", create],
        "Milvus": ["milvus", "--milvus.url", getattr(source, "url", ""), "--milvus.collection", source_collection, "--qdrant.distance-metric", "vector=dot", create],
    }[type(source).__name__]
    return ([str(folder / "migration/qdrant-migration"), *more, "--qdrant.url", target.url, "--qdrant.collection", collection,
             "--migration.batch-size", batch], migration_environment(), folder / "migration/source")


def migration_environment():
    return {"VIRTUAL_ENV": str(folder / "migration-python"), "HOME": str(folder / "migration/home"),
            "TOKENIZERS_LIB_PATH": str(folder / "migration/tokenizers/target/release/libtokenizers.so"),
            "CHROMAGO_ONNX_RUNTIME_PATH": str(next(folder.glob("clients/lib/python*/site-packages/onnxruntime/capi/libonnxruntime.so.*"), ""))}


def vdf_work():
    return pathlib.Path(os.environ["BENCHMARK_WORK"]) / "vdf"


def vdf_command(batch, source, source_collection, target, collection):
    """Export and import; between them the collection gets its name in the target, for which there is no flag."""
    def store(of):
        kind = type(of).__name__.lower()
        return [kind, *{"chroma": ["--host_port", of.url.split("//")[1]], "milvus": ["--uri", of.url], "qdrant": ["--url", of.url]}[kind]]

    programs = folder / "vdf-python/bin"
    read = [str(programs / "export_vdf"), *store(source), "--collections", source_collection, *(["--batch_size", str(source.data.rows)] if batch else [])]
    rename = ["sed", "-i", f's/"{source_collection}": \\[/"{collection}": [/']
    write = [*(["--batch_size", "1000"] if batch else []), *store(target)]
    importing = shlex.quote(str(programs / "import_vdf"))
    return ["sh", "-ec", f"{shlex.join(read)}; {shlex.join(rename)} vdf_*/VDF_META.json; {importing} --dir vdf_* {shlex.join(write)}"]


def vdf_environment(source, target):
    ports = [str(store.port) for store in (source, target) if type(store).__name__ == "Qdrant"]
    # It asks for keys on the terminal when there are none.
    return {"PYTHONPATH": str(folder / "vdf"), "DISABLE_TELEMETRY_VECTORIO": "1", "ZILLIZ_CLOUD_TOKEN": "", "QDRANT_API_KEY": "",
            **({"QDRANT_GRPC_PORT": ports[0]} if ports else {})}


if __name__ == "__main__":
    if sys.argv[1:] != ["--install"]:
        sys.exit(__doc__)
    install()

#!/usr/bin/env python3
"""The other tools: installed from their public packages, and how each is called.

  rivals.py --install

puts them and a Python with the clients of the stores into a folder of the user's cache (BENCHMARK_RIVALS); what cannot be installed is
named and left out. Needs Go 1.24 and Cargo for qdrant/migration and npm for elasticdump.
"""
import json, os, pathlib, shutil, subprocess, sys

cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
folder = pathlib.Path(os.environ.get("BENCHMARK_RIVALS", cache / "vecferry/rivals"))
MIGRATION, ELASTICDUMP = "0.6.5", "6.125.1"
CLIENTS = ["numpy==2.4.6", "faiss-cpu==1.15.1", "chromadb==1.5.9", "pymilvus==2.6.17", "qdrant-client==1.18.0"]
# What the requirements.txt of qdrant/migration asks for, for its path from FAISS.
MIGRATION_PYTHON = ["faiss-cpu==1.11.0.post1", "numpy==2.3.2", "tqdm==4.67.1", "qdrant-client==1.17.0"]

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


def install():
    folder.mkdir(parents=True, exist_ok=True)
    for name, function in [("clients", lambda: python_environment("clients", CLIENTS)), ("migration", install_migration),
                           ("elasticdump", install_elasticdump)]:
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
    return found


def prepare(who, target, collection, source):
    """What a tool wants to be there."""
    if who.startswith("elasticdump"):
        target.create(collection)
    elif source == "elasticsearch-8":
        # It does not make the collection of this path itself, and names the vector after its field.
        target.create(collection, "vector")


def command(who, source, source_collection, target, collection):
    """The arguments, more of the environment, and the folder to run it in."""
    tool, batch = who.split("-")
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


if __name__ == "__main__":
    if sys.argv[1:] != ["--install"]:
        sys.exit(__doc__)
    install()

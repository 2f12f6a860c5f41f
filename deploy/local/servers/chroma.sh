# shellcheck shell=bash disable=SC2034,SC2154
# Chroma, single node.
version=1.5.9
variable=CHROMA_URL
ports=(http)

install_key() { python_key chroma.txt; }

install() { python_environment "$1" chroma.txt; }

# The package's own command needs its many dependencies; the server in it does not.
start() {
  exec "$installed/bin/python" -c 'import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(sys.argv[1:])' \
    chroma run --path "$data" --host 127.0.0.1 --port "${port[http]}"
}

ready() { http "${port[http]}" /api/v2/heartbeat; }

url() { echo "http://127.0.0.1:${port[http]}"; }

# shellcheck shell=bash disable=SC2034,SC2154
# Milvus Lite as a server. Its version shows as milvus_lite-...; it behaves differently from Milvus in many ways.
version=3.2.2
variable=MILVUS_LITE_URL
ports=(grpc)

install_key() { python_key milvus-lite.txt; }

install() { python_environment "$1" milvus-lite.txt; }

# It ends orderly by SIGINT only, which shells switch off for what they start in the background.
start() {
  exec "$installed/bin/python" -u -c 'import signal, sys
signal.signal(signal.SIGTERM, signal.default_int_handler)
from milvus_lite.cmdline import main
sys.exit(main(sys.argv[1:]))' server --data-dir "$data" --host 127.0.0.1 --port "${port[grpc]}"
}

# It listens after it has opened its data.
ready() { answers "${port[grpc]}"; }

url() { echo "http://127.0.0.1:${port[grpc]}"; }

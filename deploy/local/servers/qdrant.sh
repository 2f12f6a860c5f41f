# shellcheck shell=bash disable=SC2034,SC2154
# No package registry has a Qdrant server. This is the project's test server over Qdrant's own engine; see ../qdrant_test_server.
# Set QDRANT_BIN to the program of a real server, and that is started instead.
version=1.18.3
variable=QDRANT_URL
ports=(grpc http)
# Version whose wire format the test server speaks.
spoken_version=1.18.3

requirements=../../qdrant_test_server/requirements.txt

install_key() { python_key "$requirements"; }

install() { python_environment "$1" "$requirements"; }

start() {
  if [[ ${QDRANT_BIN-} ]]; then
    export QDRANT__STORAGE__STORAGE_PATH=$data/storage QDRANT__STORAGE__SNAPSHOTS_PATH=$data/snapshots
    export QDRANT__SERVICE__HOST=127.0.0.1 QDRANT__SERVICE__HTTP_PORT=${port[http]} QDRANT__SERVICE__GRPC_PORT=${port[grpc]}
    export QDRANT__TELEMETRY_DISABLED=true
    exec "$QDRANT_BIN"
  fi
  exec "$installed/bin/python" "$local_folder/qdrant_test_server/server.py" \
    --port "${port[grpc]}" --data "$data" --version "$spoken_version"
}

# It listens after it has opened its data.
ready() { answers "${port[grpc]}"; }

url() { echo "http://127.0.0.1:${port[grpc]}"; }

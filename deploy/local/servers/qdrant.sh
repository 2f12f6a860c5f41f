# shellcheck shell=bash disable=SC2034,SC2154
# Qdrant. No package registry has the server: QDRANT_URL is the address of one that runs already, QDRANT_BIN a binary to start.
# Without them it is the test server of this repository, which puts Qdrant's engine behind Qdrant's protocol.
version=0.9.0
variable=QDRANT_URL
ports=(grpc http)

test_server=$local_folder/qdrant_test_server
QDRANT_BIN=${QDRANT_BIN:+$(realpath "$QDRANT_BIN")}

# A private instance has to be one that tests may kill. The address of our own server, which deploy/local/env has set, may
# outlive it.
external_url() {
  if [[ ! $instance && ${QDRANT_URL-} && $QDRANT_URL != "$(url)" ]]; then echo "$QDRANT_URL"; fi
}

provided() {
  [[ $QDRANT_BIN || -f $test_server/__main__.py ]] ||
    fail "no Qdrant here: set QDRANT_URL to the address of one, or QDRANT_BIN to the path of its binary"
  [[ $QDRANT_BIN ]]
}

install_key() { python_key qdrant.txt; }

install() { python_environment "$1" qdrant.txt; }

start() {
  if [[ $QDRANT_BIN ]]; then
    export QDRANT__SERVICE__HOST=127.0.0.1 QDRANT__SERVICE__GRPC_PORT=${port[grpc]} QDRANT__SERVICE__HTTP_PORT=${port[http]}
    export QDRANT__STORAGE__STORAGE_PATH=$data/storage QDRANT__STORAGE__SNAPSHOTS_PATH=$data/snapshots
    exec "$QDRANT_BIN" --disable-telemetry
  fi
  exec "$installed/bin/python" -u "$test_server" --host 127.0.0.1 --port "${port[grpc]}" --data "$data"
}

# The test server speaks gRPC only, and listens when it is ready.
ready() {
  answers "${port[grpc]}" && { [[ ! $QDRANT_BIN ]] || http "${port[http]}" /readyz; }
}

url() { echo "http://127.0.0.1:${port[grpc]-}"; }

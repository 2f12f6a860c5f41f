# shellcheck shell=bash disable=SC2034,SC2154
# Qdrant. No package registry has the server: QDRANT_URL is the address of one that runs already, QDRANT_BIN a binary to start.
# Without them it is the test server of this repository, which puts Qdrant's engine behind Qdrant's protocol.
version=1.18.3
variable=QDRANT_URL
ports=(grpc http)
# The version whose messages the test server speaks.
spoken_version=1.18.3

test_server=$local_folder/qdrant_test_server
requirements=../../qdrant_test_server/requirements.txt
QDRANT_BIN=${QDRANT_BIN:+$(realpath "$QDRANT_BIN")}

external_url() { url_in_variable; }

provided() {
  [[ $QDRANT_BIN || -f $test_server/server.py ]] ||
    fail "no Qdrant here: set QDRANT_URL to the address of one, or QDRANT_BIN to the path of its binary"
  [[ $QDRANT_BIN ]]
}

install_key() { python_key "$requirements"; }

install() { python_environment "$1" "$requirements"; }

start() {
  if [[ $QDRANT_BIN ]]; then
    export QDRANT__SERVICE__HOST=127.0.0.1 QDRANT__SERVICE__GRPC_PORT=${port[grpc]} QDRANT__SERVICE__HTTP_PORT=${port[http]}
    export QDRANT__STORAGE__STORAGE_PATH=$data/storage QDRANT__STORAGE__SNAPSHOTS_PATH=$data/snapshots
    export QDRANT__TELEMETRY_DISABLED=true
    exec "$QDRANT_BIN"
  fi
  exec "$installed/bin/python" -u "$test_server/server.py" --port "${port[grpc]}" --data "$data" --version "$spoken_version"
}

# The test server speaks gRPC only, and listens when it has opened its data.
ready() {
  answers "${port[grpc]}" && { [[ ! $QDRANT_BIN ]] || http "${port[http]}" /readyz; }
}

url() { echo "http://127.0.0.1:${port[grpc]-}"; }

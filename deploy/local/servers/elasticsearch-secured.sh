# shellcheck shell=bash disable=SC2034,SC2154,SC1091
# Elasticsearch 8 over TLS that lets only users in, all with the password Elastic: elastic, who may do everything; reader, who may
# read; blind, who may look at indices but not into them; loader, who may make and fill loads and only read all else; and keeper,
# who may do all that a migration does but remove an index. Its certificate is its own, for 127.0.0.1. It has no API keys, for
# which this distribution lacks a module.
. "$local_folder/servers/elasticsearch-8.sh"
variable=ELASTICSEARCH_SECURED_URL
ports=(http transport readiness)

# The same files as those of elasticsearch-8, by links.
install() {
  "$local_folder/install" elasticsearch-8
  cp -al "$cache/elasticsearch-8-$version/." "$1"
}

start() {
  node . "${port[http]}" "${port[transport]}" <<END
discovery.type: single-node
readiness.port: ${port[readiness]}
xpack.security.enabled: true
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.keystore.path: certificate.p12
END
  if [[ ! -f certificate.p12 ]]; then
    "$ES_JAVA_HOME/bin/keytool" -genkeypair -alias http -keyalg EC -storetype PKCS12 -keystore certificate.p12 \
      -storepass Elastic -dname CN=localhost -ext san=ip:127.0.0.1,dns:localhost -validity 3650
  fi
  cp certificate.p12 configuration
  "$installed/bin/elasticsearch-keystore" create
  for secret in bootstrap.password xpack.security.http.ssl.keystore.secure_password; do
    "$installed/bin/elasticsearch-keystore" add --stdin "$secret" <<<Elastic
  done
  cat >configuration/roles.yml <<END
reader:
  cluster: [monitor]
  indices: [{names: ["*"], privileges: [read, view_index_metadata, monitor]}]
blind:
  cluster: [monitor]
  indices: [{names: ["*"], privileges: [view_index_metadata, monitor]}]
loader:
  cluster: [monitor]
  indices:
  - {names: ["*-vecferry-*"], privileges: [manage, read, write]}
  - {names: ["*"], privileges: [read, view_index_metadata, monitor, maintenance]}
keeper:
  cluster: [monitor]
  indices:
  - names: ["*"]
    privileges: [read, write, create_index, view_index_metadata, monitor, maintenance, "indices:admin/aliases*",
      "indices:admin/settings/update", "indices:admin/block/add*", "indices:admin/resize", "indices:admin/mapping/put"]
END
  for user in reader blind loader keeper; do
    "$installed/bin/elasticsearch-users" useradd "$user" -p Elastic -r "$user"
  done
  run_node .
}

# What is behind TLS and a password is not for everybody to see.
ready() { answers "${port[readiness]}"; }

url() { echo "https://127.0.0.1:${port[http]}"; }

# shellcheck shell=bash disable=SC2034,SC2154
version=9.2.0
sha256=bf44938a0490ba2a303d39c9cb64b38963dd08c812ce93e10816e878585bcb6b
oldest_java=21
variable=ELASTICSEARCH_9_URL
# shellcheck source=servers/shared/elasticsearch.sh
. "$local_folder/servers/shared/elasticsearch.sh"

# Debian 12 has no Java that is new enough: then the installation gets one.
install_key() { if ! find_java >/dev/null; then python_key java.txt; fi; }

install() {
  install_elasticsearch "$1"
  if ! find_java >/dev/null; then python_environment "$1/java" java.txt; fi
}

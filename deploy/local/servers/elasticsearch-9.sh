# shellcheck shell=bash disable=SC2034,SC2154
version=9.2.0
oldest_java=21
variable=ELASTICSEARCH_9_URL
# shellcheck source=servers/shared/elasticsearch.sh
. "$local_folder/servers/shared/elasticsearch.sh"

# shellcheck shell=bash disable=SC2034,SC2154
version=8.19.21
oldest_java=17
variable=ELASTICSEARCH_8_URL
# shellcheck source=servers/shared/elasticsearch.sh
. "$local_folder/servers/shared/elasticsearch.sh"

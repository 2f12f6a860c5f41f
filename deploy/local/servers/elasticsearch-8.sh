# shellcheck shell=bash disable=SC2034,SC2154
version=8.19.21
sha256=215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a
oldest_java=17
variable=ELASTICSEARCH_8_URL
# shellcheck source=servers/shared/elasticsearch.sh
. "$local_folder/servers/shared/elasticsearch.sh"

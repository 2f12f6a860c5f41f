# shellcheck shell=bash disable=SC2034,SC2154,SC1091
# The test server as the oldest Qdrant that is supported: the wire format before 1.12.2, no metadata of collections, no sampling.
. "$local_folder/servers/qdrant.sh"
version=1.10.1
variable=QDRANT_OLD_URL
spoken_version=1.10.1
QDRANT_BIN=${QDRANT_OLD_BIN-}

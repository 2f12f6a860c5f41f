# shellcheck shell=bash disable=SC2034,SC2154,SC1091
# Milvus that lets only users in: root with the password Milvus, as every new one.
. "$local_folder/servers/milvus.sh"
variable=MILVUS_SECURED_URL
authorization=true

# The same files as those of milvus, by links.
install() {
  "$local_folder/install" milvus
  cp -al "$cache/milvus-$version$(install_key)/." "$1"
}

# What is loaded is not for everybody to see.
ready() { http "${port[metrics]}" /healthz | grep -q OK; }

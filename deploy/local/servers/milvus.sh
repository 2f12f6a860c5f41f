# shellcheck shell=bash disable=SC2034,SC2154
# Milvus standalone with everything in one process: embedded etcd, rocksmq, local files. The proxy and most internal ports
# listen on all interfaces; the server has no option for that.
version=2.3.5
variable=MILVUS_URL
ports=(proxy proxy_internal root_coord query_coord query_node index_coord index_node data_coord data_node etcd etcd_peer metrics)
deadline=180
# SIGTERM takes a minute and more, and loses nothing less.
stop_signal=KILL
authorization=false

install_key() { python_key milvus.txt; }

# The package unpacks the server at its first start. Python is not needed after that.
install() {
  python_environment "$1/python" milvus.txt
  "$1/python/bin/python" - "$1" <<'END'
import os, shutil, sys
import milvus
milvus._initialize_data_files(sys.argv[1])
data = os.path.join(os.path.dirname(milvus.__file__), "data")
for name in ("config.yaml.template", "glog.conf"):
    shutil.copy(os.path.join(data, name), sys.argv[1])
END
  rm -r "$1/python"
}

# Fills in the package's template, in which {{ name(type): default }} stands for a value.
write_configuration() {
  local name script=''
  for name in "${ports[@]}"; do script+="s|\{\{ ${name}_port[^}]*\}\}|${port[$name]}|;"; done
  script+="s|\{\{ etcd_log_path[^}]*\}\}|stdout|;"
  script+="s|\{\{ etcd_log_level[^}]*\}\}|warn|;"
  script+="s|\{\{ etcd_data_dir *\}\}|$data/etcd|;"
  script+="s|\{\{ local_storage_dir *\}\}|$data/storage|;"
  script+="s|\{\{ rocksmq_data_dir *\}\}|$data/rocksmq|;"
  # Logs go to standard output only.
  script+="s|\{\{ system_log_path *\}\}||;"
  # Where the parts find each other; they would take the address of a network that may go away.
  script+="s|^  ip:.*|  ip: 127.0.0.1|;"
  script+="s|\{\{ [a-z_]+(\([a-z]+\))?: ([^}]*) \}\}|\2|"
  sed -E "$script" "$installed/config.yaml.template" >configs/milvus.yaml
  cp "$installed/glog.conf" configs
  cat >configs/etcd.yaml <<END
name: default
data-dir: $data/etcd
listen-client-urls: http://127.0.0.1:${port[etcd]}
advertise-client-urls: http://127.0.0.1:${port[etcd]}
listen-peer-urls: http://127.0.0.1:${port[etcd_peer]}
initial-advertise-peer-urls: http://127.0.0.1:${port[etcd_peer]}
initial-cluster: default=http://127.0.0.1:${port[etcd_peer]}
END
}

start() {
  mkdir -p configs run logs
  write_configuration
  export LD_LIBRARY_PATH=$installed/bin MILVUS_RUN_DIR=$data/run ETCD_CONFIG_PATH=$data/configs/etcd.yaml
  export DEPLOY_MODE=STANDALONE METRICS_PORT=${port[metrics]} LOG_LEVEL=warn
  # Short intervals make small collections fast, and a restart need not wait long for what the killed server had registered.
  export PROXY_TIMETICKINTERVAL=50 QUERYCOORD_CHECKINTERVAL=100 QUERYCOORD_DISTPULLINTERVAL=100 COMMON_SESSION_TTL=5
  export COMMON_SECURITY_AUTHORIZATIONENABLED=$authorization
  exec "$installed/bin/milvus" run standalone
}

# It says that it is healthy long before collections that were loaded when it was killed can be queried again.
ready() {
  local collection description filter
  http "${port[metrics]}" /healthz | grep -q OK || return 1
  for collection in $(http "${port[proxy]}" /v1/vector/collections | sed -n 's/.*"data":\[\(.*\)\].*/\1/p' | tr ',"' '  '); do
    description=$(http "${port[proxy]}" "/v1/vector/collections/describe?collectionName=$collection")
    [[ $description != *LoadStateLoading* ]] || return 1
    if [[ $description == *LoadStateLoaded* && $description =~ \"name\":\"([^\"]*)\",\"primaryKey\":true,\"type\":\"(Int|VarChar) ]]; then
      case ${BASH_REMATCH[2]} in
        Int) filter="${BASH_REMATCH[1]} == 0" ;;
        VarChar) filter="${BASH_REMATCH[1]} == 'none'" ;;
      esac
      http "${port[proxy]}" /v1/vector/query "{\"collectionName\": \"$collection\", \"filter\": \"$filter\", \"limit\": 1}" |
        grep -q '"code":200' || return 1
    fi
  done
}

url() { echo "http://127.0.0.1:${port[proxy]}"; }

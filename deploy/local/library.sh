# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# What the commands in this folder share. A server is one file in servers/, which says
#
#   version, variable       what is pinned, and the environment variable that carries its address
#   ports=(NAME...)         ports that it listens on; they are found in ${port[NAME]}
#   deadline, stop_signal   seconds until it must answer (60); signal that ends it (TERM)
#   install FOLDER          puts the server into an empty folder; may be moved afterwards
#   install_key             text that, when it changes, asks for another installation (optional)
#   provided                succeeds when the environment names a server that is there already (optional)
#   external_url            prints the address of a server that runs elsewhere and is to be used instead (optional)
#   make_data               makes the folder $data (optional)
#   start                   replaces the shell by the server; called in $data, with $installed and ${port[...]}
#   ready                   succeeds when the server answers requests
#   url                     prints its address
set -euo pipefail

local_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
command_name=deploy/local/$(basename "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vecferry/servers
servers=${VECFERRY_SERVERS:-${XDG_STATE_HOME:-$HOME/.local/state}/vecferry/servers}
[[ $servers == /* ]] || servers=$PWD/$servers

say() { printf '%s: %s\n' "$command_name" "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

wrong_usage() {
  say "$@"
  exit 2
}

known_servers() { (cd "$local_folder/servers" && printf '%s\n' *.sh | sed 's/\.sh$//' | tr '\n' ' '); }

# Reads the command line into names, instance, purge and user_process.
read_arguments() {
  names=() instance='' purge='' user_process=''
  while (($#)); do
    case $1 in
      --instance) [[ ${2-} =~ ^[a-z0-9][a-z0-9-]*$ ]] || wrong_usage "--instance needs a name of a-z, 0-9 and -"; instance=$2; shift ;;
      --for) [[ -e /proc/${2:--}/stat ]] || wrong_usage "--for needs the id of a process that lives"; user_process=$2; shift ;;
      --purge) purge=yes ;;
      -h | --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
      -*) wrong_usage "no option $1; see $command_name --help" ;;
      *) [[ -f $local_folder/servers/$1.sh ]] || wrong_usage "no server $1; there are: $(known_servers)"; names+=("$1") ;;
    esac
    shift
  done
  [[ -z $instance ]] || ((${#names[@]})) || wrong_usage "--instance needs the name of a server"
  [[ -r /proc/self/stat ]] || fail "the servers run on Linux only"
}

# Calls a function for each named server, or, when none is named, for each that has been started before; then exits.
for_each_server() {
  local selected=("${names[@]/%/ $instance}") folder name instance name_and_instance failed=0
  if ((${#names[@]} == 0)); then
    for folder in "$servers"/*/; do
      read -r name instance 2>/dev/null <"${folder}server" || continue
      # Another checkout may know more servers.
      if [[ -f $local_folder/servers/$name.sh ]]; then selected+=("$name $instance"); fi
    done
  fi
  for name_and_instance in "${selected[@]}"; do
    # Not as a condition: in one, the shell would not stop at the first error.
    set +e
    # shellcheck disable=SC2086
    (
      set -eE
      name_failures
      select_server $name_and_instance
      "$1"
    )
    failed=$((failed || $?))
    set -e
  done
  exit "$failed"
}

name_failures() { trap 'say "$name: \"$BASH_COMMAND\" failed"' ERR; }

# From here on, in this shell, everything is about one instance of one server.
select_server() {
  name=$1 instance=${2-}
  id=$name${instance:+-$instance}
  [[ -z $instance || ! -f $local_folder/servers/$id.sh ]] || wrong_usage "$id is a server; choose another instance name"
  state=$servers/$id data=$state/data log=$state/log
  deadline=60 stop_signal=TERM ports=()
  declare -gA port=()
  install_key() { :; }
  provided() { false; }
  external_url() { :; }
  make_data() { mkdir -p "$data"; }
  # shellcheck source=/dev/null
  . "$local_folder/servers/$name.sh"
  installed=$cache/$name-$version
  read_ports
}

# The address in the server's variable, when it is not that of a server of our own, which deploy/local/env has set and which may
# outlive it. An instance has to be one that tests may kill.
url_in_variable() {
  if [[ ! $instance && ${!variable-} && ${!variable} != "$(url)" ]]; then echo "${!variable}"; fi
}

read_ports() {
  local port_name number
  if [[ -f $state/ports ]]; then
    while read -r port_name number; do port[$port_name]=$number; done <"$state/ports"
  fi
}

# Held until this shell ends.
lock_server() {
  mkdir -p "$servers/.locks"
  exec 9>"$servers/.locks/$id"
  flock "$@" 9 || return 1
  # They may have been chosen meanwhile.
  read_ports
}

## Processes

# Puts into "fields" what the kernel says of process $1, from its state on (Z: it has ended); fails when there is none.
read_process() {
  local text
  read -r text 2>/dev/null <"/proc/$1/stat" || return 1
  # The command's name stands in brackets and may hold spaces.
  read -r -a fields <<<"${text##*) }"
  # The first thread of a process that is killed may be the first to end; until the last has ended, its ports are taken.
  if [[ ${fields[0]} == Z ]] && ((fields[17] > 1)); then fields[0]=S; fi
}

# When process $1 was started, in ticks of the kernel, and its state; fails when there is none. Pid and start name one
# process for ever.
process_start() {
  local fields
  read_process "$1" || return 1
  echo "${fields[19]} ${fields[0]}"
}

pid() { [[ -f $state/pid ]] && cut -d' ' -f1 "$state/pid"; }

running() {
  local process started
  read -r process started 2>/dev/null <"$state/pid" && [[ $(process_start "$process") == "$started "[!Z] ]]
}

# Prints how much memory, in pages, each living process of group $1 has; fails when there is none.
group() {
  local process fields found=1
  for process in /proc/[0-9]*; do
    read_process "${process##*/}" || continue
    if [[ ${fields[2]} == "$1" && ${fields[0]} != Z ]]; then
      echo "${fields[21]}"
      found=0
    fi
  done
  return "$found"
}

# Whether there is anything to end: a server, or what a server left behind that was killed without its children. As long as
# a group has members, the kernel gives its number to no other process.
has_processes() {
  local process started now
  read -r process started 2>/dev/null <"$state/pid" || return 1
  now=$(process_start "$process") || true
  [[ -z $now || $now == "$started "* ]] && group "$process" >/dev/null
}

# Ends the server by signal $1, and by SIGKILL when that takes more than 10 seconds.
end_processes() {
  if has_processes; then
    local process end=$((SECONDS + 10))
    process=$(pid)
    kill -s "$1" -- "-$process" 2>/dev/null || true
    while group "$process" >/dev/null; do
      ((SECONDS < end)) || kill -s KILL -- "-$process" 2>/dev/null || true
      sleep 0.05
    done
  fi
  rm -f "$state/pid"
}

## Installation

# Made aside and then moved in place, so that half an installation is never used.
install_server() {
  ! provided || return 0
  installed=$cache/$name-$version$(install_key)
  [[ ! -d $installed ]] || return 0
  mkdir -p "$cache"
  exec 8>"$cache/.$name.lock"
  flock 8
  [[ ! -d $installed ]] || return 0
  say "installing $name $version in $installed"
  local new=$installed.new
  rm -rf "$new"
  mkdir "$new"
  # As a condition it would not stop at the first error.
  set +e
  trap - ERR
  (set -e && install "$new") >"$cache/$name.log" 2>&1 9>&-
  local result=$?
  set -e
  name_failures
  if ((result)); then
    rm -rf "$new"
    tail -n 20 "$cache/$name.log" >&2
    fail "cannot install $name $version; see above, and $cache/$name.log"
  fi
  mv "$new" "$installed"
  exec 8>&-
}

# Makes a Python environment in folder $1 with the packages that servers/requirements/$2 lists with their checksums. Most of what
# they bring is never loaded, so it is not compiled ahead.
python_environment() {
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement "$local_folder/servers/requirements/$2"
}

# For install_key: changes with the requirements and with the Python that an environment belongs to.
python_key() {
  { python3 --version && cat "$local_folder/servers/requirements/$1"; } 2>/dev/null | sha256sum | printf -- '-%.8s' "$(cat)"
}

## Start

# An instance keeps its ports as long as its data. They lie below those that the kernel gives to outgoing connections, and are
# consecutive, because Milvus uses many.
choose_ports() {
  [[ ! -f $state/ports ]] || return 0
  exec 8>"$servers/.locks/ports"
  flock 8
  local first number count=${#ports[@]} taken
  taken=" $(cut -d' ' -f2 "$servers"/*/ports 2>/dev/null | tr '\n' ' ')" || true
  while true; do
    first=$((20000 + RANDOM % 12000))
    for ((number = first; number < first + count; number++)); do
      if [[ $taken == *" $number "* ]] || answers "$number"; then continue 2; fi
    done
    break
  done
  for ((number = 0; number < count; number++)); do
    port[${ports[number]}]=$((first + number))
    echo "${ports[number]} $((first + number))"
  done >"$state/ports"
  exec 8>&-
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints the answer of port $1 to GET $2, or, when there is a $3, to POST of that JSON; fails unless it is a success.
http() {
  local request answer
  if (($# == 2)); then
    request="GET $2 HTTP/1.1\r\n"
  else
    request="POST $2 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${#3}\r\n"
  fi
  # shellcheck disable=SC2016
  answer=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "$1Host: 127.0.0.1\r\nConnection: close\r\n\r\n%s" "$2" >&3 && cat <&3' \
    "$1" "$request" "${3-}" 2>/dev/null | tr -d '\0') || return 1
  [[ $answer == "HTTP/1.1 2"* ]] && printf '%s\n' "$answer"
}

# A session of its own: the server outlives the terminal, and its children are found by its group.
start_server() {
  for number in "${port[@]}"; do
    ! answers "$number" || fail "port $number of $id is taken by another process; end it, or choose new ports with deploy/local/down --purge"
  done
  make_data
  printf '== %s %s, started %s\n' "$name" "$version" "$(date -u +%FT%TZ)" >>"$log"
  # shellcheck disable=SC2016
  setsid bash -c '. "$0" && select_server "$1" "$2" && installed=$3 && cd "$data" && start' \
    "$local_folder/library.sh" "$name" "$instance" "$installed" </dev/null >>"$log" 2>&1 9>&- &
  echo "$! $(process_start $! | cut -d' ' -f1)" >"$state/pid"
}

# A server that has been ready stays alone, however busy it is.
wait_until_ready() {
  local end=$((SECONDS + deadline)) problem
  if cmp -s "$state/pid" "$state/ready"; then return; fi
  until ready >/dev/null 2>&1; do
    problem=
    running || problem="$id ended while it started"
    ((SECONDS < end)) || problem="$id does not answer after $deadline seconds"
    if [[ $problem ]]; then
      end_processes KILL
      tail -n 30 "$log" >&2
      fail "$problem; the end of its log is above, all of it in $log"
    fi
    sleep 0.1
  done
  cp "$state/pid" "$state/ready"
}

## Servers that belong to test runs

# A test run starts servers with --for its process id. A server that nobody started by hand is ended with the last of the runs
# that use it; its data too, unless they were there before.

users() {
  local file
  for file in "$state"/users/*; do
    [[ -f $file ]] || continue
    if [[ $(process_start "${file##*/}") == "$(cat "$file") "* ]]; then echo "${file##*/}"; else rm -f "$file"; fi
  done
}

# Called before a server is started or found running.
add_user() {
  if [[ -z $user_process ]]; then
    rm -f "$state/lease"
    return
  fi
  if ! running && [[ ! -f $state/lease ]]; then
    if [[ -d $data ]]; then echo stop; else echo purge; fi >"$state/lease"
  fi
  mkdir -p "$state/users"
  process_start "$user_process" | cut -d' ' -f1 >"$state/users/$user_process"
}

end_unused() {
  [[ -f $state/lease && -z $(users) ]] || return 0
  end_processes "$stop_signal"
  if [[ $(cat "$state/lease") == stop ]]; then
    rm -f "$state/lease"
    return
  fi
  # Somebody may want to know why a test has failed.
  mkdir -p "$servers/.logs"
  find "$servers/.logs" -mtime +3 -delete
  if [[ -f $log ]]; then mv "$log" "$servers/.logs/$id-$(date -u +%Y%m%dT%H%M%S).log"; fi
  purge_server
}

# For test runs that were killed.
end_abandoned() {
  [[ -f $state/lease ]] || return 0
  lock_server -n || return 0
  end_unused
}

purge_server() {
  # Data may lie elsewhere.
  rm -rf "$(readlink -f "$data")" "$state"
}

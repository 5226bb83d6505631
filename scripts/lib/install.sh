# What the tests need and the machine may lack: Debian packages (as root), and Python environments outside the tree.
# Needs $root.

readonly cache="${ROLLCALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall}"

# A command that a package brings, and the package.
readonly PACKAGES='
cc build-essential
udevadm udev
lshw lshw
lspci pciutils
ipmitool ipmitool
ethtool ethtool
dmidecode dmidecode
smartctl smartmontools
memcached memcached'

# Tools for administrators lie outside the PATH of users.
has_command() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

postgres_bin() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1) || true
  [ -n "$found" ] && [ -x "$found/initdb" ] && say "$found"
}

# Whether the headers are there that encrypted connections to PostgreSQL are built with.
has_openssl() { pkg-config --exists openssl 2>/dev/null; }

missing_packages() {
  local command package
  while read -r command package; do
    [ -z "$command" ] || has_command "$command" || say "$package"
  done <<<"$PACKAGES"
  postgres_bin >/dev/null || say postgresql
  has_openssl || say libssl-dev pkg-config
  "$(find_python)" -c 'import ensurepip, venv' 2>/dev/null || say python3-venv
}

find_python() { command -v python3.11 || command -v python3 || say python3; }

# The Debian package would start a cluster of its own at once; ours is the only one that is wanted.
without_main_cluster() {
  local folder=/etc/postgresql-common/createcluster.d file status=0
  file=$folder/rollcall-tests.conf
  mkdir -p "$folder"
  echo 'create_main_cluster = false' >"$file"
  "$@" || status=$?
  rm -f "$file"
  return "$status"
}

install_packages() {
  local wanted
  wanted=$(missing_packages)
  [ -n "$wanted" ] || return 0
  if [ "$(id -u)" != 0 ] || ! has_command apt-get; then
    say "note: not installed, and not to be installed without root and apt-get:" $wanted
    return 0
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  without_main_cluster apt-get install -y -qq --no-install-recommends $wanted
}

# venv_path NAME: where the environment of tests/real/requirements/NAME.txt is, for this Python and these versions.
venv_path() {
  local stamp
  stamp=$({ "$(find_python)" --version; cat "$root/tests/real/requirements/$1.txt"; } | sha256sum | cut -c 1-12)
  say "$cache/venv-$1-$stamp"
}

make_venv() {
  local path
  path=$(venv_path "$1")
  [ -e "$path/complete" ] && return 0
  rm -rf "$path"
  "$(find_python)" -m venv "$path"
  "$path/bin/pip" install --quiet --disable-pip-version-check -r "$root/tests/real/requirements/$1.txt"
  touch "$path/complete"
}

# Two runs on one machine must not build the same environment at the same time.
install_venvs() {
  local name
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  for name in suite ironic keystone swift agent schemathesis; do make_venv "$name"; done
  exec 9>&-
}

# A PostgreSQL cluster for one run: Unix socket only, in the run's own folder, without care for power cuts.
# Needs $work. Sets nothing that outlives the run.

as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# The folder of the cluster and of its socket.
postgres_folder() { say "$work/postgres"; }

# The URL of the cluster's first database, as libpq reads it.
postgres_url() { say "postgresql:///postgres?host=$(postgres_folder)&user=rollcall"; }

postgres_runs() { [ -e "$(postgres_folder)/data/postmaster.pid" ]; }

start_postgres() {
  local bin folder
  bin=$(postgres_bin) || { say 'note: no PostgreSQL server is installed: the tests do without'; return 0; }
  folder=$(postgres_folder)
  postgres_runs && return 0
  mkdir -p "$folder"
  [ "$(id -u)" != 0 ] || chown postgres "$folder"
  cd "$folder"
  as_postgres "$bin/initdb" -D "$folder/data" -A trust --no-sync -U rollcall --encoding=UTF8 --locale=C.UTF-8
  as_postgres "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w -o "-c listen_addresses='' \
    -c unix_socket_directories=$folder -c max_connections=400 -c fsync=off" start
}

stop_postgres() {
  postgres_runs || return 0
  as_postgres "$(postgres_bin)/pg_ctl" -D "$(postgres_folder)/data" -m immediate -w stop >/dev/null || true
}

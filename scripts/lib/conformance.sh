# The black-box conformance suite, which lies beside the tree where it is present at all.
# Needs $root, $work, $binary.

readonly suite="${ROLLCALL_CONFORMANCE:-$root/../shared/conformance}"

area_lines() { grep -vE '^(#|$)' "$root/scripts/lib/conformance-areas"; }

areas() { area_lines | grep -v '^-' | sed "s|.*|$1/&.py|"; }

deselected() { area_lines | sed -nE 's|^- ([a-z_]+)::(.*)|--deselect=\1.py::\2|p'; }

# conformance [VARIABLE=VALUE...]; $only narrows the areas down, $beside is a command that runs the suite.
only=. beside=()
conformance() {
  local folder python files cases
  need build
  [ -d "$suite" ] || leave_out "there is no conformance suite in $suite"
  folder=$(cd "$suite" && pwd)
  python=$(venv_path suite)/bin/python
  mapfile -t files < <(areas "$folder" | grep -E "$only")
  mapfile -t cases < <(deselected)
  cd "$work"
  env TARGET=rollcall ROLLCALL_BIN="$binary" AGENT_PYTHON="$(venv_path agent)/bin/python" PYTHONDONTWRITEBYTECODE=1 CONFORMANCE_KEEP_LOGS=1 "$@" \
    ${beside[@]+"${beside[@]}"} "$python" -m pytest -c "$folder/pytest.ini" --rootdir "$folder" -q -n 2 --dist loadfile \
    "${cases[@]}" "${files[@]}"
}

conformance_on_postgres() {
  local folder bin
  bin=$(postgres_bin) && postgres_runs || leave_out 'no PostgreSQL server is installed'
  folder=$(postgres_folder)
  conformance \
    CONFORMANCE_OVERRIDES="{\"database\": {\"connection\": \"postgresql://rollcall@/{db}?host=$folder\"}}" \
    CONFORMANCE_CREATEDB="$bin/createdb -h $folder -U rollcall {db}"
}

# What has to do with stored data, with a real Swift as data store.
conformance_on_swift() {
  [ -x "$(venv_path swift)/bin/swift-proxy-server" ] && has_command memcached || leave_out 'no Swift is installed'
  local only='/test_(data|reapply|recovery)\.py$' beside
  beside=("$(venv_path suite)/bin/python" "$root/tests/real/with_swift.py" "$(venv_path swift)")
  conformance
}

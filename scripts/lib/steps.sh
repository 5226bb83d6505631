# Running steps: a heading, the time, a log of its own, and the verdict at the end.
# Needs $logs (a folder). A step is a shell function; status 77 means that it was left out.

readonly LEFT_OUT=77
passed=0 failed=0 status=0 child=''
left_out=() broken=()

# Seconds since the script began.
elapsed() { printf '%4ds' "$SECONDS"; }

say() { printf '%s\n' "$*"; }

# leave_out WHY...: ends a step that can not be run here, without calling it a failure.
leave_out() { say "left out: $*"; exit "$LEFT_OUT"; }

# need STEP: fails where that step was run and failed, so that nothing old is tested in its place.
need() {
  local name
  for name in ${broken[@]+"${broken[@]}"}; do
    [ "$name" != "$1" ] || { say "this needs the step \"$1\", which failed"; exit 1; }
  done
}

# Runs a function in a process group of its own, so that an interrupt reaches all that it started, and leaves its
# status in $status. It must not be called where a failure is caught (`if`, `||`): there bash would not let the function
# stop at its first failing command.
in_group() {
  local log=$1
  shift
  status=0
  set -m
  ("$@") </dev/null >"$log" 2>&1 &
  child=$!
  set +m
  wait "$child" || status=$?
  child=''
}

# run_step NAME FUNCTION
run_step() {
  local name=$1 log="$logs/$1.log" begun=$SECONDS
  printf '[%s] == %s\n' "$(elapsed)" "$name"
  in_group "$log" "$2"
  case $status in
    0) passed=$((passed + 1)); report_success "$log" $((SECONDS - begun)) ;;
    "$LEFT_OUT") left_out+=("$name: $(sed -n 's/^left out: //p' "$log")"); say "        left out: ${left_out[-1]#*: }" ;;
    *) failed=$((failed + 1)); broken+=("$name"); report_failure "$name" "$log" "$status" ;;
  esac
}

# The closing lines of test runners say what was run and what was skipped, and some tests measure: worth the screen.
report_success() {
  grep -hE '^(note: |figure: |(=+ )?[0-9]+ (passed|skipped).* in [0-9.]+s|test result: .* [1-9][0-9]* passed)' "$1" | sed 's/^/        /' || true
  say "        ok in $2s"
}

report_failure() {
  say "        FAILED with status $3; the end of $2:"
  tail -n "${ROLLCALL_TEST_TAIL:-60}" "$2" | sed 's/^/        | /'
  say "        (left on the disk: $(df -Ph "$logs" | awk 'NR == 2 { print $4 }'))"
}

summary() {
  local line
  say ''
  printf '[%s] == summary\n' "$(elapsed)"
  for line in ${left_out[@]+"${left_out[@]}"}; do say "left out   $line"; done
  for line in ${broken[@]+"${broken[@]}"}; do say "FAILED     $line, see $logs/$line.log"; done
  say "logs       $logs"
  say "$passed passed, $failed failed"
}

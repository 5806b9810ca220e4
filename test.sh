#!/usr/bin/env bash
# Builds everything and runs every test. Result files are left in TestResults/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly results="$PWD/TestResults"
readonly client=src/WebClient
# What a hung test project may take before it is stopped: twice what the longest takes where the machine is busy.
project_seconds=1800
only=""
# One class of it; empty: all.
class=""
# Tests that take long, and further looks of the page: with a switch only.
explicit=()
# Set by --clients alone: what is in the environment is not fetched into.
unset WEBMESSENGER_CLIENTS

usage() {
  cat <<'END'
Usage: ./test.sh [--long] [--only storage|auth|cluster|broker|e2e|web]
       ./test.sh --guards [attack number or part of a name …]
       ./test.sh --compare [rounds [seed]]
       ./test.sh --cluster
       ./test.sh --clients

  --long    also run the long forms (millions of mutated packets, hundreds of kills, every look of the page)
  --guards  instead of the tests: takes each guard of tests/guards.json out in turn (in a copy of the sources) and demands that its tests turn red
  --compare instead of the tests: two browsers, a phone and a bot amid kills and absences, compared line by line (200 rounds, seed 1)
  --cluster instead of the tests: all of e2e, where each server is node 2 of a house on PostgreSQL. Whoever acts without a page, and the second browser
            of a test, are at node 1, and others talk there
  --clients instead of the tests: MQTT clients of others against a real server, Node-RED and Zigbee2MQTT (npm, into obj/clients) among them
  --only    one part: storage, auth and broker (.NET), cluster (several nodes, on a PostgreSQL of the tests' own), e2e (real server, Chromium,
            mosquitto clients), web (the browser client's own tests)
END
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    --long)
      export WEBMESSENGER_LONG_TESTS=1
      explicit=(-explicit on)
      project_seconds=14400
      ;;
    --only)
      only="${2:-}"
      shift
      [[ "$only" =~ ^(storage|auth|cluster|broker|e2e|web)$ ]] || { usage >&2; exit 2; }
      ;;
    --guards)
      shift
      exec node .ci/guards.mjs "$@"
      ;;
    --compare)
      only=e2e
      class="*ComparisonTests"
      export WEBMESSENGER_ROUNDS="${2:-200}" WEBMESSENGER_SEED="${3:-1}"
      project_seconds=14400
      shift $(($# - 1))
      ;;
    --cluster)
      only=e2e
      export WEBMESSENGER_CLUSTER=1
      explicit=(-explicit on)
      project_seconds=14400
      ;;
    --clients)
      only=e2e
      class="*.EndToEnd.Tests.Devices.*"
      export WEBMESSENGER_CLIENTS="$PWD/obj/clients"
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

say() { printf '\n== %s\n' "$*"; }

# A step that is no test but must pass: counted as one failure, by name, when it does not.
failed() {
  printf '%s\n' "$1" >&2
  printf '%s\n' "$1" >> "$results/failed-steps.txt"
}

finish() {
  say "Result"
  node .ci/tally.mjs "$results"
}

wanted() { [[ -z "$only" || "$only" == "$1" ]]; }

have_any() {
  local name
  for name in "$@"; do
    command -v "$name" > /dev/null && return 0
  done
  return 1
}

# Runs a package manager's command as root, where that needs no question.
as_root() {
  if [[ "$(id -u)" -eq 0 ]]; then
    "$@" < /dev/null
  elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    sudo -n "$@" < /dev/null
  else
    return 1
  fi
}

# Arguments: packages for apt-get, dnf, apk, brew. Each may be several words, or empty for "not to be had there".
install() {
  if command -v apt-get > /dev/null; then
    [[ -n "$1" ]] || return 1
    # Without a network it gives up soon.
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15)
    # shellcheck disable=SC2086 # several words are several packages
    as_root "${apt[@]}" install --yes --no-install-recommends $1 \
      || { as_root "${apt[@]}" update && as_root "${apt[@]}" install --yes --no-install-recommends $1; }
  elif command -v dnf > /dev/null; then
    # shellcheck disable=SC2086
    [[ -n "$2" ]] && as_root dnf install --assumeyes $2
  elif command -v apk > /dev/null; then
    # shellcheck disable=SC2086
    [[ -n "$3" ]] && as_root apk add $3
  elif command -v brew > /dev/null; then
    # shellcheck disable=SC2086
    [[ -n "$4" ]] && brew install $4 < /dev/null
  else
    return 1
  fi
}

check_dotnet() {
  local version
  if ! version="$(dotnet --version 2> /dev/null)" || [[ "$version" != 10.* ]]; then
    failed ".NET SDK 10 is missing (found: ${version:-none}). Install it from https://dot.net/download and run this again."
    return 1
  fi
}

check_node() {
  if ! command -v node > /dev/null; then
    echo "Node.js is missing: 20.19 or later, or 22.12 or later, from https://nodejs.org. Install it and run this again." >&2
    # Without Node.js nothing can be counted either.
    exit 1
  fi
  if ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
      process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)'; then
    failed "Node.js $(node --version) is too old: 20.19 or later, or 22.12 or later, from https://nodejs.org."
    return 1
  fi
}

# An ordinary user's PATH lacks the folder where Debian has them.
have_server() { PATH="$PATH:/usr/sbin:/usr/local/sbin" have_any "$1"; }

# The program is wanted, not its service: on Debian a package may be told not to start one, and nobody shall find a server running after a test.
# Arguments: the service, and packages as for `install`.
install_server() {
  local service="$1" policy=/usr/sbin/policy-rc.d made=false code=0
  if command -v apt-get > /dev/null && [[ ! -e "$policy" ]] && as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"; then
    made=true
  fi
  install "${@:2}" || code=$?
  if [[ "$made" == true ]]; then
    as_root rm -f "$policy"
    # Nor at the next start of the machine.
    if command -v systemctl > /dev/null; then as_root systemctl disable "$service" > /dev/null 2>&1 || true; fi
  fi
  return "$code"
}

have_chromium() { have_any chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; }

# Debian has it beside its versions, not on the PATH.
have_postgres() { have_any initdb || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; }

# A server of the tests' own, each time on files of its own: no service of it runs.
check_postgres() {
  if ! have_postgres; then
    say "Installing PostgreSQL"
    install_server postgresql "postgresql" "postgresql-server postgresql-contrib" "postgresql postgresql-contrib" "postgresql" || true
    have_postgres || echo "PostgreSQL could not be installed here (package postgresql): the tests of several nodes are skipped."
  fi
}

# The Python that the tests take: the system's, where there is one.
have_paho() {
  local python=python3
  if [[ -x /usr/bin/python3 ]]; then python=/usr/bin/python3; fi
  "$python" -c "import paho.mqtt.client" 2> /dev/null
}

# The end-to-end tests drive a real browser and real MQTT clients. Some are skipped where what they drive cannot be installed.
check_tools() {
  if ! have_chromium; then
    say "Installing Chromium"
    # Debian has its headless shell by itself, which takes a third less of the processor.
    install "chromium-headless-shell fonts-liberation" "" "" "" \
      || install "chromium fonts-liberation" "chromium liberation-fonts" "chromium font-liberation" "--cask chromium" || true
  fi
  if ! have_any mosquitto_sub; then
    say "Installing the mosquitto clients"
    install "mosquitto-clients" "mosquitto" "mosquitto-clients" "mosquitto" || true
  fi
  if [[ -z "${MOSQUITTO:-}" ]] && ! have_server mosquitto; then
    say "Installing mosquitto's broker"
    install_server mosquitto "mosquitto" "mosquitto" "mosquitto" "mosquitto" || true
    have_server mosquitto || echo "mosquitto's broker could not be installed here: the tests of a bridge are skipped."
  fi
  if ! have_paho; then
    say "Installing Paho for Python"
    install "python3-paho-mqtt" "python3-paho-mqtt" "py3-paho-mqtt" "" || true
    have_paho || echo "Paho for Python could not be installed here: its tests are skipped."
  fi
  if [[ -z "${NGINX:-}" ]] && ! have_server nginx; then
    say "Installing nginx"
    install_server nginx "nginx-light" "nginx-core" "nginx" "nginx" || true
    have_server nginx || echo "nginx could not be installed here: the test behind a reverse proxy is skipped."
  fi
  if [[ -z "${HAPROXY:-}" ]] && ! have_server haproxy; then
    say "Installing HAProxy"
    install_server haproxy "haproxy" "haproxy" "haproxy" "haproxy" || true
    have_server haproxy || echo "HAProxy could not be installed here: the test of nodes behind it is skipped."
  fi
  local missing=()
  have_chromium || missing+=("Chromium")
  have_any mosquitto_sub || missing+=("mosquitto_pub and mosquitto_sub (package mosquitto-clients)")
  if [[ ${#missing[@]} -gt 0 ]]; then
    failed "The end-to-end tests need what could not be installed here: $(IFS=,; echo "${missing[*]}"). Install it and run this again."
    return 1
  fi
}

# Large, and no part of what is delivered or tested each time. What they would run when installed is for radios.
fetch_clients() {
  say "Node-RED and Zigbee2MQTT"
  mkdir -p "$WEBMESSENGER_CLIENTS"
  npm install --prefix "$WEBMESSENGER_CLIENTS" --no-audit --no-fund --ignore-scripts node-red@4.1.15 zigbee2mqtt@2.14.1 < /dev/null \
    || failed "npm install of Node-RED and Zigbee2MQTT"
}

# The server's build takes the client's packages as they are, so it comes after this.
install_web() {
  [[ -f "$client/package.json" ]] || return 0
  say "Web client: packages"
  if [[ ! -f "$client/node_modules/.package-lock.json" || "$client/package-lock.json" -nt "$client/node_modules/.package-lock.json" ]]; then
    (cd "$client" && npm ci --no-audit --no-fund < /dev/null) || failed "Web client: npm ci"
  fi
}

# One compiler for all projects, which is started once: that halves the build. It has a name of its own and ends with it, and its output is a file:
# a server that outlives the build would hold CI's open.
build() {
  local compiler code=0 name="webmessenger-$$"
  dotnet build WebMessenger.sln -c Release -nodeReuse:false -p:UseSharedCompilation=true -p:SharedCompilationId="$name" < /dev/null || code=$?
  compiler="$(dotnet msbuild src/Broker -getProperty:MSBuildToolsPath < /dev/null)/Roslyn/bincore/VBCSCompiler.dll"
  if [[ -f "$compiler" ]]; then dotnet "$compiler" -shutdown "-pipename:$name" > /dev/null 2>&1 || true; fi
  return "$code"
}

test_web() {
  wanted web && [[ -d "$client/node_modules" ]] || return 0
  say "Web client: types"
  (cd "$client" && npm run --silent check < /dev/null) || failed "Web client: npm run check"
  say "Web client: tests"
  (cd "$client" && npm test --silent -- --reporter=default --reporter=json --outputFile.json="$results/WebClient.vitest.json" < /dev/null) \
    || [[ -f "$results/WebClient.vitest.json" ]] || failed "Web client: npm test did not finish"
}

# `timeout` is not on every system; where it is missing, CI's own limit is the only one.
bounded() {
  if command -v timeout > /dev/null; then
    timeout --kill-after=15 "$project_seconds" "$@"
  else
    "$@"
  fi
}

# Arguments: the project, the report's path, and which of the tests, as the program takes it.
# Compiling takes much of a test. So the compiled code's pages are writable: they are remapped for each method otherwise.
# And .NET compiles what is called often a second time only when nothing new was called for 0x64 ms, as it does by default:
# the program itself does not wait (docs/adr/0014), but a server of a test lives for seconds.
run_program() {
  DOTNET_EnableWriteXorExecute=0 DOTNET_TC_CallCountingDelayMs=64 \
    bounded "tests/$1/bin/Release/net10.0/WebMessenger.$1" -noColor -result-ctrf "$2" "${@:3}" < /dev/null
}

# Arguments: the project, the report's name, and which of the tests.
run_dotnet() {
  local report="$results/$2.ctrf.json" code=0
  run_program "$1" "$report" "${@:3}" || code=$?
  # 1 is "some tests failed", which the report tells better.
  if [[ ! -f "$report" || $code -gt 1 ]]; then
    failed "$2 did not finish in order (exit code $code)"
  fi
}

# What little failed is tried once more, alone (CONTRIBUTING.md). Arguments: the project, the report's name.
try_again() {
  local report="$results/$2.ctrf.json" again="$results/$2.again.json" chosen=() method code=0
  [[ -f "$report" ]] || return 0
  while IFS= read -r method; do chosen+=(-method "$method"); done < <(node .ci/again.mjs "$report")
  [[ ${#chosen[@]} -gt 0 ]] || return 0
  say "$2: once more, what failed"
  run_program "$1" "$again" "${chosen[@]}" || code=$?
  if [[ -f "$again" && $code -le 1 ]]; then
    node .ci/again.mjs "$report" "$again"
    rm -f "$again"
  fi
}

test_dotnet() {
  say "$1"
  run_dotnet "$1" "$1" "${@:2}"
  try_again "$1" "$1"
}

# Two programs beside each other, each with a server of its own: those of the page wait for the browser, the others for servers that start.
test_e2e() {
  local project=EndToEnd.Tests
  say "$project"
  if [[ -n "$class" ]]; then
    run_dotnet "$project" "$project" -class "$class"
    return
  fi
  local page="WebMessenger.$project.Browser" others="$results/$project.others.txt"
  run_dotnet "$project" "$project.others" -namespace- "$page" "${explicit[@]}" > "$others" 2>&1 &
  run_dotnet "$project" "$project.page" -namespace "$page" "${explicit[@]}"
  wait
  cat "$others"
  if [[ -z "${WEBMESSENGER_CLUSTER:-}" ]]; then
    # Some of them against a node: all are by --cluster.
    WEBMESSENGER_CLUSTER=1 run_dotnet "$project" "$project.cluster" -class "*.DoorTests" -class "*.PresenceTests"
  fi
  try_again "$project" "$project.page"
  try_again "$project" "$project.others"
}

rm -rf "$results"
mkdir -p "$results"
check_node || { finish; exit 1; }
if [[ "$only" != web ]]; then
  check_dotnet || { finish; exit 1; }
fi

install_web
if [[ "$only" == web ]]; then
  test_web
else
  # Beside the build, which waits for the disk and the network much of its time.
  test_web > "$results/WebClient.txt" 2>&1 &
  say "Build, which takes some minutes"
  built=true
  build > "$results/Build.txt" 2>&1 || built=false
  wait
  cat "$results/Build.txt" "$results/WebClient.txt"
  if [[ "$built" == false ]]; then
    failed "The build"
    finish
    exit 1
  fi
  # All that need it come after.
  if wanted cluster || wanted broker || wanted e2e; then check_postgres; fi
  # Beside the others: it waits for leases that end, and for nodes that start, most of its time.
  if wanted cluster; then test_dotnet Cluster.Tests > "$results/Cluster.Tests.txt" 2>&1 & fi
  if wanted storage; then test_dotnet Storage.Tests; fi
  if wanted auth; then test_dotnet Auth.Tests; fi
  # Many of them wait: for a second of the server's, or for five in which a stranger says nothing.
  if wanted broker; then test_dotnet Broker.Tests -maxThreads 3; fi
  if wanted cluster; then
    wait
    cat "$results/Cluster.Tests.txt"
  fi
  if [[ -n "${WEBMESSENGER_CLIENTS:-}" ]]; then fetch_clients; fi
  if wanted e2e && check_tools; then test_e2e; fi
fi

finish

# Sourced by scripts/demo and scripts/test: the repository's own Python environment, and timed steps.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
steps=()

# Colours are for terminals, whichever tool prints.
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then
    export NO_COLOR=1 DBT_USE_COLORS=false PRE_COMMIT_COLOR=never
fi

fail() {
    echo "$*" >&2
    exit 1
}

# take_arguments PATTERN ARGUMENT…: takes one argument like the pattern, or none. Help is the comment at the head of the script.
take_arguments() {
    local script="scripts/${0##*/}" pattern=$1
    shift
    if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$script"
        exit
    fi
    if [ $# -gt 1 ] || ! [[ ${1:-} =~ ^($pattern)?$ ]]; then
        echo "$script does not take '$*'; $script --help says what it takes." >&2
        exit 2
    fi
}

# Makes .venv, or brings it up to the pinned requirements. A stamp tells what is installed.
make_environment() {
    local python wanted
    python=$(command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3) ||
        fail "Python 3.11 or later is needed; none was found on the PATH."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or later is needed; $python is $("$python" --version)."
    wanted=$(cat requirements.txt requirements-sandbox.txt constraints.txt | cksum)
    if [ "$(cat .venv/installed 2>/dev/null)" != "$wanted" ]; then
        "$python" -m venv .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check \
            -r requirements-sandbox.txt -c constraints.txt
        echo "$wanted" >.venv/installed
    fi
    export PATH="$repository/.venv/bin:$PATH"
}

# Finds or installs a browser for the tests of pages.
make_browser() {
    command -v chromium chromium-browser google-chrome && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "The tests of pages need Chromium as chromium, chromium-browser or google-chrome on the PATH: install the" \
            "package chromium, for instance by sudo apt-get install chromium."
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends chromium >/dev/null
    command -v chromium
}

# Sees that there are Prometheus, its promtool and node_exporter for the tests of alerts: from Debian's packages, unpacked and
# not installed, since an installation would start both.
make_prometheus() {
    local programs="prometheus promtool prometheus-node-exporter" folder="$repository/.sandbox/prometheus" downloads
    # shellcheck disable=SC2086
    [ "$(command -v $programs | wc -l)" -ne 3 ] || return 0
    if [ ! -d "$folder" ]; then
        command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
            fail "The tests of alerts need $programs on the PATH."
        [ "$(id -u)" -ne 0 ] || apt-get update -qq
        downloads=$(mktemp -d)
        (cd "$downloads" && apt-get download --quiet=2 prometheus prometheus-node-exporter 2>/dev/null) ||
            fail "The tests of alerts need $programs: apt-get finds no packages prometheus and prometheus-node-exporter."
        mkdir -p "$folder.new"
        for package in "$downloads"/*.deb; do
            dpkg --extract "$package" "$folder.new"
        done
        rm -r "$downloads"
        mv "$folder.new" "$folder"
    fi
    ls "$folder"/usr/bin/prom*
}

# step NAME COMMAND…: runs it and remembers how long it took.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n── %s\n' "$name"
    "$@"
    steps+=("$(printf '%6d s  %s' $((SECONDS - began)) "$name")")
}

print_steps() {
    printf '\nWhere the time went:\n'
    printf '%s\n' "${steps[@]}"
    printf '%6d s  in all\n\n' "$SECONDS"
}

# free_ports COUNT: ports that nobody listens on, since tests must not collide with a running sandbox.
free_ports() {
    python -c 'import sys; from sandbox.processes import free_ports; print(*free_ports(int(sys.argv[1])))' "$1"
}

#!/bin/sh
# `setup.sh plot` or `setup.sh dev` makes .venv hold minigrad with that extra; `setup.sh dot` finds or fetches Graphviz,
# `setup.sh eslint` the linter of the explorer's JavaScript, `setup.sh site` what builds the site, `setup.sh pyodide` what
# runs the tests in WebAssembly;
# `setup.sh bench` makes .venv-bench hold what is benchmarked.
# Called by the Makefile. Knows package managers and Python installations; knows nothing of what is run afterwards.
# Needs only a POSIX shell and Python 3.11 or later. A second call with nothing changed returns at once.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

say() { printf '%s\n' "$*" >&2; }

# Runs a command as root, where this user may without typing a password; fails otherwise.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1; fi
}

# The command that installs system package $1 here, as a person would type it; nothing for an unknown system.
install_command() {
    if command -v apt-get >/dev/null 2>&1; then echo "apt-get install -y $1"
    elif command -v dnf >/dev/null 2>&1; then echo "dnf install -y $1"
    elif command -v pacman >/dev/null 2>&1; then echo "pacman -S --noconfirm $1"
    elif command -v zypper >/dev/null 2>&1; then echo "zypper --non-interactive install $1"
    elif command -v apk >/dev/null 2>&1; then echo "apk add $1"
    elif command -v brew >/dev/null 2>&1; then echo "brew install $1"; fi
}

install_package() {
    command=$(install_command "$1")
    log=$(mktemp)
    case $command in
        "") rm -f "$log"; return 1 ;;
        brew*) as= ;; # Homebrew refuses to run as root
        *) as=as_root; as_root true || { rm -f "$log"; return 1; } ;;
    esac
    say "Installing $1 ($command) ..."
    # An apt that has never fetched its lists, or holds old ones, finds no package.
    case $command in apt-get*) as_root apt-get update >"$log" 2>&1 </dev/null || : ;; esac
    # shellcheck disable=SC2086 # the command is meant to be split into words
    if DEBIAN_FRONTEND=noninteractive $as $command >>"$log" 2>&1 </dev/null; then rm -f "$log"; return 0; fi
    tail -n 5 "$log" >&2
    rm -f "$log"
    return 1
}

# --- Python and its packages ---------------------------------------------------------------------------------------

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

able() { recent "$1" && "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# The first Python that can make a virtual environment; failing that, the first that is recent enough.
find_python() {
    for good in able recent; do
        for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
            if "$good" "$candidate"; then command -v "$candidate"; return 0; fi
        done
    done
    return 1
}

make_venv() {
    if ! python=$(find_python); then
        say "minigrad needs Python 3.11 or later; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>/dev/null ||
            echo "not there")."
        say "Install one, then say where it is:  make PYTHON=/path/to/python3.13 ..."
        exit 1
    fi
    # Debian and Ubuntu keep ensurepip, without which a virtual environment has no pip, in a package of its own.
    if ! able "$python"; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if ! install_package "$package" || ! able "$python"; then
            say "$python cannot make a virtual environment: its modules venv and ensurepip are missing."
            say "On Debian or Ubuntu type:  sudo apt-get update && sudo apt-get install $package"
            say "Or name another Python:    make PYTHON=/path/to/python3.13 ..."
            exit 1
        fi
    fi
    say "Making the virtual environment $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv"
}

install_packages() {
    extra=$1
    # A virtual environment and an editable installation both hold their folder's full path: in a copied or moved
    # repository, and after a change of pyproject.toml, they are out of date.
    key="$(cksum <pyproject.toml) $PWD"
    for stamp in "$venv/.installed-dev" "$venv/.installed-$extra"; do # dev holds the other extras
        if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then return 0; fi
    done
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then make_venv; fi
    say "Installing the Python packages of minigrad[$extra] ..."
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extra]"; then
        say "The packages could not be installed; pip's message above says why. Without a network, or with a package"
        say "index of your own, see pip's options PIP_PROXY and PIP_INDEX_URL. Then give the same command again."
        exit 1
    fi
    printf '%s\n' "$key" >"$stamp"
}

# --- Graphviz ------------------------------------------------------------------------------------------------------

find_dot() {
    if command -v dot >/dev/null 2>&1; then return 0; fi
    # Tried once, not at every call: a package manager that fails (no network, no such package) is slow to say so.
    if [ ! -e "$venv/.tried-graphviz" ]; then
        : >"$venv/.tried-graphviz"
        if install_package graphviz && command -v dot >/dev/null 2>&1; then return 0; fi
    fi
    command=$(install_command graphviz)
    case $command in
        apt-get*) command="sudo apt-get update && sudo $command" ;;
        brew*) ;;
        "") command="see https://graphviz.org/download/" ;;
        *) command="sudo $command" ;;
    esac
    say "Graphviz's program dot is missing: everything works but the drawing of graphs. To install it:  $command"
}

# --- Packages from npm ---------------------------------------------------------------------------------------------

# Installs what the lock in folder $1 names, which is for $2.
find_npm_packages() {
    key=$(cksum <"$1/package-lock.json")
    if [ "$(cat "$1/node_modules/.installed" 2>/dev/null)" = "$key" ]; then return 0; fi
    if ! command -v npm >/dev/null 2>&1; then
        say "npm is missing: there will be no $2. It comes with Node.js, https://nodejs.org/"
    elif npm ci --prefix "$1" --silent --no-audit --no-fund </dev/null; then
        printf '%s\n' "$key" >"$1/node_modules/.installed"
    else
        say "npm could not install the packages of $1: there will be no $2."
    fi
}

# --- What the tests in WebAssembly need ------------------------------------------------------------------------------

# pytest and hypothesis for Pyodide, which takes only what is Python alone: the last version of each that is.
find_pyodide_packages() {
    folder=build/pyodide/packages
    if [ -e $folder/.installed ]; then return 0; fi
    rm -rf $folder
    if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --target $folder \
        --only-binary :all: --platform any --python-version 3.12 pytest hypothesis </dev/null; then
        : >$folder/.installed
    else
        say "pip found no pytest in Python alone: there will be no tests in WebAssembly."
    fi
}

# --- The contenders of the benchmark ---------------------------------------------------------------------------------

install_contenders() {
    list=tests/benchmarks/contenders.txt
    stamp=$venv/.installed-contenders
    if [ "$(cat "$stamp" 2>/dev/null)" = "$(cksum <$list)" ]; then return 0; fi
    complete=yes
    while IFS= read -r package; do
        case $package in "#"*) continue ;; esac
        say "Installing $package ..."
        if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$package" </dev/null; then
            complete=no
            say "$package cannot be installed here, and will not take part."
        fi
    done <$list
    if [ $complete = yes ]; then cksum <$list >"$stamp"; fi
}

case $1 in
    bench)
        venv=.venv-bench
        PYTHON=${PYTHON:-python3.13 python3.12 python3.11 python3} # the large frameworks follow a new Python late
        install_packages plot
        install_contenders
        ;;
    eslint) find_npm_packages minigrad/explorer "linter of the explorer's JavaScript" ;;
    site)
        install_packages site
        find_npm_packages docs/site "Python in the site's pages"
        ;;
    pyodide) find_pyodide_packages ;;
    plot | dev) install_packages "$1" ;;
    dot) find_dot ;;
    *) say "setup.sh: plot, dev, dot, bench, eslint, site or pyodide, not $1"; exit 2 ;;
esac

#!/bin/sh
# Install what the Makefile's targets need:
#
#     setup.sh plot | dev    minigrad with this extra, in .venv
#     setup.sh dot           Graphviz
#     setup.sh eslint        the linter of the explorer's JavaScript
#     setup.sh site          the packages that build the site
#     setup.sh pyodide       the packages for the tests in WebAssembly
#     setup.sh bench         the libraries of the benchmark, in .venv-bench, and a C++ compiler
#
# It needs only a POSIX shell and Python 3.11 or later. If everything is up to date, it does nothing.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

say() { printf '%s\n' "$*" >&2; }

# Run a command as root. Fails if this would require a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1; fi
}

# Print the command that installs the system package $1 on this machine, or nothing for an unknown system.
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
        brew*) as= ;; # Homebrew does not run as root
        *) as=as_root; as_root true || { rm -f "$log"; return 1; } ;;
    esac
    say "Installing $1 ($command) ..."
    # apt may not find packages if its lists are out of date.
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

# Print the first Python that can make a virtual environment, or else the first that is recent enough.
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
        echo "not installed")."
        say "Install a newer Python and pass its path:  make PYTHON=/path/to/python3.13 ..."
        exit 1
    fi
    # Debian and Ubuntu have a separate package for ensurepip, which installs pip in a virtual environment.
    if ! able "$python"; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if ! install_package "$package" || ! able "$python"; then
            say "$python cannot make a virtual environment: its modules venv and ensurepip are missing."
            say "On Debian or Ubuntu, run:  sudo apt-get update && sudo apt-get install $package"
            say "Or use another Python:    make PYTHON=/path/to/python3.13 ..."
            exit 1
        fi
    fi
    say "Making the virtual environment $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv"
}

install_packages() {
    extra=$1
    # A virtual environment and an editable installation contain the full path of their folder. They are out of date if the
    # repository was copied or moved, or if pyproject.toml changed.
    key="$(cksum <pyproject.toml) $PWD"
    for stamp in "$venv/.installed-dev" "$venv/.installed-$extra"; do # dev includes the other extras
        if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then return 0; fi
    done
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then make_venv; fi
    say "Installing the Python packages of minigrad-edu[$extra] ..."
    # Until version 0.2, the distribution was called minigrad. Uninstalling it later would also delete the new command.
    "$venv/bin/python" -m pip uninstall --quiet --yes minigrad >/dev/null 2>&1 || true
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extra]"; then
                say "The packages could not be installed. See pip's message above. If you need a proxy or use your own package"
        say "index, set PIP_PROXY or PIP_INDEX_URL. Then run the same command again."
        exit 1
    fi
    printf '%s\n' "$key" >"$stamp"
}

# --- Graphviz ------------------------------------------------------------------------------------------------------

find_dot() {
    if command -v dot >/dev/null 2>&1; then return 0; fi
    # Try this only once, because a failing package manager is slow (without a network, or without such a package).
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
    say "Graphviz's program dot is missing. Everything except drawing graphs works without it. To install it:  $command"
}

# --- Packages from npm ---------------------------------------------------------------------------------------------

# Install the packages listed in the lock file in folder $1. $2 describes them in messages.
find_npm_packages() {
    key=$(cksum <"$1/package-lock.json")
    if [ "$(cat "$1/node_modules/.installed" 2>/dev/null)" = "$key" ]; then return 0; fi
    if ! command -v npm >/dev/null 2>&1; then
        say "npm is missing, so the $2 cannot be installed. Install Node.js, which includes npm: https://nodejs.org/"
    elif npm ci --prefix "$1" --silent --no-audit --no-fund </dev/null; then
        printf '%s\n' "$key" >"$1/node_modules/.installed"
    else
        say "npm could not install the packages of $1, so the $2 is not available."
    fi
}

# --- Packages for the tests in WebAssembly ------------------------------------------------------------------------------

# Install pytest and hypothesis for Pyodide. Use the latest pure-Python versions, because Pyodide cannot use others.
find_pyodide_packages() {
    folder=build/pyodide/packages
    if [ -e $folder/.installed ]; then return 0; fi
    rm -rf $folder
    if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --target $folder \
        --only-binary :all: --platform any --python-version 3.12 pytest hypothesis </dev/null; then
        : >$folder/.installed
    else
        say "pip found no pure-Python version of pytest, so the tests in WebAssembly cannot run."
    fi
}

# --- Libraries of the benchmark ---------------------------------------------------------------------------------

# torch.compile needs a C++ compiler.
find_compiler() {
    if command -v g++ >/dev/null 2>&1 || command -v clang++ >/dev/null 2>&1; then return 0; fi
    # The package is called gcc-c++ on Fedora and openSUSE, and gcc on Arch Linux.
    for package in g++ gcc-c++ gcc; do
        if install_package "$package" && command -v g++ >/dev/null 2>&1; then return 0; fi
    done
    say "There is no C++ compiler, so the benchmark will not include compiled PyTorch. Install g++, then run the same command again."
}

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
            say "$package cannot be installed here, so the benchmark will not include it."
        fi
    done <$list
    if [ $complete = yes ]; then cksum <$list >"$stamp"; fi
}

case $1 in
    bench)
        venv=.venv-bench
        PYTHON=${PYTHON:-python3.13 python3.12 python3.11 python3} # large frameworks support a new Python late
        install_packages plot
        install_contenders
        find_compiler
        ;;
    eslint) find_npm_packages minigrad/explorer "linter of the explorer's JavaScript" ;;
    site)
        install_packages site
        find_npm_packages docs/site "version of Python for the site's pages"
        ;;
    pyodide) find_pyodide_packages ;;
    plot | dev) install_packages "$1" ;;
    dot) find_dot ;;
    *) say "setup.sh: unknown argument $1; use plot, dev, dot, bench, eslint, site or pyodide"; exit 2 ;;
esac

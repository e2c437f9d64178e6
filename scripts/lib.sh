# What the scripts share: finding programs, and installing the distribution's packages.
# shellcheck shell=sh

say() {
    printf '%s\n' "$*" >&2
}

# skipped CHECK: notes a check that this machine cannot run; scripts/test ends with the list.
skipped() {
    say "SKIPPED: $*"
    printf '%s\n' "$*" >>target/skipped
}

# Runs a command as root without asking for a password, or fails.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# Packages of the distribution that are missing; `install_needed` installs them all at once.
needed=''

# needs 'PACKAGE ...' TEST ...: notes these packages where the command TEST fails.
needs() {
    packages=$1
    shift
    "$@" >/dev/null 2>&1 || needed="$needed $packages"
}

has() {
    command -v "$1" >/dev/null
}

# Installs the packages noted by `needs`. If that is not possible, prints one command to copy, and
# fails.
install_needed() {
    [ -n "$needed" ] || return 0
    # shellcheck disable=SC2046,SC2086 # one word a package
    set -- $(printf '%s\n' $needed | sort -u)
    needed=''
    if ! has apt-get; then
        say "Please install these packages (Debian names): $*"
        return 1
    fi
    say "Installing $* ..."
    as_root true && install_by_apt "$@" && return
    say 'These packages are missing. Please install them first, as root:'
    say "apt-get update && apt-get install --no-install-recommends $*"
    return 1
}

# Packages for the build: Rust build scripts need a C compiler for linking, and two dependencies have
# parts in C. Crates are downloaded over HTTPS.
needs_to_build() {
    has cargo || { say 'Please install Rust first: https://rustup.rs'; return 1; }
    needs 'gcc libc6-dev' sh -c 'echo "#include <stdlib.h>" | cc -E -'
    needs ca-certificates has_certificates
}

has_certificates() {
    for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem \
        /etc/pki/tls/certs/ca-bundle.crt; do
        if [ -s "$bundle" ]; then return 0; fi
    done
    return 1
}

# Without apt-get, Postgres is installed immediately, because other systems have other package names.
needs_postgres() {
    if has apt-get; then
        needs postgresql has_postgres
    elif ! has_postgres && ! install_postgres; then
        say "Please install the programs of a PostgreSQL server first: $(how_to_install)"
        return 1
    fi
}

needs_python() {
    needs 'python3 python3-venv' python3 -c 'import ensurepip, venv'
}

needs_to_test() {
    needs_to_build
    needs_postgres
    needs_python
    needs curl has curl
    needs procps has pgrep
    needs util-linux has unshare
}

needs_for_cost() {
    needs valgrind has valgrind
}

needs_for_pages() {
    needs_python
    needs chromium has chromium
    needs postgresql-client has psql
}

# The places that src/demo/cluster/programs.rs looks at, and the same demand of them.
has_postgres() (
    set +f
    IFS=:
    # shellcheck disable=SC2086 # the PATH is to be split
    set -- $PATH
    bindir=$(pg_config --bindir 2>/dev/null || true)
    for folder in "$@" "$bindir" \
        /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/lib/postgresql*/bin \
        /usr/libexec/postgresql* \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
            return 0
        fi
    done
    return 1
)

# install_by_apt PACKAGE ...: Debian's Postgres package creates and starts a database when it is
# installed. Only its programs are needed here, so a setting prevents that. The setting is removed
# afterwards, so that a later installation behaves normally.
install_by_apt() {
    settings=/etc/postgresql-common/createcluster.d
    setting=$settings/coder-agent-exporter-demo.conf
    apt='env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install'
    as_root mkdir -p "$settings" || return 1
    trap 'as_root rm -f "$setting"; exit 130' INT TERM
    echo 'create_main_cluster = false' | as_root tee "$setting" >/dev/null || return 1
    status=0
    # shellcheck disable=SC2086 # a command and its arguments
    as_root $apt "$@" >&2 || { as_root apt-get -qq update >&2 && as_root $apt "$@" >&2; } || status=$?
    as_root rm -f "$setting"
    as_root rmdir -p "$settings" 2>/dev/null || true
    trap - INT TERM
    return "$status"
}

# For systems other than Debian; their packages start nothing by themselves.
install_postgres() {
    as_root true || return 1
    if has dnf; then
        say 'Installing Postgres (dnf install postgresql-server) ...'
        as_root dnf -q -y install postgresql-server >&2
    elif has apk; then
        say 'Installing Postgres (apk add postgresql) ...'
        as_root apk add -q postgresql >&2
    elif has pacman; then
        say 'Installing Postgres (pacman -S postgresql) ...'
        as_root pacman -S --noconfirm --needed postgresql >&2
    else
        return 1
    fi
}

how_to_install() {
    if [ "$(uname)" = Darwin ]; then
        echo 'brew install postgresql@16'
    elif has dnf; then
        echo 'dnf install postgresql-server'
    elif has apk; then
        echo 'apk add postgresql'
    elif has pacman; then
        echo 'pacman -S postgresql'
    else
        echo "your system's package of the PostgreSQL server"
    fi
}

# python_tools FOLDER LIST: makes target/FOLDER a Python of the project's own that has the packages
# of the file LIST, from PyPI; made anew when the list changes.
python_tools() (
    folder=$PWD/target/$1
    list=$2
    cmp -s "$list" "$folder/installed.txt" && "$folder/bin/python" -c '' 2>/dev/null && return
    say "Installing the packages of $list into target/$1 ..."
    rm -rf "$folder"
    python3 -m venv "$folder" &&
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-compile --requirement "$list" >&2 &&
        cp "$list" "$folder/installed.txt"
)

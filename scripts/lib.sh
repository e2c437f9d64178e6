# What the scripts share: finding programs, and installing the distribution's packages.
# shellcheck shell=sh

say() {
    printf '%s\n' "$*" >&2
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

# install_package PROGRAM PACKAGE: makes PROGRAM available by installing PACKAGE, which starts
# nothing.
install_package() {
    command -v "$1" >/dev/null && return
    debian_package "$2" || { say "$1 is needed; install it first: apt-get install $2"; exit 1; }
}

# debian_package PACKAGE: installs it, after a look at what there is where that is not known yet.
debian_package() {
    local install='env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install'
    say "Installing $1 ..."
    # shellcheck disable=SC2086 # a command and its arguments
    as_root $install "$1" >&2 || { as_root apt-get -qq update >&2 && as_root $install "$1" >&2; }
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

# Debian's package makes a database of its own and starts it as it is installed. Nobody asked
# for that one: for the time of the installation it is told not to. The setting goes again, so
# that a later installation behaves as its manual says.
install_by_apt() {
    settings=/etc/postgresql-common/createcluster.d
    setting=$settings/coder-agent-exporter-demo.conf
    apt='env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install'
    # shellcheck disable=SC2086 # a command and its arguments
    as_root $apt postgresql-common >&2 || {
        as_root apt-get -qq update >&2 && as_root $apt postgresql-common >&2
    } || return 1
    as_root mkdir -p "$settings" || return 1
    trap 'as_root rm -f "$setting"; exit 130' INT TERM
    echo 'create_main_cluster = false' | as_root tee "$setting" >/dev/null || return 1
    status=0
    # shellcheck disable=SC2086
    as_root $apt postgresql >&2 || status=$?
    as_root rm -f "$setting"
    as_root rmdir "$settings" 2>/dev/null || true
    trap - INT TERM
    return "$status"
}

# The other systems' packages start nothing by themselves.
install_postgres() {
    as_root true || return 1
    if command -v apt-get >/dev/null; then
        say 'Installing Postgres (apt-get install postgresql), without a database of its own ...'
        install_by_apt
    elif command -v dnf >/dev/null; then
        say 'Installing Postgres (dnf install postgresql-server) ...'
        as_root dnf -q -y install postgresql-server >&2
    elif command -v apk >/dev/null; then
        say 'Installing Postgres (apk add postgresql) ...'
        as_root apk add -q postgresql >&2
    elif command -v pacman >/dev/null; then
        say 'Installing Postgres (pacman -S postgresql) ...'
        as_root pacman -S --noconfirm --needed postgresql >&2
    else
        return 1
    fi
}

how_to_install() {
    if [ "$(uname)" = Darwin ]; then
        echo 'brew install postgresql@16'
    elif command -v apt-get >/dev/null; then
        echo 'apt-get install postgresql'
    elif command -v dnf >/dev/null; then
        echo 'dnf install postgresql-server'
    elif command -v apk >/dev/null; then
        echo 'apk add postgresql'
    elif command -v pacman >/dev/null; then
        echo 'pacman -S postgresql'
    else
        echo "your system's package of the PostgreSQL server"
    fi
}

# python_tools FOLDER LIST: makes target/FOLDER a Python of the project's own that has the packages
# of the file LIST, from PyPI; made anew when the list changes.
python_tools() {
    local folder=$PWD/target/$1 list=$2
    cmp -s "$list" "$folder/installed.txt" && return
    need_venv || return 1
    say "Installing the packages of $list into target/$1 ..."
    rm -rf "$folder"
    python3 -m venv "$folder" &&
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-compile --requirement "$list" >&2 &&
        cp "$list" "$folder/installed.txt"
}

need_venv() {
    python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null && return
    debian_package python3-venv ||
        { say 'A Python with venv is needed; install it first: apt-get install python3-venv'; return 1; }
}

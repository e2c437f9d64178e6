# Programs and libraries of Debian's packages without installing these; after lib.sh.
# shellcheck shell=bash

# Programs that would start a service when installed are unpacked here instead.
tools=$PWD/target/tools
export PATH="$PATH:$tools/usr/bin:$tools/usr/sbin"

# unpack PROGRAM PACKAGE: makes PROGRAM available from Debian's PACKAGE, without root and without
# the service the package would start.
unpack() {
    has "$1" || unpack_package "$@"
}

# unpack_library LIBRARY PACKAGE: makes LIBRARY available, to those who look for it next to the
# programs above.
unpack_library() {
    ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
    "$ldconfig" -p | grep -q "$1" && return
    compgen -G "$tools/usr/lib/*/$1" >/dev/null && return
    unpack_package "$@"
}

# unpack_package WHAT PACKAGE...: the files of these packages, for the sake of WHAT.
unpack_package() {
    local what=$1 folder package
    shift
    say "Unpacking $what from $* ..."
    mkdir -p "$tools"
    folder=$(mktemp -d)
    if ! (cd "$folder" && { download "$@" || { as_root apt-get -qq update && download "$@"; }; } >&2 &&
        for package in *.deb; do dpkg-deb -x "$package" "$tools"; done); then
        rm -rf "$folder"
        say "The tests need $what. Install it first: apt-get install $*"
        exit 1
    fi
    rm -rf "$folder"
}

# Into the working folder. As root, apt would warn that its own user may not write there.
download() {
    apt-get -qq -o APT::Sandbox::User=root download "$@"
}

# unpack_alertmanager: like `unpack`; the program gets a starter, because Debian's looks for its
# templates in /usr/share only.
unpack_alertmanager() {
    local program=$tools/usr/lib/alertmanager/prometheus-alertmanager
    [ -x "$program" ] || unpack prometheus-alertmanager prometheus-alertmanager
    # An installed one is used as it is.
    [ -x "$tools/usr/bin/prometheus-alertmanager" ] || return 0
    [ -x "$program" ] || install -D "$tools/usr/bin/prometheus-alertmanager" "$program"
    install scripts/start-alertmanager "$tools/usr/bin/prometheus-alertmanager"
}

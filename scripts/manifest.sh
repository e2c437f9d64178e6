# What scripts read from Cargo.toml; after the change to the root of the source tree.
# shellcheck shell=bash

# key NAME: the value of NAME = "…" in the package's section; empty where there is none.
key() {
    sed -n '/^\[package\]/,/^\[[^p]/ s/^'"$1"' *= *"\(.*\)"$/\1/p' Cargo.toml
}

# image_of REPOSITORY: where the image of a repository on GitHub is; empty for any other address.
image_of() {
    case $1 in
        https://github.com/?*/?*) echo "ghcr.io/${1#https://github.com/}" | tr '[:upper:]' '[:lower:]' ;;
    esac
}

#!/bin/sh
# Write the lock files from the requirements: every version with the hashes of its files. `make lock` calls it.
# The public index alone, whatever this machine is set up to ask besides.
set -eu
cd "$(dirname "$0")/../.."
uv=${1:?usage: lock.sh UV [options of uv pip compile]}
shift
for kind in image executable; do
    extras="--extra postgres"
    [ "$kind" = image ] || extras="$extras --extra executable"
    # shellcheck disable=SC2086
    env -u PIP_CONSTRAINT -u PIP_FIND_LINKS -u UV_FIND_LINKS "$uv" --no-config pip compile --quiet --universal \
        --python-version 3.11 --generate-hashes --default-index https://pypi.org/simple \
        --custom-compile-command "make lock" $extras "$@" \
        --output-file "packaging/locks/$kind.txt" pyproject.toml packaging/locks/build.in
done

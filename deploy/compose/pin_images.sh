#!/bin/sh
# Put the digest that each image's tag has today behind its name in .env. `make pin-images` calls it; it needs Docker and its registry.
set -eu
cd "$(dirname "$0")"
trap 'rm -f .env.new' EXIT
while IFS= read -r line; do
    case $line in
    *_IMAGE=*)
        image=${line#*=}
        tag=${image%@*}
        digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$tag")
        case $digest in
        sha256:*) line=${line%%=*}=$tag@$digest ;;
        *)
            echo "the registry gave no digest for $tag" >&2
            exit 1
            ;;
        esac
        ;;
    esac
    printf '%s\n' "$line"
done <.env >.env.new
mv .env.new .env

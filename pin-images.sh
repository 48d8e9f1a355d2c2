#!/bin/sh
# Pins the images of docker-compose.yaml, deploy/ and the workflows by digest: writes behind each
# `name:tag` the digest that its registry has for that tag now. Run it after a change of a tag, look
# at the difference, and commit it. Only Docker's client with `buildx` is needed, no engine; the
# digest is that of the list for all platforms.
set -eu
cd "$(dirname "$0")"

files="docker-compose.yaml deploy/image/Dockerfile deploy/astronomer/Dockerfile .github/workflows/nightly.yaml .github/workflows/push.yaml"
new=$(mktemp)
trap 'rm -f "$new" "$new.sed"' EXIT

# `image: name:tag` of a service or a job, and `FROM name:tag` of a Dockerfile. The image that Compose
# itself builds has no digest in a registry.
# shellcheck disable=SC2086 # names of files
sed -nE 's/^ *(image:|FROM) ([a-z0-9._/-]+:[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?( AS [a-z]+)?$/\2/p' $files |
    grep -v '^ventas-' | sort -u >"$new"
[ -s "$new" ] || { echo "pin-images.sh: no image was found in $files." >&2; exit 1; }

: >"$new.sed"
while read -r image; do
    digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image" </dev/null)
    if ! printf '%s\n' "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}'; then
        echo "pin-images.sh: docker gave no digest for $image but '$digest'." >&2
        exit 1
    fi
    echo "$image@$digest"
    pattern=$(printf '%s\n' "$image" | sed 's/\./\\./g')
    # `echo` would take `\1` for a character in some shells.
    printf '%s\n' "s#^( *(image:|FROM) $pattern)(@sha256:[0-9a-f]{64})?( AS [a-z]+)?\$#\\1@$digest\\4#" >>"$new.sed"
done <"$new"

for file in $files; do
    sed -E -f "$new.sed" "$file" >"$new"
    # Not `mv`: the file keeps its mode and its owner.
    cat "$new" >"$file"
done

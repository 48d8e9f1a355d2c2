#!/bin/sh
# Writes this project as an Astro project into the folder $1, which `astro dev init` may have made before: its
# Dockerfile, its lists of packages, and the four folders of the project.
set -eu
target=${1:?"assemble.sh FOLDER: name the Astro project's folder"}
cd "$(dirname "$0")/../.."

mkdir -p "$target"
for folder in dags plugins include texts; do
    rm -rf "${target:?}/$folder"
    cp -R "$folder" "$target"
done
find "$target" -name __pycache__ -prune -exec rm -rf {} +
cp deploy/astronomer/Dockerfile deploy/astronomer/packages.txt deploy/astronomer/requirements.txt "$target"

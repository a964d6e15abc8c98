#!/usr/bin/env bash
# Proves that Glint runs on servers that speak DynamoDB and S3 as it does on its own disk, and as functions.
# usage: run.sh [template] [build] [contract] [cloud] [push] [imports] [functions] [watch]   (all by default)
#   template   infra/ against sam, cfn-lint and hadolint, the table and bucket definitions, the functions and the events;
#              its parameters and rules against MiniStack
#   contract   the suites of the object store, presigned parts among them, on a bucket of MiniStack and of LocalStack, and on
#              containers of Swift and of Azurite (by npm)
#   cloud      glint serve, table on MiniStack, bucket on MiniStack and on LocalStack: bytes, crash, the public clients
#   push       glint push, killed at half of 256 MiB, and glint pull, bucket on both: which bytes moved where
#   imports    imports by the openstack client into directories and a bucket, from sources that are well and ill; a worker killed
#   build      cargo lambda build of every function for both processors; a table of sizes, held to 8 MiB, uploads and importer to 9
#   functions  each binary under the runtime API of cargo lambda watch answers the events of events/ by cargo lambda
#              invoke, on the same two servers
#   watch      the same answers from cargo lambda watch building the functions from source
# Needs: cargo build --release (cloud, push, imports); Python 3.11, and 3.13 for LocalStack, or it says what was skipped.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/../clients/venv.sh

python313() {
  local each
  for each in python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python; do
    if "$each" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2> /dev/null; then echo "$each"; return; fi
  done
}

servers() {
  local python
  python=$(python313)
  if [ -n "$python" ]; then
    LOCALSTACK_PYTHON=$(PYTHON=$python "$venv" localstack "$here/localstack.txt")/python
    export LOCALSTACK_PYTHON
  fi
  bin=$("$venv" ministack "$here/ministack.txt")
}

[ $# -gt 0 ] || set -- template build contract cloud push imports functions watch
failed=0
for part; do
  case $part in
    template)
      bin=$("$venv" ministack "$here/ministack.txt")
      tools=$("$venv" template "$here/template.txt")
      PATH=$tools:$PATH "$bin/python" "$here/template.py" || failed=1 ;;
    build)
      lambda=$("$venv" lambda "$here/lambda.txt")
      PATH=$lambda:$PATH python3 "$here/build.py" || failed=1 ;;
    contract | cloud | push | imports)
      servers
      "$bin/python" "$here/$part.py" || failed=1 ;;
    functions | watch)
      servers
      lambda=$("$venv" lambda "$here/lambda.txt")
      PATH=$lambda:$PATH "$bin/python" "$here/functions.py" "$part" || failed=1 ;;
    *) echo "run.sh: '$part' is none of template, build, contract, cloud, push, imports, functions, watch" >&2; exit 2 ;;
  esac
done
exit $failed

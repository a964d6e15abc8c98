#!/usr/bin/env bash
# Proves that Glint knows its callers by a real Keystone, installed from the package index (tests/keystone/*.txt).
# usage: run.sh [commands] [roles] [abroad] [tempest [REGEX]]   (all by default)
#   commands each command of `openstack image`, as administrator, member, reader and stranger
#   roles    the openstack client as administrator, member, reader and stranger; tokens revoked, expired, of services;
#            Keystone down
#   abroad   images of another region, imported with the openstack client; tokens revoked meanwhile, and nowhere in the clear
#   tempest  Tempest's suite of the Image API and of its limits, but for what exclude.txt names, on two glint serve that share a
#            table and two buckets of MiniStack
# All on glint serve of their own, or on a deployment: ENDPOINT, and KEYSTONE_PORT, where that looks for its Keystone.
# Needs: cargo build --release; Python 3.11 or later, and a C compiler for Keystone's server.   env: GLINT=PROGRAM another build
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/../clients/venv.sh
KEYSTONE_BIN=$("$venv" keystone "$here/keystone.txt")
export KEYSTONE_BIN
[ $# -gt 0 ] || set -- commands roles abroad tempest
failed=0
while [ $# -gt 0 ]; do
  case $1 in
    commands | roles | abroad)
      CLIENTS_BIN=$("$venv" clients "$here/../clients/requirements.txt" "$here/../clients/constraints.txt")
      export CLIENTS_BIN
      python3 "$here/$1.py" || failed=1 ;;
    tempest)
      TEMPEST_BIN=$("$venv" tempest "$here/tempest.txt")
      export TEMPEST_BIN
      "$("$venv" ministack "$here/../engines/ministack.txt")/python" "$here/suite.py" ${2:+"$2"} || failed=1
      shift $(($# - 1)) ;;
    *) echo "run.sh: '$1' is none of commands, roles, abroad, tempest" >&2; exit 2 ;;
  esac
  shift
done
exit $failed

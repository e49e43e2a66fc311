#!/usr/bin/env bash
# Makes .venv with everything that demo, tests and benchmarks need. Quick when nothing changed since the last time.
set -euo pipefail
cd "$(dirname "$0")"

SYSTEM_PACKAGES=(libegl1 libegl-mesa0 libgl1-mesa-dri libgl1 libxkbcommon0 libfontconfig1 libfreetype6 libdbus-1-3
  libglib2.0-0 fonts-dejavu-core tesseract-ocr)
# A DICOM server and outside checks of DICOM files; Debian's own service of Orthanc is not used
SERVER_PACKAGES=(orthanc orthanc-dicomweb stunnel4 dcmtk dicom3tools pixelmed-apps age)

fail() {
  echo "$1" >&2
  exit 1
}

is_installed() {
  # newer Debian and Ubuntu call some libraries by another name (libglib2.0-0t64)
  dpkg -s "$1" >/dev/null 2>&1 || dpkg -s "$1t64" >/dev/null 2>&1
}

find_missing() {
  missing=()
  command -v dpkg >/dev/null 2>&1 || return 0 # not Debian: thoraxai doctor says what is missing
  local package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
}

install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

install_system_packages() {
  find_missing "$@"
  [ "${#missing[@]}" -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || fail "Some system packages are missing: run sudo apt-get install ${missing[*]}"
  install_missing
}

# What only some tests need: without it they are skipped and say so
install_server_packages() {
  find_missing "$@"
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! install_missing; then
    echo "Tests of the DICOM server are skipped; for them run sudo apt-get install ${missing[*]}" >&2
  fi
}

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.10 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.10 to 3.13 is needed and was not found: install python3.11"
}

make_virtual_environment() {
  local python
  python="$(find_python)"
  "$python" -c 'import ensurepip' >/dev/null 2>&1 || install_system_packages python3-venv
  "$python" -m venv --clear .venv
}

contents_key() {
  cat pyproject.toml constraints.txt prepare_environment.sh | cksum | tr ' ' '-'
}

install_system_packages "${SYSTEM_PACKAGES[@]}"
install_server_packages "${SERVER_PACKAGES[@]}"
stamp=".venv/prepared-$(contents_key)"
if [ -e "$stamp" ]; then
  exit 0
fi
echo "Preparing .venv (the first time takes some minutes)"
.venv/bin/python -c '' 2>/dev/null || make_virtual_environment
# PIP_OPTIONS: e.g. an --extra-index-url with CPU-only builds of PyTorch
# shellcheck disable=SC2086
.venv/bin/python -m pip install --quiet --disable-pip-version-check ${PIP_OPTIONS:-} -c constraints.txt \
  -e '.[scene,learning,store,test]'
rm -f .venv/prepared-*
touch "$stamp"

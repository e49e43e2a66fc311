"""Options of every command that talks to a store; the password is none of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ThoraxAILib.store.access import PASSWORD_VARIABLE, Access, find_password
from ThoraxAILib.store.address import Address, open_store, parse_address, user_of
from ThoraxAILib.store.store import Store

ADDRESS = "a folder, dicomweb+https://host/path or dimse+tls://host:port/AET"


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """Add who asks and whom to trust."""
    group = parser.add_argument_group("store", f"The password comes from {PASSWORD_VARIABLE}, a file, or is asked for.")
    group.add_argument("--user", default="", help="name at the store")
    group.add_argument("--password-file", type=Path, metavar="FILE", help="file (mode 600) with the password")
    group.add_argument("--ca", type=Path, metavar="FILE", help="certificates to trust instead of the system's (PEM)")
    group.add_argument("--certificate", type=Path, metavar="FILE", help="own certificate (PEM), for DIMSE")
    group.add_argument("--key", type=Path, metavar="FILE", help="key of the own certificate (PEM)")
    group.add_argument("--calling", default="THORAXAI", metavar="AET", help="own application entity title, for DIMSE")


def access_of(arguments: argparse.Namespace, address: Address) -> Access:
    """Return who asks; asks for a password when a user is named and none is found."""
    user = user_of(address, arguments.user)
    return Access(
        user,
        find_password(user, arguments.password_file),
        arguments.ca,
        arguments.certificate,
        arguments.key,
        arguments.calling,
    )


def store_of(arguments: argparse.Namespace, text: str) -> tuple[Store, Address]:
    """Return the store at an address, with the parts of the address."""
    address = parse_address(text)
    return open_store(address, access_of(arguments, address)), address

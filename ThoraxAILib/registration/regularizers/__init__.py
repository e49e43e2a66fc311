"""Penalties on deformations behind one protocol, one file each; see ``registry``."""

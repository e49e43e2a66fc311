"""Scenes as files: judged before they are opened, written all or not at all."""

"""What the reader decided on a nodule at either of two dates, as it follows the status of their pair."""

from __future__ import annotations

from LungNoduleAILib.model.findings import Finding


def decided_words(prior: Finding | None, current: Finding | None) -> str:
    """Return ', rejected' or ', accepted' as the reader decided on the current CT, else on the prior one."""
    if current is not None and current.status != "unreviewed":
        return f", {current.status}"
    if prior is None or prior.status == "unreviewed":
        return ""
    return f", {prior.status}" if current is None else f", {prior.status} on the prior CT"

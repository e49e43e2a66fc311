"""Words for people: what the panel calls the values that files keep as tokens."""

from __future__ import annotations

from slicer.i18n import tr as _

from LungNoduleAILib.model.findings import Finding


def status_words() -> dict[str, str]:
    """Return the reader's decisions as words."""
    return {"unreviewed": _("Open"), "accepted": _("Accepted"), "rejected": _("Rejected")}


def value_words(token: str) -> str:
    """Return a value that a reader can state as words, e.g. ``ill_defined`` as "Ill defined"; lobes stay."""
    return token if token.isupper() else token.replace("_", " ").capitalize()


def measured_by_ai(finding: Finding) -> str:
    """Return what the software had measured where the reader changed it, in one line; empty where nothing changed."""
    shown = (
        ("type", "{}"),
        ("lobe", "{}"),
        ("mean_diameter_mm", "{:.1f} mm"),
        ("long_axis_mm", _("long axis {:.1f} mm")),
        ("short_axis_mm", _("short axis {:.1f} mm")),
        ("volume_mm3", "{:.0f} mm³"),
    )
    beside = finding.ai_values
    words = [form.format(beside[name]) for name, form in shown if beside.get(name) is not None]
    return _("The AI measured: {values}.").format(values=", ".join(words)) if words else ""

"""What a person reads first of an analyzed study, in lines of text."""

from __future__ import annotations

SURE_POINTS = 5.0  # a range of ejection fractions no wider than this is told as one number


def _open(spread: list | None) -> bool:
    return spread is not None and spread[1] - spread[0] > SURE_POINTS


def summary(found: dict) -> list[str]:
    """Return what a person reads first of a cardiac.json."""
    lines = [found["source"]] if found["source"] else []
    lines += [f"note: {note}" for note in found["notes"]]
    lines.append(f"end-diastole frame {found['ed_frame']}, end-systole frame {found['es_frame']} of {found['frames']}")
    for name, key in (("LV", "lv"), ("RV", "rv")):
        part = found[key]
        if part is None:
            continue
        spread = part["ef_range_percent"]
        ef = f"EF {part['ef_percent']:.0f} %" + (f" ({spread[0]:.0f} to {spread[1]:.0f} %)" if _open(spread) else "")
        mass = f", mass {part['mass_g']:.0f} g" if "mass_g" in part else ""
        lines.append(f"{name}: {part['edv_ml']:.0f} to {part['esv_ml']:.0f} mL, {ef}{mass}")
    if found["strain"]:
        ecc = found["strain"]["circumferential"]
        lines.append(
            f"peak global circumferential strain {ecc['peak']:.3f} (Green-Lagrange), "
            f"{100 * ecc['peak_engineering']:.1f} % (engineering)"
        )
    if found["long_axis"]:
        seen = found["long_axis"]
        lines.append(
            f"long axis: global longitudinal strain {100 * seen['global_longitudinal_strain']:.1f} % (engineering), "
            f"mitral excursion {seen['mitral_excursion_mm']:.0f} mm"
        )
    lines += diagnosis_lines(found.get("diagnosis") or {})
    return [*lines, *(f"{verdict['severity']}: {verdict['text']}" for verdict in found["quality"])]


def diagnosis_lines(said: dict) -> list[str]:
    """Return the diagnosis of a cardiac.json in lines: answer, set, what speaks most, rules; who it learned from."""
    if not said:
        return []
    if "missing" in said:
        return [f"no diagnosis: the study lacks {', '.join(said['missing'])}"]
    shares = ", ".join(f"{group} {100 * share:.0f} %" for group, share in said["probabilities"].items())
    return [
        f"diagnosis, by a model trained on {said['model']['trained_on']}: {said['diagnosis']} ({shares})",
        f"  {said['set_in_words']}",
        *(f"  {entry['sentence']}" for entry in said["contributions"][:3]),
        f"  {said['rule']['in_words']}",
    ]


def diagnosis_sentences(said: dict) -> list[str]:
    """Return every reason of the diagnosis of a cardiac.json: contributions, changes, nearest cases, rules."""
    if "contributions" not in said:
        return []
    near = ", ".join(f"number {one['row']} ({one['group']})" for one in said["nearest_training_studies"])
    return [
        *(entry["sentence"] for entry in said["contributions"]),
        *said["changes_in_words"],
        f"nearest training studies: {near}",
        said["rule"]["in_words"],
    ]

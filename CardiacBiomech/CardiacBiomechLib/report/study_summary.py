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
    lines += stiffness_lines(found.get("stiffness") or {})
    lines += diagnosis_lines(found.get("diagnosis") or {})
    return [*lines, *(f"{verdict['severity']}: {verdict['text']}" for verdict in found["quality"])]


def stiffness_lines(said: dict) -> list[str]:
    """Return in lines which sector of a cardiac.json is the stiffest by each estimate, and how sure that is."""
    lines = []
    for estimate, name in (("apparent", "apparent index"), ("virtual_fields", "virtual fields")) if said else ():
        rows = [row for row in said["sectors"] if row[f"{estimate}_index"] is not None]
        if not rows:
            lines.append(f"relative stiffness, {name}: {said[estimate]['reason']}")
            continue
        stiffest = max(rows, key=lambda row: row[f"{estimate}_index"])
        lines.append(
            f"relative stiffness, {name}: highest in the {stiffest['sector']} sector, "
            f"{stiffness_words(stiffest, estimate)}, in {100 * said[estimate]['same_first']:.0f} % of the samples"
        )
    return lines


def stiffness_words(row: dict, estimate: str) -> str:
    """Return one estimate of a sector with its interval; a dash where it is withheld."""
    if row[f"{estimate}_index"] is None:
        return "–"
    return "{:.2f} ({:.2f} to {:.2f})".format(*(row[f"{estimate}_{end}"] for end in ("index", "low", "high")))


def stiffness_sentences(said: dict) -> list[str]:
    """Return what the estimates of a cardiac.json are and how sure they are."""
    if not said:
        return []
    apparent, virtual = said["apparent"], said["virtual_fields"]
    sure = "the same sector comes first in {:.0f} % of the samples"
    return [
        said["definition"],
        f"{apparent['definition']}; {sure.format(100 * apparent['same_first'])}",
        f"{virtual['definition']}; {sure.format(100 * virtual['same_first'])}, singular value ratio "
        f"{virtual['singular_value_ratio']:.2f} (0 is sure, 1 is none): {virtual['reason']}",
    ]


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

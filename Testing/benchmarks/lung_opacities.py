"""Benchmark: verdicts on what takes the place of lung, in held-out synthetic bodies with disease and on real CT.

``python Testing/benchmarks/lung_opacities.py KEEP [--finder classical] [--bodies N] [--whole N] [--real PATH ...]``;
KEEP holds the chests of ``diseased_chests.py``, made where they are missing unless ``--only-kept``. Only the verdicts
are judged: findings of the nodule detector are not looked for, so what is counted as missed may still be one; ``--whole
N`` also analyzes N chests with a mass as a whole. A verdict is false where its place lies in no disease and not in lung
that fluid presses airless. Intervals: Wilson. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from diseased_chests import BODIES, COMBINATIONS, FIRST_SEED, Chest, chests_of

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.analysis.verdicts import chest_verdicts
from LungNoduleAILib.model.findings import QualityNote
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.opacity.opacity import AIR, FLUID, TISSUE, Opacity
from LungNoduleAILib.opacity.protocol import OPACITY_FINDER, OpacityFinder
from LungNoduleAILib.synthesis.disease.chest import EFFUSION, MASS, PNEUMOTHORAX
from ThoraxAILib.engines.registry import AUTO, REGISTRY
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

WITHIN = 0.25  # of the true volume
NEAR_MM = 3.0  # one voxel of the grid that is searched
NAMED = {EFFUSION: FLUID, PNEUMOTHORAX: AIR}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keep", type=Path)
    parser.add_argument("--bodies", type=int, default=BODIES)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--setting", default="held-out")
    parser.add_argument("--only-kept", action="store_true", help="leave out what is not kept yet")
    parser.add_argument("--whole", type=int, default=0, help="chests with a mass that are analyzed as a whole")
    parser.add_argument("--real", type=Path, nargs="*", default=[])
    parser.add_argument("--finder", default=AUTO, help="classical (rules alone) or learned")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows: list[dict] = []
    whole: list[dict] = []
    finder = REGISTRY.choose(OPACITY_FINDER, arguments.finder)[0].make("cpu")
    for chest in _chests(arguments):
        rows.append(judged(chest, finder))
        print(json.dumps(rows[-1]), flush=True)
        if MASS in chest.combination and len(whole) < arguments.whole:
            whole.append(analyzed(chest))
            print(json.dumps(whole[-1]), flush=True)
    results: dict = {"rows": rows, "summary": summary(rows) if rows else {}, "whole": whole}
    results["whole_summary"] = {name: share([row[name] for row in whole]) for name in ("finding", "told", "ok")}
    for path in arguments.real:
        results.setdefault("real", []).append(on_real(path))
        print(json.dumps(results["real"][-1]), flush=True)
    print(json.dumps({name: results[name] for name in ("summary", "whole_summary")}, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _chests(arguments: argparse.Namespace) -> Iterator[Chest]:
    """Yield the chests that are asked for, body by body."""
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.bodies):
        names = {name: f"{arguments.setting}-{seed}-{name.replace(' ', '_')}.pickle" for name in COMBINATIONS}
        wanted = [n for n, file in names.items() if not arguments.only_kept or (arguments.keep / file).is_file()]
        yield from chests_of(seed, arguments.setting, arguments.keep, wanted)


def judged(chest: Chest, finder: OpacityFinder) -> dict:
    """What the verdicts say of one chest: per disease whether one lies inside it, and what lies in none."""
    started = time.process_time()
    opacities = finder.find(chest.volume, chest.anatomy)
    seconds = time.process_time() - started
    notes = verdicts_of(chest, opacities)
    hits = {o: [d.kind for d in chest.diseases if inside(chest, d.mask, o.center_ras_mm)] for o in opacities}
    entry = {
        "seed": chest.seed,
        "chest": chest.combination,
        "cpu_s": round(seconds, 1),
        "ok": not any(note.severity != "info" and note.code != "thick_slices" for note in notes),
        "unequal": any(note.code == "lungs_unequal" for note in notes),
        "lung_missing": any(note.code == "one_lung_missing" for note in notes),
        "false": [
            (o.kind, o.volume_ml)
            for o, of in hits.items()
            if not of and not inside(chest, chest.pressed, o.center_ras_mm)
        ],
        "diseases": [],
    }
    for disease in chest.diseases:
        own = [o for o, kinds in hits.items() if disease.kind in kinds]
        wanted = NAMED.get(disease.kind, TISSUE)
        told = sum(o.volume_ml for o in own)
        largest = max((o.volume_ml for o in own if o.kind == wanted), default=told)
        entry["diseases"].append(
            {
                "kind": disease.kind,
                "diameter_mm": disease.diameter_mm,
                "volume_ml": disease.volume_ml,
                "found": bool(own),
                "named": any(o.kind == wanted for o in own),
                "told_ml": round(largest, 1),
            }
        )
    return entry


def analyzed(chest: Chest) -> dict:
    """What the whole analysis says of a chest with a mass: whether a finding or a placed verdict lies inside it."""
    findings = analyze(chest.volume, AnalysisOptions(), Progress(), Stages()).findings
    (mass,) = (disease.mask for disease in chest.diseases if disease.kind == MASS)
    finding = any(inside(chest, mask=mass, place=f.center_ras_mm) for f in findings.findings)
    places = [note.center_ras_mm for note in findings.lungs.quality if note.center_ras_mm is not None]
    return {
        "seed": chest.seed,
        "chest": chest.combination,
        "finding": finding,
        "told": finding or any(inside(chest, mass, place) for place in places),
        "ok": any(note.code == "ok" for note in findings.lungs.quality),
    }


def verdicts_of(chest: Chest, opacities: tuple[Opacity, ...]) -> tuple[QualityNote, ...]:
    """All verdicts of a chest without findings and candidates."""
    volume, anatomy = chest.volume, chest.anatomy
    ml = volume.voxel_mm3 / 1000.0
    lungs = float(anatomy.right_lung.sum()) * ml, float(anatomy.left_lung.sum()) * ml
    return (*anatomy.quality, *chest_verdicts(opacities, [], [], lungs, volume, anatomy))


def inside(chest: Chest, mask: np.ndarray, place: tuple[float, float, float]) -> bool:
    """Whether a place (RAS mm) lies inside a mask on the grid of a chest, or within a voxel of the search of it."""
    center = chest.volume.kji_from_ras(np.array(place))
    reach = NEAR_MM / chest.volume.spacing_kji_mm
    box = tuple(slice(max(0, round(c - r)), round(c + r) + 1) for c, r in zip(center, reach, strict=True))
    return bool(mask[box].any())


def on_real(path: Path) -> dict:
    """What the whole analysis says of a real CT: its findings in their order, its verdicts, and what was vetted."""
    from ThoraxAILib.io import read_volume

    result = analyze(read_volume(path), AnalysisOptions(), Progress(), Stages()).findings
    return {
        "case": path.name,
        "findings": [
            {"id": f.id, "center_ras_mm": f.center_ras_mm, "mm": f.mean_diameter_mm, "confidence": f.confidence}
            for f in result.findings
        ],
        "verdicts": [note.to_dict() for note in result.lungs.quality],
        "removed": [r.to_dict() for r in result.removed if "below the threshold" not in r.reason],
    }


def summary(rows: list[dict]) -> dict:
    """Shares with their intervals."""
    masses = [d for row in rows for d in row["diseases"] if d["kind"] == MASS]
    result = {
        "mass found": share([d["found"] for d in masses]),
        "mass volume within 25 %": share([abs(d["told_ml"] / d["volume_ml"] - 1) <= WITHIN for d in masses]),
        "mass chest called ok": share([row["ok"] for row in rows if MASS in row["chest"]]),
    }
    for name in COMBINATIONS:
        chests = [row for row in rows if row["chest"] == name]
        if name == "healthy":
            result["false verdicts, healthy"] = share([bool(row["false"]) for row in chests])
            result["healthy called ok"] = share([row["ok"] for row in chests])
            result["unequal, healthy"] = share([row["unequal"] for row in chests])
        elif MASS in name:
            found = [d for row in chests for d in row["diseases"] if d["kind"] == MASS]
            result[f"{name}: mass found"] = share([d["found"] for d in found])
            result[f"{name}: volume"] = share([abs(d["told_ml"] / d["volume_ml"] - 1) <= WITHIN for d in found])
        else:
            found = [d for row in chests for d in row["diseases"]]
            result[f"{name} found"] = share([d["found"] for d in found])
            result[f"{name} named"] = share([d["named"] for d in found])
            result[f"{name} volume ratio, median"] = ratio(found)
    result["false verdicts, all"] = share([bool(row["false"]) for row in rows])
    return result


def share(values: list[bool]) -> dict:
    """Share of true values with its Wilson interval of 95 %."""
    n, k = len(values), sum(values)
    if not n:
        return {"n": 0}
    z = 1.96
    middle, half = (k + z * z / 2) / (n + z * z), z * np.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return {"k": k, "n": n, "share": round(k / n, 3), "interval": [round(middle - half, 3), round(middle + half, 3)]}


def ratio(found: list[dict]) -> dict:
    """Median of told over true volume, with its quartiles."""
    values = [d["told_ml"] / d["volume_ml"] for d in found if d["found"]]
    if not values:
        return {"n": 0}
    low, middle, high = np.percentile(values, [25, 50, 75]).round(2).tolist()
    return {"n": len(values), "median": middle, "quartiles": [low, high]}


if __name__ == "__main__":
    sys.exit(main())

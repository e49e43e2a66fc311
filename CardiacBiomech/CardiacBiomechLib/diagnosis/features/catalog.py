"""Every feature by name: its unit, its family, and the words for it. A changed meaning is a new ``VERSION``.

Twenty of them are those of Khened et al. (Medical Image Analysis 51:21, 2019) for ACDC; ``PUBLISHED`` holds the headers
of the published table with what brings its unit to ours.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "thoraxai.cardiac-features/1"
FAMILIES = ("volumes", "indices", "thickness", "motion", "strain", "energy")
SECTORS = ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")
SEGMENTS = tuple(f"segment{number:02d}" for number in range(1, 17))
STATISTICS = ("mean", "sd", "p10", "p90")
FRAMES = ("ed", "es")
OTHER = "other"
UNKNOWN_UNIT = "unit of the table"
MOST_DECIMALS = 4
_FRAME_WORDS = {"ed": "end-diastole", "es": "end-systole"}
_STATISTIC_WORDS = {"mean": "mean", "sd": "standard deviation", "p10": "10th percentile", "p90": "90th percentile"}


@dataclass(frozen=True)
class Feature:
    """One named number; ``low`` and ``high`` are what a beating heart may have, beyond them the unit must be wrong."""

    name: str
    unit: str
    family: str
    text: str
    low: float = -1e6
    high: float = 1e6
    region: str = ""

    @property
    def decimals(self) -> int:
        """Digits after the point in a sentence."""
        return {"%": 0, "mL": 0, "g": 0, "mL/m2": 0, "g/m2": 0, "mm": 1}.get(self.unit, 2)

    def number(self, value: float, beside: float | None = None) -> str:
        """Return a value without its unit, with as many digits as tell it from a value that stands ``beside`` it."""
        digits = self.decimals
        while beside is not None and digits < MOST_DECIMALS and f"{value:.{digits}f}" == f"{beside:.{digits}f}":
            digits += 1
        return f"{value:.{digits}f}"

    def told(self, value: float, beside: float | None = None) -> str:
        """Return a value with its unit; see ``number``."""
        unit = "" if self.unit in ("1", UNKNOWN_UNIT) else f" {self.unit}"
        return f"{self.number(value, beside)}{unit}"


def _whole_heart() -> list[Feature]:
    volume = (0.5, 2000.0)
    return [
        Feature("lv_edv_ml", "mL", "volumes", "LV volume at end-diastole", *volume),
        Feature("lv_esv_ml", "mL", "volumes", "LV volume at end-systole", *volume),
        Feature("rv_edv_ml", "mL", "volumes", "RV volume at end-diastole", *volume),
        Feature("rv_esv_ml", "mL", "volumes", "RV volume at end-systole", *volume),
        Feature("wall_edv_ml", "mL", "volumes", "volume of the LV wall at end-diastole", *volume),
        Feature("wall_esv_ml", "mL", "volumes", "volume of the LV wall at end-systole", *volume),
        Feature("lv_ef_percent", "%", "volumes", "LV ejection fraction", -50.0, 100.0),
        Feature("rv_ef_percent", "%", "volumes", "RV ejection fraction", -50.0, 100.0),
        Feature("lv_rv_edv_ratio", "1", "volumes", "LV to RV volume at end-diastole", 0.0, 50.0),
        Feature("lv_rv_esv_ratio", "1", "volumes", "LV to RV volume at end-systole", 0.0, 50.0),
        Feature("wall_lv_edv_ratio", "1", "volumes", "wall to cavity volume of the LV at end-diastole", 0.0, 50.0),
        Feature("wall_lv_esv_ratio", "1", "volumes", "wall to cavity volume of the LV at end-systole", 0.0, 200.0),
        Feature("lv_mass_g", "g", "volumes", "LV mass", 0.5, 2000.0),
        Feature("lv_edv_index_ml_m2", "mL/m2", "indices", "LV end-diastolic volume by body surface", 0.5, 1500.0),
        Feature("lv_esv_index_ml_m2", "mL/m2", "indices", "LV end-systolic volume by body surface", 0.5, 1500.0),
        Feature("rv_edv_index_ml_m2", "mL/m2", "indices", "RV end-diastolic volume by body surface", 0.5, 1500.0),
        Feature("rv_esv_index_ml_m2", "mL/m2", "indices", "RV end-systolic volume by body surface", 0.5, 1500.0),
        Feature("lv_mass_index_g_m2", "g/m2", "indices", "LV mass by body surface", 0.5, 1500.0),
    ]


def _slice_thickness() -> list[Feature]:
    words = {
        "max_mean": "largest mean wall thickness of a slice",
        "sd_mean": "spread of mean wall thickness between slices",
        "mean_sd": "unevenness of wall thickness within slices",
        "sd_sd": "spread of that unevenness between slices",
    }
    return [
        Feature(f"thickness_{frame}_{name}_mm", "mm", "thickness", f"{text} at {_FRAME_WORDS[frame]}", 0.0, 60.0)
        for frame in ("es", "ed")
        for name, text in words.items()
    ]


def _regional(regions: tuple[str, ...]) -> list[Feature]:
    found = []
    for region in regions:
        for statistic in STATISTICS:
            which = f"{_STATISTIC_WORDS[statistic]} of"
            for frame in FRAMES:
                at = f"at {_FRAME_WORDS[frame]}, {region}"
                found += [
                    Feature(
                        f"thickness_{frame}_{region}_{statistic}_mm", "mm", "thickness",
                        f"{which} wall thickness {at}", 0.0, 60.0, region,
                    ),
                    Feature(
                        f"shear_{frame}_{region}_{statistic}", "1", "energy", f"{which} shear energy {at}",
                        region=region,
                    ),
                    Feature(
                        f"bulk_{frame}_{region}_{statistic}", "1", "energy", f"{which} bulk energy {at}",
                        region=region,
                    ),
                ]  # fmt: skip
            found.append(
                Feature(
                    f"motion_{region}_{statistic}_mm", "mm", "motion",
                    f"{which} the wall's way to end-systole, {region}", 0.0, 100.0, region,
                )
            )  # fmt: skip
        for direction in ("radial", "circumferential"):
            name = f"strain_{direction}_es_{region}"
            found.append(
                Feature(name, "1", "strain", f"{direction} strain at end-systole, {region}", -0.5, 20.0, region)
            )
        found.append(
            Feature(f"stiffness_{region}", "1", "energy", f"apparent stiffness index, {region}", 0.0, 100.0, region)
        )
    return found


def _global_strain() -> list[Feature]:
    return [
        Feature(f"strain_{direction}_es", "1", "strain", f"global {direction} strain at end-systole", -0.5, 20.0)
        for direction in ("radial", "circumferential", "longitudinal")
    ]


CATALOG: dict[str, Feature] = {
    feature.name: feature
    for feature in (
        *_whole_heart(),
        *_slice_thickness(),
        *_global_strain(),
        *_regional(SECTORS),
        *_regional(SEGMENTS),
    )
}
# header of the published table: our name, and what its values are multiplied with
PUBLISHED: dict[str, tuple[str, float]] = {
    "ED[vol(LV)]": ("lv_edv_ml", 1e-3),
    "ES[vol(LV)]": ("lv_esv_ml", 1e-3),
    "ED[vol(RV)]": ("rv_edv_ml", 1e-3),
    "ES[vol(RV)]": ("rv_esv_ml", 1e-3),
    "ED[mass(MYO)]": ("wall_edv_ml", 1e-3),  # a volume in mm3 in spite of its name
    "ES[vol(MYO)]": ("wall_esv_ml", 1e-3),
    "EF(LV)": ("lv_ef_percent", 100.0),
    "EF(RV)": ("rv_ef_percent", 100.0),
    "ED[vol(LV)/vol(RV)]": ("lv_rv_edv_ratio", 1.0),
    "ES[vol(LV)/vol(RV)]": ("lv_rv_esv_ratio", 1.0),
    "ED[mass(MYO)/vol(LV)]": ("wall_lv_edv_ratio", 1.0),
    "ES[vol(MYO)/vol(LV)]": ("wall_lv_esv_ratio", 1.0),
    "ES[max(mean(MWT|SA)|LA)]": ("thickness_es_max_mean_mm", 1.0),
    "ES[stdev(mean(MWT|SA)|LA)]": ("thickness_es_sd_mean_mm", 1.0),
    "ES[mean(stdev(MWT|SA)|LA)]": ("thickness_es_mean_sd_mm", 1.0),
    "ES[stdev(stdev(MWT|SA)|LA)]": ("thickness_es_sd_sd_mm", 1.0),
    "ED[max(mean(MWT|SA)|LA)]": ("thickness_ed_max_mean_mm", 1.0),
    "ED[stdev(mean(MWT|SA)|LA)]": ("thickness_ed_sd_mean_mm", 1.0),
    "ED[mean(stdev(MWT|SA)|LA)]": ("thickness_ed_mean_sd_mm", 1.0),
    "ED[stdev(stdev(MWT|SA)|LA)]": ("thickness_ed_sd_sd_mm", 1.0),
}
PUBLISHED_NAMES = tuple(name for name, _factor in PUBLISHED.values())


def feature_of(name: str) -> Feature:
    """Return the feature of a name; a number the suite does not know keeps its name and the unit of its table."""
    return CATALOG.get(name) or Feature(name, UNKNOWN_UNIT, OTHER, name, -1e30, 1e30)

"""What reports take from the run record: the methods paragraph, which can be pasted into a paper, stages, the name."""

from __future__ import annotations

from dataclasses import dataclass

from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.model.review import Review
from ThoraxAILib.report.page import Table


@dataclass(frozen=True)
class MethodsContent:
    """How the result came about: a paragraph to cite, methods of each step, warnings, stages with time and memory, and
    each change of the reader.
    """

    text: str
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    stages: Table
    changes: tuple[str, ...] = ()


def methods_content(result: AnalysisResult, run: dict | None) -> MethodsContent:
    """Return the methods of ``result``; ``run`` is the content of run.json where there is one."""
    record = run or {}
    steps = tuple(f"{name}: {text}" for name, text in result.methods.items())
    warnings = tuple(str(text) for text in record.get("warnings", []) if text not in result.volume.notes)
    text, changes = methods_text(result.lobes_approximate, record), change_lines(result.findings.review)
    return MethodsContent(text, steps, warnings, stages_table(record), changes)


def change_lines(review: Review) -> tuple[str, ...]:
    """Return a line per change of the reader: when (UTC), who, and what."""
    return tuple(
        f"{change.when[:16].replace('T', ' ')} {change.who or 'reader'}: {change.action}" for change in review.history
    )


def methods_text(lobes_approximate: bool, record: dict) -> str:
    """Sentences on software, models, options, device and input, as far as the record knows them."""
    software = record.get("software", {})
    sentences = [f"Chest CT was analyzed with {_software(software)}."]
    sentences += [
        f"{str(model.get('role', 'model')).capitalize()}: {model.get('name')} (fingerprint "
        f"{str(model.get('fingerprint', ''))[:16] or 'unknown'}{_where(model)})."
        for model in record.get("models", [])
    ]
    options = ", ".join(f"{name} = {_option(value)}" for name, value in _flat(record.get("options", {})))
    if options:
        sentences.append(f"Options: {options}.")
    device = record.get("device")
    if device:
        sentences.append(f"Computed on {device.get('name') if isinstance(device, dict) else device}.")
    for entry in record.get("inputs", []):
        sentences.append(f"Input SHA-256 {str(entry.get('sha256', ''))[:16]}.")
    if record.get("finished"):
        sentences.append(f"Finished {record['finished']}.")
    if lobes_approximate:
        sentences.append("Lobes are approximate.")
    sentences.append("The software is for research use only and is not a medical device.")
    return " ".join(sentences)


def _flat(options: dict) -> list[tuple[str, object]]:
    """Return the options with those of a part, such as the analysis of a follow-up, beside the others."""
    named: list[tuple[str, object]] = []
    for name, value in options.items():
        named += _flat(value) if isinstance(value, dict) else [(name, value)]
    return named


def _where(model: dict) -> str:
    return f", run on {model['device']}" if model.get("device") else ""


def _software(software: dict) -> str:
    version = f"ThoraxAI {software['thoraxai']}" if "thoraxai" in software else "ThoraxAI"
    libraries = [f"{name} {number}" for name, number in software.get("libraries", {}).items()]
    if "python" in software:
        libraries.insert(0, f"Python {software['python']}")
    return version + (f" ({', '.join(libraries)})" if libraries else "")


def _option(value: object) -> str:
    if value is None or value in ((), []):
        return "default" if value is None else "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def stages_table(record: dict) -> Table:
    """Seconds and memory of each stage of a run record; no rows when it names none."""
    head = [("Stage", False), ("Seconds", True), ("Peak memory (MB)", True)]
    return Table.of(
        head,
        [
            (str(stage.get("name", "")), f"{stage.get('seconds', 0):.1f}", f"{stage.get('peak_mb', 0):.0f}")
            for stage in record.get("stages", [])
        ],
    )


def case_name(run: dict | None) -> str:
    """Return the name of the last input of a run record."""
    inputs = (run or {}).get("inputs") or [{}]
    return str(inputs[-1].get("name", "")) or "unnamed case"

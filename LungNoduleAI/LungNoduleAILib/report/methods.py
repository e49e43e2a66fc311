"""The methods paragraph, written from the run record so that it can be pasted into a paper."""

from __future__ import annotations

from html import escape

from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.report.page import bullets, section, table


def methods_section(result: AnalysisResult, run: dict | None) -> str:
    """How the result came about: a paragraph to cite, methods of each step, stages with time and memory."""
    record = run or {}
    paragraph = f"<p>{escape(methods_text(result, record))}</p>"
    steps = bullets(f"{name}: {text}" for name, text in result.methods.items())
    warnings = bullets((str(text) for text in record.get("warnings", []) if text not in result.volume.notes), "warning")
    return section("Methods", paragraph + steps + warnings + _stages(record))


def methods_text(result: AnalysisResult, record: dict) -> str:
    """Sentences on software, models, options, device and input, as far as the record knows them."""
    software = record.get("software", {})
    sentences = [f"Chest CT was analyzed with {_software(software)}."]
    sentences += [
        f"{str(model.get('role', 'model')).capitalize()}: {model.get('name')} (fingerprint "
        f"{str(model.get('fingerprint', ''))[:16] or 'unknown'}{_where(model)})."
        for model in record.get("models", [])
    ]
    options = ", ".join(f"{name} = {_option(value)}" for name, value in record.get("options", {}).items())
    if options:
        sentences.append(f"Options: {options}.")
    device = record.get("device")
    if device:
        sentences.append(f"Computed on {device.get('name') if isinstance(device, dict) else device}.")
    for entry in record.get("inputs", []):
        sentences.append(f"Input SHA-256 {str(entry.get('sha256', ''))[:16]}.")
    if record.get("finished"):
        sentences.append(f"Finished {record['finished']}.")
    if result.lobes_approximate:
        sentences.append("Lobes are approximate.")
    sentences.append("The software is for research use only and is not a medical device.")
    return " ".join(sentences)


def _where(model: dict) -> str:
    return f", run on {model['device']}" if model.get("device") else ""


def _software(software: dict) -> str:
    version = f"ThoraxAI {software['thoraxai']}" if "thoraxai" in software else "ThoraxAI"
    libraries = [f"{name} {number}" for name, number in software.get("libraries", {}).items()]
    if "python" in software:
        libraries.insert(0, f"Python {software['python']}")
    return version + (f" ({', '.join(libraries)})" if libraries else "")


def _option(value: object) -> str:
    if value is None:
        return "default"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _stages(record: dict) -> str:
    stages = record.get("stages", [])
    if not stages:
        return ""
    head = [("Stage", False), ("Seconds", True), ("Peak memory (MB)", True)]
    return table(
        head,
        [
            (str(stage.get("name", "")), f"{stage.get('seconds', 0):.1f}", f"{stage.get('peak_mb', 0):.0f}")
            for stage in stages
        ],
    )

"""The listener from end to end with a true analysis: a CT is sent over TLS, and its results come into the store."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks.phantom_dicom import write_dicom_folder

from LungNoduleAILib.cases.sample import SAMPLE_SEED, SAMPLE_SPACING_MM
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from ThoraxAILib.store.access import Access
from ThoraxAILib.store.address import open_store
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.instance import read_instance
from ThoraxAILib.store.server.local_certificates import own_certificates

pytest.importorskip("highdicom")
pytestmark = pytest.mark.slow
SECONDS = 900
RULES = "quiet_seconds: 3\nmin_free_gb: 0\nanalyze: [--detector, classical, --anatomy, classical]\n"


def test_a_ct_that_a_scanner_sends_is_analyzed_and_its_results_are_in_the_store(tmp_path: Path) -> None:
    write_dicom_folder(make_small_chest(seed=SAMPLE_SEED, spacing_mm=SAMPLE_SPACING_MM).volume, tmp_path / "ct")
    sent = [read_instance(path.read_bytes()) for path in sorted((tmp_path / "ct").iterdir())]
    (tmp_path / "rules.yaml").write_text(RULES)
    words = ["listen", "--folder", str(tmp_path / "inbox"), "--port", "0", "--rules", str(tmp_path / "rules.yaml")]
    command = [sys.executable, "-m", "ThoraxAILib", *words, "--store", str(tmp_path / "store")]
    store = FolderStore(tmp_path / "store")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split("port ")[1].split(";")[0])
        own = own_certificates(tmp_path / "inbox")
        access = Access("", "", own.authority, own.client.certificate, own.client.key)
        scanner = open_store(f"dimse+tls://localhost:{port}/THORAXAI", access)
        assert scanner.send(sent) == {}
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not store.instances(sent[0].study_uid):
            time.sleep(1.0)
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    found = [file.modality for file in store.retrieve(sent[0].study_uid)]
    assert found.count("SR") == 1
    assert found.count("SEG") >= 1
    assert "CT" not in found
    assert len(list((tmp_path / "inbox" / "results").iterdir())) == 1

"""Drills of stores at the size of a small hospital, on this machine: what is lost, doubled or analyzed twice.

``python Testing/benchmarks/store_drills.py upload`` sends 10,000 de-identified instances with ``thoraxai upload`` to a
real Orthanc. The sender is killed (kill -9) again and again and the server is restarted once; then everything is
fetched back and compared by hash.

``python Testing/benchmarks/store_drills.py listen`` sends 1,000 studies with four storescu of DCMTK at once to a
listener that is killed every minute. Queue, choice of series and results are the program's own; the analysis itself is
a stand-in that only notes what it got (``fixtures/listener_process.py``), since 1,000 true ones would take a day.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import listener_process
from fixtures.anonymized_folders import anonymized_folder, manifest_lines
from fixtures.anonymizer_studies import ct, file_bytes
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.store.access import PASSWORD_VARIABLE
from ThoraxAILib.store.address import open_store
from ThoraxAILib.store.listener.inbox import DONE, Inbox
from ThoraxAILib.store.server.local_certificates import own_certificates
from ThoraxAILib.store.server.local_server import LocalServer, free_port
from ThoraxAILib.store.upload.audit_log import verify_log

STUDY = "1.2.826.0.1.56"
IMAGES_OF_A_STUDY = 12
SENDERS = 4
QUIET_SECONDS = 10.0  # of the listener: a study is complete after this silence
LONGEST_SECONDS = 3600


def main() -> None:
    """Run one drill and print its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drill", choices=("upload", "listen"))
    parser.add_argument("--count", type=int, help="instances or studies (default 10000, 1000)")
    parser.add_argument("--kill-seconds", type=float, help="time between kills (default 20, 60)")
    options = parser.parse_args()
    drill = upload_drill if options.drill == "upload" else listen_drill
    usual = (10_000, 20.0) if options.drill == "upload" else (1_000, 60.0)
    with tempfile.TemporaryDirectory() as place:
        told = drill(Path(place), options.count or usual[0], options.kill_seconds or usual[1])
    print(json.dumps(told, indent=2))


def upload_drill(place: Path, count: int, kill_seconds: float) -> dict[str, object]:
    """Upload with three kills and one restart of the server; then compare what came back with what was made."""
    folder = anonymized_folder(place / "out", STUDY, count, 100)
    begin = time.monotonic()
    with LocalServer(place / "server") as server:
        kills = 0
        while True:
            process = _uploader(server, folder)
            try:
                process.communicate(timeout=kill_seconds if kills < 3 else LONGEST_SECONDS)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                if kills == 2:
                    server.stop()
                    server.start()
        store = open_store(server.address, server.access())
        wanted = {line["sop_instance"]: line["sha256"] for line in manifest_lines(folder)}
        back = [(file.sop_uid, file.sha256) for file in store.retrieve(STUDY)]
        (entry,) = (entry for entry in store.studies() if entry.study_uid == STUDY)
    verify_log(folder.with_name("out-private") / "audit.jsonl")
    return {
        "instances": len(wanted),
        "killed": kills,
        "server restarts": 1 if kills >= 2 else 0,
        "exit status of the last upload": process.returncode,
        "in the store": entry.instances,
        "lost or changed": len(set(wanted.items()) - set(back)),
        "doubled": len(back) - len(set(back)),
        "not sent by us": len(set(back) - set(wanted.items())),
        "seconds": round(time.monotonic() - begin),
    }


def _uploader(server: LocalServer, folder: Path) -> subprocess.Popen:
    words = [sys.executable, "-m", "ThoraxAILib", "upload", str(folder), "--to", server.address, "--user", "uploader"]
    environment = {**os.environ, PASSWORD_VARIABLE: server.passwords["uploader"]}
    ca = ["--ca", str(server.files.authority)]
    return subprocess.Popen([*words, *ca], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def listen_drill(place: Path, count: int, kill_seconds: float) -> dict[str, object]:
    """Send the studies while the listener is killed; then count results by series, and images in each."""
    folder, port = place / "inbox", free_port()
    folder.mkdir()
    own_certificates(folder)
    studies = [_study(place / "studies" / str(number), number) for number in range(count)]
    todo, lock = list(studies), threading.Lock()
    tries: Counter[str] = Counter()
    begin = time.monotonic()
    words = (folder, port, todo, lock, tries)
    threads = [threading.Thread(target=_send, args=words, daemon=True) for _ in range(SENDERS)]
    process = _listener(folder, port)
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads) or _results(folder) < count:
        if time.monotonic() - begin > LONGEST_SECONDS:
            raise SystemExit("the drill does not come to its end")
        until = time.monotonic() + kill_seconds
        while time.monotonic() < until and (any(t.is_alive() for t in threads) or _results(folder) < count):
            time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        process = _listener(folder, port)
    time.sleep(2 * QUIET_SECONDS)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    seconds = time.monotonic() - begin
    analyzed = [line.split() for line in (folder / "analyzed.txt").read_text().splitlines()]
    results = Counter(path.parent.name.split("-")[0] for path in (folder / "results").glob(f"*/{RUN_FILE}"))
    inbox = Inbox(folder)
    states = dict(inbox.counts())
    inbox.close()
    return {
        "studies": count,
        "images": count * IMAGES_OF_A_STUDY,
        "senders (storescu)": SENDERS,
        "listener killed": kills,
        "sendings": sum(tries.values()),
        "sent more than once because of a kill": sum(number > 1 for number in tries.values()),
        "series with exactly one result": sum(number == 1 for number in results.values()),
        "series with two results or more": sum(number > 1 for number in results.values()),
        "series without a result": count - len(results),
        "analyses of too few images": sum(int(images) != IMAGES_OF_A_STUDY for _, images in analyzed),
        "analyses begun": len(analyzed),
        "done in the queue": states.get(DONE, 0),
        "seconds": round(seconds),
    }


def _study(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True)
    for image in range(1, IMAGES_OF_A_STUDY + 1):
        (folder / f"{image}.dcm").write_bytes(file_bytes(ct(image, study=f"{STUDY}.1{number:04d}", size=64)))
    return folder


def _listener(folder: Path, port: int) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, listener_process.__file__, str(folder), str(port), str(QUIET_SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdout is None or process.stdout.readline() != "ready\n":
        raise SystemExit("the listener did not start")
    return process


def _send(folder: Path, port: int, todo: list[Path], lock: threading.Lock, tries: Counter[str]) -> None:
    """Send one study after the other with storescu, each until it says that all of it was taken."""
    own = own_certificates(folder)
    words = [_storescu(), "+tls", str(own.client.key), str(own.client.certificate), "+cf", str(own.authority)]
    words += ["-aet", "SCANNER", "-aec", listener_process.TITLE, "+sd", "localhost", str(port)]
    while True:
        with lock:
            if not todo:
                return
            study = todo.pop()
        while True:
            tries[study.name] += 1
            done = subprocess.run([*words, str(study)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if done.returncode == 0:
                break
            time.sleep(0.5)


def _storescu() -> str:
    """Return where DCMTK's is: pynetdicom brings a program of the same name, which knows no TLS."""
    beside = Path(sys.executable).parent.resolve()
    places = [one for one in os.environ["PATH"].split(os.pathsep) if Path(one).resolve() != beside]
    found = shutil.which("storescu", path=os.pathsep.join(places))
    if found is None:
        raise SystemExit("storescu is missing: apt-get install dcmtk")
    return found


def _results(folder: Path) -> int:
    return len(list((folder / "results").glob(f"*/{RUN_FILE}")))


if __name__ == "__main__":
    main()

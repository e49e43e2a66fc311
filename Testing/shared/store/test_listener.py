"""The listener: what is acknowledged is kept, chest CT is chosen by facts, each series is analyzed once."""

from __future__ import annotations

import json
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from fixtures import listener_process
from fixtures.anonymizer_studies import ct, file_bytes
from fixtures.listener_process import TITLE
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError, ThoraxAIError
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.store.access import Access
from ThoraxAILib.store.address import open_store
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.instance import Instance, read_instance
from ThoraxAILib.store.listener.health import HealthPage, state_of
from ThoraxAILib.store.listener.inbox import ANALYZED, DONE, FAILED, LEFT_OUT, RECEIVING, Inbox
from ThoraxAILib.store.listener.listener import Listener
from ThoraxAILib.store.listener.receiver import Receiver
from ThoraxAILib.store.listener.rules import Rules, read_rules
from ThoraxAILib.store.server.certificates import Authority
from ThoraxAILib.store.server.local_certificates import own_certificates
from ThoraxAILib.store.server.local_server import free_port
from ThoraxAILib.store.store import StoreError, StoreUnreachable

NOW = Rules(quiet_seconds=0.0, min_slices=4, min_extent_mm=3.0, min_free_gb=0.0)


def images(study: str, count: int = 5, **changes: object) -> list[Instance]:
    made = []
    for number in range(1, count + 1):
        ds = ct(number, study=study)
        for name, value in changes.items():
            setattr(ds, name, value)
        made.append(read_instance(file_bytes(ds)))
    return made


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """An empty inbox."""
    opened = Inbox(tmp_path / "inbox")
    yield opened
    opened.close()


@pytest.fixture
def receiver(inbox: Inbox) -> Iterator[Receiver]:
    """A receiver that keeps in the inbox."""
    own = own_certificates(inbox.folder)
    opened = Receiver(TITLE, 0, inbox, NOW, own.server, own.authority)
    yield opened
    opened.close()


def sender(folder: Path, port: int):
    own = own_certificates(folder)
    access = Access(authority=own.authority, certificate=own.client.certificate, key=own.client.key, calling="SCANNER")
    return open_store(f"dimse+tls://localhost:{port}/{TITLE}", access)


def result(_images: Path, output: Path) -> str:
    output.mkdir(parents=True)
    (output / RUN_FILE).write_text("{}")
    return ""


def test_what_is_sent_is_kept_as_it_was(inbox: Inbox, receiver: Receiver) -> None:
    sent = images("1.2.826.0.1.66.1")
    store = sender(inbox.folder, receiver.port)
    store.echo()
    assert store.send(sent) == {}
    kept = inbox.folder_of(sent[0].study_uid, sent[0].series_uid).glob("*.dcm")
    assert {read_instance(path.read_bytes()).data_set_sha256 for path in kept} == {i.data_set_sha256 for i in sent}
    assert inbox.counts() == {RECEIVING: 1}


def test_who_shows_no_certificate_is_refused(inbox: Inbox, receiver: Receiver, authority: Authority, tmp_path) -> None:
    own = own_certificates(inbox.folder)
    address = f"dimse+tls://localhost:{receiver.port}/{TITLE}"
    stranger = authority.issue(tmp_path, "stranger")
    for access in (Access(authority=own.authority), Access("", "", own.authority, stranger.certificate, stranger.key)):
        with pytest.raises(StoreError):
            open_store(address, access).send(images("1.2.826.0.1.66.2"))
    assert inbox.counts() == {}


def test_a_full_disk_is_answered_with_out_of_resources(inbox: Inbox) -> None:
    own = own_certificates(inbox.folder)
    rules = Rules(min_free_gb=1e9)
    full = Receiver(TITLE, 0, inbox, rules, own.server, own.authority)
    try:
        with pytest.raises(StoreUnreachable, match="no room"):
            sender(inbox.folder, full.port).send(images("1.2.826.0.1.66.3"))
    finally:
        full.close()
    assert inbox.counts() == {}


def test_a_series_is_analyzed_once_however_often_it_is_sent(inbox: Inbox) -> None:
    analyzed: list[str] = []

    def analyze(folder: Path, output: Path) -> str:
        analyzed.append(folder.name)
        return result(folder, output)

    listener = Listener(inbox, NOW, None, analyze)
    for _ in range(3):
        for instance in images("1.2.826.0.1.66.4"):
            inbox.add(instance)
        while listener.step():
            pass
        assert inbox.counts() == {DONE: 1}
        inbox.purge(0.0)
    assert len(analyzed) == 1
    assert inbox.counts() == {DONE: 1}
    assert not list(inbox.folder.rglob("*.dcm"))


@pytest.mark.parametrize("first", [3, 5])
def test_images_that_come_later_make_an_analysis_of_the_whole_series(inbox: Inbox, first: int) -> None:
    analyzed: list[int] = []

    def analyze(folder: Path, output: Path) -> str:
        analyzed.append(len(list(folder.glob("*.dcm"))))
        return result(folder, output)

    listener = Listener(inbox, NOW, None, analyze)
    sent = images("1.2.826.0.1.66.5", 6)
    for part in (sent[:first], sent[first:]):
        for instance in part:
            inbox.add(instance)
        listener.step()
    assert analyzed == ([6] if first == 3 else [5, 6])
    assert inbox.counts() == {DONE: 1}


def test_images_that_come_during_the_analysis_are_not_forgotten(inbox: Inbox) -> None:
    sent = images("1.2.826.0.1.66.15", 6)
    for instance in sent[:5]:
        inbox.add(instance)

    def analyze(folder: Path, output: Path) -> str:
        inbox.add(sent[5])
        return result(folder, output)

    Listener(inbox, NOW, None, analyze).step()
    assert inbox.counts() == {RECEIVING: 1}


def test_a_study_waits_until_all_its_series_are_quiet(inbox: Inbox) -> None:
    for instance in images("1.2.826.0.1.66.6"):
        inbox.add(instance)
    assert inbox.quiet(3600.0) == []
    assert len(inbox.quiet(0.0)) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "no CT"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizers only"),
        ({"BodyPartExamined": "HEAD"}, "another part of the body"),
        ({"ImagePositionPatient": [0, 0, 0]}, "too short a part of the body"),
        ({"BodyPartExamined": "", "StudyDescription": "CT HEAD"}, ""),
    ],
)
def test_series_are_chosen_by_facts_and_not_by_descriptions(inbox: Inbox, changes: dict, reason: str) -> None:
    for instance in images("1.2.826.0.1.66.7", **changes):
        inbox.add(instance)
    Listener(inbox, NOW, None, result).step()
    assert inbox.counts() == ({LEFT_OUT: 1} if reason else {DONE: 1})
    assert set(inbox.reasons()) == ({reason} if reason else set())


def test_too_few_slices_are_left_out(inbox: Inbox) -> None:
    for instance in images("1.2.826.0.1.66.8", 3):
        inbox.add(instance)
    Listener(inbox, NOW, None, result).step()
    assert inbox.reasons() == {"too few slices": 1}


def test_a_failing_analysis_is_tried_again_and_then_told(inbox: Inbox) -> None:
    for instance in images("1.2.826.0.1.66.9"):
        inbox.add(instance)
    tries: list[int] = []

    def fail(_images: Path, _output: Path) -> str:
        tries.append(1)
        return "out of memory"

    listener = Listener(inbox, NOW, None, fail)
    while listener.step():
        pass
    assert (len(tries), inbox.counts(), inbox.reasons()) == (3, {FAILED: 1}, {"out of memory": 1})


def test_results_go_to_the_store_and_a_store_that_is_away_does_not_repeat_the_analysis(
    inbox: Inbox, tmp_path: Path
) -> None:
    class Away(FolderStore):
        def instances(self, study_uid: str) -> frozenset[str]:
            raise StoreUnreachable("away")

    sent = images("1.2.826.0.1.66.10")
    for instance in sent:
        inbox.add(instance)
    analyzed: list[int] = []

    def analyze(folder: Path, output: Path) -> str:
        analyzed.append(1)
        result(folder, output)
        (output / "nodules.seg.dcm").write_bytes(sent[0].data)
        return ""

    Listener(inbox, NOW, Away(tmp_path / "store"), analyze).step()
    assert inbox.counts() == {ANALYZED: 1}
    assert inbox.reasons() == {"the store does not answer": 1}
    store = FolderStore(tmp_path / "store")
    Listener(inbox, NOW, store, analyze).step()
    assert (len(analyzed), inbox.counts()) == (1, {DONE: 1})
    assert store.instances(sent[0].study_uid) == {sent[0].sop_uid}


def with_priority(value: float, level: str):
    """An analysis that finds something of this priority, and leaves one image as its result."""

    def analyze(folder: Path, output: Path) -> str:
        result(folder, output)
        priority = {"priority": value, "level": level, "reason": "", "rule_version": "thoraxai.triage/1"}
        (output / RUN_FILE).write_text(json.dumps({"summary": {"priority": priority}}))
        (output / "nodules.seg.dcm").write_bytes(next(folder.glob("*.dcm")).read_bytes())
        return ""

    return analyze


def test_urgent_results_are_sent_first_when_the_store_is_back(inbox: Inbox, tmp_path: Path) -> None:
    class Store(FolderStore):
        order: list[str]
        is_away = True

        def instances(self, study_uid: str) -> frozenset[str]:
            if self.is_away:
                raise StoreUnreachable("away")
            self.order.append(study_uid)
            return super().instances(study_uid)

    store = Store(tmp_path / "store")
    store.order = []
    found = {
        "1.2.826.0.1.66.31": (0.1, "LOW"),
        "1.2.826.0.1.66.32": (0.9, "HIGH"),
        "1.2.826.0.1.66.33": (0.4, "MEDIUM"),
    }
    for study, priority in found.items():
        for instance in images(study):
            inbox.add(instance)
        Listener(inbox, NOW, store, with_priority(*priority)).step()
    assert inbox.counts() == {ANALYZED: 3}
    assert inbox.levels() == {"LOW": 1, "HIGH": 1, "MEDIUM": 1}
    store.is_away = False
    listener = Listener(inbox, NOW, store, result)
    while listener.step():
        pass
    assert inbox.counts() == {DONE: 3}
    assert [study[-2:] for study in store.order] == ["32", "33", "31"]


def test_further_series_of_an_urgent_study_are_analyzed_before_those_that_wait_longer(inbox: Inbox) -> None:
    urgent, other = "1.2.826.0.1.66.41", "1.2.826.0.1.66.42"
    for instance in images(urgent):
        inbox.add(instance)
    Listener(inbox, NOW, None, with_priority(0.9, "HIGH")).step()
    analyzed: list[str] = []

    def analyze(folder: Path, output: Path) -> str:
        analyzed.append(folder.parent.name)
        return result(folder, output)

    for instance in images(other):
        inbox.add(instance)
    for instance in images(urgent, SeriesInstanceUID=f"{urgent}.9"):
        inbox.add(replace(instance, sop_uid=instance.sop_uid + ".9"))
    listener = Listener(inbox, NOW, None, analyze)
    while listener.step():
        pass
    assert analyzed == [urgent, other]


def test_a_queue_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as old, old:
        old.execute(
            "create table series (uid text primary key, study text not null, state text not null, "
            "reason text not null default '', seen real not null, tries integer not null default 0)"
        )
        old.execute("insert into series values ('1.2.3', '1.2', 'waiting', '', 1.0, 0)")
    inbox = Inbox(tmp_path)
    found = inbox.next_waiting()
    inbox.close()
    assert found is not None
    assert found.uid == "1.2.3"


def test_a_file_without_a_line_in_the_queue_is_found_at_the_next_start(tmp_path: Path) -> None:
    first = Inbox(tmp_path / "inbox")
    for instance in images("1.2.826.0.1.66.11"):
        first.add(instance)
    first.close()
    (tmp_path / "inbox" / "queue.sqlite").unlink()
    for left in (tmp_path / "inbox").glob("queue.sqlite-*"):
        left.unlink()
    (first.folder_of("1.2.826.0.1.66.11", "1.2.826.0.1.66.11.2") / "1.2.3.part").write_bytes(b"half")
    second = Inbox(tmp_path / "inbox")
    assert second.counts() == {RECEIVING: 1}
    assert not list((tmp_path / "inbox").rglob("*.part"))
    with pytest.raises(InputError, match="Another listener"):
        Inbox(tmp_path / "inbox")
    second.close()


def _send_until_all_are_in(folder: Path, port: int, todo: queue.SimpleQueue, faults: list[Exception]) -> None:
    """Send one study after the other, each again while the listener is away; what else goes wrong is kept."""
    store = sender(folder, port)
    while True:
        try:
            study = todo.get_nowait()
        except queue.Empty:
            return
        while True:
            try:
                assert store.send(study) == {}
                break
            except StoreUnreachable:
                time.sleep(0.1)
            except (AssertionError, OSError, ThoraxAIError) as error:
                faults.append(error)
                return


def test_nothing_is_lost_or_done_twice_when_the_listener_is_killed_again_and_again(tmp_path: Path) -> None:
    folder, port = tmp_path / "inbox", free_port()
    folder.mkdir()
    own_certificates(folder)
    studies = [images(f"1.2.826.0.1.66.100.{number}", 4) for number in range(12)]
    todo: queue.SimpleQueue = queue.SimpleQueue()
    for study in studies:
        todo.put(study)
    faults: list[Exception] = []
    command = [sys.executable, listener_process.__file__, str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=_send_until_all_are_in, args=(folder, port, todo, faults)) for _ in range(2)]
    for thread in threads:
        thread.start()
    choice = random.Random(1)
    for _ in range(4):
        time.sleep(choice.uniform(0.3, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for thread in threads:
        thread.join(120)
    wanted = {study[0].series_uid for study in studies}
    until = time.monotonic() + 120
    while time.monotonic() < until and len(list((folder / "results").glob("*/" + RUN_FILE))) < len(wanted):
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert faults == []
    assert Counter(path.name.split("-")[0] for path in (folder / "results").iterdir()) == Counter(wanted)
    lines = (folder / "analyzed.txt").read_text().split("\n")[:-1]
    assert {line.split()[1] for line in lines} == {"4"}
    last = Inbox(folder)
    assert sum(last.counts().values()) == len(wanted)
    last.close()


def test_the_command_listens_tells_its_page_and_stops(tmp_path: Path) -> None:
    words = ["listen", "--folder", str(tmp_path / "inbox"), "--port", "0", "--aet", TITLE]
    command = [sys.executable, "-m", "ThoraxAILib", *words, "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        port, page = int(first.split("port ")[1].split(";")[0]), first.split("health: ")[1].strip()
        sender(tmp_path / "inbox", port).echo()
        with urlopen(page + "health.json", timeout=10) as answer:
            assert json.load(answer)["series"] == {}
        process.send_signal(signal.SIGINT)
        told = process.stdout.read()
        assert process.wait(60) == 0
    assert "what was received is kept" in told


def test_the_health_page_tells_numbers_and_no_patient(inbox: Inbox) -> None:
    for instance in images("1.2.826.0.1.66.12", BodyPartExamined="HEAD"):
        inbox.add(instance)
    Listener(inbox, NOW, None, result).step()
    page = HealthPage(0, lambda: state_of(inbox, NOW))
    try:
        with urlopen(page.address + "health.json", timeout=10) as answer:
            told = json.load(answer)
        with urlopen(page.address, timeout=10) as answer:
            text = answer.read().decode()
    finally:
        page.close()
    assert told["series"] == {LEFT_OUT: 1}
    assert told["takes_images"] is True
    assert "another part of the body" in text
    assert "MRN-4711" not in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("min_slice: 3", "know no 'min_slice'"),
        ("min_slices: many", "a number"),
        ("min_slices: 2.5", "a number"),
        ("body_parts: CHEST", "a list"),
        ("[1, 2]", "no list of keys"),
        ("a: [", "cannot be read"),
    ],
)
def test_rules_that_cannot_be_used_are_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_rules(tmp_path / "rules.yaml")


def test_rules_are_read(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("quiet_seconds: 5\ncallers: [CT1, CT2]\nanalyze: [--anatomy, classical]\n")
    rules = read_rules(tmp_path / "rules.yaml")
    assert (rules.quiet_seconds, rules.callers, rules.analyze) == (5.0, ("CT1", "CT2"), ("--anatomy", "classical"))
    assert main(["listen", "--folder", str(tmp_path / "x"), "--rules", str(tmp_path / "none.yaml")]) == 2

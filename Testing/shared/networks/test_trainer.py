"""The training loop: the seed decides the bits, a stopped training loses nothing, a foreign checkpoint is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from ThoraxAILib.errors import Cancelled, OutputError, ThoraxAIError  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402
from ThoraxAILib.networks.learner import Learner, MovingAverage  # noqa: E402
from ThoraxAILib.networks.schedule import Schedule  # noqa: E402
from ThoraxAILib.networks.trainer import CHECKPOINT_FILE, ONLY, Loss, Trainer  # noqa: E402

STEPS = 12


class LineFit(Trainer):
    """Fits y = 2 x with one weight; counts in its own state how often steps were prepared."""

    checkpoint_every = 5

    def __init__(self, folder: Path, rate: float = 0.1, seed: int = 3) -> None:
        self.prepared = 0
        super().__init__(folder, Schedule(rate, STEPS, warm_up=4), seed, {"rate": rate, "seed": seed})

    def make_learners(self) -> dict[str, Learner]:
        network = torch.nn.Linear(1, 1)
        optimizer = torch.optim.AdamW(network.parameters())
        return {ONLY: Learner(network, optimizer, 1.0, MovingAverage(network, 0.9))}

    def before_step(self, step: int, progress: Progress) -> None:
        self.prepared += 1

    def loss(self, step: int) -> Loss:
        x = torch.randn(8, 1, generator=torch.Generator().manual_seed(step))
        return Loss(((self.learners[ONLY].network(x) - 2 * x) ** 2).mean())

    def own_state(self) -> dict:
        return {"prepared": self.prepared}

    def resume_own_state(self, state: dict) -> None:
        self.prepared = state["prepared"]

    @property
    def weights(self) -> torch.Tensor:
        return torch.cat([value.flatten() for value in self.learners[ONLY].kept_weights.values()])


def stopping_after(asked: int) -> Progress:
    """A progress that cancels when it was asked so many times."""
    calls = iter(range(100))
    return Progress(is_cancelled=lambda: next(calls) >= asked)


def trained(folder: Path, **recipe: float) -> LineFit:
    """A finished training."""
    training = LineFit(folder, **recipe)
    training.run()
    return training


class GoesWrong(LineFit):
    """Its loss is no number in the eighth step."""

    def loss(self, step: int) -> Loss:
        return Loss(super().loss(step).value * (float("nan") if step == 7 else 1.0))


def test_a_loss_that_is_no_number_ends_the_training_at_its_last_checkpoint(tmp_path):
    training = GoesWrong(tmp_path)
    with pytest.raises(ThoraxAIError, match="went wrong in step 8"):
        training.run()
    assert torch.isfinite(training.weights).all()
    again = LineFit(tmp_path)
    assert again.step == 5
    again.run()
    assert torch.equal(again.weights, trained(tmp_path / "undisturbed").weights)


def test_a_training_learns_and_its_seed_decides_every_bit(tmp_path):
    one, same, other = trained(tmp_path / "1"), trained(tmp_path / "2"), trained(tmp_path / "3", seed=4)
    losses = one.losses[ONLY]
    assert len(losses) == STEPS
    assert losses[-1] < losses[0]
    assert torch.equal(one.weights, same.weights)
    assert not torch.equal(one.weights, other.weights)


def test_a_cancelled_training_goes_on_from_its_last_checkpoint_to_the_same_bits(tmp_path):
    whole = trained(tmp_path / "whole")
    with pytest.raises(Cancelled):
        LineFit(tmp_path / "broken").run(stopping_after(8))
    again = LineFit(tmp_path / "broken")
    assert again.step == again.prepared == len(again.losses[ONLY]) == 5
    again.run()
    assert torch.equal(again.weights, whole.weights)
    assert again.losses == whole.losses
    assert again.prepared == STEPS


def test_a_finished_training_takes_no_further_step(tmp_path):
    whole = trained(tmp_path)
    again = trained(tmp_path)
    assert again.step == STEPS
    assert torch.equal(again.weights, whole.weights)


def test_another_recipe_does_not_go_on(tmp_path, refused):
    trained(tmp_path)
    with refused("other settings"):
        LineFit(tmp_path, rate=0.2)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda path: path.write_bytes(b"not a checkpoint"), id="no zip file"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-200]), id="cut short"),
        pytest.param(
            lambda path: torch.save({"recipe": {}, "network": {}, "average": {}, "step": 3, "losses": []}, path),
            id="of an earlier version",
        ),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_not_misread(tmp_path, refused, content):
    trained(tmp_path)
    content(tmp_path / CHECKPOINT_FILE)
    with refused("delete the file"):
        LineFit(tmp_path)


def test_a_checkpoint_that_cannot_be_written_is_told_and_leaves_the_last_one(tmp_path, monkeypatch):
    training = trained(tmp_path)
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()

    def full(_state: dict, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("no space")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match="make room"):
        training.save()
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before


def test_progress_says_the_step_and_the_loss(tmp_path):
    told = []
    LineFit(tmp_path).run(Progress(lambda fraction, text: told.append((fraction, text))))
    assert told[0] == (0.0, f"Step 1 of {STEPS}")
    assert told[-1][1].startswith(f"Step {STEPS} of {STEPS}, loss ")


def test_long_gradients_are_shortened():
    network = torch.nn.Linear(1, 1, bias=False)
    before = network.weight.detach().clone()
    learner = Learner(network, torch.optim.SGD(network.parameters()), clip=1.0)
    learner.descend((1e6 * network.weight).sum(), rate=0.25)
    assert (before - network.weight).item() == pytest.approx(0.25, rel=1e-4)


def test_the_average_forgets_the_first_weights_and_takes_statistics_as_they_are_when_asked():
    network = torch.nn.BatchNorm3d(1)
    average = MovingAverage(network, decay=0.5, rise=1, with_statistics=False)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(7.0)
    average.follow(network, step=1)
    assert average.state["weight"].item() == pytest.approx(0.5 * 1.0 + 0.5 * 3.0)
    assert average.state["running_mean"].item() == 7.0


def test_the_rate_rises_in_a_line_and_falls_to_what_is_left():
    cosine = Schedule(2.0, 100, warm_up=4, shape="cosine", fall=0.9)
    assert [cosine.at(step) / cosine.at(3) for step in range(3)] == pytest.approx([0.25, 0.5, 0.75], rel=0.01)
    assert cosine.at(50) == pytest.approx(2.0 * 0.55)
    assert cosine.at(100) == pytest.approx(0.2)
    power = Schedule(1.0, 10, fall=0.5, power=2.0)
    assert power.at(0) == 1.0
    assert power.at(10) == pytest.approx(0.25)

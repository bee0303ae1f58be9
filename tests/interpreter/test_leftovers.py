"""What a killed flowctl has left running does not meet the run that goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.interpreter.leftovers import end_leftovers, noted
from tests.interpreter.running import Runner, command, plan
from tests.interpreter.test_commands import alive

FLOW = """
flowctl: 1
name: flow
steps:
  s:
    run: |
      test ! -e again || exit 0
      touch again
      (trap '' TERM; echo $BASHPID > child; sleep 1000; sleep 1000) &
      while [ ! -s child ]; do sleep 0.01; done
      echo $$ > pid
      echo up
      wait
      echo late > late
"""
RUN = [sys.executable, "-m", "flowctl", "run", "flow.yaml"]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="nobody shows environments")
@pytest.mark.parametrize("options", [[], ["--fresh"]])
def test_commands_of_a_killed_run_are_ended_before_it_goes_on(
    tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    with subprocess.Popen(RUN, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"s | up\n" in iter(process.stderr.readline, b"")
        process.send_signal(signal.SIGKILL)
    left = [int((tmp_path / name).read_text()) for name in ("pid", "child")]
    assert all(map(alive, left))
    subprocess.run([*RUN, *options], cwd=tmp_path, check=True, timeout=60, capture_output=True)
    assert not any(map(alive, left))
    assert not (tmp_path / "late").exists()


def test_a_number_that_was_given_out_again_is_left_alone(runner: Runner) -> None:
    setting = runner.setting()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as other:
        setting.groups.mkdir(parents=True)
        (setting.groups / str(other.pid)).touch()
        end_leftovers(setting)
        assert alive(other.pid)
        assert not list(setting.groups.iterdir())
        other.kill()


def test_what_was_begun_and_not_yet_numbered_is_ended(runner: Runner) -> None:
    """As where flowctl was killed between the start of a command and the note of its group."""
    setting = runner.setting()
    own = {"FLOWCTL_OUTPUT": str(setting.outputs("s"))}
    with (
        subprocess.Popen(["sleep", "1000"], start_new_session=True, env=own) as ours,
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as other,
        noted(setting.groups),
    ):
        end_leftovers(setting)
        assert ours.wait(10) == -signal.SIGTERM
        assert alive(other.pid)
        assert not list(setting.groups.iterdir())
        other.kill()


def test_a_command_is_on_record_before_it_begins(tmp_path: Path) -> None:
    with noted(tmp_path) as known:
        assert [note.name.partition("-")[0] for note in tmp_path.iterdir()] == ["starting"]
        known(1234)
        assert [note.name for note in tmp_path.iterdir()] == ["1234"]
    assert not list(tmp_path.iterdir())


def test_commands_are_on_record_while_they_work(runner: Runner) -> None:
    groups = '"$(dirname "$FLOWCTL_OUTPUT")/../groups"'
    runner(plan(command("s", f"until [ -e {groups}/$$ ]; do sleep 0.01; done; ls {groups}")))
    assert len(runner.lines("s")) == 1
    assert not list(runner.setting().groups.glob("*"))


def test_without_a_place_for_the_record_the_command_works(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with noted(tmp_path / "file" / "groups") as known:
        known(1)

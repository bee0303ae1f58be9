"""What a killed flowctl has left running does not meet the run that goes on."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.interpreter.leftovers import AtWork, end_leftovers
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
        with AtWork(setting.at_work).noted() as known:
            known(other.pid)
            end_leftovers(setting)
        assert alive(other.pid)
        assert not setting.at_work.exists()
        other.kill()


def test_what_was_begun_and_not_yet_numbered_is_ended(runner: Runner) -> None:
    """As where flowctl was killed between the start of a command and the note of its group."""
    setting = runner.setting()
    own = {"FLOWCTL_OUTPUT": str(setting.outputs("s"))}
    with (
        subprocess.Popen(["sleep", "1000"], start_new_session=True, env=own) as ours,
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as other,
        AtWork(setting.at_work).noted(),
    ):
        end_leftovers(setting)
        assert ours.wait(10) == -signal.SIGTERM
        assert alive(other.pid)
        assert not setting.at_work.exists()
        other.kill()


def test_commands_are_on_record_before_they_begin_and_as_long_as_they_work(tmp_path: Path) -> None:
    path = tmp_path / "run" / "at-work"

    def found() -> list[int]:
        return [group for (group,) in struct.iter_unpack("<q", path.read_bytes())]

    record = AtWork(path)
    with record.noted() as first:
        assert found() == [-1]
        first(1234)
        with record.noted() as second:
            second(99)
            assert found() == [1234, 99]
        assert found() == [1234, 0]
        with record.noted():
            assert found() == [1234, -1]
    assert found() == [0, 0]
    record.close()
    assert not path.exists()


def test_a_command_finds_its_own_group_on_record(runner: Runner) -> None:
    record = '"$(dirname "$FLOWCTL_OUTPUT")/../at-work"'
    runner(plan(command("s", f"until od -An -td8 {record} | grep -w $$; do sleep 0.01; done")))
    assert len(runner.lines("s")) == 1
    assert not runner.setting().at_work.exists()


def test_without_a_place_for_the_record_the_command_works(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    record = AtWork(tmp_path / "file" / "at-work")
    with record.noted() as known:
        known(1)
    record.close()

"""From the heartbeats of all ranks to one line that names the rank at fault."""

import os
import re
import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from dstilts.core.errors import RunError, UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.free_memory import memory_kills
from dstilts.engine.heartbeat import Heartbeat, read_heartbeats

Beats = Sequence[Heartbeat | None]  # by rank

# What torch, gloo, NCCL and DeepSpeed say when another rank has left or does not answer.
_PEER_LOST = re.compile(
    r"closed by peer|reset by peer|broken pipe|connection (was )?refused|connect\w* failure"
    r"|socket timeout|timed out waiting|gloo|NCCL|^Dist\w*Error|failed to recv",
    re.IGNORECASE,
)
# A host with less left than this, or less than this share of what the rank had, was at its limit.
_LOW_GIB, _LOW_SHARE = 0.5, 0.1


def is_peer_loss(error: BaseException) -> bool:
    """Whether an error only says that some other rank is gone, or does not answer."""
    # torch's DistError is one of them, as is what gloo raises.
    return isinstance(error, RuntimeError) and bool(_PEER_LOST.search(error_text(error)))


def error_text(error: BaseException) -> str:
    """An error in one line: our own as they are, others with their type."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError | RunError) else f"{type(error).__name__}: {text}"


def last_words(error: BaseException) -> str:
    """What a rank's last heartbeat says of the error that ended it.

    Of one that was explained the connection that broke: otherwise the next rank to look would take
    this one for the rank at fault.
    """
    cause = error.__cause__
    return error_text(cause if cause is not None and is_peer_loss(cause) else error)


def explain(error: BaseException, run_folder: Path, group: ProcessGroup) -> str | None:
    """Names the rank behind an error that says no more than that a connection broke.

    Waits for up to a few heartbeats: a rank of another host that was killed leaves no other sign
    than that it falls silent.

    Returns:
        one line; None for an error that has another reason than the loss of a rank.
    """
    if not is_peer_loss(error):
        return None
    before = read_heartbeats(run_folder, group.world_size)
    every = max((beat.every for beat in before if beat), default=0.0)
    deadline = time.monotonic() + 3.5 * every
    while True:
        beats = read_heartbeats(run_folder, group.world_size)
        found = ended(beats, group.rank)
        if found or time.monotonic() >= deadline:
            break
        time.sleep(every / 4)
    # Clocks of hosts may differ: silent is who has not written a new one, not who has an old one.
    silent = [
        rank
        for rank, beat in enumerate(beats)
        if rank != group.rank and beat == before[rank] and not (beat and beat.error)
    ]
    if not found and silent:
        found = f"{_silent(beats, silent)}{_memory_hint(beats[silent[0]])}"
    reason = error_text(error)[:200]
    return found or f"the connection to another rank broke, and all of them answer: {reason}"


def diagnose(beats: Beats, now: float, silent_after: float) -> str:
    """Names who is late where no rank makes progress any more.

    Args:
        now: seconds since 1970.
        silent_after: a heartbeat that is so many seconds old is of a rank that does not answer.
    """
    if fault := ended(beats):
        return fault
    silent = [n for n, beat in enumerate(beats) if not beat or now - beat.time > silent_after]
    alive = [beat for n, beat in enumerate(beats) if beat and n not in silent]
    waiting = [beat for beat in alive if beat.collective]
    if silent:
        return _joined(_silent(beats, silent), "; ", _places(waiting))
    busy = [beat for beat in alive if not beat.collective]
    if busy:
        stuck = ", ".join(_stuck(group) for group in _grouped(busy))
        return _joined(stuck, " while ", _places(waiting))
    if len(_grouped(waiting)) > 1:
        return f"ranks disagree: {_places(waiting)}"
    hosts = sorted({beat.host for beat in waiting})
    network = f", the network between {', '.join(hosts)} may be down" if len(hosts) > 1 else ""
    return f"all {_places(waiting)}{network}"


def ended(beats: Beats, reader: int | None = None) -> str | None:
    """Names a rank that an error of its own has ended, or whose process is no more on this host.

    Args:
        reader: a rank that is left out.
    """
    others = [beat for beat in beats if beat and beat.rank != reader]
    for beat in others:
        if beat.error and not _PEER_LOST.search(beat.error):
            return f"{_name(beat)} failed at step {beat.step} in {beat.place}: {beat.error}"
    for beat in others:
        if not beat.error and beat.host == socket.gethostname() and not _runs(beat.pid):
            return f"{_name(beat)} is gone: {_last_heard(beat)}{_memory_hint(beat)}"
    return None


def _silent(beats: Beats, silent: Sequence[int]) -> str:
    heard = next((beat for n in silent if (beat := beats[n])), None)
    if heard is None:
        return f"{_ranks(silent)} {_do(silent)} not answer: no sign of life from the beginning"
    if len(silent) == 1:
        return f"{_name(heard)} does not answer: {_last_heard(heard)}"
    hosts = ", ".join(sorted({beat.host for n in silent if (beat := beats[n])}))
    return f"{_ranks(silent)} (host {hosts}) do not answer: {_last_heard(heard)}"


def _memory_hint(beat: Heartbeat | None) -> str:
    """Says that a rank that left without a word was probably killed for want of memory."""
    if beat is None or beat.memory_gib is None or beat.free_gib is None:
        return ""
    text = f"it had {beat.memory_gib:.1f} GiB, {beat.free_gib:.1f} GiB were free"
    if beat.host == socket.gethostname() and beat.memory_kills is not None:
        kills = memory_kills()
        if kills is not None and kills > beat.memory_kills:
            return f"; the system has killed a process for want of memory: {text}"
    # Another host's counter cannot be read from here.
    if beat.free_gib < max(_LOW_GIB, _LOW_SHARE * beat.memory_gib):
        return f"; it was probably killed for want of memory: {text}"
    return ""


def _stuck(beats: Sequence[Heartbeat]) -> str:
    first = beats[0]
    who = _name(first) if len(beats) == 1 else _ranks(beat.rank for beat in beats)
    is_or_are = "is" if len(beats) == 1 else "are"
    code = f" ({first.code})" if first.code else ""
    since = _clock(first.since)
    return f"{who} {is_or_are} stuck in {first.place} of step {first.step} since {since}{code}"


def _places(waiting: Sequence[Heartbeat]) -> str:
    """ "ranks 0, 2, 3 wait in all_reduce", for each collective and step."""
    texts = []
    groups = _grouped(waiting)
    several_steps = len({beat.step for beat in waiting}) > 1
    for beats in groups:
        first = beats[0]
        step = f" of step {first.step}" if several_steps else ""
        code = f" ({first.code})" if first.code else ""
        verb = "waits" if len(beats) == 1 else "wait"
        who = _ranks(beat.rank for beat in beats)
        texts.append(f"{who} {verb} in {first.collective}{step}{code}")
    return ", ".join(texts)


def _grouped(beats: Iterable[Heartbeat]) -> list[list[Heartbeat]]:
    """Ranks at the same place."""
    groups: dict[object, list[Heartbeat]] = defaultdict(list)
    for beat in beats:
        # Where a rank waits decides, not on the way from which place it came there.
        groups[(beat.collective or beat.place, beat.step)].append(beat)
    return list(groups.values())


def _joined(first: str, between: str, second: str) -> str:
    return f"{first}{between}{second}" if second else first


def _name(beat: Heartbeat) -> str:
    return f"rank {beat.rank} (host {beat.host}, pid {beat.pid})"


def _last_heard(beat: Heartbeat) -> str:
    where = f" ({beat.collective})" if beat.collective else ""
    return f"last heard of {_clock(beat.time)} at step {beat.step} in {beat.place}{where}"


def _do(ranks: Sequence[int]) -> str:
    return "does" if len(ranks) == 1 else "do"


def _ranks(numbers: Iterable[int]) -> str:
    """ "rank 1", "ranks 0, 2, 3", "ranks 0 to 6, 8"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts: list[str] = []
    for low, high in runs:
        parts += [f"{low} to {high}"] if high > low + 2 else map(str, range(low, high + 1))
    is_one = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"rank{'' if is_one else 's'} {', '.join(parts)}"


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _runs(pid: int) -> bool:
    """Whether a process of this host runs; one that ended and was not yet asked for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in ("Z", "X")
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""How much memory is left, as systems say it: control groups of both versions, or none."""

import resource
from pathlib import Path

import pytest

from dstilts.engine.free_memory import (
    free_host_bytes,
    memory_kills,
)

GIB = 1 << 30


def system(folder: Path, cgroup: str, files: dict[str, object]) -> tuple[Path, Path]:
    """A made-up /proc and /sys/fs/cgroup."""
    written = {
        "proc/self/cgroup": cgroup,
        "proc/self/status": "Name:\tpython\nVmSize:\t    3600 kB\nVmRSS:\t    2000 kB\n",
        "proc/meminfo": f"MemTotal: 1 kB\nMemAvailable: {8 * GIB // 1024} kB\n",
        **files,
    }
    for name, content in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
    return folder / "proc", folder / "cgroup"


def test_without_limits_what_the_system_has(tmp_path: Path) -> None:
    unlimited = {"cgroup/a/memory.max": "max\n", "cgroup/a/memory.current": GIB}
    assert free_host_bytes(*system(tmp_path, "0::/a\n", unlimited)) == 8 * GIB


def test_the_tightest_group_counts(tmp_path: Path) -> None:
    files = {
        "cgroup/a/memory.max": 4 * GIB,
        "cgroup/a/memory.current": 3 * GIB,
        "cgroup/a/memory.stat": f"anon 5\ninactive_file {GIB // 2}\n",
        "cgroup/a/b/memory.max": 9 * GIB,
        "cgroup/a/b/memory.current": 3 * GIB,
    }
    assert free_host_bytes(*system(tmp_path, "0::/a/b\n", files)) == 1.5 * GIB


def test_groups_of_version_1(tmp_path: Path) -> None:
    files = {
        "cgroup/memory/job/memory.limit_in_bytes": 2 * GIB,
        "cgroup/memory/job/memory.usage_in_bytes": 3 * GIB,  # never less than nothing
    }
    text = "5:cpu,cpuacct:/other\n4:memory:/job\n0::/\n"
    assert free_host_bytes(*system(tmp_path, text, files)) == 0


def test_a_container_sees_its_group_at_the_root(tmp_path: Path) -> None:
    files = {"cgroup/memory.max": 2 * GIB, "cgroup/memory.current": GIB}
    assert free_host_bytes(*system(tmp_path, "0::/../../kube/pod\n", files)) == GIB


def test_a_system_that_says_nothing(tmp_path: Path) -> None:
    assert free_host_bytes(tmp_path, tmp_path) is None
    assert memory_kills(tmp_path, tmp_path) is None


def test_kills_are_counted_in_groups_and_on_the_whole(tmp_path: Path) -> None:
    files = {"cgroup/a/memory.events": "oom 4\noom_kill 3\noom_group_kill 0\n"}
    assert memory_kills(*system(tmp_path, "0::/a\n", files)) == 3
    files["proc/vmstat"] = "nr_free_pages 1\noom_kill 7\n"
    assert memory_kills(*system(tmp_path, "0::/a\n", files)) == 7


def test_a_limit_of_the_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc, cgroups = system(tmp_path, "", {})
    limit = 3600 * 1024 + GIB
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, resource.RLIM_INFINITY))
    assert free_host_bytes(proc, cgroups) == GIB

# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The chart that tests render: the stand-in, or the one that ``FLYTE_CHART`` names."""

from __future__ import annotations

import os
import pathlib
import shutil
import tarfile

STAND_IN = pathlib.Path(__file__).resolve().parent / "chart" / "flyte-core"


def chart_ref() -> pathlib.Path:
    """Return the chart as it is given, which an inventory names."""
    return pathlib.Path(os.environ.get("FLYTE_CHART") or STAND_IN).resolve()


def chart_folder(scratch: pathlib.Path) -> pathlib.Path:
    """Return the folder of the chart with its dependencies in it, without which Helm renders nothing.

    :param scratch: an empty folder, for an archive that is unpacked, or a copy with the dependencies that lie beside the chart.
    """
    given = chart_ref()
    if given.is_file():
        with tarfile.open(given) as packed:
            packed.extractall(scratch, filter="data")
        return next(path.parent for path in sorted(scratch.glob("*/Chart.yaml")))
    beside = given.parent / "flyteconnector"
    if given == STAND_IN or (given / "charts").is_dir() or not beside.is_dir():
        return given
    copied = scratch / given.name
    shutil.copytree(given, copied)
    shutil.copytree(beside, copied / "charts" / beside.name)
    return copied

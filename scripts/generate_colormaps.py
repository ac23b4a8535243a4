"""Write the table of colormaps that tiles know by name: those of matplotlib, as 256 colors each.

The server does not depend on matplotlib. Run this when matplotlib has new colormaps.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np

TABLE = Path(__file__).parents[1] / "stac_api/landbridge/stac_api/tiles/colormaps.npz"


def table() -> tuple[list[str], np.ndarray]:
    """Return the names in lower case, and the colors (name, value, red-green-blue)."""
    names = sorted(name for name in mpl.colormaps if not name.endswith("_r"))
    colors = [mpl.colormaps[name](np.linspace(0, 1, 256), bytes=True)[:, :3] for name in names]
    return [name.lower() for name in names], np.stack(colors)


if __name__ == "__main__":
    names, colors = table()
    np.savez_compressed(TABLE, names=np.array(names), colors=colors)
    print(f"{len(names)} colormaps in {TABLE}")

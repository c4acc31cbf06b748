"""The published systems' own figures, drawn from runs: one function a figure, each writes a PNG.

Values that aren't finite leave a gap in a line. Matplotlib is loaded where it draws. The same input
gives the same bytes.
"""

from gfopt.reproduction.figures.functions import fit
from gfopt.reproduction.figures.losses import final_losses, histories
from gfopt.reproduction.figures.panels import layers_in_an_epoch, side_by_side

__all__ = ["final_losses", "fit", "histories", "layers_in_an_epoch", "side_by_side"]

"""An alias for the package `layers` that your own files cannot hide.

`from minigrad.layers import RNN`
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers import *  # noqa: F403
else:
    from .help.shadowing import take_over

    take_over(__name__)

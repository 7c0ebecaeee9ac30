"""A second name for the folder `layers/` beside this one, which has the code: no file of yours can
hide this name.

`from minigrad.layers import RNN`
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers import *  # noqa: F403
else:
    from .help.shadowing import take_over

    take_over(__name__)

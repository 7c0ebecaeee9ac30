"""An alias for the package `optim` that your own files cannot hide.

`from minigrad.optim import Adam`
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optim import *  # noqa: F403
else:
    from .help.shadowing import take_over

    take_over(__name__)

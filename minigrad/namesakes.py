"""A warning for a module of the user's that is called `layers` or `optim`, and hides minigrad's."""

import os
import sys
import warnings

from .errors import MinigradError


def warn() -> None:
    """Warn (MG134) if `layers` or `optim` is a module of the user's, or will be: nothing is imported to find out."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in ("layers", "optim"):
        first = sys.path[0] if sys.path else ""  # the folder of the script, or the current one
        places = [os.path.join(first, name + ".py"), os.path.join(first, name, "__init__.py")]
        if name in sys.modules:
            places = [getattr(sys.modules[name], "__file__", None) or name]
        for place in filter(os.path.exists, places):
            if os.path.dirname(os.path.realpath(place)) != os.path.realpath(os.path.join(home, name)):
                text = MinigradError(
                    "MG134",
                    f"{place} hides minigrad's {name}",
                    cause="Python takes the first module of a name that it finds, and looks beside the script first",
                    remedy=f"rename yours, such as my_{name}.py, if `from {name} import ...` is to bring minigrad's",
                )
                warnings.warn(str(text), stacklevel=3)

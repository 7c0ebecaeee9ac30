"""Write slope(x). Then run: minigrad course check"""


def slope(x):
    """Return the slope of x * x."""
    raise NotImplementedError

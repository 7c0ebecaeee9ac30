"""Twenty-one reviews of the published archive, and the making of archives."""

import io
import tarfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

# The published files that these reviews came from, how they begin, and the row that each has in the data set that
# tensorflow-datasets publishes. Names and beginnings are common knowledge of the archive (its listing in sorted order).
TRAIN = {
    "neg/0_3": ("Story of a man who has unnatural feelings for a pig.", 11791),
    "neg/10000_4": ("Airport '77 starts as a brand new luxury 747 plane", 4456),
    "neg/10001_4": ("This film lacked something I couldn't put my finger on at first", 7749),
    "neg/10002_1": ("Sorry everyone,,, I know this is supposed to be an", 11638),
    "neg/10003_1": ("When I was little my parents took me along to the theater to see Interiors.", 3631),
    "neg/10004_3": ('"It appears that many critics find the idea of a Woody Allen drama', 844),
    "pos/0_9": ("Bromwell High is a cartoon comedy.", 83),
    "pos/10000_8": ("Homelessness (or Houselessness as George Carlin stated)", 19774),
    "pos/10001_10": ("Brilliant over-acting by Lesley Ann Warren.", 18036),
    "pos/10002_7": ("This is easily the most underrated film inn the Brooks cannon.", 3872),
    "pos/10003_8": ("This is not the typical Mel Brooks film.", 23615),
    "pos/10004_8": ("This isn't the comedic Robin Williams", 6206),
}
TEST = {
    "neg/0_2": ("Once again Mr. Costner has dragged out a movie for far longer than necessary.", 4208),
    "neg/10000_4": ("This is an example of why the majority of action films are the same.", 6087),
    "neg/10001_1": ("First of all I hate those moronic rappers", 9306),
    "neg/10002_3": ("Not even the Beatles could write songs everyone liked", 19384),
    "neg/10003_3": ("Brass pictures", 6214),
    "pos/0_10": ("I went and saw this movie last night after being coaxed to", 18787),
    "pos/10000_7": ("Actor turned director Bill Paxton follows up", 9140),
    "pos/10001_9": ("As a recreational golfer with some knowledge", 21897),
    "pos/10002_8": ("I saw this film in a sneak preview", 22224),
}


def tar_of(members):
    """The bytes of a .tar.gz with members given as (name, bytes) or ready TarInfos."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            info, content = (
                (member, b"") if isinstance(member, tarfile.TarInfo) else (tarfile.TarInfo(member[0]), member[1])
            )
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()

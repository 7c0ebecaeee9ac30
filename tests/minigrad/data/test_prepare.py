import gzip
import io
import os
import subprocess
import sys
import tarfile
import tracemalloc
from itertools import islice

import pytest

from minigrad.data import load_imdb, prepare
from minigrad.errors import DataError

from .small_archive import REPOSITORY, TEST, TRAIN, tar_of

pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")


@pytest.fixture
def served(server, monkeypatch):
    """`load_imdb("tfds")` downloads from the loopback server."""
    monkeypatch.setattr(prepare, "ARCHIVE", server.archive)
    return server


def serve(server, content, monkeypatch):
    server.content = content
    monkeypatch.setattr(prepare, "ARCHIVE", server.archive)


def fails_with(code, data_dir):
    with pytest.raises(DataError) as caught:
        load_imdb("tfds", data_dir=data_dir)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


def prepared(data_dir):
    """The finished and unfinished folders in which a later run would look for prepared reviews."""
    folder = (data_dir / prepare.FOLDER).parent
    return sorted(os.listdir(folder)) if folder.exists() else []


def in_published_order(reviews):
    return sorted(reviews.items(), key=lambda item: item[1][1])


def test_whole_reviews_from_the_network_to_ids(served, tmp_path):
    data = load_imdb("tfds", data_dir=tmp_path, length=None, vocabulary_size=50)
    for reviews, published in ((data.train, TRAIN), (data.test, TEST)):
        expected = in_published_order(published)
        # The order is that of the data set tensorflow-datasets publishes: 12 rows by chance, 1 in 479,001,600.
        assert reviews.texts == [text for _, (text, _) in expected]
        assert reviews.labels.tolist() == [int(name.startswith("pos")) for name, _ in expected]
    # Counted by hand in the twelve training reviews: "the" 6 times, "a" 5, "this" 5, "is" 4.
    assert data.vocabulary.words[:4] == ["the", "a", "this", "is"]
    assert len(data.vocabulary) == 50
    assert data.vocabulary.decode(data.train.ids[0][:4]).startswith("<start>")


def test_a_second_call_reads_what_is_there(served, tmp_path):
    first = load_imdb("tfds", data_dir=tmp_path)
    served.close()
    second = load_imdb("tfds", data_dir=tmp_path)
    assert len(served.requests) == 1
    assert first.train.texts == second.train.texts
    assert (first.test.ids == second.test.ids).all()
    assert first.test.ids.shape == (9, 40)


def test_tensorflow_datasets_reads_it_by_itself(served, tmp_path):
    import tensorflow_datasets as tfds

    load_imdb("tfds", data_dir=tmp_path)
    source = tfds.data_source("imdb_reviews", data_dir=tmp_path, split="train")
    assert len(source) == 12
    assert source[0] == {"text": b"Bromwell High is a cartoon comedy.", "label": 1}


def test_the_default_folder_is_that_of_tensorflow_datasets(served, tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    load_imdb("tfds")
    assert (tmp_path / "imdb_reviews" / "plain_text" / "1.0.0" / "dataset_info.json").exists()


def test_a_lost_connection_leaves_nothing_that_looks_prepared(served, tmp_path):
    served.behaviour = "cut"
    fails_with("MG422", tmp_path)
    assert prepared(tmp_path) == []
    served.behaviour = "good"
    assert len(load_imdb("tfds", data_dir=tmp_path).train) == 12
    assert prepared(tmp_path) == ["1.0.0"]


def test_ctrl_c_while_preparing_leaves_nothing_that_looks_prepared(served, tmp_path, monkeypatch):
    read = prepare._reviews

    def interrupted(path, split):
        yield from islice(read(path, split), 5)
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "_reviews", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_imdb("tfds", data_dir=tmp_path)
    assert prepared(tmp_path) == []
    monkeypatch.setattr(prepare, "_reviews", read)
    assert len(load_imdb("tfds", data_dir=tmp_path).train) == 12
    assert len(served.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_preparation_is_begun_again(served, tmp_path):
    archive = served.archive
    program = (
        "import os; from itertools import islice; from minigrad.data import load_imdb, prepare; "
        "from minigrad.data.download import Archive; read = prepare._reviews\n"
        f"prepare.ARCHIVE = Archive({archive.url!r}, {archive.size}, {archive.sha256!r})\n"
        "def killed(path, split):\n"
        "    yield from islice(read(path, split), 5)\n"
        "    os.kill(os.getpid(), 9)\n"
        "prepare._reviews = killed\n"
        f"load_imdb('tfds', data_dir={str(tmp_path)!r})"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == -9, result.stderr
    (left,) = prepared(tmp_path)
    assert left.startswith("incomplete.")
    assert len(load_imdb("tfds", data_dir=tmp_path).train) == 12
    assert prepared(tmp_path) == ["1.0.0", left] and len(served.requests) == 1


def test_a_cut_archive(server, archive_bytes, tmp_path, monkeypatch):
    serve(server, archive_bytes[: len(archive_bytes) // 2], monkeypatch)
    assert "cut, damaged" in fails_with("MG425", tmp_path).cause
    assert prepared(tmp_path) == []


@pytest.mark.parametrize("where", [0.0, 0.3, 0.5])
def test_a_damaged_archive(server, archive_bytes, tmp_path, monkeypatch, where):
    content = bytearray(archive_bytes)
    start = int(where * len(content))
    content[start : start + 8] = bytes(8)
    serve(server, bytes(content), monkeypatch)
    fails_with("MG425", tmp_path)
    assert prepared(tmp_path) == []


def test_an_archive_whose_gzip_checksum_is_wrong(server, archive_bytes, tmp_path, monkeypatch):
    tar = gzip.decompress(archive_bytes).rstrip(b"\0")  # without tar's own end mark it is read up to the checksum
    content = gzip.compress(tar + bytes(-len(tar) % 512))
    serve(server, content[:-8] + bytes(8), monkeypatch)
    assert "CRC" in fails_with("MG425", tmp_path).cause
    assert prepared(tmp_path) == []


def test_not_an_archive(server, tmp_path, monkeypatch):
    serve(server, b"This is not a tar.gz file at all.", monkeypatch)
    fails_with("MG425", tmp_path)
    assert prepared(tmp_path) == []


def test_an_archive_without_reviews(server, tmp_path, monkeypatch):
    serve(server, tar_of([("aclImdb/README", b"nothing else")]), monkeypatch)
    assert "no review to train with" in fails_with("MG425", tmp_path).cause
    assert prepared(tmp_path) == []


GOOD = [(f"aclImdb/{split}/{side}/0_5.txt", b"Fine.") for split in ("train", "test") for side in ("neg", "pos")]
BAD = "aclImdb/train/pos/1_10.txt"


def raw(members, end=bytes(1024)):
    """The bytes of a .tar.gz whose members, (name, content, fields of the TarInfo), need not be true."""
    blocks = []
    for name, content, fields in members:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for field, value in fields.items():
            setattr(info, field, value)
        blocks += [info.tobuf(tarfile.GNU_FORMAT), content, bytes(-len(content) % 512)]
    return gzip.compress(b"".join(blocks) + end)


def tampered(**fields):
    """An archive of good reviews, with one more member that is not."""
    content = fields.pop("content", b"")
    return raw([*((*good, {}) for good in GOOD), (fields.pop("name", BAD), content, fields)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tampered(name="/aclImdb/train/pos/4_1.txt"), "/aclImdb/train/pos/4_1.txt has a path that leads out"),
        (tampered(name="aclImdb/train/pos/../../../../4_1.txt"), "../4_1.txt has a path that leads out"),
        (tampered(name="aclImdb/.."), "aclImdb/.. has a path that leads out"),
        (tampered(type=tarfile.SYMTYPE, linkname="/etc/passwd"), f"{BAD} is a link"),
        (tampered(type=tarfile.LNKTYPE, linkname="/etc/passwd"), f"{BAD} is a link"),
        (tampered(name="aclImdb/x", type=tarfile.SYMTYPE, linkname="README"), "aclImdb/x is a link"),
        (tampered(type=tarfile.CHRTYPE), f"{BAD} is a link, a device"),
        (tampered(type=tarfile.FIFOTYPE), f"{BAD} is a link, a device"),
        (tampered(type=tarfile.GNUTYPE_SPARSE, size=10**11), f"{BAD} is a link, a device or a sparse file"),
        (tampered(size=10**12), f"{BAD} claims to have 1,000,000,000,000 bytes"),
        (tampered(name="aclImdb/labeledBow.feat", size=10**10), "labeledBow.feat claims to have 10,000,000,000 bytes"),
        (tampered(type=tarfile.GNUTYPE_LONGNAME, size=10**10), "claims to have"),
        (tampered(type=tarfile.XHDTYPE, size=10**10), "claims to have"),
        (tampered(size=-512), f"{BAD} claims to have -512 bytes"),
        (tampered(type=tarfile.XHDTYPE, size=-512), "claims to have -512 bytes"),
        (tampered(type=tarfile.XHDTYPE, content=b"25 GNU.sparse.size=many\n\n"), "at aclImdb/test/pos/0_5.txt: "),
        (tampered(size=10_000), f"{BAD}: unexpected end of data"),
        (tampered(content="café".encode("latin-1")), f"{BAD}: 'utf-8' codec can't decode"),
        (tampered(name=GOOD[0][0], content=b"Another."), f"{GOOD[0][0]} is in it twice"),
        (raw([(*good, {}) for good in GOOD], end=b""), "it ends after aclImdb/test/pos/0_5.txt"),
        (raw([(*good, {}) for good in GOOD], end=b"\1" * 1024), "it ends after aclImdb/test/pos/0_5.txt"),
        (raw([(f"\x1b[2J{number}", b"", {"type": tarfile.GNUTYPE_LONGNAME}) for number in range(3000)]), "recursion"),
        (b"", "empty file"),
    ],
)
def test_a_hostile_archive_is_an_error_that_names_the_member(tmp_path, content, said):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            for split in ("train", "test"):
                for _ in prepare._reviews(path, split):
                    pass
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.code == "MG425" and said in caught.value.cause
    assert str(path) in caught.value.what and "delete" in caught.value.remedy


def test_a_hostile_archive_leaves_nothing(server, tmp_path, monkeypatch):
    serve(server, tampered(name="aclImdb/../../escaped", content=b"hostile"), monkeypatch)
    data_dir = tmp_path / "deep" / "enough" / "to" / "climb"
    fails_with("MG425", data_dir)
    assert prepared(data_dir) == [] and os.listdir(tmp_path) == ["deep"]
    assert sorted(os.listdir(data_dir)) == ["downloads", "imdb_reviews"]


def test_members_that_are_no_reviews_are_passed_over(server, tmp_path, monkeypatch):
    folder = tarfile.TarInfo("aclImdb/train/pos")
    folder.type = tarfile.DIRTYPE
    others = [("x/aclImdb/train/pos/5_1.txt", b"elsewhere"), ("aclImdb/train/labeledBow.feat", bytes(2_000_000))]
    serve(server, tar_of([folder, folder, *others, *GOOD]), monkeypatch)
    assert load_imdb("tfds", data_dir=tmp_path).train.texts == ["Fine.", "Fine."]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks on folders")
def test_programs_that_prepare_the_same_folder_at_the_same_time_wait_for_each_other(served, tmp_path):
    archive = served.archive
    program = (
        "import random; from minigrad.data import load_imdb, prepare; from minigrad.data.download import Archive; "
        f"prepare.ARCHIVE = Archive({archive.url!r}, {archive.size}, {archive.sha256!r}); "
        "random.seed(0); "  # tensorflow-datasets names its unfinished folder by this generator
        f"data = load_imdb('tfds', data_dir={str(tmp_path)!r}); print(len(data.train), data.test.ids.sum())"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert len({out.splitlines()[-1] for out, _ in said}) == 1 and len(served.requests) == 1
    assert prepared(tmp_path) == ["1.0.0"] and not (tmp_path / "downloads" / "aclImdb_v1.tar.gz.part").exists()


def test_a_data_dir_that_cannot_be_written(served, tmp_path):
    (tmp_path / "file").write_text("in the way")
    fails_with("MG424", tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_disk_that_fills_while_preparing(served, tmp_path):
    archive = served.archive
    program = (
        "import resource; from minigrad.data import load_imdb, prepare; from minigrad.data.download import Archive; "
        f"prepare.ARCHIVE = Archive({archive.url!r}, {archive.size}, {archive.sha256!r}); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)); "  # the archive fits, the reviews do not
        f"load_imdb('tfds', data_dir={str(tmp_path)!r})"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert "DataError: [MG424] cannot write into" in result.stderr
    assert "File too large" in result.stderr
    assert prepared(tmp_path) == []
    assert len(load_imdb("tfds", data_dir=tmp_path).train) == 12


def test_prepared_reviews_with_a_damaged_file(served, tmp_path):
    load_imdb("tfds", data_dir=tmp_path)
    (shard,) = (tmp_path / prepare.FOLDER).glob("*train*")
    content = bytearray(shard.read_bytes())
    content[200:210] = b"0123456789"
    shard.write_bytes(content)
    fails_with("MG435", tmp_path)
    shard.write_bytes(content[:1000])
    fails_with("MG435", tmp_path)
    shard.unlink()
    assert "1.0.0" in fails_with("MG435", tmp_path).what


def test_prepared_reviews_that_are_not_utf_8(served, tmp_path, monkeypatch):
    def encoded(path, split):
        yield f"aclImdb/{split}/pos/0_5.txt", io.BytesIO("café".encode("latin-1"))

    monkeypatch.setattr(prepare, "_reviews", encoded)  # as another program may have prepared them
    assert "'utf-8' codec" in fails_with("MG435", tmp_path).cause


def test_prepared_reviews_in_another_format(served, tmp_path):
    (tmp_path / prepare.FOLDER).mkdir(parents=True)
    assert "another format" in fails_with("MG435", tmp_path).cause
    assert served.requests == []


def test_a_large_archive_member_is_read_whole(server, tmp_path, monkeypatch):
    text = "word " * 100_000
    good = [(f"aclImdb/{split}/neg/0_5.txt", text.encode()) for split in ("train", "test")]
    serve(server, tar_of(good), monkeypatch)
    data = load_imdb("tfds", data_dir=tmp_path, length=None)
    assert data.train.ids[0].shape == (100_001,)
    assert data.train.texts is not None
    assert data.train.texts[0] == text.strip()

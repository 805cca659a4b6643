"""What a class hands in, in every layout and with all that goes wrong: each learner is found, nothing is lost."""

import os
import pickle
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_tutorial.course.assign import check_learner
from vae_tutorial.grading.intake import archives, choosing, leaf
from vae_tutorial.grading.intake.collect import Found, collect
from vae_tutorial.grading.intake.lms import by_stem, by_system, folder_name
from vae_tutorial.grading.records import Submission

TASK = "01_autoencoder_to_vae"
BOOK = f"{TASK}.ipynb"
OTHER = "02_bce_vs_mse"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for i, (name, content) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_000_000 + i, 1_000_000 + i))  # later ones are newer
    return folder


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def found(folder: Path, task: str = TASK) -> dict[str, Found]:
    collected = collect(folder, task)
    assert [one.learner for one in collected] == sorted({one.learner for one in collected})
    for one in collected:
        check_learner(one.learner)
        assert (one.notebook is None) == bool(one.problem)
    return {one.learner: one for one in collected}


def loaded(folder: Path, task: str = TASK) -> dict[str, Submission]:
    return {learner: one.load() for learner, one in found(folder, task).items()}


def zipped(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "class.zip"
    path.write_bytes(content)
    return path


# Layouts


NBGRADER = {
    f"a/{TASK}/{BOOK}": b"of a",
    f"a/{TASK}/timestamp.txt": b"2026-11-20 10:00:00.123456 UTC",
    f"a/{TASK}/capstone.safetensors": b"weights",
    f"a/{TASK}/helpers/more.py": b"x = 1",
    f"a/{OTHER}/{OTHER}.ipynb": b"another exercise",
    f"b/{TASK}/{BOOK}": b"of b",
    f"b/{TASK}/timestamp.txt": b"2026-11-20 10:00:00 Europe/Paris",
    f"b/{TASK}/.ipynb_checkpoints/{TASK}-checkpoint.ipynb": b"older",
    f"c/{OTHER}/{OTHER}.ipynb": b"another exercise",
    "roster.csv": b"a,b,c",
}


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("top", ["", "submitted/"])
def test_nbgraders_folders(tmp_path, as_zip, top):
    files = {top + name: content for name, content in NBGRADER.items() if not (top and name == "roster.csv")}
    place = zipped(tmp_path, packed(files)) if as_zip else write(tmp_path / "class", files)
    a, b, c = loaded(place).values()
    assert (a.learner, a.assignment, a.notebook, a.problem, a.remarks) == ("a", TASK, b"of a", "", ())
    assert a.files == {"capstone.safetensors": b"weights", "helpers/more.py": b"x = 1"}
    assert (a.handed_in, b.handed_in) == ("2026-11-20T10:00:00+00:00", "2026-11-20T09:00:00+00:00")
    assert (b.notebook, b.files, b.remarks) == (b"of b", {}, ())
    assert (c.notebook, c.problem) == (b"", f"there is no notebook of {TASK}")
    assert loaded(place, OTHER)["c"].notebook == b"another exercise"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (b"2026-11-20 10:00:00", "2026-11-20T10:00:00+00:00"),
        (b"2026-11-20T10:00:00Z\n", "2026-11-20T10:00:00+00:00"),
        (b"2026-11-20 10:00:00.5 +0530", "2026-11-20T04:30:00+00:00"),
        (b"2026-11-20 10:00:00 America/New_York", "2026-11-20T15:00:00+00:00"),
        (b"2026-11-20 10:00:00 ../../etc/passwd", ""),
        (b"2026-11-20 10:00:00 America", ""),
        (b"2026-13-20 10:00:00 UTC", ""),
        (b"0001-01-01 00:00:00 +2359", ""),
        (b"yesterday", ""),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"0" * 2_000, ""),
    ],
)
def test_nbgraders_stamp_is_a_time_or_told(tmp_path, text, time):
    one = found(write(tmp_path, {f"a/{TASK}/{BOOK}": b"{}", f"a/{TASK}/timestamp.txt": text}))["a"]
    assert one.handed_in == time
    assert [remark.startswith("timestamp.txt ") for remark in one.remarks] == ([] if time else [True])
    assert one.load().files == {}


def test_a_stamp_in_a_learners_own_archive_counts_for_nothing(tmp_path):
    own = packed({BOOK: b"{}", "timestamp.txt": b"2000-01-01 00:00:00 UTC", f"{TASK}/timestamp.txt": b"2000-01-01"})
    assert found(write(tmp_path, {"a.zip": own}))["a"].handed_in == ""
    assert found(write(tmp_path, {f"b/{TASK}/own.zip": own}))["b"].handed_in == ""


def test_a_wrong_file_with_the_assignments_name_is_told(tmp_path):
    taken = found(write(tmp_path, {f"bob_{TASK}.pdf": b"", "a.ipynb": b"{}", "grades.csv": b"", "notes.pdf": b""}))
    assert {name: one.problem for name, one in taken.items()} == {
        "a": "",
        "bob": f"there is no notebook of {TASK}, only bob_{TASK}.pdf",
    }


def test_plain_files_and_folders(tmp_path):
    files = {
        "zoe-7.ipynb": b"1",
        f"max_{TASK}.ipynb": b"2",
        f"{TASK}_tom.ipynb": b"3",
        "kim/work.ipynb": b"4",
        "kim/capstone.safetensors": b"5",
        "ann (1).ipynb": b"6",
        f"lea_{OTHER}.ipynb": b"7",
        "eve.ipynb.txt": b"8",
        "sam.zip": packed(
            {"own/mine.ipynb": b"9", "own/capstone.safetensors": b"10", "__MACOSX/own/._mine.ipynb": b""}
        ),
        "notes.md": b"",
    }
    taken = loaded(write(tmp_path, files))
    notebooks = {learner: one.notebook for learner, one in taken.items() if not one.problem}
    assert notebooks == {
        "zoe-7": b"1", "max": b"2", "tom": b"3", "kim": b"4", "ann": b"6", "eve": b"8", "sam": b"9"
    }  # fmt: skip
    assert taken["lea"].problem == f"there is no notebook of {TASK}, only lea_{OTHER}.ipynb"
    assert (taken["kim"].files, taken["sam"].files) == (
        {"capstone.safetensors": b"5"},
        {"capstone.safetensors": b"10"},
    )
    assert taken["kim"].remarks == (f"the notebook is called work.ipynb, not {BOOK}",)
    assert taken["sam"].remarks == (f"the notebook is called own/mine.ipynb, not {BOOK}",)
    assert taken["zoe-7"].remarks == ()


MOODLE = {
    f"Zoe One_12_assignsubmission_file_/{BOOK}": b"old form",
    "Zoe One_12_assignsubmission_onlinetext_/onlinetext.html": b"hello",
    f"Max Two_13_assignsubmission_file/{BOOK}": b"new form",
    "Max Two_13_assignsubmission_file/sub/capstone.safetensors": b"w",
    f"Ann O'Three-Four_14_assignsubmission_file_{BOOK}": b"flat",
    "Ann O'Three-Four_14_assignsubmission_file_capstone.safetensors": b"w",
    "Tom_15_assignsubmission_onlinetext/onlinetext.html": b"text alone",
    "Default group_assignsubmission_file/mine.ipynb": b"group",
    "Kim_16_assignsubmission_file/own.zip": packed({BOOK: b"in a zip", "capstone.safetensors": b"w"}),
}


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("top", ["", "course-exercise-4260983/"])
def test_moodles_names(tmp_path, as_zip, top):
    files = {top + name: content for name, content in MOODLE.items()}
    place = zipped(tmp_path, packed(files)) if as_zip else write(tmp_path / "class", files)
    taken = loaded(place)
    assert {learner: one.notebook for learner, one in taken.items()} == {
        "Zoe One": b"old form", "Max Two": b"new form", "Ann O'Three-Four": b"flat", "Tom": b"",
        "Default group": b"group", "Kim": b"in a zip",
    }  # fmt: skip
    assert taken["Max Two"].files == {"sub/capstone.safetensors": b"w"}
    assert taken["Ann O'Three-Four"].files == taken["Kim"].files == {"capstone.safetensors": b"w"}
    assert taken["Zoe One"].files == {}
    assert taken["Tom"].problem == f"there is no notebook of {TASK}"


def test_two_people_of_one_name_stay_two(tmp_path):
    names = [f"Zoe One_{number}_assignsubmission_file/{BOOK}" for number in (12, 13)]
    taken = loaded(zipped(tmp_path, packed({names[0]: b"1", names[1]: b"2"})))
    assert {learner: one.notebook for learner, one in taken.items()} == {"Zoe One_12": b"1", "Zoe One_13": b"2"}
    assert "2 have this name" in taken["Zoe One_12"].remarks[0]


def test_canvas_names_and_resubmissions(tmp_path):
    files = {
        f"onezoe_340934_208490284_{BOOK}": b"first",
        f"onezoe_340934_208490299_{TASK}-1.ipynb": b"second",
        "twomax_LATE_334244_394803489_mine.ipynb": b"late",
        "twomax_LATE_334244_394803490_capstone-2.safetensors": b"w",
        f"LATE_anon_ab12c_394803491_{BOOK}": b"nameless",
        "threeann_334245_394803492_report.pdf": b"",
    }
    taken = loaded(zipped(tmp_path, packed(files)))
    assert {learner: one.notebook for learner, one in taken.items()} == {
        "onezoe_340934": b"second", "twomax_334244": b"late", "anon_ab12c": b"nameless", "threeann_334245": b""
    }  # fmt: skip
    assert taken["onezoe_340934"].remarks == (
        f"2 notebooks were handed in: {TASK}-1.ipynb was taken (Canvas received it last), not {BOOK}",
    )
    assert taken["onezoe_340934"].files == {}
    assert "Canvas calls it late" in taken["twomax_334244"].remarks
    assert "Canvas calls it late" in taken["anon_ab12c"].remarks
    assert taken["twomax_334244"].files == {"capstone-2.safetensors": b"w", "capstone.safetensors": b"w"}
    assert taken["threeann_334245"].problem == f"there is no notebook of {TASK}, only report.pdf"


def test_names_that_only_look_like_canvas_names():
    assert by_system("zoe_2026_11_20_01_autoencoder_to_vae.ipynb") is None
    assert by_system("zoe_attempt_1_01_autoencoder_to_vae.ipynb") is None
    assert by_stem("zoe_attempt_1_01_autoencoder_to_vae", [TASK]).name == "zoe"
    assert by_stem(TASK, [TASK]) is None
    two = [by_stem(f"anna_{name}_{TASK}", [TASK]).name for name in ("schmidt", "meyer")]
    assert two == ["anna_schmidt", "anna_meyer"]


def test_archives_of_classes_in_a_folder_are_taken_for_what_they_hold(tmp_path):
    one, two = ({f"{name}_{i}_assignsubmission_file/{BOOK}": b"{}"} for i, name in enumerate(("Zoe", "Max")))
    assert set(found(write(tmp_path, {"group 1.zip": packed(one), "group 2.zip": packed(two)}))) == {"Zoe", "Max"}


def test_a_learners_archive_cannot_hand_in_for_another(tmp_path):
    forged = packed({f"max_7_assignsubmission_file/{BOOK}": b"forged"})
    taken = loaded(write(tmp_path, {"max.ipynb": b"honest", "zoe.zip": forged}))
    assert {learner: one.notebook for learner, one in taken.items()} == {"max": b"honest", "zoe": b"forged"}
    both = loaded(write(tmp_path / "zips", {"max.zip": packed({BOOK: b"honest"}), "zoe.zip": forged}))
    assert {learner: one.notebook for learner, one in both.items()} == {"max": b"honest", "zoe": b"forged"}


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_folder_around_a_class_is_taken_off(tmp_path, as_zip):
    files = {"all/a/x.ipynb": b"1", "all/b/y.ipynb": b"2"}
    place = zipped(tmp_path, packed(files)) if as_zip else write(tmp_path / "class", files)
    assert set(found(place)) == {"a", "b"}
    alone = {"zoe/x.ipynb": b"1", "zoe/data.csv": b""}
    place = zipped(tmp_path, packed(alone)) if as_zip else write(tmp_path / "one", alone)
    assert set(found(place)) == {"zoe"}
    flat = zipped(tmp_path, packed({"all/a.ipynb": b"1", "all/b.ipynb": b"2"}))
    assert set(found(flat)) == {"a", "b"}


def test_a_single_notebook_without_a_learner_has_its_folders_name(tmp_path):
    assert found(write(tmp_path / "zoe", {BOOK: b"{}"}))["zoe"].problem == ""


# Choosing


def test_of_several_notebooks_the_named_one_then_the_newest_is_taken_and_told(tmp_path):
    named = loaded(write(tmp_path / "1", {f"a/{BOOK}": b"1", "a/scratch.ipynb": b"2"}))["a"]
    assert (named.notebook, named.files) == (b"1", {})
    assert named.remarks == (f"2 notebooks were handed in: {BOOK} was taken (by its name), not scratch.ipynb",)
    newest = loaded(write(tmp_path / "2", {"a/one.ipynb": b"1", "a/two.ipynb": b"2", "a/three.ipynb": b"3"}))["a"]
    assert newest.notebook == b"3"
    assert "three.ipynb was taken (its file is the newest), not one.ipynb, two.ipynb" in newest.remarks[1]
    twice = loaded(write(tmp_path / "3", {"a.ipynb": b"1", f"a_{TASK}.ipynb": b"2", "a/b.ipynb": b"3"}))["a"]
    assert twice.notebook == b"2"
    same = loaded(zipped(tmp_path, packed({"a/one.ipynb": b"1", "a/two.ipynb": b"2", "b/x.ipynb": b""})))["a"]
    assert "their times are the same" in same.remarks[1]


def test_a_stamped_notebook_comes_before_one_of_unknown_time(tmp_path):
    files = {f"a/{TASK}/{BOOK}": b"1", f"a/{TASK}/timestamp.txt": b"2026-11-20 10:00:00", f"a_{TASK}.ipynb": b"2"}
    one = loaded(write(tmp_path, files))["a"]
    assert (one.notebook, one.handed_in) == (b"1", "2026-11-20T10:00:00+00:00")
    assert "by its time of handing in" in one.remarks[0]


def test_files_that_do_not_lie_beside_the_notebook_are_told(tmp_path):
    one = loaded(write(tmp_path, {f"a/x/{BOOK}": b"{}", "a/x/in.csv": b"", "a/out.csv": b"", "a/y/far.csv": b""}))["a"]
    assert one.files == {"in.csv": b""}
    assert one.remarks == ("left out, because they do not lie beside the notebook: out.csv, y/far.csv",)


# What goes wrong


def test_what_is_no_notebook_on_the_disk_is_a_problem_of_its_learner_alone(tmp_path):
    secret = write(tmp_path / "elsewhere", {"secret.ipynb": b"secret"}) / "secret.ipynb"
    folder = write(tmp_path / "class", {f"a/{BOOK}": b"fine", f"deep/{'x/' * 12}{BOOK}": b"", "f/notes.txt": b""})
    for learner in "bcdeg":
        (folder / learner).mkdir()
    (folder / "b" / BOOK).symlink_to(secret)
    (folder / "c" / BOOK).symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "d" / BOOK)
    (folder / "e" / BOOK).mkdir()
    (folder / "h").symlink_to(secret.parent)
    (folder / "i.ipynb").symlink_to(secret)
    (folder / "j.ipynb").mkdir()
    taken = loaded(folder)
    assert taken.pop("a").notebook == b"fine"
    assert {learner: one.problem for learner, one in taken.items()} == {
        "b": f"{BOOK} is a link, and links are not followed",
        "c": f"{BOOK} is a link, and links are not followed",
        "d": f"{BOOK} is a device, a pipe or a socket, not a file",
        "e": f"{BOOK} is a folder, not a notebook",
        "f": f"there is no notebook of {TASK}, only notes.txt",
        "g": f"there is no notebook of {TASK}",
        "h": f"there is no notebook of {TASK}; h is a link, and links are not followed",
        "i": "i.ipynb is a link, and links are not followed",
        "j": "j.ipynb is a folder, not a notebook",
        "deep": f"there is no notebook of {TASK}; {'x/' * 7}x is more than 8 folders deep",
    }
    assert all(one.notebook == b"" for one in taken.values())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other users reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_files_and_folders_without_permission(open_folder):
    folder = write(open_folder, {f"a/{BOOK}": b"{}", f"b/{BOOK}": b"{}", f"c/{BOOK}": b"{}"})
    (folder / "b" / BOOK).chmod(0)
    (folder / "c").chmod(0)
    user = os.geteuid()
    if user == 0:  # whom no permission binds
        os.seteuid(65534)
    try:
        problems = {learner: one.problem for learner, one in loaded(folder).items()}
    finally:
        os.seteuid(user)
        (folder / "c").chmod(0o755)
    assert problems == {
        "a": "",
        "b": f"{BOOK} cannot be read (Permission denied)",
        "c": f"there is no notebook of {TASK}; c cannot be read (Permission denied)",
    }


def test_what_vanishes_or_turns_into_a_link_is_told_when_it_is_read(tmp_path):
    folder = write(tmp_path, {f"a/{BOOK}": b"{}", f"b/{BOOK}": b"{}", "b/x.csv": b"", f"c/{BOOK}": b"{}"})
    one, two, three = collect(folder, TASK)
    (folder / "a" / BOOK).unlink()
    (folder / "b/x.csv").unlink()
    (folder / "c" / BOOK).unlink()
    (folder / "c" / BOOK).symlink_to(folder / "b" / BOOK)
    assert one.load().problem == f"{BOOK} cannot be read (No such file or directory)"
    assert two.load().remarks == ("x.csv cannot be read (No such file or directory), and was left out",)
    assert three.load().problem.startswith(f"{BOOK} cannot be read (Too many levels of symbolic links")


def test_limits_of_sizes_and_numbers(tmp_path, monkeypatch):
    assert (choosing.LARGEST_NOTEBOOK, choosing.LARGEST_FILES, choosing.MOST_FILES) == (50_000_000, 20_000_000, 50)
    folder = write(tmp_path, {f"a/{BOOK}": b"{}", f"b/{BOOK}": b"", "b/1.csv": b"", "b/2.csv": b"1", "b/3.csv": b""})
    with (folder / "a" / BOOK).open("r+b") as file:
        file.truncate(50_000_001)
    with (folder / "b" / "3.csv").open("r+b") as file:
        file.truncate(20_000_000)
    taken = loaded(folder)
    assert taken["a"].problem == f"{BOOK} is larger than 50 MB"
    assert set(taken["b"].files) == {"1.csv", "2.csv"}
    assert "20 MB and 50 files together: 3.csv" in taken["b"].remarks[0]
    for i in range(60):
        (folder / "b" / f"more{i}.csv").write_bytes(b"")
    assert len(loaded(folder)["b"].files) == 50
    monkeypatch.setattr(archives, "MOST", 30)
    assert "b holds more than 30 files; the rest was left out, and was left out" in loaded(folder)["b"].remarks


def craft(tmp_path: Path, files: dict[str, bytes], old: bytes = b"", new: bytes = b"") -> Path:
    """A class's archive with its bytes changed: names and their replacements have the same length."""
    return zipped(tmp_path, packed(files).replace(old, new) if old else packed(files))


FINE = {f"a/{BOOK}": b"fine"}


def test_paths_out_of_an_archive_are_refused(tmp_path):
    files = {**FINE, f"b/../../{BOOK}": b"", f"/c/{BOOK}": b"", f"C:\\d\\{BOOK}": b"", f"e\\{BOOK}": b"windows"}
    taken = loaded(craft(tmp_path, files))
    out = f"{BOOK} has a path that leads out of its archive"
    problems = {learner: one.problem for learner, one in taken.items()}
    assert problems == {"a": "", "b": out, "c": out, "C_": f"d/{out}", "e": ""}
    assert taken["e"].notebook == b"windows"
    inside = craft(tmp_path, {"a/own.zip": packed({BOOK: b"fine", "../../beside.csv": b""}), "b/x.ipynb": b""})
    assert loaded(inside)["a"].files == {}
    assert "beside.csv has a path that leads out of its archive, and was left out" in loaded(inside)["a"].remarks


def test_names_that_stand_twice_in_an_archive(tmp_path):
    names = [f"a/{BOOK}", f"b/{BOOK}", f"b/./{BOOK}", f"c/{BOOK}", f"C/{BOOK}", f"d/{BOOK}", "d/x", "d/y"]
    crafted = craft(tmp_path, {name: name.encode() for name in names}, f"C/{BOOK}".encode(), f"c/{BOOK}".encode())
    crafted.write_bytes(crafted.read_bytes().replace(b"d/y", b"d/x"))
    taken = loaded(crafted)
    twice = f"{BOOK} is 2 times in its archive"
    assert [one.problem for one in taken.values()] == ["", twice, twice, ""]
    assert (taken["d"].files, taken["d"].remarks) == ({}, ("x is 2 times in its archive, and was left out",))


def test_links_encrypted_and_oddly_packed_members(tmp_path):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"a/{BOOK}", "fine")
        link = zipfile.ZipInfo(f"b/{BOOK}")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, f"../a/{BOOK}")
        archive.writestr(f"c/{BOOK}", "x" * 99, zipfile.ZIP_BZIP2)
        archive.writestr(f"d/{BOOK}", "secret")
    content = bytearray(buffer.getvalue())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.rindex(signature) + flags] |= 1
    taken = loaded(zipped(tmp_path, bytes(content)))
    assert {learner: one.problem for learner, one in taken.items()} == {
        "a": "",
        "b": f"{BOOK} is a link, and links are not followed",
        "c": f"{BOOK} is packed by another method than deflate",
        "d": f"{BOOK} is encrypted",
    }


def test_bombs_are_stopped_by_their_declared_size_and_by_their_real_one(tmp_path):
    large = packed({f"a/{BOOK}": bytes(50_000_001), f"b/{BOOK}": b"fine", "b/x.bin": bytes(20_000_001)})
    taken = loaded(zipped(tmp_path, large))
    assert (taken["a"].problem, taken["b"].notebook, taken["b"].files) == (f"{BOOK} is larger than 50 MB", b"fine", {})
    size = (50_000_001).to_bytes(4, "little")
    lying = loaded(zipped(tmp_path, large.replace(size, (7).to_bytes(4, "little"))))
    assert lying["a"].problem.startswith(f"{BOOK} cannot be read (Bad CRC-32")
    inner = packed({"x.bin": bytes(leaf.LARGEST + 1)})
    nested = packed({"a/own.zip": packed({BOOK: b"fine", "inner.zip": inner}), "b/x.ipynb": b""})
    assert loaded(zipped(tmp_path, nested))["a"].files == {"inner.zip": inner}  # an archive in an archive stays packed
    huge = packed({"a/own.zip": bytes(leaf.LARGEST + 1), f"b/{BOOK}": b""})
    assert "own.zip is larger than 100 MB" in loaded(zipped(tmp_path, huge))["a"].problem


def test_an_archive_of_very_many_files_is_not_even_listed(tmp_path):
    many = packed({f"{i}.csv": b"" for i in range(archives.MOST)} | {BOOK: b"{}"})
    one = loaded(zipped(tmp_path, packed({"a/own.zip": many, "b/x.ipynb": b""})))["a"]
    assert one.problem == f"there is no notebook of {TASK}; own.zip holds more than 2,000 files"


def test_broken_archives(tmp_path):
    whole = packed({BOOK: b"{}" * 1000})
    files = {"a.zip": whole[:-30], "b.zip": b"", "c.zip": whole, "d.rar": b"Rar!", "e.zip": packed({})}
    taken = loaded(write(tmp_path / "class", files))
    assert taken["a"].problem == f"there is no notebook of {TASK}; a.zip cannot be read (File is not a zip file)"
    assert [taken[learner].problem[:21] for learner in "bde"] == ["there is no notebook "] * 3
    assert taken["c"].notebook == b"{}" * 1000
    for path in (zipped(tmp_path, b"PK"), tmp_path / "missing", Path("/dev/null")):
        with pytest.raises(
            ValueError, match=r"submissions must be a folder .* got .*, which (cannot be read|is a device)"
        ):
            collect(path, TASK)


def test_names_in_other_alphabets_and_in_none(tmp_path):
    files = {**FINE, "Zoë Ålund_12_assignsubmission_file/x.ipynb": b"1", "李明_13_assignsubmission_file/x.ipynb": b"2"}
    assert set(found(craft(tmp_path, files))) == {"a", "Zoë Ålund", "李明"}
    unmarked = craft(tmp_path, {**FINE, "Zo##/x.ipynb": b"1"}, b"Zo##", "Zoë".encode())
    assert set(found(unmarked)) == {"a", "Zoë"}
    neither = found(craft(tmp_path, {**FINE, "Zo#/x.ipynb": b"1"}, b"Zo#", b"Zo\xff"))
    assert set(neither) == {"a", "Zo_"}
    assert neither["Zo_"].remarks[0].endswith("cannot name a folder and is called Zo_ here")
    with pytest.raises(ValueError, match="its names are UTF-8, and one is not"):
        collect(craft(tmp_path, {"é/x.ipynb": b"1"}, "é".encode(), b"\xff\xff"), TASK)


def test_names_on_the_disk_that_are_not_utf8_or_name_no_folder_elsewhere(tmp_path):
    for name in (b"b\xe9", b"b\xff", b"c:d", b"e.", b" f", b"g\x01"):
        os.mkdir(bytes(tmp_path) + b"/" + name)
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name + b"/x.ipynb")).write_bytes(name)
    Path(os.fsdecode(bytes(tmp_path) + b"/e./\xff.csv")).write_bytes(b"")
    taken = loaded(tmp_path)
    assert {learner: one.notebook for learner, one in taken.items()} == {
        "b_": b"b\xe9", "b_-2": b"b\xff", "c_d": b"c:d", "e": b"e.", "f": b" f", "g_": b"g\x01"
    }  # fmt: skip
    assert taken["e"].files == {}
    assert "no file can have such a name: �.csv" in taken["e"].remarks[-1]
    assert all("cannot name a folder" in one.remarks[0] for one in taken.values())
    assert all(one.sha256 and one.learner.encode() for one in taken.values())


def test_one_name_in_two_forms_of_unicode_is_one_learner(tmp_path):
    taken = loaded(write(tmp_path, {"Zoë.ipynb": b"1", "Zoë_" + BOOK: b"2"}))
    assert {learner: one.notebook for learner, one in taken.items()} == {"Zoë": b"2"}
    assert "2 notebooks were handed in" in taken["Zoë"].remarks[0]


def test_learners_whose_names_differ_in_capitals_are_told(tmp_path):
    taken = found(zipped(tmp_path, packed({"zoe/x.ipynb": b"1", "Zoe/x.ipynb": b"2", "max/x.ipynb": b"3"})))
    assert "differs in capital letters alone from Zoe" in taken["zoe"].remarks
    assert "differs in capital letters alone from zoe" in taken["Zoe"].remarks
    assert len(taken["max"].remarks) == 1


def test_a_file_and_a_folder_of_one_name_are_not_both_placed(tmp_path):
    own = packed({BOOK: b"{}", "x": b"", "x/y.csv": b"", "z" * 300: b""})
    one = loaded(write(tmp_path, {"a.zip": own}))["a"]
    assert one.files == {"x": b""}
    assert "x/y.csv" in one.remarks[-1]


def test_what_was_found_goes_to_other_processes_and_nothing_is_written(tmp_path, monkeypatch):
    folder = write(tmp_path / "class", {**NBGRADER, "d.zip": packed({BOOK: b"{}"})})
    before = sorted(tmp_path.rglob("*"))
    collected = collect(folder, TASK)
    assert [pickle.loads(pickle.dumps(one)).load() for one in collected] == [one.load() for one in collected]
    assert sorted(tmp_path.rglob("*")) == before
    monkeypatch.chdir(tmp_path)
    assert [one.load() for one in collect(Path("class"), TASK)] == [one.load() for one in collected]


@given(st.text())
def test_every_name_is_made_usable(name):
    usable = folder_name(name)
    check_learner(usable)
    assert folder_name(usable) == usable
    assert usable.encode()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)))
@settings(max_examples=50, deadline=None)
def test_each_entry_of_an_archive_is_somebodys(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("class")
    paths = {f"{name}_{i}_assignsubmission_file/{BOOK}": str(i).encode() for i, name in enumerate(names)}
    read = [one.load() for one in collect(zipped(folder, packed(paths)), TASK)]
    odd = [name for name in names if set("/\\") & set(name) or name[0] in "._" or name[1:2] == ":"]
    assert {one.notebook for one in read} >= {str(i).encode() for i, name in enumerate(names) if name not in odd}


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mangled_archive_of_one_learner_never_stops_the_others(tmp_path_factory, data):
    own = bytearray(packed({BOOK: b"{}" * 50, "x.csv": b"1,2"}))
    for _ in range(data.draw(st.integers(1, 6))):
        own[data.draw(st.integers(0, len(own) - 1))] = data.draw(st.integers(0, 255))
    folder = write(tmp_path_factory.mktemp("class"), {"a.zip": bytes(own), "b.ipynb": b"fine"})
    taken = loaded(folder)
    assert taken["b"].notebook == b"fine"
    assert taken["a"].notebook or taken["a"].problem

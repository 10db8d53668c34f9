"""Datasets of the Hugging Face Hub as corpora, read by ranges and never downloaded whole.

    ssrl build text/masked_span --source hf://datasets/ORG/NAME --out spans
    ssrl build text/final_answer --source "hf://datasets/ORG/NAME@v1.0/data/train-*.parquet?problem=q&answer=a" ...

The revision (a branch, a tag or a commit; `refs%2Fconvert%2Fparquet` with its slashes quoted) is resolved to a commit
once, when the corpus is named, and the commit is part of each row's origin: who names one builds the same a year later.
Behind the repository may stand a file, a folder or a glob, and behind `?` the columns as in `_columns`.

What is read is what `_tables` reads, JSONL and Parquet. Listing reads the footers of Parquet files and the whole of
JSONL files; opening reads row groups, or blocks of JSONL, each once per process.
"""

from __future__ import annotations

import fnmatch
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, unquote

from ssrl_data.core import Record, Reject, SsrlError
from ssrl_data.sources._descriptor import stated_columns
from ssrl_data.sources._spill import spill
from ssrl_data.sources._tables import SUFFIXES, Lines, Table, table
from ssrl_data.sources.base import Entry, Source, written_record

SCHEME = "hf://"
BLOCK = 1 << 22
"""Bytes that are asked for at once, 4 MiB."""

_ADDRESS = re.compile(
    r"hf://datasets/(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/?]+))?(?:/(?P<path>[^?]*))?(?:\?(?P<columns>.*))?"
)
_TABLES = 8
"""Tables that a process keeps open."""

SPDX = {
    name.lower(): name
    for name in (
        *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unlicense", "WTFPL", "PDDL-1.0"),
        *("CC0-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
        *("CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0"),
        *("CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0"),
        *("MPL-2.0", "EPL-2.0", "AFL-3.0", "Artistic-2.0", "BSL-1.0", "EUPL-1.1", "EUPL-1.2", "ECL-2.0", "OFL-1.1"),
        *("MS-PL", "NCSA", "PostgreSQL", "OSL-3.0"),
    )
} | {"odc-by": "ODC-By-1.0", "odbl": "ODbL-1.0", "bsd-3-clause-clear": "BSD-3-Clause-Clear"}
"""Licences as cards name them, to SPDX. Those that leave the version open, such as `gpl` and `cc`, are unknown."""


@dataclass(frozen=True)
class Hub(Source):
    """Tables of a dataset repository at one commit, in the byte order of their paths.

    A key is `data/train.parquet//row 16`, as in `_tables`, and is its own group where no column names the document.

    Attributes:
        repo: `ORG/NAME`.
        commit: the commit that is read.
        path: a file, a folder or a glob; empty: all tables.
        columns: role to column, as stated in the address.
        license: SPDX expression of the dataset's card, else what the user says of unknown licences.
    """

    repo: str
    commit: str
    path: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    license: str = "unknown"

    @classmethod
    def claims(cls, address: str) -> bool:
        """Whether it begins with `hf://`."""
        return address.startswith(SCHEME)

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Hub:
        """The dataset at an address, at the commit that its revision names now.

        Raises:
            SsrlError: the address is malformed, the Hub cannot be reached, or it does not give the dataset.
        """
        found = _ADDRESS.fullmatch(address)
        if not found:
            raise SsrlError(f"{address}: write hf://datasets/ORG/NAME, with @REVISION or /PATH behind it if need be")
        columns = dict(parse_qsl(found["columns"] or "", keep_blank_values=True))
        stated = stated_columns(columns, address)
        from huggingface_hub import HfApi

        revision = unquote(found["revision"] or "main")
        with _network(found["repo"]):
            info = HfApi().dataset_info(found["repo"], revision=revision)
        if not info.sha:
            raise SsrlError(f"{address}: the server does not say which commit this is, so no build could be repeated")
        named = _license(info.card_data.get("license") if info.card_data else None)
        return cls(
            found["repo"],
            info.sha,
            unquote(found["path"] or "").strip("/"),
            tuple(sorted(stated.items())),
            license if license and named == "unknown" else named,
        )

    def entries(self) -> Iterator[Entry]:
        """Every record of the tables named.

        Raises:
            SsrlError: there is no such table, a stated column is not there, or the Hub cannot be reached.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        with _network(self.repo):
            tree = HfApi().list_repo_tree(self.repo, recursive=True, revision=self.commit, repo_type="dataset")
            files = {item.path: item for item in tree if isinstance(item, RepoFile) and self._names(item.path)}
        if not files:
            raise SsrlError(
                f"hf://datasets/{self.repo}@{self.commit}: no table {self.path or ''} that ends in "
                f"{', '.join(SUFFIXES)}: name one of its other paths, or the revision refs%2Fconvert%2Fparquet"
            )
        for path in sorted(files, key=str.encode):
            whole = Entry(
                key=path,
                group=path,
                license=self.license,
                attribution=self.repo,
                origin=f"https://huggingface.co/datasets/{self.repo}/tree/{self.commit}",
                media="text",
                stamp=files[path].blob_id,
            )
            try:
                for inside in self._table(path).listed():
                    key = f"{path}//{inside.name}"
                    group = f"{path}//{inside.group}" if inside.group else key
                    yield _replaced(whole, key, group, inside.media, inside.part)
            except Reject:  # opening it says why
                yield whole

    def open(self, entry: Entry) -> Record:
        """The record of one entry.

        Raises:
            Reject: the table cannot be read, or the record, as in `_tables`.
            SsrlError: the Hub cannot be reached; what is built is kept, and the same command goes on.
        """
        path, inside, _ = entry.key.rpartition("//")
        opening = self._table(path if inside else entry.key)
        if not inside:
            for _ in opening.listed():
                pass
            raise Reject("changed since it was listed")
        found, content = opening.opened(entry.part)
        return written_record(entry, found, content)

    def _names(self, path: str) -> bool:
        """Whether a file is one of the tables meant."""
        meant = (
            not self.path
            or path == self.path
            or path.startswith(f"{self.path}/")
            or fnmatch.fnmatchcase(path, self.path)
        )
        return meant and path.lower().endswith(SUFFIXES)

    def _table(self, path: str) -> Table:
        return _table(self.repo, self.commit, path, self.columns)


def _replaced(entry: Entry, key: str, group: str, media: str, part: tuple[int, int]) -> Entry:
    return Entry(key, group, entry.license, entry.attribution, entry.origin, media=media, part=part, stamp=entry.stamp)


@lru_cache(maxsize=_TABLES)
def _table(repo: str, commit: str, path: str, columns: tuple[tuple[str, str], ...]) -> Table:
    opener = partial(_open, repo, commit, path)
    if path.lower().endswith((".gz", ".parquet")):
        return table(path, opener, dict(columns))
    return _Blocks(path, opener, dict(columns))


def _open(repo: str, commit: str, path: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Ranges(repo, commit, path), BLOCK))


class _Blocks(Lines):
    """A JSONL whose lines are asked for one by one and fetched block by block."""

    def read(self, start: int, length: int) -> bytes:
        """As that of lines."""
        out, end = [], start + length
        while start < end:
            block, at = divmod(start, BLOCK)
            piece = min(end - start, BLOCK - at)
            out.append(spill().read((self._token, block), partial(self._block, block), at, piece))
            start += piece
        return b"".join(out)

    def _block(self, number: int) -> Iterator[bytes]:
        file = self.kept()
        file.seek(number * BLOCK)
        yield file.read(BLOCK)


class _Ranges(io.RawIOBase):
    """A file of the Hub, each read of which is one request."""

    def __init__(self, repo: str, commit: str, path: str) -> None:
        from huggingface_hub import HfFileSystem

        super().__init__()
        self._name = f"{repo}, {path}"
        with _network(self._name):
            self._file: Any = HfFileSystem().open(f"datasets/{repo}@{commit}/{path}", "rb", cache_type="none")
        self.size: int = self._file.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        wanted = max(0, min(len(buffer), self.size - self.tell()))
        if wanted == 0:
            return 0
        at = self.tell()
        with _network(self._name):
            data = self._file.read(wanted)
        if len(data) == self.size:  # some mirrors send the whole file whatever was asked for
            data = data[at : at + wanted]
        if len(data) != wanted:
            raise SsrlError(
                f"{self._name}: the server gave {len(data)} bytes for the {wanted} asked for: use another HF_ENDPOINT"
            )
        buffer[:wanted] = data
        return wanted


def _license(named: object) -> str:
    """The SPDX expression of what a card names, one licence or a list; unknown where it is not sure."""
    listed = named if isinstance(named, list) else [named]
    known = {SPDX.get(str(name).lower(), "unknown") for name in listed}
    return "unknown" if "unknown" in known or not known else " AND ".join(sorted(known))


@contextmanager
def _network(what: str) -> Iterator[None]:
    """What goes wrong between here and the Hub is not the record's fault: the build stops and can go on later."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise SsrlError(
            f"{what}: its owner asks who reads it: accept the conditions on its page and sign in with `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise SsrlError(
            f"{what}: the Hub has no such dataset for you: check the name, or sign in with `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise SsrlError(f"{what}: it has no such revision: name a branch, a tag or a whole commit hash") from error
    except errors.OfflineModeIsEnabled as error:
        raise SsrlError(f"{what}: the Hub is switched off by HF_HUB_OFFLINE: unset it, or name local files") from error
    except FileNotFoundError as error:
        raise SsrlError(f"{what}: the Hub does not have it at this commit: name a path that it has") from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        said = " ".join(str(error).split())[:200]
        raise SsrlError(f"{what}: the Hub cannot be read ({said}): run the same command when it can") from error

"""A bundle for a repository with a DOI: an export with codebook, schemas, figures, method sheet, licence and hashes."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory

from pytomo_scrapy.analysis.publication.publication import Publication
from pytomo_scrapy.analysis.publication.words import AUTHOR, LICENSE
from pytomo_scrapy.exchange.column_schema import CODEBOOK_FILE, codebook, json_schema
from pytomo_scrapy.exchange.export_run import ExportChoice, Exported, export_as
from pytomo_scrapy.exchange.licenses import NO_LICENSE
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.reporting.method_sheet import method_sheet
from pytomo_scrapy.storage.database import Database

HASHES = "SHA256SUMS"
_FILES = {
    "README.md": "this text: what is here, which rows figures count, every column, what to publish",
    "export.json": "the same for programs: versions, selection, refusals, figures, files and columns",
    CODEBOOK_FILE: "every column of every table: kind, unit, definition, when it is empty",
    "schemas/": "a JSON schema of each table's rows",
    "method-sheet.pdf": "how it was measured, on one page",
    "figures.json": "the figures to publish with their method, in SI units",
    "plans/": "every version of the plans of studies: as written (.toml), and what the SHA-256 covers (.json)",
    "CITATION.cff": "how to cite these data",
    HASHES: "SHA-256 of every other file: sha256sum -c SHA256SUMS",
}


def write_bundle(database: Database, target: Path, choice: ExportChoice) -> list[str]:
    """Write a bundle into a new or empty folder, or into a new file where the name ends in .zip. Return its files.

    It is there when it is whole. Raises SettingError where the choice or the target cannot be used, StorageError where
    database or disk cannot.
    """
    is_zip = target.suffix.lower() == ".zip"
    try:
        if is_zip and target.exists():
            raise SettingError(f"The file {target} is there already: name another one.")
        if not is_zip and target.exists() and any(target.iterdir()):
            raise SettingError(f"The folder {target} is not empty: choose a new or an empty folder.")
        # The whole takes the place of an empty folder: whoever stands in that one would go on seeing nothing.
        if target.resolve() == Path.cwd():
            raise SettingError(f"The folder {target} is the one that this runs in: name a new folder in it.")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, as a rename is one step within a file system alone.
        with TemporaryDirectory(prefix=".pytomo-bundle-", dir=target.parent) as made:
            folder = Path(made) / (target.stem if is_zip else target.name)
            export_as(database, folder, choice, more=lambda exported: _complete(folder, exported))
            names = sorted(_names(folder))
            if is_zip:
                _zip(folder, part := Path(made) / "part.zip")
                part.replace(target)
            else:
                folder.replace(target)
    except OSError as error:
        raise StorageError(f"The bundle {target} could not be written: {error.strerror or error}.") from error
    return names


def _complete(folder: Path, made: Exported) -> None:
    """Write what a bundle has beside an export; the hashes last."""
    (folder / CODEBOOK_FILE).write_text(codebook(made.tables), encoding="utf-8")
    schemas = folder / "schemas"
    schemas.mkdir()
    for dataset in made.tables:
        (schemas / f"{dataset.name}.schema.json").write_text(_json(json_schema(dataset)), encoding="utf-8")
    published = made.facts.publication
    if published is not None:
        (folder / "figures.json").write_text(_json(published.to_dict()), encoding="utf-8")
        (folder / "method-sheet.pdf").write_bytes(method_sheet(published))
        _write_plans(folder / "plans", published)
    if "who" in made.about:
        (folder / "CITATION.cff").write_text(_citation(made), encoding="utf-8")
    readme = folder / "README.md"
    readme.write_text(_with_files(readme.read_text(encoding="utf-8"), folder, made), encoding="utf-8")
    sums = "".join(f"{_digest(folder / name)}  {name}\n" for name in sorted(_names(folder)))
    (folder / HASHES).write_text(sums, encoding="utf-8")


def _write_plans(folder: Path, published: Publication) -> None:
    """Write every version of every plan: as it was written, and what its hash covers."""
    for number, part in enumerate(published.studies, 1):
        folder.mkdir(exist_ok=True)
        for plan in part.study.plans:
            # A name may hold what no file's name can.
            stem = f"{number}-{re.sub(r'[^A-Za-z0-9_-]+', '-', part.study.name)}-v{plan.version}"
            (folder / f"{stem}.toml").write_text(plan.plan_text, encoding="utf-8")
            (folder / f"{stem}.json").write_bytes(plan.plan_json.encode("utf-8"))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _with_files(readme: str, folder: Path, made: Exported) -> str:
    """Return the README with the files and the licence behind its facts."""
    title, rest = readme.split("\n", 1)
    there = {*_names(folder), HASHES, *(f"{path.name}/" for path in folder.iterdir() if path.is_dir())}
    files = [f"- `{name}`: {what}" for name, what in _FILES.items() if name in there]
    data = [f"- `{file.file_name}`: the table {file.name}" for file in made.written]
    chosen = made.about["license"]
    license_words = (
        "No licence was chosen (`--license`): nobody but you may use these data before you choose one."
        if chosen == NO_LICENSE
        else f"These data are given under the licence {chosen} (https://spdx.org/licenses/)."
    )
    cited = (
        "" if "who" in made.about else "\nNobody is named who measured (`--who`): these data have no CITATION.cff.\n"
    )
    return (
        f"{title}\n{rest.rstrip()}\n\n## Files\n\n"
        + "\n".join([*data, *files])
        + (f"\n\n## Licence\n\n{license_words}\n{cited}")
    )


def _citation(made: Exported) -> str:
    """Return how the data are cited, in the Citation File Format 1.2.0: who measured is an entity by its name."""
    quoted = json.dumps(made.about["who"], ensure_ascii=False)  # a string of JSON is one of YAML
    lines = [
        "cff-version: 1.2.0",
        "message: If you use these data, cite them as below.",
        "type: dataset",
        'title: "Measurements of online video, made with pytomo-scrapy"',
        f"authors:\n  - name: {quoted}",
        f"date-released: '{made.about['exported_at'][:10]}'",
        *([f"license: {made.about['license']}"] if _is_one(made.about["license"]) else []),
        "references:",
        "  - type: software",
        "    title: pytomo-scrapy",
        f"    version: {made.about['software_version']}",
        f"    license: {LICENSE}",
        f"    authors:\n      - name: {AUTHOR}",
    ]
    return "\n".join(lines) + "\n"


def _is_one(license_text: str) -> bool:
    """Tell whether it is one licence of SPDX's list: the format knows neither expressions nor own licences."""
    return license_text != NO_LICENSE and " " not in license_text and not license_text.startswith("LicenseRef-")


def _names(folder: Path) -> Iterable[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as packed:
        for name in sorted(_names(folder)):
            packed.write(folder / name, f"{folder.name}/{name}")

"""Messages that users read, kept in text files.

``SCIML_UPDATE_SNAPSHOTS=1 pytest`` rewrites them; the diff is then read by a person.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"
RULE = "=" * 80


def load(name):
    """Return the sections of a snapshot file: title -> text."""
    path = FOLDER / f"{name}.txt"
    if not path.exists():
        return {}
    sections = path.read_text().split(f"{RULE}\n")[1:]
    return {title: body.rstrip("\n") for title, _, body in (s.partition("\n") for s in sections)}


def check(name, title, text):
    """Compare one section, or write it when updating."""
    if os.environ.get("SCIML_UPDATE_SNAPSHOTS"):
        sections = load(name) | {title: text}
        content = "".join(f"{RULE}\n{t}\n{b}\n" for t, b in sorted(sections.items()))
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.txt").write_text(content)
        return
    assert text == load(name).get(title), f"the message of {title!r} changed; see tests/snapshot.py"

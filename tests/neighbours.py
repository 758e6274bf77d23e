"""A user's files in a folder that a command writes to, and what is left of them."""

import os

HALF_WRITTEN = f".{'0a' * 32}-abcd_123.json"
"""A name as a sweep's own temporary files have."""
NEIGHBOURS = [
    ".env",
    ".gitignore",
    ".config/.token",
    ".git/.keep",
    "proj/.env",
    "proj/.gitignore",
    "proj/.config/.token",
    "proj/.git/HEAD",
    "runs.old/.env",
    "runs/.notes",
    "runs/.abc-12345678.json",
    f"runs/deeper/{HALF_WRITTEN}",
    f"proj/{HALF_WRITTEN}",
    f"failed/x{HALF_WRITTEN}",
    f"{HALF_WRITTEN}",
]


def contents(folder):
    """Every file below a folder, links and what they name included."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def fill(folder, outside):
    """Put a user's files and links into a folder, and files behind the links."""
    for name in NEIGHBOURS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    for name in (".env", HALF_WRITTEN):
        (outside / name).write_text("not in the folder", encoding="utf-8")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "runs" / HALF_WRITTEN).symlink_to(outside / ".env")
    (folder / "failed" / f"{HALF_WRITTEN[:-5]}.txt").mkdir()
    return contents(folder), contents(outside)

"""Builds the wheel of negbank: what pip calls (PEP 517, PEP 660), with the standard library alone.

The package is Python and loads libnegbank when it is imported. Where that library was built beside the sources
(build/libnegbank.so of the checkout, or NEGBANK_LIBRARY), it goes into the wheel; otherwise the installed one is used.
"""
import base64
import hashlib
import os
import pathlib
import re
import sysconfig
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent


def _field(name):
    found = re.search(rf'^{name} = "(.*)"', (HERE / "pyproject.toml").read_text(), re.MULTILINE)
    if not found:
        raise SystemExit(f"pyproject.toml has no {name}")
    return found.group(1)


VERSION = _field("version")


def _metadata():
    lines = [
        "Metadata-Version: 2.1",
        "Name: negbank",
        f"Version: {VERSION}",
        f"Summary: {_field('description')}",
        "License: Apache-2.0",
        f"Requires-Python: {_field('requires-python')}",
        "Requires-Dist: numpy>=1.23",
        "Description-Content-Type: text/markdown",
        "",
        (HERE / "README.md").read_text(encoding="utf-8"),
    ]
    return "\n".join(lines).encode()


def _built_library():
    """The library built beside the sources, or None."""
    said = os.environ.get("NEGBANK_LIBRARY")
    if said:
        return pathlib.Path(said).resolve()
    built = HERE.parent.parent / "build" / "libnegbank.so"
    return built.resolve() if built.exists() else None


def _soname():
    major, minor = VERSION.split(".")[:2]
    return f"libnegbank.so.0.{minor}" if major == "0" else f"libnegbank.so.{major}"


def _write(path, files, tag):
    """A wheel of files {name: bytes}; the same ones give the same bytes."""
    info = f"negbank-{VERSION}.dist-info"
    pure = "true" if tag == "py3-none-any" else "false"
    files[f"{info}/METADATA"] = _metadata()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: negbank\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode()
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, data, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            record.append(f"{name},sha256={digest},{len(data)}")
        record.append(f"{info}/RECORD,,\n")
        entry = zipfile.ZipInfo(f"{info}/RECORD")
        entry.external_attr = 0o644 << 16
        wheel.writestr(entry, "\n".join(record), zipfile.ZIP_DEFLATED)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    package = HERE / "negbank"
    files = {f"negbank/{p.name}": p.read_bytes() for p in sorted(package.glob("*.py"))}
    files["negbank/py.typed"] = b""
    library, tag = _built_library(), "py3-none-any"
    if library:
        files[f"negbank/{_soname()}"] = library.read_bytes()
        tag = "py3-none-" + re.sub("[-.]", "_", sysconfig.get_platform())
    name = f"negbank-{VERSION}-{tag}.whl"
    _write(pathlib.Path(wheel_directory) / name, files, tag)
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = f"negbank-{VERSION}-py3-none-any.whl"
    _write(pathlib.Path(wheel_directory) / name, {"negbank.pth": f"{HERE}\n".encode()}, "py3-none-any")
    return name


def build_sdist(sdist_directory, config_settings=None):
    name = f"negbank-{VERSION}"
    with tarfile.open(pathlib.Path(sdist_directory) / f"{name}.tar.gz", "w:gz") as archive:
        for part in ("pyproject.toml", "README.md", "backend/negbank_build.py"):
            archive.add(HERE / part, f"{name}/{part}")
        for source in [*sorted((HERE / "negbank").glob("*.py")), HERE / "negbank" / "py.typed"]:
            archive.add(source, f"{name}/negbank/{source.name}")
    return f"{name}.tar.gz"

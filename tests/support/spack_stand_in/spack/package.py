"""Stand-in of Spack's package API (v2), as much of it as the recipe uses: a name that it lacks ends the recipe.

Directives are recorded in `recorded`; a call with arguments that Spack's documentation does not have raises. What Spack
itself would do with them (concretize, fetch, build dependencies) is not here.
"""
import os
import re
import subprocess

__all__ = ["Executable", "depends_on", "join_path", "license", "on_package_attributes", "run_after", "variant",
           "version"]

recorded = {"version": {}, "variant": {}, "depends_on": {}, "license": [], "generator": []}
phases = ("cmake", "build", "install")
_name = r"[a-z0-9][a-z0-9-]*"
_spec = re.compile(rf"(?P<name>{_name})(?P<version>@=?[\w.:,=-]+)?(?P<rest>(\s*[+~]\w[\w-]*|\s+\w+=[\w.,:*-]+)*)")


def parse(spec):
    """The name, version range and set of variants of a spec; raises where Spack's parser would."""
    found = _spec.fullmatch(spec) if isinstance(spec, str) else None
    if not found:
        raise ValueError(f"no spec: {spec!r}")
    return found["name"], found["version"] or "", set(re.findall(r"[+~][\w-]+|\w+=\S+", found["rest"]))


def version(ver, checksum=None, *, branch=None, tag=None, commit=None, git=None, url=None, sha256=None,
            preferred=None, deprecated=None, submodules=None):
    if not isinstance(ver, (str, int)) or not re.fullmatch(r"[A-Za-z0-9_][\w.-]*", str(ver)):
        raise ValueError(f"no version: {ver!r}")
    if sum(bool(x) for x in (branch, tag, commit, sha256, checksum)) != 1:
        raise ValueError(f"version {ver}: one of branch, tag, commit, sha256")
    recorded["version"][ver] = branch


def variant(name, default=None, description="", values=None, multi=None, validator=None, when=None, sticky=False):
    if not re.fullmatch(r"\w[\w-]*", name) or name in ("patches", "dev_path", "generator", "build_type", "ipo"):
        raise ValueError(f"no name of a variant: {name!r}")
    if default is None or default == "" or not description:
        raise ValueError(f"variant {name}: no default or no description")
    recorded["variant"][name] = default


def depends_on(spec, when=None, type=("build", "link"), patches=None):
    types = (type,) if isinstance(type, str) else type
    if not types or not set(types) <= {"build", "link", "run", "test"}:
        raise ValueError(f"{spec}: no type of dependency: {type!r}")
    name, versions, variants = parse(spec)
    if name in recorded["depends_on"]:
        raise ValueError(f"{name}: twice")
    recorded["depends_on"][name] = (versions, variants, set(types))


def license(license_identifier, checked_by=None, when=None):
    recorded["license"].append(license_identifier)


def _run(when, names):
    if not names or not set(names) <= set(phases):
        raise ValueError(f"no phase of CMakePackage: {names}")

    def register(function):
        function.stand_in_runs = (when, names)
        return function
    return register


def run_after(*names):
    return _run("after", names)


def on_package_attributes(**wanted):
    def decorate(function):
        def checked(self):
            if all(getattr(self, key, None) == value for key, value in wanted.items()):
                function(self)
        return checked
    return decorate


join_path = os.path.join


class Executable:
    def __init__(self, name):
        self.name = name

    def __call__(self, *words):
        subprocess.run([self.name, *words], check=True)

"""Stand-in of Spack's CMakePackage: see spack/package.py beside."""
from spack import package

# What Spack calls by itself in a package of this kind, and what it reads.
_called = {"cmake_args", "check", "setup_build_environment", "setup_run_environment", "patch", "flag_handler"}
_read = {"homepage", "url", "git", "tags", "build_targets", "install_targets"}


def generator(*names, default=None):
    if not names or not set(names) <= {"make", "ninja"}:
        raise ValueError(f"no generator: {names}")
    package.recorded["generator"].append(default or names[0])


class Prefix(str):
    def __getattr__(self, name):
        return Prefix(f"{self}/{name}")


class CMakePackage:
    def __init_subclass__(cls):
        runs = []
        for name, value in vars(cls).items():
            if name.startswith("__"):
                continue
            if hasattr(value, "stand_in_runs"):
                runs.append((*value.stand_in_runs, value))
            elif callable(value) and name not in _called and not name.startswith("test_"):
                raise TypeError(f"Spack never calls {cls.__name__}.{name}")
            elif not callable(value) and name not in _read:
                raise TypeError(f"Spack reads no {cls.__name__}.{name}")
        cls.runs = runs

    def __init__(self, stage, prefix, variants, run_tests):
        self.stage = stage
        self.prefix = Prefix(prefix)
        self.run_tests = run_tests
        self._variants = {**package.recorded["variant"], **variants}

    def run(self, when, phase):
        for when_, phases, function in self.runs:
            if when_ == when and phase in phases:
                function(self)

    def define(self, cmake_var, value):
        if isinstance(value, bool):
            return f"-D{cmake_var}:BOOL={'ON' if value else 'OFF'}"
        return f"-D{cmake_var}:STRING={';'.join(value) if isinstance(value, (list, tuple)) else value}"

    def define_from_variant(self, cmake_var, variant=None):
        return self.define(cmake_var, self._variants[variant or cmake_var.lower()])

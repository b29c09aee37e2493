"""`python -m bench` runs every benchmark, `python -m bench NAME...` those named; add --small for a quick look.

A benchmark is a module of this package with `run(small: bool) -> None` that prints figures and ratios of one run.
"""

import argparse
from importlib import import_module
from pkgutil import iter_modules

import bench


def names() -> list[str]:
    """Modules of this package that are benchmarks."""
    found = [module.name for module in iter_modules(bench.__path__) if not module.name.startswith("_")]
    return [name for name in found if hasattr(import_module(f"bench.{name}"), "run")]


def main() -> None:
    known = names()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all when left out")
    parser.add_argument("--small", action="store_true", help="a tenth of the data, for a quick look")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(known)
    if unknown:
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}: known are {', '.join(known)}")
    for name in arguments.names or known:
        print(f"\n== {name}")
        import_module(f"bench.{name}").run(small=arguments.small)


if __name__ == "__main__":
    main()

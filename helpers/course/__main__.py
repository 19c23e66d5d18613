"""The author's commands: `python -m helpers.course {build,check,new,lab} --help`."""

import argparse
import signal
import sys
from collections.abc import Mapping
from typing import Any

from helpers.course.source import ROOT, SCALES, SourceError

BUILD = """\
Build the notebooks of chapters from solutions/NN_topic.py: notebooks/NN_topic.ipynb, which a learner opens, and
solutions/NN_topic.ipynb, solved and executed. Chapters are executed one at a time, and only where their code, the
helpers they import, the lock or the data changed. Stops at a notebook that was edited by hand."""

CHECK = """\
Check that chapters are in step with their sources, that both editions run at the scale, that nothing leaks, and that
each exercise's checks accept the solution and refuse wrong answers. Ends with a table; exits with 1 on a failure."""

NEW = "Begin a chapter: write a source, a check module and wrong answers that build and pass as they are."

LAB = "Open JupyterLab on your own copy of the course, in work/. Arguments go on to JupyterLab."


def main(argv: list[str] | None = None, **course: Any) -> int:
    """Run one command; returns the exit code. `course`: another root and points, as `build` and `check` take them."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m helpers.course", description="Build, check and open the course.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="build notebooks from their sources", description=BUILD)
    build.add_argument("--force", action="store_true", help="execute again, and overwrite what was edited by hand")

    check = commands.add_parser("check", help="check that the course works", description=CHECK)
    check.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="for each run; the default depends on the scale"
    )

    for command, scale in ((build, "laptop"), (check, "tiny")):
        command.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 05 or B; all by default")
        command.add_argument("--scale", choices=SCALES, default=scale, help=f"sizes to run at (default: {scale})")

    new = commands.add_parser("new", help="begin a chapter", description=NEW)
    new.add_argument("name", metavar="NN_TOPIC", help="such as 06_k_means")
    new.add_argument("title", metavar="TITLE", help='such as "K-means"')

    commands.add_parser("lab", help="open JupyterLab on your copy of the course", description=LAB, add_help=False)
    if argv[:1] == ["lab"]:
        from helpers.course import lab

        lab.main(argv[1:])
        return 0

    arguments = parser.parse_args(argv)
    # A polite kill ends what runs, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(arguments, course)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: everything that was started is stopped", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace, course: Mapping[str, Any]) -> int:
    # Imported late: `--help` and `lab` answer at once.
    from helpers.course.build import build
    from helpers.course.check import check
    from helpers.course.new import new

    if arguments.command == "new":
        for path in new(arguments.name, arguments.title):
            print(path.relative_to(ROOT))
        return 0
    if arguments.command == "build":
        failed = build(wanted=arguments.chapters, scale=arguments.scale, force=arguments.force, **course)
    else:
        failed = check(wanted=arguments.chapters, scale=arguments.scale, timeout=arguments.timeout, **course)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

"""The command line: one verb each. Exit code 0 when done, 2 and one clear line for bad input."""

import sys

from cyclopts import App, CycloptsError

from perisai.model import PerisaiError

COMMANDS = "perisai.service.commands"

VERBS = {
    "demo": ("live:demo", "A raid night through the whole live system, as an exercise."),
    "run": ("live:run", "The live service."),
    "init": ("live:init", "A commented configuration to start from."),
    "import": ("stages:import_captures", "Captures of any known format to detections."),
    "track": ("stages:track", "Detections to tracks."),
    "alert": ("stages:alert", "Tracks to alerts."),
    "simulate": ("score:simulate", "A raid night as the published record tells it."),
    "evaluate": ("score:evaluate", "Scores of tracks and of alerts."),
    "keys": ("people:keys", "Keys and rights for a shared bus."),
    "query": ("past:query", "SQL over a recording."),
    "user": ("people:user", "Accounts of operators and partners."),
    "audit": ("people:audit", "Whether the log of what operators did holds."),
    "fit": ("fit:fit", "How objects fly, learned from recorded nights."),
    "plan": ("plan:plan", "Where offered sensors and sirens protect the most people."),
    "bench": ("score:bench", "A stage against its peers in one run."),
    "replay": ("past:replay", "A recording once more: the same alerts."),
}
"""Verb: (module and function, what it does). A verb's module is read when it runs; its docstring is its help."""


def _app(overview: bool = False) -> App:
    """The verbs; for the overview with one line each, so that no module need be read to list them."""
    built = App(
        name="perisai",
        help="One air picture from many sensors; alerts for exactly the communities in danger. It commands no weapon.",
        version_flags=["--version"],
    )
    for verb, (place, what) in VERBS.items():
        built.command(f"{COMMANDS}.{place}", name=verb, **({"help": what} if overview else {}))
    return built


app = _app()


def main(arguments: list[str] | None = None) -> None:
    """Run a verb; every error a person can mend ends as one line on standard error."""
    given = sys.argv[1:] if arguments is None else arguments
    verbs = app if given and given[0] in VERBS else _app(overview=True)
    try:
        verbs(given, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _fail(" ".join(str(error).split()) + "; see perisai --help")
    except PerisaiError as error:
        _fail(str(error))
    except OSError as error:  # a full disk, a folder without leave
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(line: str) -> None:
    sys.stderr.write(f"perisai: {line}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()

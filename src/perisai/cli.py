"""The command line: one verb each. Exit code 0 when done, 2 and one clear line for bad input."""

import sys

from cyclopts import App, CycloptsError

from perisai.model import PerisaiError

COMMANDS = "perisai.service.commands"

app = App(
    name="perisai",
    help="One air picture from many sensors; alerts for exactly the communities in danger. It commands no weapon.",
    version_flags=["--version"],
)
for verb, place in {
    "demo": "live:demo",
    "run": "live:run",
    "init": "live:init",
    "import": "stages:import_captures",
    "track": "stages:track",
    "alert": "stages:alert",
    "simulate": "score:simulate",
    "evaluate": "score:evaluate",
    "bench": "score:bench",
    "replay": "live:replay",
}.items():
    app.command(f"{COMMANDS}.{place}", name=verb)


def main(arguments: list[str] | None = None) -> None:
    """Run a verb; every error a person can mend ends as one line on standard error."""
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _fail(" ".join(str(error).split()) + "; see perisai --help")
    except PerisaiError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(line: str) -> None:
    sys.stderr.write(f"perisai: {line}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()

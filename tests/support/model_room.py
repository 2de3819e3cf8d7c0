"""The `model` command, in this process."""

from click.testing import CliRunner, Result

from model.cli import main


def model(*arguments: object) -> Result:
    """The `model` command, in this process."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def succeed(*arguments: object) -> str:
    """What the `model` command prints when all is well."""
    result = model(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def complaint(*arguments: object) -> str:
    """The one line on stderr of a `model` command that fails."""
    result = model(*arguments)
    assert result.exit_code == 1, result.output + repr(result.exception)
    [line] = result.stderr.splitlines()
    assert result.stdout == ""
    return line

"""`model prepend`."""

from pathlib import Path

import click

from formats.files import safe
from model.cli.console import PLACE, import_tensorflow, tell


@click.command()
@click.argument("place", metavar="IDS.pb", type=PLACE)
@click.option("--vocabulary", required=True, metavar="FILE", type=PLACE, help="A word a line, or a Keras word_index.")
@click.option(
    "--as",
    "preset",
    required=True,
    metavar="PRESET",
    help="keras-tokenizer, vocabulary-processor, whitespace, characters or regex=PATTERN.",
)
@click.option("--length", required=True, type=click.IntRange(min=1), help="Ids a record.")
@click.option("--lower", is_flag=True, help="In lower case first. A Keras tokenizer says by itself.")
@click.option("--input", "input_name", metavar="PLACEHOLDER", help="Which takes the ids.  [default: the only one]")
@click.option(
    "--padding", type=click.Choice(["pre", "post"]), help="Where short ones are filled up.  [default: as the original]"
)
@click.option(
    "--truncating", type=click.Choice(["pre", "post"]), help="Where long ones are cut.  [default: as the original]"
)
@click.option("--output", required=True, metavar="PATH", type=PLACE, help="The frozen graph to write.")
def prepend(
    place: Path,
    vocabulary: Path,
    preset: str,
    length: int,
    lower: bool,
    input_name: str | None,
    padding: str | None,
    truncating: str | None,
    output: Path,
) -> None:
    """Put text processing in front of a frozen graph of token ids, as TensorFlow ops inside it.

    The .pb is then the whole model, and takes the column `text`. The presets give the ids that their originals give:

    \b
    keras-tokenizer        texts_to_sequences and pad_sequences, which fill up and cut at the front; FILE is the
                           tokenizer's word_index as JSON, what its to_json gives, or a word a line, from id 1
    vocabulary-processor   tf.contrib.learn's, whose unknown words are 0
    whitespace             str.split(); a word's id is the number of its line, from 0
    characters             a code point an id
    regex=PATTERN          all matches of PATTERN, which is RE2's: no look-ahead, and \\w is ASCII

    Unknown words have the id of <UNK> or [UNK], if the vocabulary has it, else 0; shorter texts end with that of <PAD>
    or [PAD], else 0. For regex, the characters U+0002 to U+0006 are blanks. Bytes that are not UTF-8 are U+FFFD, as
    Python's errors="replace" makes them. Lower case is by TensorFlow's tables of Unicode, which may know other letters
    than your Python's. A pickle is not read.

    \b
    model prepend cnn.pb --vocabulary vocab.txt --as vocabulary-processor --length 56 --output whole.pb
    model prepend lstm.pb --vocabulary tokenizer.json --as keras-tokenizer --length 100 --output whole.pb
    """
    name, _, pattern = preset.partition("=")
    import_tensorflow()
    import hashlib

    from model.errors import ModelError
    from model.text import tokens
    from model.text.prepend import PRESETS, Recipe
    from model.text.prepend import prepend as put_before
    from model.text.vocabulary import read

    if name not in PRESETS or (name == "regex") != bool(pattern):
        raise click.BadParameter(f"{preset!r} is none of {', '.join(PRESETS[:-1])}, regex=PATTERN", param_hint="--as")
    if pattern:
        tokens.check_regex(pattern)
    side = "pre" if name == "keras-tokenizer" else "post"
    recipe = Recipe(name, length, pattern, lower, padding or side, truncating or side)  # type: ignore[arg-type]
    try:
        data = place.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {place}: {error.strerror}") from None
    content = put_before(data, read(vocabulary, name), recipe, input_name)
    with safe.replacing(output) as file:
        file.write(content)
    tell(f"{hashlib.sha256(content).hexdigest()}  {output}")

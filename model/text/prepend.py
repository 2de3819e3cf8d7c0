"""Puts text processing in front of a frozen graph of token ids: one `.pb` is the whole model, and takes `text`."""

from typing import Literal, NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from graphs.inputs import MAY_BE_FED
from graphs.name_lists import listed
from graphs.names import renamed, short
from graphs.walk import inputs, reached
from model.errors import ModelError
from model.graph import frozen
from model.text import tokens
from model.text.vocabulary import Vocabulary

PRESETS = ("keras-tokenizer", "vocabulary-processor", "whitespace", "characters", "regex")
TEXT = "text"
_ROOM = "text_to_ids"  # the scope of all that is added
Side = Literal["pre", "post"]


class Recipe(NamedTuple):
    """How texts become ids: [texts, length], shorter ones filled up and longer ones cut on a side."""

    preset: str
    length: int
    pattern: str = ""
    lower: bool = False
    padding: Side = "post"
    truncating: Side = "post"


def prepend(data: bytes, vocabulary: Vocabulary, recipe: Recipe, input: str | None = None) -> bytes:
    """Return the serialised graph whose placeholder `text`, [None], takes the place of the ids' placeholder.

    That is `input`, or the only one of numbers that could be it. The bytes are the same for the same arguments. Raises
    ModelError if there is no such placeholder, or the length does not fit it.
    """
    graph_def = frozen.parse(data)
    frozen.refuse_unsafe(graph_def)
    if any(node.name.startswith(f"{_ROOM}/") for node in graph_def.node):
        raise ModelError(f"the graph has nodes in {_ROOM!r} already: it takes texts by itself")
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(graph_def, name="")
        ids_input = _ids_input(graph, input, recipe.length)
    name = _make_room(graph_def, ids_input.op.name)
    with v1.Graph().as_default() as graph:
        texts = v1.placeholder(tf.string, [None], name=TEXT)
        with v1.name_scope(f"{_ROOM}/"):
            ids = to_ids(texts, vocabulary, recipe)
            ids = tf.cast(ids, ids_input.dtype, name="ids")
        v1.import_graph_def(graph_def, input_map={f"{name}:0": ids}, name="")
    result = graph.as_graph_def()
    kept = [node.name for node in graph_def.node if node.name != name]
    needed = reached(inputs(result), [*kept, f"{_ROOM}/fill"])
    whole = v1.GraphDef(versions=result.versions, library=result.library)
    whole.versions.producer = max(graph_def.versions.producer, result.versions.producer)
    whole.node.extend(node for node in result.node if node.name in needed and node.name != name)
    content: bytes = whole.SerializeToString(deterministic=True)
    frozen.load(content)
    return content


def _make_room(graph_def: v1.GraphDef, ids: str) -> str:
    """Renames a node that is called as the new placeholder, and lets nobody wait for that of the ids; its name."""
    new = {TEXT: f"{TEXT}/inner"}
    for node in graph_def.node:
        sources = [renamed(source, new) for source in node.input if source != f"^{ids}"]
        del node.input[:]
        node.input.extend(sources)
        node.name = new.get(node.name, node.name)
    return new.get(ids, ids)


def to_ids(texts: tf.Tensor, vocabulary: Vocabulary, recipe: Recipe) -> tf.Tensor:
    """Strings [N] to int64 [N, length]."""
    texts = tokens.valid(texts)
    if recipe.lower or vocabulary.lower:
        texts = tokens.lower(texts)
    found = _split(texts, vocabulary, recipe)
    handle = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name=_ROOM, name="table")
    words = [word.encode() for word in vocabulary.ids]
    tf.raw_ops.InitializeTableV2(
        table_handle=handle,
        keys=tf.constant(words, tf.string),
        values=tf.constant(list(vocabulary.ids.values()), tf.int64),
        name="fill",
    )
    missing = -1 if vocabulary.unknown is None else vocabulary.unknown
    default = tf.constant(missing, tf.int64)
    looked_up = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=found.flat_values, default_value=default)
    looked_up.set_shape([None])
    ids = found.with_flat_values(looked_up)
    if vocabulary.unknown is None:
        ids = tf.ragged.boolean_mask(ids, ids.with_flat_values(ids.flat_values >= 0))
    return _sized(ids, recipe, vocabulary.padding)


def _split(texts: tf.Tensor, vocabulary: Vocabulary, recipe: Recipe) -> tokens.Tokens:
    if recipe.preset == "keras-tokenizer":
        return tokens.of_keras(texts, vocabulary.filters, vocabulary.split)
    if recipe.preset == "vocabulary-processor":
        return tokens.of_vocabulary_processor(texts)
    if recipe.preset == "characters":
        return tokens.of_characters(texts)
    if recipe.preset == "regex":
        return tokens.of_regex(texts, recipe.pattern)
    return tokens.of_whitespace(texts)


def _sized(ids: tf.RaggedTensor, recipe: Recipe, padding: int) -> tf.Tensor:
    """All rows of the same length."""
    length = recipe.length
    ids = ids[:, -length:] if recipe.truncating == "pre" else ids[:, :length]
    fill = tf.constant(padding, tf.int64)
    dense = ids.to_tensor(default_value=fill, shape=[None, length])
    if recipe.padding == "post":
        return dense
    places = tf.range(length, dtype=tf.int64)[None, :] - (length - ids.row_lengths())[:, None]
    moved = tf.gather(dense, tf.maximum(places, 0), batch_dims=1)
    return tf.where(places >= 0, moved, fill)


def _ids_input(graph: tf.Graph, name: str | None, length: int) -> tf.Tensor:
    """The placeholder of ids."""
    entries = [operation.outputs[0] for operation in graph.get_operations() if operation.type in MAY_BE_FED]
    if name is None:
        found = [each for each in entries if each.dtype.is_integer or each.dtype.is_floating]
        found = [each for each in found if each.shape.rank in (None, 2)]
        found = [each for each in found if each.op.type == "Placeholder"] or found
        if len(found) != 1:
            names = listed([each.op.name for each in found or entries])
            raise ModelError(f"which placeholder takes the ids? --input says it; there are: {names}")
        [ids] = found
    else:
        named = {each.op.name: each for each in entries}
        if short(name) not in named:
            raise ModelError(f"{name!r} is no placeholder; there are: {listed(named)}")
        ids = named[short(name)]
        if not (ids.dtype.is_integer or ids.dtype.is_floating) or ids.shape.rank not in (None, 2):
            raise ModelError(f"{name!r} takes no ids: it is {ids.dtype.name} of shape {ids.shape}")
    if ids.shape.rank == 2 and ids.shape[1] not in (None, length):
        raise ModelError(f"{ids.op.name!r} takes {ids.shape[1]} ids a record, not {length}: --length {ids.shape[1]}")
    return ids

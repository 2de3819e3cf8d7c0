"""What TensorFlow and numpy are to know before they are imported."""

import os


def prepare() -> None:
    """Only warnings on stderr, and no Keras: TensorFlow imports it eagerly, with pandas and matplotlib where they are
    installed, for a third of its start-up time and 110 MB. Nothing here uses it, no frozen graph has anything of it.
    One thread for numpy's products of matrices: they are small, and its threads burn a core waiting for each other.

    TF_USE_LEGACY_KERAS names the package `tf_keras` in its place; TensorFlow goes on without if it isn't there. Whoever
    sets one of the variables keeps what they set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

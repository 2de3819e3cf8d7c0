"""How a session has to be configured for a restored model and its frozen file to agree to the last bit."""

from tensorflow.compat import v1


def as_written() -> v1.ConfigProto:
    """A session config under which TensorFlow computes float products and sums in the order the graph has them.

    By default its optimiser may compute (x * b) * c as x * (b * c) where b and c are constants, and in another order
    again where b is a variable: then the last bit depends on whether b is frozen.
    """
    config = v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config

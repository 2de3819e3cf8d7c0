"""Which runtimes there are. The first that reads a model's bytes runs it: TensorFlow, which reads any, is the last."""

from worker.runtimes.runtime import Runtime
from worker.runtimes.tensorflow import TensorFlow

RUNTIMES: list[Runtime] = [TensorFlow()]


def runtime_of(data: bytes) -> Runtime:
    return next(runtime for runtime in RUNTIMES if runtime.reads(data))

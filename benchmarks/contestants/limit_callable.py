"""The limit once more, with what our workers know about TensorFlow: the session's callable instead of `sess.run`.

Beside it one sees what the queue costs, and beside the limit what the whole is worth.
"""

from benchmarks.contestants.limit import main

if __name__ == "__main__":
    main(prepared=True)

"""Splitting labelled messages into folds that are alike."""

import numpy as np
import numpy.typing as npt


def stratified(labels: npt.NDArray[np.bool_], folds: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Assign each row to one of `folds`, each with the same share of spam: int64 [N].

    The assignment of scikit-learn's `StratifiedKFold(folds, shuffle=True, random_state=seed)`, row for row, so that
    figures compare.
    """
    random = np.random.RandomState(seed)
    classes, encoded = np.unique(labels, return_inverse=True)
    # scikit-learn numbers the classes by first appearance, and draws in that order.
    by_appearance = sorted(range(len(classes)), key=lambda each: int(np.argmax(encoded == each)))
    encoded = np.argsort(by_appearance)[encoded]
    in_order = np.sort(encoded)
    assigned = np.empty(len(labels), np.int64)
    for each in range(len(classes)):
        shares = [int((in_order[fold::folds] == each).sum()) for fold in range(folds)]
        members = np.arange(folds).repeat(shares)
        random.shuffle(members)
        assigned[encoded == each] = members
    return assigned

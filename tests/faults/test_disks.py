"""A disk that loses or alters what the server wrote. For more of it: python -m tests.faults.disks."""

import pytest

from tests.faults.disks import cuts, flips, open_ward


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_cut_and_no_flipped_bit_makes_a_job_complete_with_wrong_files() -> None:
    said: list[str] = []
    with open_ward() as ward:
        moments = ward.record()
        cut = cuts(ward, moments, 61, said.append)
        flipped = flips(ward, moments, range(30), said.append)
    assert said == []
    assert cut["right"] > 5, "states of the ledger that differ"
    assert flipped["right"] + flipped["refused"] + flipped["not started"] == 30

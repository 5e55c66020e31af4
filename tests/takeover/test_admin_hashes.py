"""Hashes of people that come with another panel."""

from time import process_time

from takeover.admin_hashes import TakenOverHasher, taken_over

DEAR = "$2b$31$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO"


def test_it_works() -> None:
    cheap = DEAR.replace("$31$", "$04$")
    assert taken_over(cheap) == f"taken_over${cheap}"
    assert not TakenOverHasher().verify("x", taken_over(cheap))


def test_one_that_takes_too_long_is_not_taken_and_never_tried() -> None:
    begun = process_time()
    assert taken_over(DEAR) == ""
    assert not TakenOverHasher().verify("x", f"taken_over${DEAR}")
    assert process_time() - begun < 0.1

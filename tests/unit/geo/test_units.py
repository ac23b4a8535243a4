"""Conversion between meters and degrees."""

from landbridge.geo.units import METERS_PER_DEGREE
from landbridge.mappings import codecs


def test_the_client_and_the_mappings_agree_on_the_length_of_a_degree():
    assert METERS_PER_DEGREE == codecs.METRES_PER_DEGREE

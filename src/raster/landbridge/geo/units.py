"""Conversion between meters and degrees."""

# Meters of one degree of a great circle, by the old definition of the meter: a quarter meridian is 10,000 km.
# `landbridge.mappings.codecs.METRES_PER_DEGREE` is the same number. The mappings import nothing of the
# client, so a test compares the two.
METERS_PER_DEGREE = 111_111.0

import pytest

from landbridge import kernels


@pytest.fixture(scope="module", params=kernels.instruction_sets())
def instruction_set(request):
    """Each instruction set that this processor supports, in use during the tests of a module."""
    kernels.use_instruction_set(request.param)
    yield request.param
    kernels.use_instruction_set(kernels.instruction_sets()[0])

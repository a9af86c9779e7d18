"""What a network refuses before it fills the memory."""
import numpy as np
import pytest
from torch import nn, zeros

from ssfer_mm.errors import UserError
from ssfer_mm.faces.detectors.network import MMDetNetwork


def test_an_image_that_the_pipeline_makes_huge_is_refused_with_what_to_write():
    huge = zeros(1).expand(3, 5000, 4000)
    network = MMDetNetwork('my_config.py', nn.Identity(), lambda image: (huge, None), 0, .5, 1,
                           'cpu')
    with pytest.raises(UserError, match='my_config.py would look at an image of 4000 x 5000 pixels'
                       '.*16,000,000.*--detector names, such as .*input_size=640'):
        network.detect([np.zeros((8, 8, 3), np.uint8)])

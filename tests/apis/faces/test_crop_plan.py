"""What a manifest of crops must say."""
import json

import pytest

from ssfer_mm.apis.faces.crop_plan import parse_manifest_line


@pytest.mark.parametrize('line, says', [
    (dict(status='ok'), 'source'), (dict(source='a.png'), 'status'),
    (dict(source='a.png', status=1), 'status')])
def test_a_line_that_lacks_something_is_none(line, says):
    with pytest.raises(ValueError, match=says):
        parse_manifest_line(json.dumps(line))

"""What several tests of models watch."""
import pytest


@pytest.fixture
def said(monkeypatch):
    """What goes to the log."""
    lines = []
    monkeypatch.setattr('ssfer_mm.models.pretrained.print_log',
                        lambda text, **options: lines.append(text))
    return lines

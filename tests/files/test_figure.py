"""A figure is drawn without a trace in the caller's matplotlib."""
import subprocess
import sys

from ssfer_mm.files.figure import new_figure, save_figure

NO_PYPLOT = '''
import sys
from pathlib import Path
from ssfer_mm.files.figure import new_figure, save_figure
figure = new_figure(2, 1)
figure.subplots().plot([1, 2])
save_figure(figure, Path(sys.argv[1]))
assert 'matplotlib.pyplot' not in sys.modules
'''


def test_pyplot_and_its_backend_are_left_alone(tmp_path):
    subprocess.run([sys.executable, '-c', NO_PYPLOT, str(tmp_path / 'new' / 'a.png')], check=True)
    figure = new_figure(2, 1)
    figure.subplots().plot([1, 2])
    save_figure(figure, tmp_path / 'b.png')
    content = (tmp_path / 'new' / 'a.png').read_bytes()
    assert content == (tmp_path / 'b.png').read_bytes() and b'Software' not in content

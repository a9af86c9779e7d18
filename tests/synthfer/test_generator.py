"""The generator: the same face for ever, everywhere; balanced labels; honest boxes."""
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from ssfer_mm.errors import UserError
from ssfer_mm.synthfer import (
    CLASSES,
    FREQUENCIES,
    POOLS,
    SynthFERGenerator,
    contact_sheet,
    render_pool,
)
from ssfer_mm.synthfer.canvas import Canvas
from ssfer_mm.synthfer.shape import move

# Changing any picture changes this; raise generator.VERSION when you mean to.
CHECKSUM = '8bf55b361cb06abc7e98bf7cabdc15c4'


def checksum(generator: SynthFERGenerator) -> str:
    """Digest of pictures, labels and boxes of a few faces of each pool."""
    digest = hashlib.sha256()
    for pool in POOLS:
        for index in (0, 1, 2, 3, 5, 4000):
            face = generator.item(pool, index)
            digest.update(face.image.tobytes())
            digest.update(repr((face.label, face.box, face.intensity)).encode())
    return digest.hexdigest()[:32]


def test_pictures_are_the_committed_ones():
    assert checksum(SynthFERGenerator(seed=0, size=48)) == CHECKSUM


def test_another_process_with_other_hashes_and_simd_draws_the_same():
    # the generator alone, without the package's heavy imports
    code = '\n'.join([
        'import sys, types',
        'package = types.ModuleType("ssfer_mm"); package.__path__ = [sys.argv[1]]',
        'sys.modules["ssfer_mm"] = package; sys.path.insert(0, sys.argv[2])',
        'from test_generator import checksum',
        'from ssfer_mm.synthfer import SynthFERGenerator',
        'print(checksum(SynthFERGenerator(seed=0, size=48)))'])
    import ssfer_mm
    env = {**os.environ, 'PYTHONHASHSEED': '123', 'OMP_NUM_THREADS': '1',
           'NPY_DISABLE_CPU_FEATURES': 'AVX512F AVX512_SKX AVX2 FMA3'}
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code, os.path.dirname(ssfer_mm.__file__),
         os.path.dirname(__file__)], capture_output=True, text=True, env=env, timeout=120)
    assert result.stdout.strip() == CHECKSUM, result.stderr[-800:]


def test_an_item_does_not_depend_on_what_was_drawn_before():
    one, two = SynthFERGenerator(3, 32), SynthFERGenerator(3, 32)
    forwards = [one.item('train', i).image for i in range(6)]
    backwards = [two.item('train', i).image for i in reversed(range(6))][::-1]
    assert all((a == b).all() for a, b in zip(forwards, backwards))


def test_pools_and_seeds_share_no_person():
    people = [SynthFERGenerator(seed, 16).recipe(pool, i).person
              for seed in (0, 1) for pool in POOLS for i in range(60)]
    looks = {(p.skin, p.hair, p.eye_gap, p.mouth_width) for p in people}
    assert len(looks) == len(people)


def test_size_changes_resolution_only():
    small, large = (SynthFERGenerator(0, size).item('test', 4) for size in (48, 96))
    assert (small.label, small.intensity) == (large.label, large.intensity)
    np.testing.assert_allclose(np.array(large.box), 2 * np.array(small.box), atol=.01)
    clear = [SynthFERGenerator(0, size, difficulty=0) for size in (48, 96)]
    one, two = (g.render(g.portrait('test', 4, 'fear', .9)).image.astype(float) for g in clear)
    halved = two.reshape(48, 2, 48, 2, 3).mean((1, 3))
    assert abs(halved - one).mean() < 3


@pytest.mark.parametrize('pool', POOLS)
def test_class_frequencies(pool):
    generator, count = SynthFERGenerator(5, 16), 1000
    labels = [generator.recipe(pool, i).label for i in range(count)]
    found = np.bincount(labels, minlength=8) / count
    wanted = np.array(FREQUENCIES[pool])
    assert wanted.sum() == pytest.approx(1)
    # five standard deviations of a binomial share
    assert (abs(found - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / count)).all()
    if pool != 'pretrain':
        assert wanted.min() >= .06


def test_intensities_cover_weak_and_strong():
    generator = SynthFERGenerator(5, 16)
    strengths = np.array([generator.recipe('train', i).intensity for i in range(500)])
    assert strengths.min() >= 0 and strengths.max() <= 1
    assert .05 < (strengths < .65).mean() < .5 and (strengths > .9).mean() > .05


@pytest.mark.parametrize('index', range(15))
def test_box_is_tight_around_the_head(index):
    generator = SynthFERGenerator(11, 96)
    recipe = generator.recipe('train', index)
    head = move(recipe.person, recipe.units).head
    # a canvas with the picture in the middle of a frame twice as large, so nothing is cut
    scene = recipe.scene
    wide = type(scene)(**{**vars(scene), 'scale': scene.scale / 2,
                          'center': tuple(.25 + c / 2 for c in scene.center)})
    canvas = Canvas(192, wide, head)
    inside = head.level(canvas.u, canvas.v) < 1
    rows, columns = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
    mask = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / 2 - 48
    box = np.array(generator.render(recipe).box)
    assert (box[:2] <= mask[:2] + .5).all() and (box[2:] >= mask[2:] - .5).all()
    assert abs(box - mask).max() <= 1.5


def test_head_is_painted_inside_its_box():
    """Difference of two pictures that differ in skin color only: it is where skin is."""
    generator = SynthFERGenerator(2, 96)
    recipe = generator.portrait('train', 1, 'neutral', 0)
    bald = type(recipe.person)(**{**vars(recipe.person), 'hair_style': 'bald', 'beard': 0.,
                                  'moustache': 0., 'glasses': 0., 'lip': (.5, .3, .3)})
    pictures = []
    for skin in ((.9, .7, .6), (.1, .75, .55)):
        person = type(bald)(**{**vars(bald), 'skin': skin})
        pictures.append(generator.render(type(recipe)(**{**vars(recipe), 'person': person})))
    x1, y1, x2, y2 = pictures[0].box
    # a column through the middle meets no ears, a row through the forehead no neck
    changed = abs(pictures[0].image.astype(int) - pictures[1].image)[..., 0] > 60
    forehead = np.nonzero(changed[:int((y1 + y2) / 2 - 18)].any(1))[0]
    assert abs(forehead[0] - y1) <= 1.5
    assert changed[int(y1) - 3:int(y1) - 1].sum() == 0


def test_render_pool_is_the_items_whatever_the_number_of_processes():
    generator = SynthFERGenerator(1, 16)
    alone = render_pool(generator, 'test', 130, progress=False, processes=1)
    team = render_pool(generator, 'test', 130, progress=False, processes=2)
    assert (alone.images == team.images).all() and (alone.labels == team.labels).all()
    face = generator.item('test', 129)
    assert (team.images[129] == face.image).all() and team.labels[129] == face.label
    np.testing.assert_allclose(team.boxes[129], face.box, rtol=1e-6)


def test_contact_sheet_has_a_row_per_class():
    sheet = contact_sheet(SynthFERGenerator(0, 24), columns=3)
    assert sheet.shape == (8 * 26 - 2, 3 * 26 - 2, 3) and sheet.dtype == np.uint8
    assert len(CLASSES) == 8


@pytest.mark.parametrize('make, words', [
    (lambda: SynthFERGenerator(0, 8), '>= 16'),
    (lambda: SynthFERGenerator(0, 48, 4.), 'difficulty must be a number in'),
    (lambda: SynthFERGenerator(0, 48, 'hard'), 'difficulty must be a number in'),
    (lambda: SynthFERGenerator().item('valid', 0), 'pretrain, train, test'),
    (lambda: SynthFERGenerator().item('train', -1), '0 or more'),
    (lambda: SynthFERGenerator().recipe('train', 0, 'happy'), 'happiness'),
    (lambda: render_pool(SynthFERGenerator(), 'train', 0), '1 or more'),
])
def test_wrong_arguments_say_what_is_right(make, words):
    with pytest.raises(UserError, match=words):
        make()

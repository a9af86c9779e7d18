"""Batches with an exact number of labeled and of unlabeled images."""
from numbers import Integral
from typing import Iterator, List, Optional

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmpretrain.registry import DATA_SAMPLERS

from ssfer_mm.errors import UserError
from ssfer_mm.joint_batch import share_of_rank
from ssfer_mm.ranges import check_number

from .balanced_order import balanced_order
from .seeded import SeededIndex, item_seeds

# Sets the draws of a balanced order apart from those of the passes, which are numbered from 0.
BALANCED = 0x62616C
# Where the two numbers of a batch are set.
_SETTINGS = {
    'labeled': 'train_dataloader.batch_size for stage II, train_cfg.semi.labeled for stage III',
    'unlabeled': 'train_cfg.semi.unlabeled for stage III',
}


@DATA_SAMPLERS.register_module()
class TwoSourceSampler:
    """Draw a number of labeled and a number of unlabeled indices per batch and rank, in this order.

    The numbers are those of :meth:`set_sources`, which the two-stage loop calls where a stage
    begins; before, as many labeled ones as :class:`TwoSourceBatchSampler` says.

    One epoch is one pass over the unlabeled images, or over the labeled ones where a batch has no
    unlabeled part. The shorter source is reshuffled and repeated, so that each of its images is
    used equally often (up to one). What does not fill a last batch on every rank is left out of
    this epoch; the next epoch shuffles anew. The order, and the seeds that the indices carry for
    their items' draws, are functions of (seed, epoch, position) only, hence the same after a
    resume.

    The batches that the ranks draw at one step are together the batch that one process of their
    joint size would draw. They are shared out so that FaceMix's pairs, first with last, stay on
    one rank (:func:`share_of_rank`).

    With ``balance`` rare classes come more often than they occur (:func:`balanced_order`), in
    batches as many and as large as without. Then an epoch leaves some labeled images of common
    classes out, and uses those of rare classes several times, perhaps in one batch or on several
    ranks at a time; the unlabeled images are drawn as ever.

    Args:
        dataset: Has ``source_sizes -> (n_labeled, n_unlabeled)``; unlabeled indices follow the
            labeled ones (:class:`SemiSupervisedDataset`). For ``balance`` it also has
            ``labeled_classes() -> int (n_labeled,)``.
        seed: Seed of the order; None takes one that all ranks share.
        balance: 0 uses every labeled image equally often (up to one), 1 every class, and what
            lies between lies between.

    Raises:
        UserError: A batch asks for more images than its source has; ``balance`` is out of range.
    """

    def __init__(self,
                 dataset,
                 seed: Optional[int] = None,
                 balance: float = 0.) -> None:
        self.sizes = dataset.source_sizes
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self._skip = 0
        self.labeled, self.unlabeled = 1, 0
        check_number('TwoSourceSampler', 'balance', balance, high=1)
        self.balance = balance
        self._classes = np.asarray(dataset.labeled_classes()) if balance else None

    def set_sources(self, labeled: int, unlabeled: int) -> None:
        """Change the composition of a batch, at the switch from one stage to the next."""
        self.num_batches(labeled, unlabeled)
        self.labeled, self.unlabeled = labeled, unlabeled

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; also forgets a pending :meth:`skip`."""
        self.epoch, self._skip = epoch, 0

    def skip(self, batches: int) -> None:
        """Start the next iteration after that many batches, without loading them."""
        self._skip = batches

    def num_batches(self, labeled: int, unlabeled: int) -> int:
        """Batches per epoch for a composition, the same on every rank."""
        for name, count, size in (('labeled', labeled, self.sizes[0]),
                                  ('unlabeled', unlabeled, self.sizes[1])):
            if not isinstance(count, Integral) or count < 0:
                raise UserError(f'a batch wants {count!r} {name} images: set {_SETTINGS[name]} to '
                                'a whole number, 0 or more')
            if count * self.world_size > size:
                ranks = f' on each of {self.world_size} processes' if self.world_size > 1 else ''
                raise UserError(
                    f'a batch wants {count} {name} images{ranks}, but the data have only {size}: '
                    f'lower that batch size ({_SETTINGS[name]}) or use a larger {name} set')
        if labeled + unlabeled == 0:
            raise UserError('a batch needs at least one labeled or unlabeled image')
        size, count = (self.sizes[1], unlabeled) if unlabeled else (self.sizes[0], labeled)
        return size // (count * self.world_size)

    def __len__(self) -> int:
        return self.num_batches(self.labeled, self.unlabeled) * (self.labeled + self.unlabeled)

    def __iter__(self) -> Iterator[SeededIndex]:
        total = self.num_batches(self.labeled, self.unlabeled)
        sources = []
        for source, count in enumerate((self.labeled, self.unlabeled)):
            length = total * count * self.world_size
            seeds = item_seeds(length, self.seed, self.epoch, source)
            sources.append((count, self._order(source, length), seeds))
        for batch in range(self._skip, total):
            for count, order, seeds in sources:
                begin = batch * count * self.world_size
                for place in share_of_rank(count, self.rank, self.world_size):
                    yield SeededIndex(order[begin + place], seeds[begin + place])

    def _order(self, source: int, length: int) -> List[int]:
        """Shuffled passes over one source, laid end to end and cut to ``length``."""
        if source == 0 and self.balance:
            random = np.random.default_rng([self.seed, self.epoch, source, BALANCED])
            return balanced_order(self._classes, length, self.balance, random).tolist()
        offset, size = source * self.sizes[0], self.sizes[source]
        passes = -(-length // size) if length else 0
        orders = [
            np.random.default_rng([self.seed, self.epoch, source, k]).permutation(size)
            for k in range(passes)
        ]
        return (np.concatenate(orders)[:length] + offset).tolist() if orders else []


@DATA_SAMPLERS.register_module()
class TwoSourceBatchSampler:
    """Cut a :class:`TwoSourceSampler` into its batches, whatever their size at this stage.

    Args:
        sampler: The sampler; the training loop changes its composition between stages.
        batch_size: Labeled images per batch and rank in the first stage.
    """

    def __init__(self, sampler: TwoSourceSampler, batch_size: int) -> None:
        self.sampler, self.batch_size = sampler, batch_size
        sampler.labeled = batch_size

    def __len__(self) -> int:
        return self.sampler.num_batches(self.sampler.labeled, self.sampler.unlabeled)

    def __iter__(self) -> Iterator[List[int]]:
        size, batch = self.sampler.labeled + self.sampler.unlabeled, []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == size:
                yield batch
                batch = []

"""Whether rare classes are made up for twice: by the images that are drawn, and by the loss."""
from .unwrap import model_of


def warn_of_double_correction(runner) -> None:
    r"""Warn where the sampler's ``balance`` and a stage's ``LogitAdjustment`` overshoot together.

    With ``b = balance`` the labeled images that a stage sees have classes in proportion to
    ``pi ** (1 - b)``, ``pi`` being their shares among all labeled ones. Cross-entropy on
    ``z + tau * log(pi)`` is least where that is the log of ``pi ** (1 - b) * p(x | class)``, so

    .. math:: z = \log p(x \mid class) + (1 - b - \tau) \log \pi + constant.

    The two add up: 1 in all knows no frequent class, and more prefers the rare ones.
    """
    balance = getattr(runner.train_loop.sampler, 'balance', 0)
    model = model_of(runner)
    for stage, setting, part in (('supervised', 'model.logit_adjustment', model.adjust),
                                 ('semi', 'model.semi_logit_adjustment', model.semi_adjust)):
        tau = getattr(part, 'tau', 0)
        trained = stage in [own.name for own in runner.train_loop.stages]
        if trained and balance and tau and balance + tau > 1 + 1e-6:
            runner.logger.warning(
                f'train_dataloader.sampler.balance={balance:g} and {setting}.tau={tau:g} correct '
                f'class frequencies twice: what is tested will prefer rare classes, as if they had '
                f'their shares to the power of {1 - balance - tau:g}. The two add up, and 1 in '
                f'all makes classes equal: set train_dataloader.sampler.balance='
                f'{max(0, 1 - tau):g}, or {setting}.tau={1 - balance:g}.')

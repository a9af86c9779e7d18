"""Training models whose optimizer state does not fit one GPU."""
from typing import Optional

import torch
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.model import convert_sync_batchnorm
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer

from ssfer_mm.errors import UserError

from .sharding import save_and_load_whole, save_and_load_whole_state, shard
from .unwrap import forget_stage_one_if_resumed


@RUNNERS.register_module()
class ShardedRunner(Runner):
    """mmengine's runner with PyTorch's FSDP in place of DistributedDataParallel.

    Chosen with ``runner_type='ShardedRunner'`` in a config. Parameters, gradients and optimizer
    state of student and teacher are shared out over the processes; weights come together layer by
    layer when they are needed. Losses are those of DistributedDataParallel, and so are checkpoints:
    they hold whole tensors, for any number of processes and for either runner.

    Takes the arguments of ``Runner``; ``model_wrapper_cfg`` has no effect. With one process it is
    mmengine's runner. Testing does not shard.

    Raises:
        UserError: This PyTorch shards on GPUs only, and there is none.
    """

    _sharded = False

    def wrap_model(self, model_wrapper_cfg, model: nn.Module) -> nn.Module:
        """Leave the model as it is: it is sharded when it has its weights."""
        if not self.distributed:
            return super().wrap_model(model_wrapper_cfg, model)
        if get_device() == 'cpu' and not shards_on_cpus():
            raise UserError(f'PyTorch {torch.__version__} shards weights on GPUs only: install a '
                            'newer one, or leave out runner_type=ShardedRunner')
        model = model.to(get_device())
        sync_bn = self.cfg.get('sync_bn')
        return convert_sync_batchnorm(model, sync_bn) if sync_bn else model

    def build_optim_wrapper(self, optim_wrapper):
        """Shard the model before its first optimizer is built, which refers to the shards."""
        if self.distributed and not self._sharded:
            self._initialize_and_shard()
        wrapper = super().build_optim_wrapper(optim_wrapper)
        optimizer = getattr(wrapper, 'optimizer', None)
        if self._sharded and isinstance(optimizer, Optimizer):
            save_and_load_whole_state(optimizer)
        return wrapper

    def save_checkpoint(self,
                        out_dir: str,
                        filename: str,
                        file_client_args: Optional[dict] = None,
                        save_optimizer: bool = True,
                        save_param_scheduler: bool = True,
                        meta: Optional[dict] = None,
                        by_epoch: bool = True,
                        backend_args: Optional[dict] = None) -> None:
        """As mmengine's, but to be called in every process: each has its part to give."""
        if self._sharded and not is_main_process():
            self.model.state_dict()
            if save_optimizer:
                self.optim_wrapper.state_dict()
        super().save_checkpoint(out_dir, filename, file_client_args, save_optimizer,
                                save_param_scheduler, meta, by_epoch, backend_args)

    def _init_model_weights(self) -> None:
        if not self._sharded:
            super()._init_model_weights()

    def _initialize_and_shard(self) -> None:
        forget_stage_one_if_resumed(self)
        super()._init_model_weights()
        shard(self.model)
        save_and_load_whole(self.model)
        self._sharded = True


def shards_on_cpus() -> bool:
    """Whether ``fully_shard`` works without a GPU; it asks the CPU's streams for events."""
    return hasattr(torch.cpu.Stream, 'record_event')

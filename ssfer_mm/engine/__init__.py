from .bfloat16_optim_wrapper import BFloat16OptimWrapper
from .channels_last_hook import ChannelsLastHook
from .checkpoint_folder import CheckpointFolder
from .checkpoint_hook import SafeCheckpointHook
from .exact_resume_hook import ExactResumeHook
from .export_hook import ExportClassifierHook
from .facemix_monitor import FaceMixMonitor
from .global_log_hook import GlobalLogHook
from .held_out_hook import HeldOutHook
from .pseudo_label_monitor import PseudoLabelMonitor, pseudo_label_figures
from .resumable_loop import ResumableTrainLoop
from .sharded_runner import ShardedRunner
from .split_record_hook import SplitRecordHook
from .stage_report_hook import StageReportHook
from .stage_timer_hook import StageTimerHook
from .teacher_hook import EMATeacherHook
from .two_stage_hook import TwoStageFinetuneHook
from .two_stage_loop import Stage, TwoStageTrainLoop

__all__ = [
    'BFloat16OptimWrapper', 'ChannelsLastHook', 'CheckpointFolder', 'EMATeacherHook',
    'ExactResumeHook', 'ExportClassifierHook', 'FaceMixMonitor', 'GlobalLogHook', 'HeldOutHook',
    'PseudoLabelMonitor', 'ResumableTrainLoop', 'SafeCheckpointHook', 'ShardedRunner',
    'SplitRecordHook', 'Stage', 'StageReportHook', 'StageTimerHook', 'TwoStageFinetuneHook',
    'TwoStageTrainLoop', 'pseudo_label_figures'
]

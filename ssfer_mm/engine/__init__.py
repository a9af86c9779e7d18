"""Loops, hooks and runners: how a training goes on, is watched, stopped and resumed."""
from .bfloat16_optim_wrapper import BFloat16OptimWrapper
from .channels_last_hook import ChannelsLastHook
from .checkpoint_folder import CheckpointFolder
from .checkpoint_hook import SafeCheckpointHook
from .compile_hook import CompileHook
from .exact_resume_hook import ExactResumeHook
from .export_hook import ExportClassifierHook
from .facemix_monitor import FaceMixMonitor
from .failed_batch import config_beside, load_failed_batch, set_rng_states
from .formatted_once import format_configs_once
from .global_log_hook import GlobalLogHook
from .graceful_stop_hook import GracefulStopHook
from .held_out_hook import HeldOutHook
from .lazy_visualizer import LazyVisualizer
from .log_history_hook import LogHistoryHook
from .merged_groups import MergedGroupsConstructor
from .numerics_hook import NumericsHook
from .pseudo_label_monitor import PseudoLabelMonitor, pseudo_label_figures
from .resumable_loop import ResumableTrainLoop
from .same_error import same_error_everywhere
from .sharded_runner import ShardedRunner
from .split_record_hook import SplitRecordHook
from .stage_report_hook import StageReportHook
from .stage_timer_hook import StageTimerHook
from .teacher_hook import EMATeacherHook
from .two_stage_hook import TwoStageFinetuneHook
from .two_stage_loop import Stage, TwoStageTrainLoop
from .unreadable_hook import UnreadableHook

__all__ = [
    'BFloat16OptimWrapper', 'ChannelsLastHook', 'CheckpointFolder', 'CompileHook',
    'EMATeacherHook', 'ExactResumeHook', 'ExportClassifierHook', 'FaceMixMonitor',
    'GlobalLogHook', 'GracefulStopHook', 'HeldOutHook', 'LazyVisualizer', 'LogHistoryHook',
    'MergedGroupsConstructor', 'NumericsHook', 'PseudoLabelMonitor', 'ResumableTrainLoop',
    'SafeCheckpointHook', 'ShardedRunner', 'SplitRecordHook', 'Stage', 'StageReportHook',
    'StageTimerHook', 'TwoStageFinetuneHook', 'TwoStageTrainLoop', 'UnreadableHook',
    'config_beside', 'format_configs_once', 'load_failed_batch', 'pseudo_label_figures',
    'same_error_everywhere', 'set_rng_states'
]

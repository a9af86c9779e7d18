"""What a power cut leaves of the classifier that a stage exports."""
import os
import re
from types import SimpleNamespace

from mmengine.logging import MMLogger

from ssfer_mm.engine.export_hook import ExportClassifierHook
from ssfer_mm.engine.stage_report_hook import StageReportHook
from support.runs import config


def test_the_disk_has_both_files_before_their_names_say_so(tmp_path, monkeypatch):
    """The stage's checkpoint is written next: after it nobody exports that stage again."""
    steps, replace = [], os.replace
    monkeypatch.setattr(os, 'fsync', lambda handle: steps.append('sync'))
    monkeypatch.setattr(os, 'replace', lambda old, new: replace(old, new) or steps.append(
        f'name {os.path.basename(new)}'))
    runner = SimpleNamespace(
        work_dir=str(tmp_path), cfg=config(tmp_path), message_hub=SimpleNamespace(
            update_info=lambda key, value: None), logger=MMLogger.get_current_instance(),
        train_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo={})))
    ExportClassifierHook()._export(runner, SimpleNamespace(name='semi', end_epoch=1), {})
    StageReportHook()._write(runner, {})
    assert re.findall(r'sync name (\S+) sync', ' '.join(steps)) == [
        'classifier_semi.pth', 'classifier.py', 'stages.json']

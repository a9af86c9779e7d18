"""Datasets, splits and the semi-supervised wrapper."""
from ssfer_mm.datasets.affectnet import AffectNet
from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.chapter_sampler import ChapterSampler
from ssfer_mm.datasets.class_folders import ClassFolders
from ssfer_mm.datasets.collate import collate_sources
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.face_scenes import FaceScenes
from ssfer_mm.datasets.faces13k import Faces13k
from ssfer_mm.datasets.fer2013 import FER2013
from ssfer_mm.datasets.ferplus import FERPlus
from ssfer_mm.datasets.rafdb import RAFDB
from ssfer_mm.datasets.seeded import SeededIndex, item_seeds, seed_draws
from ssfer_mm.datasets.seeded_sampler import SeededSampler
from ssfer_mm.datasets.semi_supervised import SemiSupervisedDataset
from ssfer_mm.datasets.shard_sampler import ShardSampler
from ssfer_mm.datasets.splits import Split, check_split, load_split, save_split
from ssfer_mm.datasets.stored_faces import StoredFaces
from ssfer_mm.datasets.synthfer import SynthFER
from ssfer_mm.datasets.two_source_sampler import TwoSourceBatchSampler, TwoSourceSampler
from ssfer_mm.datasets.unlabeled import UnlabeledFaces

__all__ = ['AffectNet', 'ChapterSampler', 'ClassFolders', 'FER2013', 'FERDataset', 'FERPlus',
           'FaceScenes', 'Faces13k', 'RAFDB', 'Sample', 'SeededIndex', 'SeededSampler',
           'SemiSupervisedDataset', 'ShardSampler', 'Split', 'StoredFaces', 'SynthFER',
           'TwoSourceBatchSampler', 'TwoSourceSampler', 'UnlabeledFaces', 'check_split',
           'collate_sources', 'draw_split', 'item_seeds', 'load_split', 'save_split', 'seed_draws']

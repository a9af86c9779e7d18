"""Where face images for pre-training come from: one file per kind of store."""
from .image_folder import ImageFolder
from .lmdb_store import LMDB
from .mixture import Mixture
from .record_io import RecordIO
from .source import FACE_SOURCES, FaceSource, build_source
from .tar_shards import TarShards
from .zip_archives import ZipArchives

__all__ = ['FACE_SOURCES', 'FaceSource', 'ImageFolder', 'LMDB', 'Mixture', 'RecordIO', 'TarShards',
           'ZipArchives', 'build_source']

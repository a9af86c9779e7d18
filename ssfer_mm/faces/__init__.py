"""Face boxes: where a face lies in an image, and the files that say so."""
from .box_file import BoxReport, FaceRecord, load_boxes, read_boxes, write_boxes
from .boxes import (
                    box_area,
                    clip_boxes,
                    crop_resize_matrix,
                    flip_matrix,
                    paired_iou,
                    transform_boxes,
)

__all__ = [
    'BoxReport', 'FaceRecord', 'box_area', 'clip_boxes', 'crop_resize_matrix', 'flip_matrix',
    'load_boxes', 'paired_iou', 'read_boxes', 'transform_boxes', 'write_boxes'
]

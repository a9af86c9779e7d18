"""Face boxes: where a face lies in an image, and the files that say so."""
from .box_file import FaceRecord, read_boxes, read_header, write_boxes
from .box_lookup import BoxesOfImages, BoxReport, boxes_of_images
from .boxes import (
    box_area,
    clip_boxes,
    crop_resize_matrix,
    flip_matrix,
    paired_iou,
    transform_box,
)
from .choose import choose_face

__all__ = [
    'BoxReport', 'BoxesOfImages', 'FaceRecord', 'box_area', 'boxes_of_images', 'choose_face',
    'clip_boxes', 'crop_resize_matrix', 'flip_matrix', 'paired_iou', 'read_boxes',
    'read_header', 'transform_box', 'write_boxes'
]

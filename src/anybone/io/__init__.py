"""Reading and writing: the only place where files become volumes.

`read` gives a Volume in the file's own array order with a RAS+ affine; `write` stores a Segmentation or a Volume on
exactly its grid. `FORMATS` lists what is known. Parsers (nibabel, pydicom) are imported when a file needs them.
"""

from anybone.io.formats import FORMATS
from anybone.io.inputs import find_inputs
from anybone.io.limits import MAX_VOXELS
from anybone.io.reading import describe, read, read_segmentation
from anybone.io.types import Description, Format
from anybone.io.writing import write

__all__ = [
    "FORMATS",
    "MAX_VOXELS",
    "Description",
    "Format",
    "describe",
    "find_inputs",
    "read",
    "read_segmentation",
    "write",
]

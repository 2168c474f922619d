"""Types of arrays and tensors whose axes are named, as in `Float[Tensor, "b c h w"]`.

They are jaxtyping's where that is installed (the tests check them at every call) and plain annotations elsewhere, so
that nothing has to be installed to run a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped
    from jaxtyping import Integer as Int  # signed or not: images and labels are uint8
else:
    try:
        from jaxtyping import Bool, Float, Shaped
        from jaxtyping import Integer as Int
    except ImportError:

        class _Unchecked:
            def __class_getitem__(cls, item: Any) -> Any:
                return item[0]

        Bool = Float = Int = Shaped = _Unchecked

__all__ = ["Bool", "Float", "Int", "Shaped"]

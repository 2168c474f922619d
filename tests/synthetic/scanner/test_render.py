import functools
import hashlib
import subprocess
import sys

import pytest
import torch

from anybone.synthetic.scanner import Aim, Atlas, Renderer, RenderOptions, reconstruction
from painted_limb import limb_map


@functools.cache
def limb_atlas(metal=False):
    return Atlas.of([limb_map((90, 90, 70), 1.4), limb_map((80, 84, 60), 1.6, metal=metal)])


def digest(rendered):
    return hashlib.sha256(rendered.image.numpy().tobytes() + rendered.bone.numpy().tobytes()).hexdigest()


def test_a_batch_has_images_bones_and_their_places():
    made = Renderer(limb_atlas(), RenderOptions(size=96, slices=3)).draw(6, seed=1)
    assert made.image.shape == made.bone.shape == made.faint.shape == (6, 3, 96, 96)
    assert made.image.isfinite().all()
    assert made.image.min() >= 0
    assert set(made.bone.unique().tolist()) == {0, 1, 2}
    assert len(made.contrasts) == len(made.frames) == 6
    assert torch.equal(made.mask, made.bone > 0)
    assert set(made.frames.which.tolist()) == {0, 1}


def test_the_same_seed_gives_the_same_batch():
    renderer = Renderer(limb_atlas(), RenderOptions(size=64))
    assert digest(renderer.draw(8, seed=4)) == digest(renderer.draw(8, seed=4))
    assert digest(renderer.draw(8, seed=4)) != digest(renderer.draw(8, seed=5))


def test_maps_can_be_chosen():
    which = torch.tensor([1, 1, 0])
    made = Renderer(limb_atlas(), RenderOptions(size=32)).draw(3, seed=0, which=which)
    assert torch.equal(made.frames.which, which)


def test_some_slices_have_no_bone():
    options = RenderOptions(size=48, aim=Aim(off_bone=0.3))
    empty = ~Renderer(limb_atlas(), options).draw(300, seed=2).mask.flatten(1).any(dim=1)
    assert 0.03 < empty.float().mean() < 0.35


def test_images_have_a_brightness_to_work_with():
    made = Renderer(limb_atlas(), RenderOptions(size=64, aim=Aim(off_bone=0))).draw(100, seed=3)
    bright = made.image.flatten(1).quantile(0.98, dim=1)
    assert 0.5 < bright.median() < 2.5
    assert (bright > 0.05).float().mean() > 0.95


def test_on_t1_marrow_is_brighter_than_its_rim():
    """Inside a bone's label the outermost pixels hold cortex, the innermost marrow."""
    options = RenderOptions(size=128, mixture_share=0.0, sequences=("t1",), aim=Aim(planes={"axial": 1.0}, off_bone=0))
    made = Renderer(limb_atlas(), options).draw(24, seed=0)
    mask = made.mask.float()
    core = -torch.nn.functional.max_pool2d(-mask, 9, 1, 4)
    rim = mask + torch.nn.functional.max_pool2d(-mask, 3, 1, 1)
    inside, edge = (made.image * core).sum() / core.sum(), (made.image * rim).sum() / rim.sum()
    assert inside > 1.8 * edge


def test_folding_brings_in_what_lies_outside():
    narrow = Aim(planes={"coronal": 1.0}, tilt_deg=0, any_tilt=0, stretch=0, field=(0.5, 0.5), off_bone=0)
    plain = RenderOptions(size=64, wrap_share=0.0, warp_share=0.0, aim=narrow)
    folded = RenderOptions(size=64, wrap_share=1.0, warp_share=0.0, aim=narrow)
    first, second = (Renderer(limb_atlas(), options).draw(8, seed=6) for options in (plain, folded))
    assert torch.equal(first.bone, second.bone)
    assert second.image.mean() > 1.1 * first.image.mean()


def test_metal_leaves_a_void_wider_than_itself():
    options = RenderOptions(
        size=96, mixture_share=0, sequences=("gre",), warp_share=0, wrap_share=0, aim=Aim(off_bone=0)
    )
    which = torch.ones(24, dtype=torch.long)
    with_it = Renderer(limb_atlas(metal=True), options).draw(24, seed=3, which=which)
    without = Renderer(limb_atlas(), options).draw(24, seed=3, which=which)
    darker = ((with_it.image < 0.5 * without.image) & (without.image > 0.4)).flatten(1).float().mean(dim=1)
    assert darker.max() > 0.01
    assert darker.min() == 0


def test_faint_places_are_dark_ones(monkeypatch):
    monkeypatch.setattr(reconstruction, "_EVENED_SHARE", 0.0)
    made = Renderer(limb_atlas(), RenderOptions(size=64)).draw(64, seed=9)
    assert 0 < made.faint.float().mean() < 0.3
    assert made.image[made.faint].mean() < 0.5 * made.image[made.mask & ~made.faint].mean()


def test_training_needs_no_more_than_torch_numpy_and_safetensors():
    code = (
        "import sys; import anybone.synthetic.scanner, anybone.synthetic.label_map; "
        "print([m for m in ('scipy', 'nibabel', 'pydicom', 'SimpleITK', 'PIL', 'trimesh') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
def test_a_gpu_draws_the_same_bones():
    on_gpu = Atlas.of([limb_map((90, 90, 70), 1.4), limb_map((80, 84, 60), 1.6)], device="cuda")
    options = RenderOptions(size=96)
    first, second = Renderer(limb_atlas(), options).draw(16, seed=1), Renderer(on_gpu, options).draw(16, seed=1)
    assert second.image.device.type == "cuda"
    assert (first.bone != second.bone.cpu()).float().mean() < 0.002

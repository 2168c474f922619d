from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anybone.cli.prompt_input import PromptSpec, parse_prompt_options, read_prompts_file
from anybone.core.errors import PromptError


def typed(**words: list[Any]) -> list[PromptSpec]:
    kinds = ("points", "negative_points", "boxes", "scribbles", "masks")
    return parse_prompt_options(*(words.get(kind) for kind in kinds), bone="femur", world=False)


def test_numbers_may_be_parted_by_commas_or_spaces() -> None:
    expected = [PromptSpec("point", ((1.5, -2, 3),), True, "femur")]
    for text in ("1.5,-2,3", "1.5 -2 3", "(1.5, -2, 3)", " 1.5 ; -2 ; 3 "):
        assert typed(points=[text]) == expected


def test_every_kind_can_be_typed() -> None:
    specs = typed(
        points=["1,2,3"],
        negative_points=["4,5,6"],
        boxes=["0,0,0,9,9,9"],
        scribbles=["1,1,1 2,2,2"],
        masks=[Path("m.nii")],
    )
    assert specs == [
        PromptSpec("point", ((1, 2, 3),), True, "femur"),
        PromptSpec("point", ((4, 5, 6),), False, "femur"),
        PromptSpec("box", ((0, 0, 0), (9, 9, 9)), True, "femur"),
        PromptSpec("scribble", ((1, 1, 1), (2, 2, 2)), True, "femur"),
        PromptSpec("mask", (), True, "femur", file=Path("m.nii")),
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("points", "1,2"),
        ("points", "1,2,3,4,5,6"),
        ("points", "a,b,c"),
        ("points", ""),
        ("boxes", "1,2,3"),
        ("scribbles", "1,2"),
    ],
)
def test_wrong_numbers_are_refused_with_what_was_found(kind: str, text: str) -> None:
    with pytest.raises(PromptError, match=r"takes .* found"):
        typed(**{kind: [text]})


def written(folder: Path, content: object) -> Path:
    path = folder / "prompts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_file_holds_every_kind(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "space": "world",
            "prompts": [
                {"kind": "point", "at": [1, 2, 3], "positive": False},
                {"kind": "box", "from": [0, 0, 0], "to": [9, 9, 9], "bone": "tibia"},
                {"kind": "scribble", "through": [[1, 1, 1], [2, 2, 2]]},
                {"kind": "lasso", "around": [[1, 1, 1], [2, 1, 1], [1, 2, 1]]},
                {"kind": "mask", "file": "rough.nii.gz"},
            ],
        },
    )
    assert read_prompts_file(path, bone="bone", world=False) == [
        PromptSpec("point", ((1, 2, 3),), False, "bone", world=True),
        PromptSpec("box", ((0, 0, 0), (9, 9, 9)), True, "tibia", world=True),
        PromptSpec("scribble", ((1, 1, 1), (2, 2, 2)), True, "bone", world=True),
        PromptSpec("lasso", ((1, 1, 1), (2, 1, 1), (1, 2, 1)), True, "bone", world=True),
        PromptSpec("mask", (), True, "bone", file=tmp_path / "rough.nii.gz"),
    ]


@pytest.mark.parametrize("world", [False, True])
def test_the_option_says_the_space_where_the_file_does_not(tmp_path: Path, world: bool) -> None:
    path = written(tmp_path, {"prompts": [{"kind": "point", "at": [1, 2, 3]}]})
    assert read_prompts_file(path, bone="bone", world=world)[0].world is world


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[", "not valid JSON"),
        ([], '"prompts"'),
        ({"prompts": []}, '"prompts"'),
        ({"space": "scanner", "prompts": [{"kind": "point", "at": [1, 2, 3]}]}, "voxel"),
        ({"prompts": [7]}, "kind"),
        ({"prompts": [{"kind": "circle"}]}, "circle"),
        ({"prompts": [{"kind": "point"}]}, '"at"'),
        ({"prompts": [{"kind": "point", "at": [1, 2]}]}, '"at"'),
        ({"prompts": [{"kind": "point", "at": [1, 2, "3"]}]}, '"at"'),
        ({"prompts": [{"kind": "point", "at": [1, 2, 3], "positve": True}]}, "positve"),
        ({"prompts": [{"kind": "box", "from": [1, 2, 3]}]}, '"to"'),
        ({"prompts": [{"kind": "box", "from": [1, 2, 3], "to": [4, 5, 6], "positive": False}]}, "box"),
        ({"prompts": [{"kind": "scribble", "through": []}]}, "through"),
        ({"prompts": [{"kind": "lasso", "around": [1, 2, 3]}]}, "around"),
        ({"prompts": [{"kind": "lasso", "around": [[1, 1, 1]], "positive": False}]}, "positive"),
        ({"prompts": [{"kind": "mask"}]}, '"file"'),
    ],
)
def test_a_file_that_holds_no_prompts_is_refused(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(PromptError, match=told):
        read_prompts_file(written(tmp_path, content), bone="bone", world=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="nowhere"):
        read_prompts_file(tmp_path / "nowhere.json", bone="bone", world=False)

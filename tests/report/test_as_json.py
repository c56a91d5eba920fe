"""report.json: the analysis, field by field."""

import json
from collections.abc import Callable

import jsonschema
import msgspec
import pytest

from capanalyze.model import Analysis
from capanalyze.report import as_json

from . import sample

Make = Callable[[], Analysis]


def deep() -> Analysis:
    return sample.deep()[0]


SAMPLES = (sample.article, sample.empty, sample.no_mode, sample.hostile, deep)


@pytest.mark.parametrize("make", SAMPLES)
def test_it_is_valid_against_the_schema(make: Make) -> None:
    jsonschema.Draft202012Validator.check_schema(as_json.json_schema())
    jsonschema.validate(json.loads(as_json.to_json(make())), as_json.json_schema())


def test_the_schema_turns_down_what_is_wrong() -> None:
    report = json.loads(as_json.to_json(sample.article()))
    for key, wrong in (("format_version", 2), ("findings", [{}]), ("target", None)):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(report | {key: wrong}, as_json.json_schema())


def test_the_shipped_schema_is_up_to_date() -> None:
    command = "python -m capanalyze.report.as_json > capanalyze/report/report.schema.json"
    assert as_json.shipped_schema() == as_json.schema_text(), f"run: {command}"


@pytest.mark.parametrize("make", [sample.article, sample.empty, sample.no_mode, deep])
def test_nothing_is_lost(make: Make) -> None:
    assert msgspec.json.decode(as_json.to_json(make()), type=Analysis) == make()


def test_its_format_is_named_first() -> None:
    text = as_json.to_json(sample.article())
    assert text.startswith(b'{\n  "format": "capanalyze-report",\n  "format_version": 1,\n')
    assert text.endswith(b"}\n")
    assert not text.endswith(b"\n\n")


def test_it_is_the_same_every_time() -> None:
    assert as_json.to_json(sample.article()) == as_json.to_json(sample.article())


def test_it_can_be_looked_at_on_a_terminal() -> None:
    text = as_json.to_json(sample.hostile()).decode()
    assert all(character.isprintable() for character in text.replace("\n", ""))
    names = [fact["value"] for fact in json.loads(text)["findings"][0]["disclosures"]]
    assert names[:-1] == list(sample.HOSTILE[:-1])
    assert names[-1] == "\\udcff not UTF-8"

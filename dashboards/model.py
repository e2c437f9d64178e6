#!/usr/bin/env python3
"""Does Grafana's own published model of a dashboard know everything that dashboards/*.json says?

    dashboards/model.py           a line for each thing it does not know; exit 1 if there is one

Needs grafana-foundation-sdk, whose classes Grafana generates from the schemas of its dashboards,
panels and queries. They take any JSON without a word, so this reads each dashboard into them and
looks twice: at what comes out again, where everything unknown is missing; and at the types, which
the classes declare. Before that, it breaks a dashboard in some ways, and stops if it does not
find each of them.
"""

import copy
import enum
import json
import pathlib
import re
import sys
import types
import typing

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

HERE = pathlib.Path(__file__).resolve().parent

# What Grafana reads and its model lacks: how Prometheus' annotations are told, and the text of a
# variable's query, which Grafana's editor shows.
NOT_IN_THE_MODEL = re.compile(
    r"\.annotations\.list\[\d+\]\.(titleFormat|textFormat|tagKeys|target\.(refId|expr|interval))"
    r"|\.templating\.list\[\d+\]\.definition"
)

# Where to break the Fleet dashboard, and with what.
BREAKS: list[tuple[list, object]] = [
    (["panels", 8, "titel"], "Healthy"),
    (["panels", 8, "options", "graphmode"], "none"),
    (["panels", 8, "options", "colorMode"], "backround"),
    (["panels", 8, "gridPos", "h"], "4"),
    (["panels", 8, "fieldConfig", "defaults", "units"], "short"),
    (["panels", 8, "targets", 0, "expression"], "up"),
    (["panels", 17, "options", "legend", "displayMode"], "tabel"),
    (["panels", 17, "fieldConfig", "defaults", "custom", "fillopacity"], 1),
    (["templating", "list", 1, "multy"], True),
    (["links", 0, "asDropdown"], "yes"),
]


def main() -> int:
    plugins.register_default_plugins()
    sound = json.loads((HERE / "fleet.json").read_text())
    for place, value in BREAKS:
        if not list(faults(broken(sound, place, value))):
            sys.exit(f"this check does not find {value!r} at {place}: mend it")
    found = [
        f"{path.name}: {fault}"
        for path in sorted(HERE.glob("*.json"))
        for fault in faults(json.loads(path.read_text()))
    ]
    print("\n".join([*found, f"{len(found)} things that Grafana's model does not know"]))
    return 1 if found else 0


def broken(sound: dict, place: list, value: object) -> dict:
    changed = copy.deepcopy(sound)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def faults(board: dict) -> typing.Iterator[str]:
    try:
        model = Dashboard.from_json(board)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield f"cannot be read: {error}"
        return
    yield from wrong_types(model, Dashboard, "")
    again = json.loads(JSONEncoder().encode(model))
    yield from (fault for place, fault in differences(board, again, "") if not NOT_IN_THE_MODEL.fullmatch(place))


def differences(said: object, kept: object, place: str) -> typing.Iterator[tuple[str, str]]:
    """What was said and is not kept."""
    if isinstance(said, dict) and isinstance(kept, dict):
        for key, value in said.items():
            if key in kept:
                yield from differences(value, kept[key], f"{place}.{key}")
            else:
                yield from ((it, f"{it}: not known") for it in leaves(value, f"{place}.{key}"))
    elif isinstance(said, list) and isinstance(kept, list) and len(said) == len(kept):
        for number, (one, other) in enumerate(zip(said, kept)):
            yield from differences(one, other, f"{place}[{number}]")
    elif said != kept:
        yield place, f"{place}: {said!r} is read as {kept!r}"


def leaves(value: object, place: str) -> typing.Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{place}.{key}")
    else:
        yield place


def wrong_types(value: object, declared: object, place: str) -> typing.Iterator[str]:
    """Where a value is not what its class declares."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin in (typing.Union, types.UnionType):
        yield from wrong_choice(value, arguments, place)
    elif origin is typing.Literal:
        if value not in arguments:
            yield f"{place}: {value!r} is none of {arguments}"
    elif origin is list and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from wrong_types(inner, arguments[0], f"{place}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for key, inner in value.items():
            yield from wrong_types(inner, arguments[1], f"{place}.{key}")
    elif origin or declared in (str, int, float, bool):
        wanted = origin or ((int, float) if declared is float else declared)
        if not isinstance(value, wanted) or (isinstance(value, bool) and declared in (int, float)):
            yield f"{place}: {value!r} is no {declared}"
    elif isinstance(declared, type) and issubclass(declared, enum.Enum):
        # Read as they are: a word that there is not would pass.
        if value not in [it.value for it in declared]:
            yield f"{place}: {value!r} is no {declared.__name__}"
    elif isinstance(value, dict) and hasattr(declared, "from_json"):
        # Some classes keep their inner ones unread.
        yield from wrong_fields(declared.from_json(value), place)
    elif isinstance(declared, type) and declared is not object and not isinstance(value, declared):
        yield f"{place}: {value!r} is no {declared.__name__}"
    elif hasattr(value, "from_json"):
        yield from wrong_fields(value, place)


def wrong_choice(value: object, choices: tuple, place: str) -> typing.Iterator[str]:
    """Where a value is none of several types; what is nearest tells why."""
    if value is None and types.NoneType in choices:
        return
    found = [list(wrong_types(value, it, place)) for it in choices if it is not types.NoneType]
    yield from max(found, key=lambda faults: (not faults, sum(len(it.split(":")[0]) for it in faults)))


def wrong_fields(value: object, place: str) -> typing.Iterator[str]:
    declared = typing.get_type_hints(type(value))
    for name, inner in vars(value).items():
        yield from wrong_types(inner, declared[name], f"{place}.{name}")


if __name__ == "__main__":
    sys.exit(main())

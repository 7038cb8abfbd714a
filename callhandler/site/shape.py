"""What may stand where in a site file, read off the models: for did-you-means and for the reference documentation."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from callhandler.site.models import Site
from callhandler.site.positions import KeyPath
from callhandler.site.values import Table


def alternatives(annotation: object) -> Iterator[object]:
    """Yield the plain types in an annotation: without Annotated, unions taken apart, None left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            yield from alternatives(inner)
    elif annotation is not NoneType:
        yield annotation


def tables(annotation: object) -> list[type[Table]]:
    """Return the models among an annotation's alternatives."""
    return [kind for kind in alternatives(annotation) if isinstance(kind, type) and issubclass(kind, Table)]


def fields(table: type[Table]) -> dict[str, FieldInfo]:
    """Return a table's fields by the names that the file uses."""
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _inside(annotation: object, key: str | int) -> Iterator[object]:
    for kind in alternatives(annotation):
        match get_origin(kind), get_args(kind):
            case (type() as origin, (_, inner)) if origin is dict:
                yield inner
            case (type() as origin, (inner,)) if origin is list:
                yield inner
            case _:
                yield from (fields(table)[str(key)].annotation for table in tables(kind) if str(key) in fields(table))


def kinds_at(path: KeyPath) -> list[object]:
    """Return what may stand at a path; nothing when the path means nothing."""
    kinds: list[object] = [Site]
    for key in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, key)]
    return [plain for kind in kinds for plain in alternatives(kind)]


def field_at(path: KeyPath) -> FieldInfo | None:
    """Return the field that a path's last key names, if it names one."""
    for kind in kinds_at(path[:-1]):
        for table in tables(kind):
            if path[-1] in fields(table):
                return fields(table)[str(path[-1])]
    return None


def keys_at(path: KeyPath) -> list[str]:
    """Return the keys known in the table at a path."""
    return [name for kind in kinds_at(path) for table in tables(kind) for name in fields(table)]


def is_secret(path: KeyPath) -> bool:
    """Tell whether what stands at a path must not be repeated."""
    return SecretStr in kinds_at(path)

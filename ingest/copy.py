"""A catalog into another database, row by row: all of it in one transaction, and compared afterwards.

Until the transaction ends nobody sees any of it, so that an interrupted copy leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from ingest.catalog import Catalog
from ingest.schema import SEQUENCE, changes, counters, documents, metadata, versions
from ingest.sync_run import Progress

_AT_ONCE = 200  # rows; a version's holds its whole text
_MODULUS = 2**128


@dataclass(frozen=True, slots=True)
class TableSum:
    """How many rows a table has, and a checksum over all their values that doesn't depend on their order."""

    rows: int
    checksum: int


@dataclass(frozen=True, slots=True)
class CatalogSum:
    """What a catalog holds, by table. `last_key`: the highest version key that was ever given."""

    tables: Mapping[str, TableSum]
    last_key: int

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(each.rows for each in self.tables.values())

    @property
    def checksum(self) -> str:
        """Over all tables; 32 hexadecimal digits."""
        each = sorted((name, one.rows, one.checksum) for name, one in self.tables.items())
        return hashlib.blake2b(repr(each).encode(), digest_size=16).hexdigest()


def is_empty(catalog: Catalog) -> bool:
    """Whether nothing was ever brought into this library."""
    with catalog.transaction() as connection:
        sequence = connection.execute(select(counters.c.value).where(counters.c.name == SEQUENCE)).scalar()
        return not sequence and connection.execute(select(func.count()).select_from(documents)).scalar() == 0


def same_library(one: Catalog, other: Catalog) -> bool:
    """Whether both tell of the same changes, from the first to the last."""
    told = []
    for catalog in (one, other):
        with _snapshot(catalog) as connection:
            told.append([_sum_of(connection, table) for table in (counters, changes)])
    return told[0] == told[1]


def copy_catalog(
    source: Catalog, target: Catalog, fingerprints: Mapping[str, str], progress: Progress | None = None
) -> None:
    """Make `target` hold what `source` holds, with the same keys and numbers; what it held before goes.

    `fingerprints`: the names of indexes that are other ones there. Raises IndexUnavailableError where a database
    fails; then the target is as it was.
    """
    with _snapshot(source) as reading, target.transaction() as writing:
        total = sum(_count(reading, table) for table in metadata.sorted_tables)
        for table in reversed(metadata.sorted_tables):
            writing.execute(delete(table))
        done = 0
        for table in metadata.sorted_tables:
            for rows in _rows(reading, table, fingerprints):
                writing.execute(insert(table), rows)
                done += len(rows)
                if progress:
                    progress("rows", done, total)
        _go_on_from(writing, _last_key(reading))


def sum_up(
    catalog: Catalog, fingerprints: Mapping[str, str] | None = None, progress: Progress | None = None
) -> CatalogSum:
    """Count and sum up all rows, with `fingerprints` as they would be copied. Raises IndexUnavailableError."""
    with _snapshot(catalog) as connection:
        total = sum(_count(connection, table) for table in metadata.sorted_tables)
        sums: dict[str, TableSum] = {}
        for table in metadata.sorted_tables:
            sums[table.name] = _sum_of(connection, table, fingerprints)
            if progress:
                progress("rows compared", sum(each.rows for each in sums.values()), total)
        return CatalogSum(sums, _last_key(connection))


def differences(source: CatalogSum, target: CatalogSum) -> list[str]:
    """What differs, a sentence each; none where all is the same."""
    said = []
    for name, one in source.tables.items():
        other = target.tables[name]
        if one.rows != other.rows:
            said.append(f"The table {name} has {other.rows:,} rows there and {one.rows:,} here.")
        elif one != other:
            said.append(f"Rows of the table {name} have other values there.")
    if target.last_key < source.last_key:
        said.append(f"Versions are numbered from {target.last_key + 1} there; {source.last_key} was given here.")
    return said


@contextmanager
def _snapshot(catalog: Catalog) -> Iterator[Connection]:
    """A connection that sees the catalog as it is now, whatever is written meanwhile."""
    with catalog.transaction() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver would not begin before a write
        elif connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def _sum_of(connection: Connection, table: Table, fingerprints: Mapping[str, str] | None = None) -> TableSum:
    rows, checksum = 0, 0
    for batch in _rows(connection, table, fingerprints or {}):
        rows += len(batch)
        checksum = (checksum + sum(_row_sum(row) for row in batch)) % _MODULUS
    return TableSum(rows, checksum)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _rows(connection: Connection, table: Table, fingerprints: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
    found = connection.execute(select(table).execution_options(yield_per=_AT_ONCE))
    for part in found.mappings().partitions():
        rows = [dict(row) for row in part]
        if table is versions and fingerprints:
            for row in rows:
                row["fingerprint"] = fingerprints.get(row["fingerprint"], row["fingerprint"])
        yield rows


def _row_sum(row: Mapping[str, Any]) -> int:
    """A hash of all values. They are text, whole numbers, floats, truth values and nothing, the same everywhere."""
    values: Sequence[Any] = [row[name] for name in sorted(row)]
    digest = hashlib.blake2b(json.dumps(values).encode(), digest_size=16).digest()
    return int.from_bytes(digest, "big")


def _last_key(connection: Connection) -> int:
    """The highest version key that was ever given, also to versions that are gone: none is given twice."""
    highest = int(connection.execute(select(func.coalesce(func.max(versions.c.key), 0))).scalar_one())
    if connection.dialect.name == "sqlite":
        given = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'versions'")).scalar()
    elif connection.dialect.name == "postgresql":
        sequence = "pg_get_serial_sequence('versions', 'key')"
        given = connection.execute(text(f"SELECT pg_sequence_last_value({sequence}::regclass)")).scalar()
    else:
        given = None
    return max(highest, int(given or 0))


def _go_on_from(connection: Connection, last_key: int) -> None:
    """Give higher keys than this from now on."""
    if last_key < 1:
        return
    if connection.dialect.name == "sqlite":
        raised = text("UPDATE sqlite_sequence SET seq = max(seq, :key) WHERE name = 'versions'")
        if connection.execute(raised, {"key": last_key}).rowcount == 0:
            connection.execute(text("INSERT INTO sqlite_sequence VALUES ('versions', :key)"), {"key": last_key})
    elif connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval(pg_get_serial_sequence('versions', 'key'), :key)"), {"key": last_key})

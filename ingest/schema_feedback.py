"""The catalog's tables of what was asked and what people thought of the answers.

They tell of people, not of documents: nothing that is served depends on them, and no sequence number counts them.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Table, Text

from ingest.schema import metadata

asked = Table(
    "asked",
    metadata,
    # the id of the answer
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    # none where the settings say that questions are not kept; then there are no sources either
    Column("question", Text),
    Column("kind", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("low_confidence", Boolean, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("sources", Text, nullable=False),
    # the nearest question that the library holds
    Column("related", Text),
    # the view it was answered in
    Column("audience", Text, nullable=False),
    Column("collections", Text),
    Index("asked_by_time", "at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("answer_id", Text, ForeignKey("asked.id"), primary_key=True),
    # a key's id; "" for whoever has none
    Column("who", Text, primary_key=True),
    Column("rating", Text, nullable=False),
    Column("comment", Text),
    Column("at", Text, nullable=False),
)

"""What the PostgreSQL tools answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class Table(BaseModel):
    """A table or view."""

    schema_name: str
    name: str
    kind: Annotated[str, Field(description="table, view, materialized view, partitioned table or foreign table.")]
    rows_estimate: Annotated[int | None, Field(description="PostgreSQL's estimate; null if it has none.")] = None
    rights: Annotated[list[str], Field(description="What the caller may do with it.")]
    comment: str = ""


class TableList(BaseModel):
    """The tables that the caller has any right on."""

    tables: list[Table]
    count: int


class Column(BaseModel):
    """A column."""

    name: str
    type: str
    nullable: bool
    default: str | None = None
    primary_key: bool = False
    references: Annotated[str | None, Field(description="The column that a foreign key points to.")] = None
    comment: str = ""


class TableDescription(BaseModel):
    """A table with its columns."""

    schema_name: str
    name: str
    kind: str
    rights: list[str]
    comment: str = ""
    columns: list[Column]
    indexes: list[str] = Field(default_factory=list)


class QueryResult(BaseModel):
    """Rows. A column name that occurs twice gets a number behind it."""

    columns: list[str]
    types: Annotated[list[str], Field(description="PostgreSQL's type of each column.")]
    rows: list[dict[str, Any]]
    row_count: int
    truncated: Annotated[bool, Field(description="Whether there were more rows than `limit`, or than fit.")]


class ExecuteResult(QueryResult):
    """What a statement did; rows only where it returns some (RETURNING)."""

    command: Annotated[str, Field(description="PostgreSQL's command tag, such as UPDATE 3.")]
    rows_affected: Annotated[int | None, Field(description="Null for statements that do not count rows.")] = None


class Plan(BaseModel):
    """How PostgreSQL would run a statement; it was not run."""

    plan: str

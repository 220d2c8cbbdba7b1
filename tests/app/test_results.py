"""A tool's result is sorted into what a person reads best."""

from __future__ import annotations

from app.results import Shaped, shape


def test_one_object_is_facts() -> None:
    issue = {"key": "PROJ-1", "assignee": {"name": "alice"}, "labels": ["a", "b"], "parent": None}
    assert shape(issue).facts == {"key": "PROJ-1", "assignee.name": "alice", "labels": "a, b", "parent": None}


def test_a_list_of_objects_is_a_table_wrapped_or_not() -> None:
    rows = [{"id": 1, "owner": {"login": "alice"}}, {"id": 2, "owner": {"login": "bob"}}]
    expected = [{"id": 1, "owner.login": "alice"}, {"id": 2, "owner.login": "bob"}]
    assert shape({"result": rows}).tables == {"": expected}
    assert shape(rows).tables == {"": expected}


def test_a_list_inside_an_object_is_a_table_beside_its_facts() -> None:
    shaped = shape({"total": 1, "issues": [{"key": "PROJ-1"}]})
    assert shaped.facts == {"total": 1}
    assert shaped.tables == {"issues": [{"key": "PROJ-1"}]}


def test_columns_and_rows_are_one_table() -> None:
    answer = {"columns": ["id", {"name": "total"}], "rows": [[1, 2.5], [2, None]], "row_count": 2}
    shaped = shape(answer)
    assert shaped.tables == {"rows": [{"id": 1, "total": 2.5}, {"id": 2, "total": None}]}
    assert shaped.facts == {"row_count": 2}


def test_rows_that_carry_their_columns_names_are_a_table_even_when_empty() -> None:
    answer = {"columns": ["id"], "types": ["int4"], "rows": [{"id": 1}], "row_count": 1}
    assert shape(answer) == Shaped(facts={"row_count": 1}, tables={"rows": [{"id": 1}]})
    assert shape({**answer, "rows": [], "row_count": 0}) == Shaped(facts={"row_count": 0}, tables={"rows": []})


def test_plain_values_are_a_column() -> None:
    assert shape({"result": ["users", "orders"]}).tables == {"": [{"value": "users"}, {"value": "orders"}]}


def test_text_stays_text_and_nothing_stays_nothing() -> None:
    assert shape(None, "done") == Shaped(text="done")
    assert shape({"result": "Seq Scan"}).text == "Seq Scan"
    assert shape(None, "") == Shaped()


def test_an_empty_list_is_an_empty_table() -> None:
    assert shape({"result": []}).tables == {"": []}


def test_a_list_is_spelled_as_json_spells_it_and_not_as_python_does() -> None:
    assert shape({"v": [True, False, 1, 1e20, "x"]}).facts == {"v": "true, false, 1, 1e+20, x"}

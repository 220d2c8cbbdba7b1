"""JQL means here what it means in Jira: grammar, operators, empty fields, order, and its refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_services.jira.jql import MAX_DEPTH, And, Clause, Empty, Function, Node, Or, negate, parse
from mock_services.jira.lexer import JqlError
from mock_services.jira.matching import Search
from mock_services.jira.model import JiraIssue
from mock_services.jira.moments import moment
from mock_services.jira.site import People, Site, account_id
from mock_services.jira.text import matcher
from mock_services.people import Directory, MockPerson

NOW = datetime(2026, 6, 17, 12, 30, tzinfo=UTC)  # a Wednesday
ALICE = MockPerson("alice", "Alice Kim", "alice@example.com")
SITE = Site()


def find(jql: str, viewer: MockPerson = ALICE) -> list[JiraIssue]:
    people = People(Directory(by_username={"alice": ALICE}))
    return Search(SITE, viewer, people, NOW).run(parse(jql))


def keys(jql: str, viewer: MockPerson = ALICE) -> list[str]:
    return [issue.key for issue in find(jql, viewer)]


EVERYTHING = set(keys(""))


def test_the_seed_is_what_the_other_tests_count_on() -> None:
    assert len(EVERYTHING) == 50
    assert {issue.status.name for issue in find("")} == {"To Do", "In Progress", "Done"}


@pytest.mark.parametrize(
    ("jql", "fits"),
    [
        ("project = PROJ", lambda i: i.project.key == "PROJ"),
        ("project = 'customer portal'", lambda i: i.project.key == "PROJ"),
        ("project != PROJ", lambda i: i.project.key != "PROJ"),
        ("project in (PROJ, SHOP)", lambda i: True),
        ("project is not EMPTY", lambda i: True),
        ("status = 'in progress'", lambda i: i.status.name == "In Progress"),
        ("status in (Done, 'To Do')", lambda i: i.status.name != "In Progress"),
        ("status not in (Done, 'To Do')", lambda i: i.status.name == "In Progress"),
        ("statusCategory = Done", lambda i: i.status.category == "done"),
        ("assignee = currentUser()", lambda i: i.assignee == "alice"),
        ("assignee = alice", lambda i: i.assignee == "alice"),
        ("assignee = 'alice@example.com'", lambda i: i.assignee == "alice"),
        (f"assignee = '{account_id('alice')}'", lambda i: i.assignee == "alice"),
        ("assignee in (currentUser(), bob)", lambda i: i.assignee in ("alice", "bob")),
        ("assignee is EMPTY", lambda i: i.assignee is None),
        ("assignee = null", lambda i: i.assignee is None),
        ("assignee is not empty", lambda i: i.assignee is not None),
        ("assignee != alice", lambda i: i.assignee not in ("alice", None)),
        ("not assignee = alice", lambda i: i.assignee not in ("alice", None)),
        ("assignee in (bob, EMPTY)", lambda i: i.assignee in ("bob", None)),
        ("reporter = charlie", lambda i: i.reporter == "charlie"),
        ("type = Bug", lambda i: i.type.name == "Bug"),
        ("issuetype in (Bug, Epic)", lambda i: i.type.name in ("Bug", "Epic")),
        ("priority = High", lambda i: i.priority.name == "High"),
        ("priority > Medium", lambda i: i.priority.name in ("High", "Highest")),
        ("priority <= Low", lambda i: i.priority.name in ("Low", "Lowest")),
        ("labels = docs", lambda i: "docs" in i.labels),
        ("labels in (docs, tests)", lambda i: {"docs", "tests"} & set(i.labels)),
        ("labels not in (docs, tests)", lambda i: not {"docs", "tests"} & set(i.labels)),
        ("labels is empty", lambda i: not i.labels),
        ("resolution = Unresolved", lambda i: not i.resolved),
        ("resolution is not EMPTY", lambda i: i.resolved),
        ("resolution = Done", lambda i: i.resolved),
        ("duedate is empty", lambda i: i.due is None),
        ("key = proj-1", lambda i: i.key == "PROJ-1"),
        ("key in (PROJ-1, SHOP-2)", lambda i: i.key in ("PROJ-1", "SHOP-2")),
        ("key != PROJ-1", lambda i: i.key != "PROJ-1"),
        ("key >= PROJ-9 and key < PROJ-11", lambda i: i.key in ("PROJ-9", "PROJ-10")),
        ("created >= 2026-05-01", lambda i: i.created >= datetime(2026, 5, 1, tzinfo=UTC)),
        ("created < '2026/05/01 08:00'", lambda i: i.created < datetime(2026, 5, 1, 8, tzinfo=UTC)),
        ("updated > -30d", lambda i: i.updated > NOW - timedelta(days=30)),
        ("updated <= startOfMonth()", lambda i: i.updated <= datetime(2026, 6, 1, tzinfo=UTC)),
        ("summary ~ menu", lambda i: "menu" in i.summary.lower()),
        ("summary !~ menu", lambda i: "menu" not in i.summary.lower().split()),
        ("text ~ 'clock skew'", lambda i: i.key == "PROJ-2"),
        ("comment ~ 'time zone'", lambda i: i.key == "PROJ-4"),
        ("project = PROJ and status = Done or key = SHOP-1",
         lambda i: (i.project.key == "PROJ" and i.status.name == "Done") or i.key == "SHOP-1"),
        ("project = PROJ AND (status = Done OR key = PROJ-1)",
         lambda i: i.project.key == "PROJ" and (i.status.name == "Done" or i.key == "PROJ-1")),
        ("not (project = PROJ or status = Done)", lambda i: i.project.key != "PROJ" and i.status.name != "Done"),
        ("project = PROJ && !status = Done || key = SHOP-1",
         lambda i: (i.project.key == "PROJ" and i.status.name != "Done") or i.key == "SHOP-1"),
        ("'project' = \"PROJ\"", lambda i: i.project.key == "PROJ"),
    ],
)  # fmt: skip
def test_a_query_finds_exactly_what_it_says(jql: str, fits) -> None:
    expected = {issue.key for issue in SITE.issues(ALICE) if fits(issue)}
    assert set(keys(jql)) == expected


def test_the_seed_tells_empty_from_filled_and_old_from_new() -> None:
    assert 0 < len(keys("assignee is EMPTY")) < 50
    assert 0 < len(keys("duedate is empty")) < 50
    assert 0 < len(keys("updated > -30d")) < 50


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("key", lambda i: (i.project.key, i.number)),
        ("created", lambda i: i.created),
        ("summary ASC", lambda i: i.summary.lower()),
        ("project, priority DESC, key", lambda i: (i.project.key, int(i.priority.id), i.number)),
        ("status, key", lambda i: (i.status.id, i.project.key, i.number)),
        ("resolved, key", lambda i: (i.resolved or datetime.max.replace(tzinfo=UTC), i.project.key, i.number)),
        ("assignee, key", lambda i: (i.assignee is None, i.assignee or "", i.project.key, i.number)),
    ],
)
def test_results_come_in_the_order_asked_for(order: str, key) -> None:
    found = find(f"ORDER BY {order}")
    assert found == sorted(found, key=key)
    assert len(found) == 50


def test_descending_is_the_other_way_round() -> None:
    assert keys("ORDER BY key DESC") == keys("order by key")[::-1]


def test_without_an_order_the_newest_comes_first() -> None:
    ids = [issue.id for issue in find("project = PROJ")]
    assert ids == sorted(ids, reverse=True)


def test_what_someone_may_not_see_does_not_exist_for_their_query() -> None:
    bob = MockPerson("bob", "Bob", "bob@example.com")
    assert set(keys("project in (PROJ, OPS)", bob)) == {f"{p}-{n}" for p in ("PROJ", "OPS") for n in range(1, 26)}
    for hidden, shown in (("project = OPS", "'OPS' does not exist"), ("key = OPS-1", "key 'OPS-1' does not exist")):
        with pytest.raises(JqlError, match=shown):
            keys(hidden)


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("project =", "Expecting either a value, list or function but the query ended. (line 1, character 10)"),
        ("project", "Expecting operator before the end of the query. The valid operators are '=', '!=',"),
        ("project PROJ", "Expecting operator but got 'PROJ'. The valid operators are"),
        ("project = PROJ status = Done", "Expecting either 'OR' or 'AND' but got 'status'. (line 1, character 16)"),
        ("project = PROJ\nand status", "Expecting operator before the end of the query"),
        ("(project = PROJ", "Expecting ')' but the query ended"),
        ("project in (PROJ", "Expecting ')' or ',' but the query ended"),
        ("project in ()", "Expecting either a value, list or function but got ')'"),
        ("project = 'PROJ", "The quoted string 'PROJ' has not been completed. (line 1, character 11)"),
        ("assignee = a@b", "The character '@' is a reserved JQL character. You must enclose it in a string or use the "
                           "escape '\\u0040' instead. (line 1, character 13)"),
        ("project = and", "You must surround 'and' in quotation marks to use it as a value"),
        ("in = 3", "'in' is a reserved JQL word"),
        ("project = PROJ order created", "Expecting 'BY' but got 'created'"),
        ("order by created up", "Expecting ',' but got 'up'"),
        ("status is Done", "can only be used with 'EMPTY' or 'NULL'"),
        ("assignee not currentUser()", "Expecting 'IN' but got 'currentUser'"),
        ("colour = red", "Field 'colour' does not exist or you do not have permission to view it."),
        ("order by colour", "Not able to sort using field 'colour'."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Waiting", "The value 'Waiting' does not exist for the field 'status'."),
        ("assignee = nobody", "The value 'nobody' does not exist for the field 'assignee'."),
        ("key = NOPE-1", "An issue with key 'NOPE-1' does not exist for field 'key'."),
        ("project ~ PRO", "The operator '~' is not supported by the 'project' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("assignee > alice", "The operator '>' is not supported by the 'assignee' field."),
        ("created > soon", "Date value 'soon' for field 'created' is invalid."),
        ("created > 2026-13-01", "Date value '2026-13-01' for field 'created' is invalid."),
        ("created > -999999w", "Date value '-999999w' for field 'created' is invalid."),
        ("assignee = membersOf(staff)", "Unable to find JQL function 'membersOf(staff)'."),
        ("created > someday()", "Unable to find JQL function 'someday()'."),
        ("created > startOfDay(x)", "is not a valid offset"),
        ("key = EMPTY", "does not support searching for an empty value"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_run_is_refused_in_jiras_words(jql: str, message: str) -> None:
    with pytest.raises(JqlError) as refused:
        keys(jql)
    assert message in str(refused.value)


def test_deep_nesting_is_refused_and_long_chains_are_not() -> None:
    for deep in ("(" * 50_000, "not " * 50_000 + "key = PROJ-1"):
        with pytest.raises(JqlError, match=f"more than {MAX_DEPTH} levels"):
            parse(deep)
    chain = " or ".join(["key = PROJ-1"] * 5_000)
    assert keys(chain) == ["PROJ-1"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-06-01", "2026-06-01T00:00"),
        ("2026/6/1 9:05", "2026-06-01T09:05"),
        ("-1d", "2026-06-16T12:30"),
        ("2w", "2026-07-01T12:30"),
        ("-90m", "2026-06-17T11:00"),
        (Function("now"), "2026-06-17T12:30"),
        (Function("startOfDay"), "2026-06-17T00:00"),
        (Function("startOfDay", ("-1",)), "2026-06-16T00:00"),
        (Function("startOfWeek"), "2026-06-14T00:00"),
        (Function("startOfMonth", ("-1",)), "2026-05-01T00:00"),
        (Function("startOfYear", ("+1",)), "2027-01-01T00:00"),
        (Function("endOfMonth", ("-4",)), "2026-02-28T23:59"),
        (Function("endOfYear"), "2026-12-31T23:59"),
        (Function("endOfDay", ("-2w",)), "2026-06-03T23:59"),
    ],
)
def test_moments(given, expected: str) -> None:
    assert moment(given, now=NOW, field="created").strftime("%Y-%m-%dT%H:%M") == expected


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("menu", "Close the Menu.", True),
        ("men", "Close the Menu.", False),
        ("men*", "Close the Menu.", True),
        ("m?nu", "Close the Menu.", True),
        ("menu close", "Close the Menu.", True),
        ('"menu close"', "Close the Menu.", False),
        ('"the menu"', "Close the Menu.", True),
        ("sign-in", "The sign-in page", True),
        ("...", "...", False),
    ],
)
def test_words_and_phrases(query: str, text: str, found: bool) -> None:
    assert matcher(query)(text) is found


def test_many_asterisks_cost_nothing() -> None:
    assert not matcher("a*" * 500 + "b")("a" * 20_000)


_WORDS = st.sampled_from(
    ["PROJ", "Done", "To Do", "it's", 'say "x"', "back\\slash", "a@b.c", "ünïcödé", "or", "EMPTY", ""]
)
_OPERANDS = st.one_of(_WORDS, st.just(Empty()), st.builds(Function, st.just("currentUser")))
_CLAUSES = st.one_of(
    st.builds(
        Clause,
        st.sampled_from(["project", "assignee", "two words", "order"]),
        st.sampled_from(["=", "!=", "<", ">", "<=", ">=", "~", "!~"]),
        st.tuples(_OPERANDS),
    ),
    st.builds(
        Clause,
        st.just("status"),
        st.sampled_from(["IN", "NOT IN"]),
        st.lists(_OPERANDS, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Clause, st.just("labels"), st.sampled_from(["IS", "IS NOT"]), st.just((Empty(),))),
)


def _several(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, parts), st.builds(Or, parts))


_NODES = st.recursive(_CLAUSES, _several, max_leaves=8)


def written(node: Node) -> str:
    """A query that means ``node``, every part in parentheses and every value in quotes."""
    if isinstance(node, Clause):
        operands = [written_operand(operand) for operand in node.operands]
        value = f"({', '.join(operands)})" if node.operator in ("IN", "NOT IN") else operands[0]
        return f"{quoted(node.field)} {node.operator} {value}"
    return (" AND " if isinstance(node, And) else " or ").join(f"({written(part)})" for part in node.parts)


def written_operand(operand: str | Function | Empty) -> str:
    if isinstance(operand, Empty):
        return "EMPTY"
    return f"{operand.name}()" if isinstance(operand, Function) else quoted(operand)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(_NODES)
def test_a_query_written_out_is_read_back_the_same(node: Node) -> None:
    assert parse(written(node)).where == node


@given(_NODES)
def test_not_turns_a_query_round_and_twice_turns_it_back(node: Node) -> None:
    assert parse(f"NOT ({written(node)})").where == negate(node)
    assert negate(negate(node)) == node


@given(st.text(alphabet=st.sampled_from("abPROJ=!<>~()'\"\\,&| \n1-@"), max_size=60))
def test_whatever_is_typed_is_answered_or_refused_with_a_sentence(jql: str) -> None:
    sentence = "."
    try:
        keys(jql)
    except JqlError as refused:
        sentence = str(refused)
    assert sentence.endswith((".", ")"))


_TRUE_FALSE = st.sampled_from(
    ["project = PROJ", "status = Done", "type = Bug", "priority > Low", "reporter = alice", "created < 2026-06-01",
     "key = PROJ-1", "project != SHOP", "text ~ the"]
)  # fmt: skip


@given(_TRUE_FALSE, _TRUE_FALSE)
def test_and_or_and_not_are_those_of_sets(left: str, right: str) -> None:
    """Holds for fields that are never empty; an empty one stays outside of both a clause and its opposite."""
    a, b = set(keys(left)), set(keys(right))
    assert set(keys(f"{left} and {right}")) == a & b
    assert set(keys(f"{left} or {right}")) == a | b
    assert set(keys(f"not ({left} or {right})")) == EVERYTHING - (a | b)

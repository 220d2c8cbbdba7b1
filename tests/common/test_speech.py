"""Errors in another language: every sentence that the code can raise has a translation with the same values."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from pydantic import BaseModel, Field, ValidationError

from common.advice import ADVICE
from common.speech import ENGLISH, LANGUAGES, catalogue, has_words, preferred, said, spoken
from fastmcp_vault.errors import BackendUnavailable, CredentialMissing, sentences_of
from fastmcp_vault.faults import faults
from fastmcp_vault.masking import mask_text
from fastmcp_vault.sentences import Sentence, form_of, joined
from fastmcp_vault.tracing import STEPS, Recorder, Step
from tests.support.tracked import tracked

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [language for language in LANGUAGES if language != ENGLISH]

SEEN_BY_PEOPLE = ("src", "mcp_servers", "services", "mock_services/chatbot", "app")
PRINTED_AT_A_START = (
    "src/fastmcp_vault/telemetry/__init__.py",
    "src/fastmcp_vault/telemetry/measuring.py",
    "src/fastmcp_vault/vault/config.py",
    "services/room/__main__.py",
    "services/serving.py",
    "services/auth_relay/clients.py",
    "services/token_api/__main__.py",
    "services/token_api/client.py",
)
"""These speak in a terminal, to whoever starts a program; and to Keycloak:"""
SPEAKS_TO_KEYCLOAK = "app/routes/backchannel.py"

CARRIERS = frozenset({"Refused", "LoginWords", "translated", "unavailable", "_ask", "_call", "_login", "_if_there"})
"""Calls beside the errors themselves whose first text, or one named ``fix``, reaches an error."""

NO_SENTENCE = frozenset({"InvalidToken"})
"""What it says is a code."""


@cache
def modules() -> dict[Path, ast.Module]:
    return {path.relative_to(ROOT): ast.parse(path.read_text()) for path in tracked("*.py")}


@cache
def errors() -> frozenset[str]:
    """Every subclass of Problem, however far down, by name."""
    classes = [node for tree in modules().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found, before = {"Problem"}, 0
    while len(found) != before:
        before = len(found)
        found |= {c.name for c in classes if found & {ast.unparse(base).split(".")[-1] for base in c.bases}}
    return frozenset(found)


def raising() -> Iterator[tuple[Path, ast.Module]]:
    for path, tree in modules().items():
        name = path.as_posix()
        if name.startswith(SEEN_BY_PEOPLE) and name not in (*PRINTED_AT_A_START, SPEAKS_TO_KEYCLOAK):
            yield path, tree


def calls(tree: ast.AST, names: Iterable[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names:
            yield node


def told(call: ast.Call) -> list[ast.expr]:
    """What happened, and what to do."""
    return [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "fix")]


def literals(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may be: of ``a if … else b``, of tables, not those handed to a call."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))
    elif isinstance(node, ast.BoolOp | ast.Tuple | ast.List):
        for part in node.values if isinstance(node, ast.BoolOp) else node.elts:
            yield from literals(part)
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from literals(value)


def constants(tree: ast.Module) -> dict[str, list[str]]:
    """The texts of each constant of a module."""
    found: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                found[ast.unparse(target)] = list(literals(node.value))
    return found


def sentences() -> dict[str, str]:
    """Every text that reaches an error, with where it stands: literal, as a template, or by a constant or table."""
    found: dict[str, str] = {}
    everywhere = {name: texts for tree in modules().values() for name, texts in constants(tree).items()}
    for path, tree in raising():
        known = everywhere | constants(tree)
        carried = [e for call in calls(tree, (errors() | CARRIERS) - NO_SENTENCE) for e in told(call)]
        carried += [call.args[0] for call in calls(tree, {"Sentence"}) if call.args]
        carried += [k.value for call in calls(tree, {"Sentence"}) for k in call.keywords]
        for expression in carried:
            texts = list(literals(expression))
            for node in ast.walk(expression):
                if isinstance(node, ast.Name) and node.id in known and node.id.lstrip("_").isupper():
                    texts += known[node.id]
            found.update(dict.fromkeys((text for text in texts if " " in text and has_words(text)), path.as_posix()))
        tables = [text for name in TABLES.get(path.as_posix(), ()) for text in constants(tree)[name]]
        found.update(dict.fromkeys((text for text in tables if " " in text), path.as_posix()))
    return found


TABLES = {
    "src/fastmcp_vault/oidc/failures.py": {"_TABLE", "_OTHERWISE", "_ENDED"},
    "src/fastmcp_vault/vault/failures.py": {"_TABLE", "_OTHER"},
    "src/fastmcp_vault/vault/models.py": {"NOT_TEXT"},
    "src/fastmcp_vault/faults.py": {"_CLAUSES"},
    "mcp_servers/rest.py": {"_REFUSALS", "_MOVED", "_OTHER"},
    "mcp_servers/sql_errors.py": {"_FIXES", "_CLASSES"},
    "services/web.py": {"_ADDRESSES", "BROKEN"},
    "services/token_api/refusals.py": {"_WORDS", "_LATER"},
}
"""Where the words of errors stand in a table."""


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_every_error_is_translated(language: str) -> None:
    known = sentences()
    assert len(known) > 250
    assert {where for where in known.values() if where.startswith("src/")}
    # Of a failure that nobody foresaw, a step says what its registry entry advises.
    known |= {kind.hint: "src/fastmcp_vault/tracing/registry.py" for kind in STEPS.values()}
    lacking = {text: where for text, where in known.items() if ADVICE.get(text, text) not in catalogue(language)}
    assert not lacking


def test_no_error_is_made_of_a_text_that_nobody_can_translate() -> None:
    """An f-string has lost its template, and so has a sum of texts."""
    wrong = [
        f"{path}:{expression.lineno}: {ast.unparse(expression)[:90]}"
        for path, tree in raising()
        for call in calls(tree, (errors() | CARRIERS) - NO_SENTENCE)
        for whole in told(call)
        for expression in ast.walk(whole)
        if isinstance(whole, ast.JoinedStr | ast.BinOp | ast.IfExp | ast.BoolOp)
        and isinstance(expression, ast.JoinedStr | ast.BinOp)
    ]
    assert not wrong


def fields(template: str) -> set[tuple[str, str]]:
    return {(name, spec or "") for _, name, spec, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_the_same_values_and_names_the_same_commands(language: str) -> None:
    texts = catalogue(language)
    assert texts
    for template, text in texts.items():
        assert fields(template) >= fields(text), template
        assert fields(template) - fields(text) <= NOT_FOR_PEOPLE, template
        assert sorted(template.split("`")[1::2]) == sorted(text.split("`")[1::2]), template


NOT_FOR_PEOPLE = {("class_name", "")}
"""A value of pydantic's that tells nothing to whoever sent the value."""


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_is_of_something_that_is_said(language: str) -> None:
    code = "\n".join(path.read_text() for path in tracked("*.py") if "speech" not in path.parts)
    spelled = {node.value for tree in modules().values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    unknown = [t for t in catalogue(language) if t not in spelled and t not in code and not t.startswith("should ")]
    assert not [text for text in unknown if not text.startswith("Invalid JSON")]


def test_values_are_filled_in_and_translated_themselves() -> None:
    at = Sentence("Vault at {at} {how}, while {doing}.", at="v:1", how="cannot be reached", doing="renewing a lease")
    assert at == "Vault at v:1 cannot be reached, while renewing a lease."
    assert said(at, "ko") == "Vault(v:1)에 연결할 수 없습니다(작업: 리스 연장)."
    assert said(at, "en") == said(at, "fr") == at
    assert said(joined("; ", ["is missing", "is empty"]), "ko") == "값이 없습니다; 비어 있습니다"
    assert said("Nobody translated this.", "ko") == "Nobody translated this."
    assert said(Sentence("Nor {that}.", that="Try again."), "ko") == "Nor Try again.."


def test_a_sentence_crosses_to_another_process_and_stays_what_it_is() -> None:
    minutes = Sentence("{minutes} min", minutes=5)
    told = CredentialMissing(
        Sentence("The arguments cannot be used: {faults}.", faults=joined("; ", ["is missing", minutes])),
        fix="Try again.",
    )
    what, fix = sentences_of(told.as_dict())
    assert (what, fix) == (told.what, told.fix)
    assert said(what, "ko") == "인자를 사용할 수 없습니다: 값이 없습니다; 5분."
    assert said(fix, "ko") == "다시 시도하십시오."
    for copied in (copy.deepcopy(what), pickle.loads(pickle.dumps(what)), Sentence.read(str(what), form_of(what))):
        assert said(copied, "ko") == said(what, "ko")


@pytest.mark.parametrize(
    "form",
    [None, 5, "x", {}, {"template": 5}, {"template": "{0.__class__}", "values": {}}, {"template": "Try again."}],
)
def test_what_another_process_sends_is_looked_up_and_never_filled_in(form: object) -> None:
    assert Sentence.read("Something.", form) == "Something."
    odd = Sentence.read("Row.", {"template": "Try again in {seconds} s.", "values": {"other": 1}})
    assert said(odd, "ko") == "Row."
    number = "Row {number:,} of the answer is larger than {megabytes} MB: it was not read, nothing is changed."
    wrong = Sentence.read("Row.", {"template": number, "values": {"number": "x", "megabytes": 1}})
    assert said(wrong, "ko") == "Row."
    hostile = Sentence.read("Row.", {"template": "{a.__class__.__mro__}", "values": {"a": "x"}})
    assert said(hostile, "ko") == "Row."


def test_what_is_masked_stays_masked_in_every_language() -> None:
    secret = "hvs.CAESIJabcdefghijklmnopqrstuvwx"
    problem = BackendUnavailable(
        Sentence("PostgreSQL says: {words} ({state}){place}.", words=secret, state="1", place="")
    )
    sent = problem.as_dict(mask_text)
    assert secret not in str(sent)
    assert "PostgreSQL 응답" in said(sentences_of(sent)[0], "ko")
    recorder = Recorder("test")
    with pytest.raises(BackendUnavailable), recorder.step("backend", server="jira"):
        raise problem
    (step,) = recorder.trace.steps
    assert secret not in step.model_dump_json()
    read = Step.model_validate_json(step.model_dump_json())
    assert "PostgreSQL 응답" in said(Sentence.read(read.error, read.words["error"]), "ko")


class _Sent(BaseModel):
    number: int = Field(ge=1)
    names: list[str] = Field(max_length=1)
    text: str = Field(max_length=2)


def test_what_is_wrong_with_arguments_is_said_without_what_was_sent() -> None:
    with pytest.raises(ValidationError) as wrong:
        _Sent.model_validate({"number": 0, "names": ["a", "b"], "text": "secret"})
    told = faults(wrong.value)
    assert told == (
        "`number` should be greater than or equal to 1; `names` holds more than 1; `text` is longer than 2 characters"
    )
    assert said(told, "ko") == "`number`: 1 이상이어야 합니다; `names`: 1개보다 많습니다; `text`: 2자보다 깁니다"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ko", "ko"),
        ("ko-KR", "ko"),
        ("KO-kr,ko;q=0.9", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("ko;q=0.2, en;q=0.7", "en"),
        ("en;q=0.2, ko;q=0.7", "ko"),
        ("fr-FR, ko;q=0.5", "ko"),
        ("fr, de", "en"),
        ("ko;q=0", "en"),
        ("ko;q=x", "en"),
        ("ko;Q=0.5, fr", "ko"),
        ("*", "en"),
        ("*;q=0.5, ko", "ko"),
        ("", "en"),
        (None, "en"),
        (",;q=;=", "en"),
        ("korean", "en"),
    ],
)
def test_the_language_that_is_wanted_most_is_spoken(header: str | None, language: str) -> None:
    assert spoken(header) == language
    assert preferred("fr") is None

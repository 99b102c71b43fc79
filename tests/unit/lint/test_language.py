"""The language check finds the words and forms that the project does not use, wherever a person reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint import language
from tests.lint.rules import Problem, problems_of
from tests.lint.texts import Kind, Text, texts_of


def text_of(content: str, kind: Kind = Kind.STRING) -> Text:
    return Text("haconsole/example.py", 7, kind, content)


def words_in(content: str, kind: Kind = Kind.STRING) -> list[str]:
    return [problem.words for problem in problems_of(text_of(content, kind))]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("make etcd anew", "anew"),
        ("mend the inventory", "mend"),
        ("over SSH alone", "alone"),
        ("it was told once", "told"),
        ("carry it on later", "carry it on"),
        ("can be taken back", "taken back"),
        ("the host makes way", "makes way"),
        ("the data of before", "of before"),
        ("it stops by itself", "by itself"),
        ("the whole plan", "whole"),
        ("no more room for want of disks", "for want of"),
    ],
)
def test_an_odd_word_is_found(content: str, word: str) -> None:
    assert word in words_in(content)


@pytest.mark.parametrize(
    "content",
    [
        "a standalone etcd",
        "see `Plan.taken_back_by` and ``told``",
        "--tell-me is an option",
        "[restore](docs/whole.md)",
        "for good reason",
        "How to restore etcd",
    ],
)
def test_plain_text_has_no_problem(content: str) -> None:
    assert words_in(content) == []


def test_a_problem_names_its_place_word_and_replacement() -> None:
    (problem,) = problems_of(text_of("mend it"))
    assert str(problem) == "haconsole/example.py:7: 'mend' in a string: write: fix"


@pytest.mark.parametrize(
    "content", ["What is under way", "Who is outranked: the VIPs go", "How far it has come is read"]
)
def test_a_clause_is_no_subject(content: str) -> None:
    assert words_in(content, Kind.DOCSTRING)[0] in ("What", "Who", "How far")


def test_a_question_may_begin_with_its_pronoun() -> None:
    assert words_in("Which host? What is its address?") == []


def test_the_title_of_a_step_has_a_verb_of_the_trade() -> None:
    assert words_in("Have the CA", Kind.TITLE) == ["Have"]
    assert words_in("Issue the CA", Kind.TITLE) == []


def test_the_reason_of_a_step_names_its_subject() -> None:
    assert words_in("It runs everywhere.", Kind.REASON) == ["It"]
    assert words_in("It runs everywhere.", Kind.STRING) == []


def test_long_sentences_are_counted_where_users_read_them() -> None:
    long = " ".join(["word"] * 26)
    assert len(words_in(long, Kind.MARKDOWN)) == 1
    assert words_in(long, Kind.DOCSTRING) == []
    assert words_in(f"{' '.join(['word'] * 20)}. {' '.join(['word'] * 20)}.", Kind.MARKDOWN) == []


def test_of_a_script_only_messages_and_comments_are_read() -> None:
    assert words_in('told=1\necho "$told"\nexit 1\n') == []
    assert words_in('told=1\necho "it was told"\nexit 1\n') == ["told"]


def test_texts_of_python_have_their_kinds() -> None:
    source = '''"""Module."""
A_WHY = {"a": "because of b"}
def test_one_thing() -> None:
    """Function."""
    Step(title=f"Do {a} now", why="so that")  # a comment
    attribute = "one"
'''
    assert [(text.line, text.kind, text.content) for text in texts_of("a.py", source)] == [
        (1, Kind.DOCSTRING, "Module."),
        (2, Kind.REASON, "because of b"),
        (3, Kind.TEST_NAME, "test one thing"),
        (4, Kind.DOCSTRING, "Function."),
        (5, Kind.COMMENT, "a comment"),
        (5, Kind.TITLE, "Do … now"),
        (5, Kind.REASON, "so that"),
    ]


def test_texts_of_markdown_are_paragraphs_without_code() -> None:
    source = "# Title\n\nOne\ntwo.\n\n    make demo\n\n```yaml\nwhole: yes\n```\n- item\n  more\n- next\n"
    assert [(text.line, text.content) for text in texts_of("a.md", source)] == [
        (1, "# Title"),
        (3, "One two."),
        (11, "- item more"),
        (13, "- next"),
    ]


def test_of_yaml_only_comments_are_read() -> None:
    assert [text.content for text in texts_of("a.yaml", "# whole\nwhole: a#b  # told\n")] == ["whole", "told"]


def test_of_shell_scripts_comments_and_messages_are_read() -> None:
    source = "# told\ntold=$1\necho \"it was told $(date +%s) by $told\" >&2\nprintf '%s\\n' 'one word'\n"
    texts = texts_of("a.sh", source)
    assert [text.content for text in texts] == ["told", "it was told … by …", "one word"]
    assert [problem.words for text in texts for problem in problems_of(text)] == ["told", "told"]


def test_any_problem_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(language, "ROOT", tmp_path)
    (tmp_path / "good.md").write_text("Fix it.\n")
    (tmp_path / "bad.md").write_text("Mend it.\n")
    assert language.main(["good.md"]) == 0
    assert language.main(["good.md", "bad.md"]) == 1
    assert "bad.md:1: 'Mend' in a paragraph: write: fix" in capsys.readouterr().out


def test_an_exception_is_bound_to_word_phrase_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "ROOT", tmp_path)
    (tmp_path / "a.md").write_text("the whole of it, told\n")

    def words_beside(**exception: str) -> list[str]:
        problems: list[Problem] = language.problems_in(["a.md"], (exception,))
        return [problem.words for problem in problems]

    assert words_beside(word="whole") == ["told"]
    assert words_beside(word="whole", **{"in": "whole of it"}) == ["told"]
    assert words_beside(word="whole", **{"in": "whole of that"}) == ["told", "whole"]
    assert words_beside(files="*.md") == []
    assert words_beside(files="*.py") == ["told", "whole"]


def test_every_exception_has_a_reason() -> None:
    exceptions = language.load_exceptions()
    assert exceptions
    assert [exception for exception in exceptions if not exception.get("reason")] == []

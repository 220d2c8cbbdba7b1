"""Facts about a person, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "person.username": "사용자 이름",
    "person.email": "이메일",
    "person.id": "사용자 ID",
    "person.since": "로그인 시각",
}

"""Facts about a person, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "person.username": "사용자 이름",
    "person.email": "이메일",
    "person.id": "사용자 ID",
    "person.since": "로그인 시각",
    "person.unknown": "Vault가 이 계정을 모릅니다. 프로비저닝된 적이 없는 계정입니다.",
    "person.unknown.fix": "관리자에게 `init/users.yaml`에 사용자를 추가하고(이름은 a-z, 0-9, -, _만 사용) "
    "`./demo init`을 실행해 달라고 요청한 뒤 그 계정으로 로그인하세요.",
}

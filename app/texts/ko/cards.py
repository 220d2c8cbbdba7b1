"""A server's credential card, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "card.stored": "저장된 비밀",
    "card.stored.when": "Vault에 저장됨: 버전 {version}, 작성 {written}",
    "card.stored.about": "누군가 바꿀 때까지 그대로 있으며, 본인의 호출에만 읽힙니다.",
    "card.made": "요청 시 생성",
    "card.made.when": "{made} 생성, 갱신하지 않으면 {dropped} 삭제,",
    "card.made.about": "Vault가 본인을 위해 이 데이터베이스 사용자를 만들었고, 그 시각에 또는 로그아웃하는 즉시 PostgreSQL에서 삭제합니다.",
    "card.nothing": "저장된 것이 없습니다",
    "card.absent": "자격 증명 없음",
    "card.unknown": "알 수 없음",
    "card.user_id": "사용자 ID",
    "card.username": "사용자 이름",
    "card.email": "이메일",
    "card.entity": "Entity",
    "card.vault_path": "Vault 경로",
    "card.masked_credential": "자격 증명",
    "card.credential_version": "버전",
}

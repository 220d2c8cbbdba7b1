"""A server's credential card, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "card.present": "자격 증명 있음",
    "card.absent": "자격 증명 없음",
    "card.unknown": "알 수 없음",
    "card.user_id": "사용자 ID",
    "card.username": "사용자 이름",
    "card.email": "이메일",
    "card.entity": "Entity",
    "card.vault_path": "Vault 경로",
    "card.masked_credential": "자격 증명",
    "card.credential_version": "버전",
    "card.lease_seconds": "Lease",
    "card.reason": "이유",
    "card.lease": "{left} 남음",
}

"""The page about the application without a person, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "application.lead": "프로그램에는 로그인할 사람이 없습니다. 그래서 스스로 Vault에 로그인하고 각 비밀을 만료 전에 교체합니다. "
    "이 페이지를 보는 동안 실행되며, 아무도 보지 않으면 모두 반납합니다.",
    "application.well": "필요한 것을 모두 갖고 있습니다: 비밀 {count}개와 그 비밀을 가져온 토큰입니다.",
    "application.unwell": "{count}개 중 {bad}개를 관리하지 못했습니다. 각 항목에 이유가 있습니다.",
    "application.token": "Vault 토큰",
    "application.token.rule": "수명의 5분의 4가 지나면 갱신합니다",
    "application.token.holds": "정책 {it}",
    "application.kv": "KV 비밀",
    "application.kv.rule": "5초마다 버전을 확인하고, 버전이 바뀐 경우에만 내용을 가져옵니다",
    "application.kv.holds": "버전 {it}",
    "application.dynamic": "데이터베이스 사용자",
    "application.dynamic.rule": "10초가 남으면 교체합니다",
    "application.dynamic.holds": "사용자 {it}",
    "application.static": "정적 데이터베이스 사용자",
    "application.static.rule": "5분마다, 그리고 Vault가 비밀번호를 바꾸면 다시 가져옵니다",
    "application.static.holds": "사용자 {it}",
    "application.fresh": "최신",
    "application.stale": "새로 고치지 못함",
    "application.failed": "없음",
    "application.waiting": "대기 중",
    "application.changes": "보는 동안 새로 받은 것",
    "application.terminal": "터미널에서 같은 것 보기",
    "application.terminal.text": "실행 중에 Vault에서 `my-vault-app-kv/app`을 바꾸고 양쪽에서 확인해 보십시오.",
}

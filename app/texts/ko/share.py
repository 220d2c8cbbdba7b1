"""Sharing a trace with the room and comparing two, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "share.toggle": "참가자와 공유",
    "share.help": "켜 두는 동안 같은 호출을 공유하는 사람이 비밀을 가린 내 추적과 결과를 보고, 나도 그 사람의 것을 "
    "봅니다. 끄거나 로그아웃하거나 {minutes}분이 지나면 끝납니다.",
    "share.alone": "{until}까지 공유합니다. 아직 같은 호출을 공유하는 사람이 없으며, 공유하면 여기에 나타납니다.",
    "share.until": "{until}까지 공유합니다.",
    "share.with": "비교할 사람",
    "share.beside": "{mine} 님과 {theirs} 님 비교",
    "share.people": "서버가 보는 나",
    "share.result": "결과",
    "share.rows": "행",
    "share.steps": "단계",
    "share.claims": "로그인 토큰의 claim",
    "share.count": "{count}개 중 {differing}개가 다릅니다",
    "share.what": "항목",
    "share.verdict": "같은가",
    "share.same": "같음",
    "share.differs": "다름",
    "share.whose": "누구의 것",
    "share.both": "둘 다",
    "share.only": "{username} 님만",
}

"""The facilitator's page, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.people": "참가자",
    "nav.people.help": "진행자용: 누가 로그인했는지, 무엇이 보관되어 있는지 보고 MCP 서버를 멈춥니다.",
    "room.title": "참가자",
    "room.lead": "**누가 있고, 무엇이 그들을 위해 보관되어 있을까요?** "
    "누가 로그인했는지, 그 사람을 위해 어떤 Vault 토큰이 언제까지 보관되는지 보여 주고, MCP 서버를 모두에게서 한 번에 멈춥니다.",
    "room.only": "이 페이지는 진행자만 볼 수 있습니다.",
    "room.only.fix": "realm 역할 `facilitator`가 있는 사람으로 로그인하십시오. 데모에서는 charlie입니다.",
    "room.servers": "MCP 서버",
    "room.people": "로그인한 사람 ({count})",
    "room.serving": "작동 중",
    "room.stopped": "중지됨",
    "room.since": "{when}부터.",
    "room.held": "보관 중인 Vault 토큰: {count}",
    "room.suspend": "중지",
    "room.suspend.now": "모두에게서 중지",
    "room.resume": "다시 작동",
    "room.reason": "이유",
    "room.reason.help": "거절당한 모든 사람에게 표시됩니다.",
    "room.you": "나",
    "room.token": "{server}, {left} 남음",
    "room.nothing": "보관 중인 것이 없습니다.",
    "room.end": "세션 종료",
}

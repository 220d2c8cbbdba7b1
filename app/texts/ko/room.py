"""The facilitator's page, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.people": "참가자",
    "nav.people.help": "진행자용: 누가 로그인했는지, 무엇이 보관되어 있는지 보고 MCP 서버, 사람, 클라이언트를 멈춥니다.",
    "room.title": "참가자",
    "room.lead": "**누가 있고, 무엇이 그들을 위해 보관되어 있을까요?** "
    "누가 로그인했는지, 그 사람을 위해 어떤 Vault 토큰이 언제까지 보관되는지 보여 주고, MCP 서버를 모두에게서, 또는 사람이나 클라이언트를 모든 곳에서 멈춥니다.",
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
    "room.clients": "사람을 대신해 호출하는 클라이언트",
    "room.suspended": "모든 곳에서 중지됨",
    "room.suspend.person": "모든 서버와 이 앱, 로그인 릴레이가 {name}을(를) 거부하고, 그 사람을 위해 보관하던 것을 폐기합니다.",
    "room.suspend.client": "{name}(으)로 하는 모든 호출을 누구에게나 거부하고, 그런 호출을 위해 보관하던 것을 폐기합니다.",
    "room.suspend.everywhere": "모든 곳에서 중지",
    "room.resume.principal": "중지 해제",
    "room.kind.person": "사람",
    "room.kind.client": "클라이언트",
    "room.since-by": "{when}부터, {by}이(가) 중지함.",
    "room.revoked": "{name}이(가) 중지되었습니다. 임대(lease)와 함께 폐기한 Vault 토큰: {held}개 중 {revoked}개. 끝난 질문, 링크, 공유된 트레이스: "
    "{waiting}개. Keycloak의 세션은 계속되지만 여기서는 아무것도 열지 못합니다.",
    "room.revoked.not": "{name}이(가) 중지되었습니다. 임대(lease)와 함께 폐기한 Vault 토큰: {held}개 중 {revoked}개. {left}개는 아직 폐기하지 못했습니다. "
    "여기서는 아무도 쓸 수 없고, 앱이 계속 시도합니다. 끝난 질문, 링크, 공유된 트레이스: {waiting}개.",
    "room.not-that": "자기 자신이나 이 앱은 중지할 수 없습니다.",
    "room.not-that.fix": "데모가 실행되는 컴퓨터에서 `./demo person suspend`와 `./demo client suspend`로 할 수 있습니다.",
}

"""Approving a change, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.approve": "승인",
    "nav.approve.help": "도구가 본인 이름으로 무엇을 변경하려는지 보고 승인하거나 거부합니다.",
    "approve.title": "변경을 승인하시겠습니까?",
    "approve.lead": "**이것을 내 이름으로 해도 될까요?** "
    "도구가 본인 이름으로 무언가를 변경하려고 합니다. 아직 아무것도 "
    "보내지 않았으며, 승인 없이는 아무것도 보내지 않습니다.",
    "approve.call": "{server}의 {tool}",
    "approve.until": "{time}까지",
    "approve.once": "한 번만, {time}까지 유효",
    "approve.fact.what": "작업",
    "approve.fact.who": "실행 자격",
    "approve.fact.client": "요청한 프로그램",
    "approve.client-name": "“{name}” (이 프로그램이 스스로 정한 이름)",
    "approve.fact.credential": "사용할 자격 증명",
    "approve.fact.held": "자격 증명 유효 기간",
    "approve.fact.expires": "승인 효력",
    "approve.fact.arguments": "정확히 다음 인수로 실행합니다.",
    "approve.elsewhere": "이 서버는 다시 로그인한 뒤 별도 페이지에서 한 승인만 받습니다. 입력한 값은 여기에 남습니다.",
    "approve.go": "다시 로그인하고 답하기",
    "approve.go-on": "승인했습니다: 계속",
    "approve.yes": "예, 실행합니다",
    "approve.no": "아니요",
    "approve.waits": "{tool} 도구가 승인을 기다립니다. 변경된 것은 없습니다.",
    "approve.open": "확인하고 답하기",
    "approve.no-id": "도구의 링크가 이 페이지로 연결됩니다. 지금은 승인할 것이 없습니다.",
    "approve.fresh": "이 서버는 로그인한 지 {seconds}초 이내의 승인만 받습니다. {username} 님으로 다시 로그인하십시오.",
    "approve.level": "이 서버는 더 강한 로그인을 거친 승인만 받습니다. 필요한 것: {level}. Keycloak이 {username} 님에게 요청합니다.",
    "approve.level.confirmed": "새로 입력한 비밀번호",
    "approve.level.two-factor": "새로 입력한 비밀번호와 일회용 코드",
    "approve.sign-in": "다시 로그인",
    "approve.is.approved": "{tool} 도구를 승인했습니다. 프로그램에서 같은 인수로 "
    "같은 호출을 다시 하면 한 번 실행됩니다.",
    "approve.is.refused": "{tool} 도구를 거부했습니다. 변경된 것은 없습니다.",
    "approve.is.used": "{tool} 도구가 승인되어 실행되었습니다. 승인은 이미 사용되었습니다.",
    "approve.is.expired": "{tool} 도구를 승인할 시간이 지났습니다. 변경된 것은 "
    "없습니다. 다시 승인하려면 호출을 다시 하십시오.",
    "approve.gone": "여기에는 답할 수 있는 것이 없습니다. 만료되었거나, 이미 답했거나, 다른 사람의 것입니다.",
    "approve.gone.fix": "프로그램에서 호출을 다시 하고 새 링크를 여십시오.",
    "verdict.asked": "{server}의 {tool} 도구가 {username} 님의 승인을 기다립니다. 변경된 것은 없습니다.",
}

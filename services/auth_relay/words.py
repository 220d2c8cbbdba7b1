"""What people read at the relay, in the language that their browser asks for. Programs get English."""

from __future__ import annotations

from collections.abc import Mapping

from fastmcp_vault.errors import Problem

DEFAULT = "en"

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Sign in for {chatbot}",
        "ask": "{chatbot} wants to act as you",
        "who": "It will be the chat of {user}: whoever writes there has {chatbot} use your tools in your name, until"
        " you take that back.",
        "warn": "Go on only if you asked for this in your own chat. If somebody sent you this link, or a code, close"
        " this page: it would be their chat that acts as you.",
        "label": "Code that your chat shows",
        "do": "Continue to sign in",
        "small": "Keycloak asks for your password next, even if you are signed in, and whether you agree. Your password"
        " is typed there only. This link can be used once.",
        "failed": "The sign-in did not work",
        "code": "Error:",
    },
    "ko": {
        "title": "{chatbot} 로그인",
        "ask": "{chatbot}이(가) 나를 대신하려고 합니다",
        "who": "{user}의 채팅입니다. 그 채팅에 글을 쓰는 사람은 권한을 거둘 때까지 {chatbot}이(가)"
        " 내 이름으로 내 도구를 사용하게 할 수 있습니다.",
        "warn": "자신의 채팅에서 직접 요청한 경우에만 계속하십시오. 다른 사람이 이 링크나 코드를"
        " 보냈다면 이 페이지를 닫으십시오. 그 사람의 채팅이 나를 대신하게 됩니다.",
        "label": "채팅에 표시된 코드",
        "do": "로그인 계속하기",
        "small": "다음으로 Keycloak이 로그인되어 있어도 비밀번호와 동의를 묻습니다. 비밀번호는"
        " Keycloak에서만 입력합니다. 이 링크는 한 번만 쓸 수 있습니다.",
        "failed": "로그인하지 못했습니다",
        "code": "오류:",
    },
}
"""Everything but errors; ``{chatbot}`` and ``{user}`` are filled in as HTML."""

_AGAIN = "챗봇에게 새 링크를 요청하십시오."

ERRORS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "ko": {
        "unknown_client_key": ("이 링크를 만든 챗봇은 더 이상 등록되어 있지 않습니다.", ""),
        "invalid_or_expired_state": ("이 로그인 링크는 이미 사용했거나 시간이 지났거나 올바르지 않습니다.", _AGAIN),
        "callback_failed": ("챗봇이 로그인을 받지 못했습니다.", _AGAIN),
        "no_offline_refresh_token": ("Keycloak이 오프라인 토큰을 주지 않았습니다.", "진행자에게 알리십시오."),
        "address_not_allowed": ("허용되지 않은 주소이거나 다른 페이지에서 보낸 코드입니다.", "링크를 직접 여십시오."),
        "wrong_code": ("채팅에 표시된 코드가 아닙니다.", "다시 확인하십시오. {left}번 더 시도할 수 있습니다."),
        "login_failed": ("Keycloak에서 로그인을 마치지 못했습니다.", _AGAIN),
        "keycloak_unavailable": ("Keycloak이 응답하지 않습니다.", "잠시 후 다시 시도하십시오."),
        "store_unavailable": ("릴레이가 로그인 상태를 읽거나 쓰지 못했습니다.", "잠시 후 다시 시도하십시오."),
        "input": ("요청을 사용할 수 없습니다.", "링크를 다시 여십시오."),
    }
}
"""What happened and what to do, by the error's code; English is what the error itself says."""


def language(accepted: str) -> str:
    """The first language of an ``Accept-Language`` header (RFC 9110 §12.5.4) that is spoken here, else English."""
    for part in accepted.split(","):
        code = part.partition(";")[0].strip().partition("-")[0].lower()
        if code in WORDS:
            return code
    return DEFAULT


def told(problem: Problem, spoken: str) -> tuple[str, str]:
    """What happened and what to do."""
    what, fix = ERRORS.get(spoken, {}).get(problem.code, (problem.what, problem.fix))
    return what, fix.format(**problem.detail) if "{" in fix and problem.detail else fix

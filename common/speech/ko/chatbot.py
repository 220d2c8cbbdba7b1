"""The mock chatbot, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Nobody is signed in for this chat.": "이 채팅에는 로그인한 사람이 없습니다.",
    "Ask for a login link first.": "먼저 로그인 링크를 요청하십시오.",
    "Ask for a new login link.": "새 로그인 링크를 요청하십시오.",
    "{path} has no `client_secret`, or one that is not text.": "{path}에 `client_secret`이 없거나 텍스트가 아닙니다.",
    "`./demo init` writes it.": "`./demo init`이 저장합니다.",
    "The signature is not good.": "서명이 올바르지 않습니다.",
    "The message is too old, or the clocks differ by more than a minute.": "메시지가 너무 오래되었거나 시계가 1분 넘게 차이 납니다.",
    "The message is meant for another chatbot.": "다른 챗봇에게 보낸 메시지입니다.",
    "This message was sent before.": "이미 보낸 메시지입니다.",
    "The message is not what the relay sends.": "릴레이가 보내는 메시지가 아닙니다.",
    "The login relay had an internal error.": "로그인 릴레이 내부 오류가 발생했습니다.",
    "The login relay does not answer the chatbot.": "로그인 릴레이가 챗봇에 응답하지 않습니다.",
    "`./demo status` says whether the login relay is up; try again.": "`./demo status`로 로그인 릴레이가 실행 중인지 확인한 다음 다시 시도하십시오.",
    "The login relay refused ({error}): {message}": "로그인 릴레이가 거부했습니다({error}): {message}",
    "The Jira MCP server refused the token.": "Jira MCP 서버가 토큰을 거부했습니다.",
    "The Jira MCP server did not answer the chatbot.": "Jira MCP 서버가 챗봇에 응답하지 않았습니다.",
    "The Jira MCP server refused the call (HTTP {status_code}).": "Jira MCP 서버가 호출을 거부했습니다(HTTP {status_code}).",
}

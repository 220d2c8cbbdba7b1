"""The MCP tools page, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "typed.kept": "입력한 내용을 암호화하여 한 시간 동안 보관합니다. 같은 사람으로 다시 로그인하면 그대로 채워집니다.",
    "typed.back": "입력해 두었던 내용입니다.",
    "tools.title": "MCP 도구",
    "tools.lead": "**도구는 누구의 자격 증명을 쓸까요?** "
    "서버를 선택하고 도구를 불러오십시오. 각 서버는 본인 자격으로 동작합니다.",
    "tools.load": "도구 불러오기",
    "tools.loading": "{servers}에 요청하는 중 …",
    "tools.pick-one": "서버를 하나 이상 선택하십시오.",
    "tools.execute": "실행",
    "tools.executing": "{username} 님으로 {tool} 실행 중 …",
    "tools.heading": "도구",
    "tools.none": "표시할 도구가 없습니다. 이유는 위에 있습니다.",
    "tools.no-parameters": "이 도구에는 매개변수가 없습니다.",
    "tools.read-only": "읽기",
    "tools.writes": "쓰기",
    "tools.destructive": "쓰기, 삭제 가능",
    "tools.result": "결과",
    "tools.result.raw": "원본 JSON",
    "tools.result.empty": "완료했습니다. 도구가 반환한 내용이 없습니다.",
    "tools.result.rows": "{count}행",
    "tools.result.no-rows": "행이 없습니다.",
    "value.yes": "예",
    "value.no": "아니요",
    "value.none": "—",
    "tools.not-set": "설정 안 함",
    "tools.optional": "{name} (선택)",
    "verdict.all": "서버 {count}개 중 {count}개가 {username} 님으로 동작합니다.",
    "verdict.some": "서버 {count}개 중 {good}개가 {username} 님으로 동작합니다. {reasons}",
    "verdict.missing": "{server}: {username} 님의 자격 증명이 없습니다 — {reason}",
    "verdict.failed": "{server}: {reason}",
    "verdict.executed": "{server}에서 {username} 님으로 {tool} 도구를 실행했습니다.",
    "verdict.refused": "{server}의 {tool} 도구를 실행하지 못했습니다: {reason}",
    "verdict.no-reason": "이유가 제공되지 않았습니다.",
}

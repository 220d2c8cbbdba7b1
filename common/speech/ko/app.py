"""What the app raises where no page is being drawn, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "The example application is stopping.": "예제 애플리케이션이 종료하는 중입니다.",
    "Look again in a moment.": "잠시 후 다시 확인하십시오.",
}

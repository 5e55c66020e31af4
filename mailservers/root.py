"""Root, for a command that runs as the system user: answers a few things at the other end of standard input
(mailadmin/launch/at_hand.py)."""

import json
import socket
from typing import Any


class RootIsGone(OSError):
    pass


class Root:
    def __init__(self, asked: socket.socket) -> None:
        self.asked = asked
        self.answers = asked.makefile("r", encoding="utf-8")

    def ask(self, *words: str | int) -> Any:
        """What root says. Raises OSError with what failed there; RootIsGone if nobody is there any more."""
        try:
            self.asked.sendall(json.dumps(words).encode() + b"\n")
            line = self.answers.readline()
        except ConnectionError:
            line = ""
        if not line:
            raise RootIsGone(None, "root, who was asked, is gone")
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer:
            raise OSError(*answer["fault"])
        return answer["said"]

"""A real SMTP server on this machine that does as its script says: refuses, takes its time, hangs up, at any stage.

    with FakeSmtp([Rule(to="gone@", at="rcpt", reply="550 5.1.1 No such user")]) as server:
        ...
        assert [mail.recipient for mail in server.taken] == ["ann@example.com"]

Lets in everyone who logs in, unless a rule refuses. Runs in a thread of its own; many connections at a time.
"""

import asyncio
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

Stage = Literal["connect", "starttls", "auth", "mail", "rcpt", "data", "dot", "rset", "quit"]
"""connect: before the greeting. data: the command DATA. dot: the whole message is there."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What to do at one stage. The first rule that fits is the one; without any, the server takes everything."""

    at: Stage
    to: str = ""
    """A regular expression, searched in the recipient's address. Not asked before it is known."""
    reply: str = ""
    """Lines of the answer, parted by newlines, each with its code; "" for the usual one. "\\udce9" is the lone byte e9."""
    delay_s: float = 0.0
    """Before the answer. At `dot` the message is in already."""
    hang_up: bool = False
    """Close the connection instead of answering; after the answer, if there is a `reply`."""
    keep: bool | None = None
    """At `dot`: whether the message is taken in; None for what the answer says."""
    times: int | None = None
    """Only the first so many times; None for always."""
    each: bool = False
    """`times` counts for each recipient by themselves."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A message that the server has taken in."""

    sender: str
    recipient: str
    content: bytes
    """As it came, without the dots that SMTP doubles."""


class FakeSmtp:
    """A context manager; `port` says where it listens, `taken` what it took in, `asked` how often at each stage.

    With `tls`, it speaks TLS after STARTTLS, or from the start if `tls_first`. `logins` are the arguments of AUTH, `senders` those
    of MAIL.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        *,
        port: int = 0,
        extensions: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        tls_first: bool = False,
    ) -> None:
        self.rules = list(rules)
        self.port = port
        self.taken: list[Taken] = []
        self.asked: Counter[str] = Counter()
        self.open = self.most_open = 0
        self.lost: list[BaseException] = []
        self.logins: list[str] = []
        self.senders: list[str] = []
        self._extensions, self._tls, self._tls_first = extensions, tls, tls_first
        self._used: Counter[tuple[Rule, str]] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def recipients(self) -> Counter[str]:
        """How many copies each recipient got."""
        return Counter(mail.recipient for mail in self.taken)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(
            asyncio.start_server(
                self._serve, "127.0.0.1", self.port, limit=2**24, ssl=self._tls if self._tls_first else None
            )
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        assert not self.lost, self.lost

    def all_closed(self, *, within_s: float = 10.0) -> bool:
        """Wait until no connection is open; False when one stays open for so long."""
        deadline = time.monotonic() + within_s
        while self.open and time.monotonic() < deadline:
            time.sleep(0.001)
        return not self.open

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _stop(self) -> None:
        self._server.close()
        talks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self._talk(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # they hung up, or we are closed
        except Exception as error:  # a script that is wrong must not look like a server that hangs up
            self.lost.append(error)
        finally:
            with suppress(OSError):
                writer.close()
                await writer.wait_closed()
            self.open -= 1

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = ""
        if not await self._answer(writer, "connect", "", "220 fake.example ESMTP"):
            return
        while line := (await reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
            verb, _, argument = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    offered = ["STARTTLS"] if self._tls is not None and not self._tls_first else []
                    lines = ["fake.example", "8BITMIME", *offered, *self._extensions]
                    marks = ["-"] * (len(lines) - 1) + [" "]
                    code = await _say(
                        writer, "\n".join(f"250{mark}{text}" for mark, text in zip(marks, lines, strict=True))
                    )
                case "STARTTLS" if self._tls is not None:
                    code = await self._answer(writer, "starttls", "", "220 go on")
                    if code == 220:
                        await writer.start_tls(self._tls)
                case "AUTH":
                    self.logins.append(argument)
                    code = await self._answer(writer, "auth", "", "235 2.7.0 come in")
                case "MAIL" if sender:
                    code = await _say(writer, "503 5.5.1 one message at a time")
                case "RCPT" if not sender:
                    code = await _say(writer, "503 5.5.1 from whom?")
                case "DATA" if not recipient:
                    code = await _say(writer, "503 5.5.1 to whom?")
                case "MAIL":
                    self.senders.append(argument.partition(":")[2])
                    code = await self._answer(writer, "mail", "", "250 ok")
                    sender = _address(argument) if code // 100 == 2 else sender
                case "RCPT":
                    code = await self._answer(writer, "rcpt", _address(argument), "250 ok")
                    recipient = _address(argument) if code // 100 == 2 else recipient
                case "DATA":
                    code = await self._answer(writer, "data", recipient, "354 go on")
                    if code == 354:
                        content = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                        content = re.sub(rb"^\.", b"", content, flags=re.MULTILINE)
                        mail = Taken(sender=sender, recipient=recipient, content=content)
                        code = await self._answer(writer, "dot", recipient, "250 kept", mail=mail)
                        sender = recipient = ""
                case "QUIT":
                    await self._answer(writer, "quit", "", "221 bye")
                    return
                case "RSET":
                    sender = recipient = ""
                    code = await self._answer(writer, "rset", "", "250 ok")
                case _:
                    code = await _say(writer, "502 5.5.1 what?")
            if code in (0, 421):
                return

    async def _answer(
        self, writer: asyncio.StreamWriter, stage: Stage, recipient: str, usual: str, mail: Taken | None = None
    ) -> int:
        """Do as the script says and return the code that was said; 0 for having hung up."""
        self.asked[stage] += 1
        rule = self._rule(stage, recipient) or Rule(at=stage)
        reply = rule.reply or usual
        if mail is not None and (rule.keep if rule.keep is not None else reply.startswith("2") and not rule.hang_up):
            self.taken.append(mail)
        if rule.delay_s:
            await asyncio.sleep(rule.delay_s)
        if rule.reply or not rule.hang_up:
            await _say(writer, reply)
        return 0 if rule.hang_up else int(reply[:3])

    def _rule(self, stage: Stage, recipient: str) -> Rule | None:
        for rule in self.rules:
            if rule.at != stage or (recipient and not re.search(rule.to, recipient)):
                continue
            use = (rule, recipient if rule.each else "")
            if rule.times is not None and self._used[use] >= rule.times:
                continue
            self._used[use] += 1
            return rule
        return None


async def _say(writer: asyncio.StreamWriter, lines: str) -> int:
    writer.write("".join(f"{line}\r\n" for line in lines.split("\n")).encode("utf-8", "surrogateescape"))
    await writer.drain()
    return int(lines[:3])


def _address(argument: str) -> str:
    found = re.search(r"<(.*?)>", argument)
    return found[1] if found else ""

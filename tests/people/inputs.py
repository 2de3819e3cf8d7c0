"""What people's files have in them."""

import gzip


def _many(rows: int) -> bytes:
    """Several micro-batches; a few records are words among numbers, or broken."""
    lines = ["message_id,text,channel"]
    for number in range(1, rows + 1):
        if number % 977 == 0:
            lines.append(f"m{number},broken")
        else:
            text = f"{number % 50}" if number % 700 else "free prize"
            lines.append(f"m{number},{text},c{number % 3}")
    return "\n".join([*lines, ""]).encode()


TEXTS: dict[str, bytes] = {
    "plain": b"message_id,text,channel\n1,hello,sms\n2,WIN a FREE prize,mail\n3,see you at nine,sms\n",
    "quoted": b'message_id,text,channel\n1,"one\ntwo, ""three""\n",sms\n2,"4",mail\n3,"a\n\nb","x\ny"\n',
    "broken": b'message_id,text,channel\n1,hello\n2,7,mail\n3,a,b,c\n4,"open,sms\n5,"x"y,mail\n6,12,sms\n',
    "numbers": b"message_id,text,channel\n1,1,a\n2,2.5,b\n3,300,c\n4,-4,d\n",
    "mixed": b'message_id,text,channel\n1,1,a\n2,two,b\n3,3.5,c\n4,"four\n4",d\n5,6\n6,6,f\n',
    "one": b"message_id,text,channel\n1,WIN a FREE prize,sms\n",
    "header": b"message_id,text,channel\n",
    "empty": b"",
    "crlf": b"message_id,text,channel\r\n1,hello,a\r\n2,8,b\r\n3\r\n",
    "bytes": b"message_id,text,channel\n1,gr\xfc\xdfe,a\n2,caf\xe9,\xff\n\n3,9,c\n",
    "rejected": b"message_id,text,channel\n1\n2\n3,x,y,z\n",
    "words": b"message_id,text,channel\n1,one,a\n2,two,b\n3,three,c\n",
    "unnumbered": b"text,channel\nhello,a\n5,b\nbye,\n",
    "doubled": b"message_id,text,channel\n1,same,a\n1,same,a\n1,same,b\n",
    "unended": b"message_id,text,channel\n1,hello,a\n2,10,b",
    "many": _many(5200),
    "semicolons": b'message_id;text;channel\n1;hello, you;a\n2;12;b\n3;"one;two";c\n4;x\n',
    "colons": b"message_id:text:channel\n1:hello:a\n2:9:b\n3:x:y:z\n4:bye:c\n",
}
TEXTS["packed"] = gzip.compress(TEXTS["mixed"], mtime=0)


def edited(content: bytes) -> bytes:
    """The same size, one letter another."""
    return content.replace(b"e", b"o", 1) if content.count(b"e") > 2 else content.swapcase()


def cut(content: bytes) -> bytes:
    """As a copy that was broken off."""
    return content[: len(content) * 2 // 3]


def extended(content: bytes) -> bytes:
    return content + b"99,11,late\n"


CHANGES = {"edit": edited, "cut": cut, "extend": extended}

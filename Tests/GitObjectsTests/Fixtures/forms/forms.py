"""Spells secrets as Python's own libraries do, and reads them back: independent of the program's table of forms.

forms.py encode SEED      a JSON list of {"row", "how", "secret", "text"}; secret and text in base64
forms.py spell SECRET     the same for one secret, given in base64
forms.py decode           that list on standard input, with the cleaned text: prints each that still gives the secret
"""
import ast, base64, binascii, codecs, configparser, csv, html, io, json, quopri, random, re, shlex, sys, textwrap
import unicodedata, urllib.parse, xml.sax.saxutils as sax

ASCII = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
SPECIAL = "&<>\"'%$\\/+=@#:;!?*(){}[]~^|, "


def word(rng, alphabet, count):
    return "".join(rng.choice(alphabet) for _ in range(count))


def secrets(rng):
    yield word(rng, ASCII, rng.randrange(16, 28))
    for _ in range(4):
        text = list(word(rng, ASCII, rng.randrange(14, 30)))
        for _ in range(rng.randrange(1, 6)):
            text[rng.randrange(1, len(text) - 1)] = rng.choice(SPECIAL)
        yield "".join(text)
    yield word(rng, ASCII, 5) + "&<" + word(rng, ASCII, 5) + "'\"" + word(rng, ASCII, 5)
    yield word(rng, ASCII, 4) + "%" + word(rng, ASCII, 4) + "$" + word(rng, ASCII, 6)
    for one, two in ("\u00e4\u00df", "\u0436\u044f", "\u65e5\u672c", "\ud55c\uad6d"):
        yield word(rng, ASCII, 5) + one + word(rng, ASCII, 7) + two + word(rng, ASCII, 3)


def key(rng):
    body = word(rng, ASCII + "+/", 64 * 6 + 20)
    begin, end = "-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----"
    return "\n".join([begin] + textwrap.wrap(body, 64) + [end]) + "\n"


def escaped(text, table):
    return "".join(table.get(c, c) for c in text)


def go(text):
    return json.dumps(text, ensure_ascii=False).translate({ord(c): "\\u%04x" % ord(c) for c in "&<>"})


def gson(text):
    return json.dumps(text, ensure_ascii=False).translate({ord(c): "\\u%04x" % ord(c) for c in "&<>='"})


def dotnet(text):
    body = json.dumps(text)[1:-1].replace('\\"', "\\u0022")
    body = re.sub(r"\\u([0-9a-f]{4})", lambda m: "\\u" + m.group(1).upper(), body)
    return '"' + body.translate({ord(c): "\\u%04X" % ord(c) for c in "&<>+'`"}) + '"'


def configured(text):
    return configparser.ConfigParser().read_string("[a]\nb = " + text.decode("utf-8", "replace") + "\n")


def csv_row(text):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(["name", text])
    return out.getvalue()


def json_all(data):
    """Every string of a JSON document, and of documents within its strings."""
    def walk(value):
        if isinstance(value, str):
            yield value
            try:
                yield from walk(json.loads(value))
            except ValueError:
                pass
        elif isinstance(value, list):
            yield "".join(v for v in value if isinstance(v, str))
            for v in value:
                yield from walk(v)
        elif isinstance(value, dict):
            for k, v in value.items():
                yield k
                yield from walk(v)
    return "\0".join(walk(json.loads(data.decode("utf-8"))))


def base64_all(data, depth=0):
    out = [data]
    if depth < 3:
        joined = re.sub(rb"\s+", b"", data)
        for source in (data, joined):
            for match in re.findall(rb"[A-Za-z0-9+/_-]{8,}={0,2}", source):
                core = match.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
                if len(core) % 4 != 1:
                    out += base64_all(base64.b64decode(core + b"=" * (-len(core) % 4)), depth + 1)
    return out


def units(text):
    """Code units of UTF-16, as JSON and JavaScript count."""
    data = text.encode("utf-16-be")
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]


def backslash_u(c, digits="%04x"):
    return "".join("\\u" + digits % unit for unit in units(c))


def some(text, escape, always, chance=None):
    """`text` with the characters in `always` escaped, and others: all that are no letters or digits, or by chance."""
    rng = random.Random(text)
    chosen = lambda c: c in always or (not (c.isascii() and c.isalnum()) if chance is None else rng.random() < chance)
    return "".join(escape(c) if chosen(c) else c for c in text)


def long(text):
    """Shorter values are not looked for in pieces."""
    if len(text) < 16:
        raise UnicodeError("too short")
    return text


per_byte = lambda pattern: lambda c: "".join(pattern % b for b in c.encode())
decimal = lambda c: f"&#{ord(c)};"
hexadecimal = lambda c: f"&#x{ord(c):x};"
# notation: escape of one character, characters that must be escaped, what stands around, decode
NOTATIONS = {
    "u": (backslash_u, '"\\', '["%s"]', lambda d: json_all(d)),
    "U": (lambda c: backslash_u(c, "%04X"), '"\\', '["%s"]', lambda d: json_all(d)),
    "x": (per_byte("\\x%02x"), "'\"\\", "pw = b'%s'", lambda d: codecs.escape_decode(d)[0].decode("utf-8", "replace")),
    "X": (per_byte("\\x%02X"), "'\"\\", "pw = b'%s'", lambda d: codecs.escape_decode(d)[0].decode("utf-8", "replace")),
    "octal": (per_byte("\\%03o"), "'\"\\", "pw = $'%s'", lambda d: codecs.escape_decode(d)[0].decode("utf-8", "replace")),
    "braces": (lambda c: "\\u{%x}" % ord(c), "`\\$", "pw = `%s`",
               lambda d: re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m.group(1), 16)), u8(d))),
    "eight": (lambda c: "\\U%08X" % ord(c), "'\"\\", 'pw = "%s"',
              lambda d: re.sub(r"\\U([0-9A-F]{8})", lambda m: chr(int(m.group(1), 16)), u8(d))),
    "percent": (per_byte("%%%02X"), "%", "p://u:%s@h", lambda d: urllib.parse.unquote(u8(d))),
    "percent lower": (per_byte("%%%02x"), "%", "p://u:%s@h", lambda d: urllib.parse.unquote(u8(d))),
    "decimal": (decimal, "&<", "<p>%s</p>", lambda d: html.unescape(u8(d))),
    "decimal zeros": (lambda c: f"&#{ord(c):05d};", "&<", "<p>%s</p>", lambda d: html.unescape(u8(d))),
    "hex": (hexadecimal, "&<", "<p>%s</p>", lambda d: html.unescape(u8(d))),
    "hex upper": (lambda c: f"&#X{ord(c):04X};", "&<", "<p>%s</p>", lambda d: html.unescape(u8(d))),
}


def notation(name, chance):
    escape, always, around, decode = NOTATIONS[name]
    return lambda s: around.replace("%s", some(s, escape, always, chance)).encode(), decode


# row, how, encode(text) -> bytes, decode(bytes) -> what programs read (str or bytes)
u8 = lambda data: data.decode("utf-8", "replace")
TEXT = [
    ("raw", "line", lambda s: f"pw = {s}\n".encode(), u8),
    ("json", "python", lambda s: json.dumps({"pw": s}, ensure_ascii=False).encode(), json_all),
    ("json", "ascii", lambda s: json.dumps({"pw": s}).encode(), json_all),
    ("json", "ascii upper", lambda s: re.sub(r"\\u([0-9a-f]{4})", lambda m: "\\u" + m.group(1).upper(),
                                            json.dumps({"pw": s})).encode(), json_all),
    ("json", "slashes", lambda s: json.dumps([s]).replace("/", "\\/").encode(), json_all),
    ("json", "go", lambda s: ("[" + go(s) + "]").encode(), json_all),
    ("json", "gson", lambda s: ("[" + gson(s) + "]").encode(), json_all),
    ("json", "dotnet", lambda s: ("[" + dotnet(s) + "]").encode(), json_all),
    ("json", "in json", lambda s: json.dumps({"a": json.dumps({"b": s}, ensure_ascii=False)}, ensure_ascii=False).encode(),
     json_all),
    ("json", "go in json", lambda s: json.dumps({"a": "[" + go(s) + "]"}, ensure_ascii=False).encode(), json_all),
    ("html", "escape", lambda s: f"<p>{html.escape(s)}</p>".encode(), lambda d: html.unescape(u8(d))),
    ("html", "no quotes", lambda s: f"<p>{html.escape(s, quote=False)}</p>".encode(), lambda d: html.unescape(u8(d))),
    ("html", "apos", lambda s: ("<a b=" + chr(34) + sax.escape(s, {'"': "&quot;", "'": "&apos;"}) + '"/>').encode(),
     lambda d: html.unescape(u8(d))),
    ("html", "39", lambda s: html.escape(s).replace("&#x27;", "&#39;").encode(), lambda d: html.unescape(u8(d))),
    ("html", "quoteattr", lambda s: f"<a b={sax.quoteattr(s)}/>".encode(), lambda d: html.unescape(u8(d))),
    ("html", "numbers", lambda s: html.escape(s).encode("ascii", "xmlcharrefreplace"), lambda d: html.unescape(u8(d))),
    ("html", "named", lambda s: escaped(html.escape(s), {chr(n): f"&{e};" for n, e in html.entities.codepoint2name.items()
                                                         if n > 127}).encode(), lambda d: html.unescape(u8(d))),
    ("html", "twice", lambda s: sax.escape(sax.escape(s, {'"': "&quot;", "'": "&apos;"})).encode(),
     lambda d: html.unescape(html.unescape(u8(d)))),
    ("percent", "all", lambda s: f"postgres://u:{urllib.parse.quote(s, safe='')}@h/d".encode(),
     lambda d: urllib.parse.unquote(u8(d))),
    ("percent", "lower", lambda s: re.sub("%..", lambda m: m.group().lower(), urllib.parse.quote(s, safe="")).encode(),
     lambda d: urllib.parse.unquote(u8(d))),
    ("percent", "path", lambda s: ("x=" + urllib.parse.quote(s)).encode(), lambda d: urllib.parse.unquote(u8(d))),
    ("percent", "component", lambda s: urllib.parse.quote(s, safe="!'()*").encode(), lambda d: urllib.parse.unquote(u8(d))),
    ("percent", "userinfo", lambda s: urllib.parse.quote(s, safe="!$&'()*+,;=").encode(),
     lambda d: urllib.parse.unquote(u8(d))),
    ("percent", "twice", lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe="").encode(),
     lambda d: urllib.parse.unquote(urllib.parse.unquote(u8(d)))),
    ("form", "urlencode", lambda s: urllib.parse.urlencode({"user": "x", "pw": s, "z": "1"}).encode(),
     lambda d: str(urllib.parse.parse_qs(u8(d)))+ urllib.parse.unquote_plus(u8(d))),
    ("doubled", "ini", lambda s: ("[a]\nb = " + s.replace("%", "%%") + "\n").encode(),
     lambda d: u8(d).replace("%%", "%")),
    ("doubled", "url in ini", lambda s: ("url = p://u:" + urllib.parse.quote(s, safe="").replace("%", "%%") + "@h").encode(),
     lambda d: urllib.parse.unquote(u8(d).replace("%%", "%"))),
    ("doubled", "compose", lambda s: ('  PW: "' + s.replace("$", "$$") + '"\n').encode(), lambda d: u8(d).replace("$$", "$")),
    ("doubled", "yaml", lambda s: ("pw: '" + s.replace("'", "''") + "'\n").encode(), lambda d: u8(d).replace("''", "'")),
    ("doubled", "csv", lambda s: csv_row(s).encode(), lambda d: "\0".join(next(csv.reader(io.StringIO(u8(d)))))),
    ("doubled", "format", lambda s: s.replace("{", "{{").replace("}", "}}").encode(),
     lambda d: u8(d).replace("{{", "{").replace("}}", "}")),
    ("quoted", "shlex", lambda s: ("export PW=" + shlex.quote(s) + "\n").encode(), lambda d: "\0".join(shlex.split(u8(d)))),
    ("quoted", "shell", lambda s: ("PW='" + s.replace("'", "'\\''") + "'\n").encode(), lambda d: "\0".join(shlex.split(u8(d)))),
    ("quoted", "regex", lambda s: re.escape(s).encode(), lambda d: re.sub(r"\\(.)", r"\1", u8(d))),
    ("quoted", "double quotes", lambda s: ('PW="' + re.sub(r'([$`"\\])', r"\\\1", s) + '"\n').encode(),
     lambda d: re.sub(r"\\(.)", r"\1", u8(d))),
    ("quoted", "single quotes", lambda s: ("$pw = '" + re.sub(r"(['\\])", r"\\\1", s) + "';\n").encode(),
     lambda d: re.sub(r"\\(.)", r"\1", u8(d))),
    ("quoted", "powershell", lambda s: ('$pw = "' + re.sub(r'([$`"])', r"`\1", s) + '"\r\n').encode(),
     lambda d: re.sub(r"`(.)", r"\1", u8(d))),
    ("quoted", "cmd", lambda s: ("set PW=" + re.sub(r"([&<>|^()])", r"^\1", s) + "\r\n").encode(),
     lambda d: re.sub(r"\^(.)", r"\1", u8(d))),
    ("quoted", "properties", lambda s: ("pw=" + re.sub(r"([\\=:#! ])", r"\\\1", s) + "\n").encode(),
     lambda d: re.sub(r"\\(.)", r"\1", u8(d))),
    ("escaped", "bytes", lambda s: ("pw = " + repr(s.encode())).encode(),
     lambda d: re.sub(r"\\(.)", r"\1", codecs.escape_decode(d)[0].decode("utf-8", "replace"))),
    ("escaped", "octal", lambda s: "".join(c if c < "\x7f" else "".join("\\%03o" % b for b in c.encode()) for c in s).encode(),
     lambda d: re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]), d).decode("utf-8", "replace")),
    ("escaped", "quoted-printable", lambda s: quopri.encodestring(s.encode()), lambda d: quopri.decodestring(d).decode("utf-8", "replace")),
    ("unicode", "nfd", lambda s: unicodedata.normalize("NFD", f"pw {s}\n").encode(), lambda d: unicodedata.normalize("NFC", u8(d))),
    ("unicode", "nfc", lambda s: unicodedata.normalize("NFC", f"pw {s}\n").encode(), lambda d: unicodedata.normalize("NFC", u8(d))),
    ("utf16le", "text", lambda s: b"\xff\xfe" + f"pw {s}\r\n".encode("utf-16-le"), lambda d: d.decode("utf-16", "replace")),
    ("utf16le", "reg", lambda s: b"\xff\xfe" + ('"pw"="' + re.sub(r'(["\\])', r"\\\1", s) + '"').encode("utf-16-le"),
     lambda d: re.sub(r"\\(.)", r"\1", d.decode("utf-16", "replace"))),
    ("utf16be", "text", lambda s: b"\xfe\xff" + f"pw {s}\r\n".encode("utf-16-be"), lambda d: d.decode("utf-16", "replace")),
    ("hex", "lower", lambda s: b"0x" + binascii.hexlify(s.encode()), lambda d: bytes.fromhex(u8(d)[2:])),
    ("hex", "upper", lambda s: b"0x" + binascii.hexlify(s.encode()).upper(), lambda d: bytes.fromhex(u8(d)[2:])),
    ("hex", "prefixed", lambda s: "".join("\\x%02x" % b for b in s.encode()).encode(), lambda d: codecs.escape_decode(d)[0]),
]
ROWS = {"percent": "percent", "percent lower": "percent", "decimal": "html", "decimal zeros": "html", "hex": "html",
        "hex upper": "html"}
for name in NOTATIONS:
    for how, chance in (("specials", None), ("all", 1), ("some", 0.4), ("few", 0.15)):
        TEXT.append((ROWS.get(name, "escaped"), f"{name} {how}", *notation(name, chance)))
TEXT += [
    ("escaped", "ascii()", lambda s: ("pw = " + ascii(s)).encode(), lambda d: ast.literal_eval(u8(d)[5:])),
    ("escaped", "latin-1 bytes", lambda s: "".join(c if 31 < ord(c) < 127 and c != "\\" else "\\x%02x" % c.encode("latin-1")[0]
                                                   for c in s).encode(),
     lambda d: codecs.escape_decode(d)[0].decode("latin-1")),
    ("layered", "json in json, ascii", lambda s: json.dumps({"a": json.dumps({"b": s})}).encode(), json_all),
    ("layered", "json three times", lambda s: json.dumps([json.dumps([json.dumps([s])])]).encode(), json_all),
    ("layered", "json in a query", lambda s: ("q=" + urllib.parse.quote(json.dumps({"pw": s}))).encode(),
     lambda d: json_all(urllib.parse.unquote(u8(d))[2:].encode())),
    ("layered", "json in a form", lambda s: urllib.parse.urlencode({"payload": json.dumps({"pw": s})}).encode(),
     lambda d: json_all(urllib.parse.parse_qs(u8(d))["payload"][0].encode())),
    ("layered", "json in html", lambda s: f"<a data='{html.escape(json.dumps([s]))}'>".encode(),
     lambda d: json_all(html.unescape(u8(d))[9:-2].encode())),
    ("layered", "html in json", lambda s: json.dumps([html.escape(s)]).encode(), lambda d: html.unescape(json_all(d))),
    ("layered", "html in go", lambda s: ("[" + go(html.escape(s)) + "]").encode(), lambda d: html.unescape(json_all(d))),
    ("layered", "numbers in json", lambda s: json.dumps(["".join(map(decimal, s))]).encode(),
     lambda d: html.unescape(json_all(d))),
    ("layered", "percent in html", lambda s: "".join(hexadecimal(c) for c in urllib.parse.quote(s, safe="")).encode(),
     lambda d: urllib.parse.unquote(html.unescape(u8(d)))),
    ("layered", "html in a query", lambda s: ("q=" + urllib.parse.quote(html.escape(s), safe="")).encode(),
     lambda d: html.unescape(urllib.parse.unquote(u8(d)))),
    ("layered", "base64 in php's json", lambda s: json.dumps([base64.b64encode(("u:" + s).encode()).decode()]).replace(
        "/", "\\/").encode(), lambda d: base64_all(json_all(d).encode())),
    ("layered", "base64 in a query", lambda s: ("q=" + urllib.parse.quote(base64.b64encode(("u:" + s).encode()), safe="")).encode(),
     lambda d: base64_all(urllib.parse.unquote(u8(d)).encode())),
    ("utf16le", "json", lambda s: b"\xff\xfe" + json.dumps([s]).encode("utf-16-le"),
     lambda d: json_all(d.decode("utf-16").encode())),
    ("utf16be", "json", lambda s: b"\xfe\xff" + json.dumps([s]).encode("utf-16-be"),
     lambda d: json_all(d.decode("utf-16").encode())),
    ("utf16le", "percent", lambda s: b"\xff\xfe" + urllib.parse.quote(s, safe="").encode("utf-16-le"),
     lambda d: urllib.parse.unquote(d.decode("utf-16", "replace"))),
    ("utf16be", "percent", lambda s: b"\xfe\xff" + urllib.parse.quote(s, safe="").encode("utf-16-be"),
     lambda d: urllib.parse.unquote(d.decode("utf-16", "replace"))),
    ("layered", "html in utf-16", lambda s: b"\xff\xfe" + "".join(map(decimal, s)).encode("utf-16-le"),
     lambda d: html.unescape(d.decode("utf-16", "replace"))),
    ("layered", "json in json in utf-16", lambda s: b"\xfe\xff" + json.dumps([json.dumps([s])]).encode("utf-16-be"),
     lambda d: json_all(d.decode("utf-16", "replace").encode())),
    ("layered", "percent in utf-16 without mark", lambda s: ("url=" + some(s, per_byte("%%%02x"), "%", 0.3)).encode("utf-16-le"),
     lambda d: urllib.parse.unquote(d.decode("utf-16-le", "replace"))),
    ("split", "continued line", lambda s: ("PW=" + long(s)[:len(s) // 2] + "\\\n" + s[len(s) // 2:] + "\n").encode(),
     lambda d: u8(d).replace("\\\n", "")),
    ("split", "continued, indented", lambda s: ("pw = " + long(s)[:len(s) // 2] + "\\\r\n    " + s[len(s) // 2:] + "\r\n").encode(),
     lambda d: re.sub(r"\\\r\n *", "", u8(d))),
    ("split", "quoted-printable", lambda s: quopri.encodestring((" " + "x" * (72 - len(s) // 2) + long(s) + " y\n").encode()),
     lambda d: quopri.decodestring(d).decode("utf-8", "replace")),
]
for shift in range(3):
    head = "x" * shift
    TEXT += [
        ("utf16le", f"base64 {shift}", lambda s, h=head: b"\xff\xfe" + base64.b64encode((h + s + h).encode()).decode().encode(
            "utf-16-le"), lambda d: base64_all(d.decode("utf-16", "replace").encode())),
        ("utf16be", f"base64 {shift}", lambda s, h=head: b"\xfe\xff" + base64.b64encode((h + s + "yy").encode()).decode().encode(
            "utf-16-be"), lambda d: base64_all(d.decode("utf-16", "replace").encode())),
        ("base64", f"json, ascii {shift}", lambda s, h=head: base64.b64encode(("[" + h.replace("x", " ") + json.dumps(s) + "]")
                                                                             .encode()),
         lambda d: [json_all(x) for x in base64_all(d)[1:2]]),
    ]
for name in ("latin-1", "cp1252", "iso8859-2", "iso8859-15", "cp1250", "cp437", "cp850", "mac-roman", "cp1251", "koi8-r",
             "shift_jis", "euc_kr", "big5hkscs", "gb18030"):
    TEXT.append(("charset", name, lambda s, n=name: f"pw = {s}\n".encode(n), lambda d, n=name: d.decode(n, "replace")))
TEXT.append(("charset", "xml", lambda s: f"<p>{html.escape(s)}</p>".encode("latin-1"),
             lambda d: html.unescape(d.decode("latin-1"))))
for shift in range(3):
    head, tail = "x" * shift, "y" * (shift * 2 + 1)
    TEXT += [
        ("base64", f"{shift}", lambda s, h=head, t=tail: b"d: " + base64.b64encode((h + s + t).encode()), base64_all),
        ("base64", f"end {shift}", lambda s, h=head: b"d: " + base64.b64encode((h + s).encode()), base64_all),
        ("base64", f"utf-16 {shift}", lambda s, h=head: base64.b64encode((h + s + " z").encode("utf-16-le")), base64_all),
        ("base64", f"url {shift}", lambda s, h=head: base64.b64encode(
            f"DB={h}://u:{urllib.parse.quote(s, safe='')}@h/d".encode()),
         lambda d: [urllib.parse.unquote(x.decode("utf-8", "replace")) for x in base64_all(d)]),
        ("base64", f"json {shift}", lambda s, h=head: base64.b64encode(("[" + h.replace("x", " ") + go(s) + "]").encode()),
         lambda d: [json_all(x) for x in base64_all(d)[1:2]]),
        ("base64url", f"{shift}", lambda s, h=head, t=tail: base64.urlsafe_b64encode((h + s + t).encode()), base64_all),
        ("split", f"wrapped {shift}", lambda s, h=head: base64.encodebytes((h + "before " * 9 + s + " after" * 20).encode()),
         base64_all),
        ("base64-twice", f"{shift}", lambda s, h=head: base64.b64encode(json.dumps(
            {"auths": {"r" + h: {"auth": base64.b64encode(("u" + h + ":" + s).encode()).decode()}}}).encode()), base64_all),
        ("base64-twice", f"inside {shift}", lambda s, h=head: base64.b64encode(b"a" * len(h) + base64.b64encode(
            ("u" + h + ":" + s + " and more").encode()) + b" tail"), base64_all),
        ("base64-twice", f"wrapped {shift}", lambda s, h=head: base64.encodebytes(json.dumps(
            {"auths": {"registry" + h: {"auth": base64.b64encode(("user" + h + ":" + s).encode()).decode()},
                       "other.example.org": {"auth": "dXNlcjpub3RoaW5n"}}}).encode()), base64_all),
    ]
plain = lambda d: re.sub(r"[^A-Za-z0-9+/]", "", u8(d).replace("\\n", "").replace("\\r", ""))
KEY = [
    ("lines", "lf", lambda k: k.encode(), plain),
    ("lines", "crlf", lambda k: k.replace("\n", "\r\n").encode(), plain),
    ("lines", "quoted", lambda k: ("KEY=" + chr(34) + k.replace("\n", "\\n") + '"\n').encode(), plain),
    ("lines", "quoted crlf", lambda k: ('KEY="' + k.replace("\n", "\\r\\n") + '"\n').encode(), plain),
    ("lines", "joined", lambda k: k.replace("\n", "").encode(), plain),
    ("lines", "spaces", lambda k: ("KEY=" + k.replace("\n", " ") + "\n").encode(), plain),
    ("lines", "indented", lambda k: ("key: |\n" + textwrap.indent(k, "    ")).encode(), plain),
    ("lines", "json", lambda k: json.dumps({"private_key": k}).encode(), plain),
    ("lines", "json in json", lambda k: json.dumps({"a": json.dumps({"private_key": k})}).encode(), plain),
    ("split", "notebook", lambda k: json.dumps({"source": k.splitlines(True)}, indent=1).encode(), plain),
    ("lines", "base64", lambda k: b"tls.key: " + base64.b64encode(k.encode()), lambda d: [plain(x) for x in base64_all(d)]),
    ("lines", "base64 crlf", lambda k: base64.b64encode(k.replace("\n", "\r\n").encode()),
     lambda d: [plain(x) for x in base64_all(d)]),
    ("lines", "wrapped base64", lambda k: base64.encodebytes(k.encode()), lambda d: [plain(x) for x in base64_all(d)]),
    ("utf16le", "key", lambda k: b"\xff\xfe" + k.encode("utf-16-le"), lambda d: plain(d.decode("utf-16", "replace").encode())),
]
def marked(mark, row="lines"):
    return (row, f"behind {mark!r}", lambda k: "".join(f"{mark}{line}\n" for line in k.splitlines()).encode(),
            lambda d: plain("".join(line.removeprefix(mark) for line in u8(d).splitlines()).encode()))


KEY += [marked(mark) for mark in ("# ", "#", "// ", "//", "-- ", "--", "; ", ";; ", "+", "-", "> ", ">", "* ", " * ", "| ", "% ",
                                  "> > ", ">> ", "+# ", "-  // ", "+    * ", "    # ")]
for end in ("<br>", "<br/>", "<br />", "<BR>\n", "<br/>\n", "\\\\n", "\\\\r\\\\n", "&#10;", "&#xA;", "%0A", "%0D%0A", "\\u000a",
            "\\x0a", "\\012"):
    KEY.append(("lines", f"ends {end!r}", lambda k, e=end: ("KEY=" + k.replace("\n", e)).encode(),
                lambda d, e=end: plain(u8(d).replace(e, "").encode())))
KEY += [
    ("utf16le", "key, crlf", lambda k: b"\xff\xfe" + k.replace("\n", "\r\n").encode("utf-16-le"),
     lambda d: plain(d.decode("utf-16", "replace").encode())),
    ("utf16be", "key, marks", lambda k: b"\xfe\xff" + "".join(f"# {line}\r\n" for line in k.splitlines()).encode("utf-16-be"),
     lambda d: plain(d.decode("utf-16", "replace").replace("#", "").encode())),
    ("layered", "key, json in utf-16", lambda k: b"\xff\xfe" + json.dumps({"k": k}).encode("utf-16-le"),
     lambda d: plain(json_all(d.decode("utf-16", "replace").encode()).encode())),
    ("layered", "key, base64 in utf-16", lambda k: b"\xff\xfe" + base64.encodebytes(k.encode()).decode().replace(
        "\n", "\r\n").encode("utf-16-le"), lambda d: [plain(x) for x in base64_all(d.decode("utf-16", "replace").encode())]),
    ("layered", "key in a query", lambda k: urllib.parse.quote(json.dumps({"k": k})).encode(),
     lambda d: plain(json_all(urllib.parse.unquote(u8(d)).encode()).encode())),
    ("lines", "blank comment lines", lambda k: "".join(f"# {line}\n#\n" for line in k.splitlines()).encode(),
     lambda d: plain(u8(d).replace("#", "").encode())),
    ("lines", "mixed diff", lambda k: "".join(" +-"[n % 3] + line + "\n" for n, line in enumerate(k.splitlines())).encode(),
     lambda d: plain("".join(line[1:] for line in u8(d).splitlines()).encode())),
]
BY_NAME = {(row, how): decode for row, how, _, decode in TEXT + KEY}


def b64(data):
    return base64.b64encode(data).decode()


if sys.argv[1] == "spell":
    secret, out = base64.b64decode(sys.argv[2]).decode(), []
    for row, how, encode, _ in TEXT:
        try:
            out.append({"row": row, "how": how, "secret": sys.argv[2], "text": b64(encode(secret))})
        except UnicodeError:
            continue  # this character set does not have it, or it is too short
    json.dump(out, sys.stdout)
elif sys.argv[1] == "encode":
    rng, out = random.Random(int(sys.argv[2])), []
    for secret in secrets(rng):
        for row, how, encode, _ in TEXT:
            try:
                text = encode(secret)
            except UnicodeError:
                continue  # this character set does not have it, or it is too short
            out.append({"row": row, "how": how, "secret": b64(secret.encode()), "text": b64(text)})
    for row, how, encode, _ in KEY:
        secret = key(rng)
        out.append({"row": row, "how": how, "secret": b64(secret.encode()), "text": b64(encode(secret))})
    json.dump(out, sys.stdout)
else:
    for case in json.load(sys.stdin):
        secret = base64.b64decode(case["secret"]).decode()
        data = base64.b64decode(case["text"])
        needle = secret
        if "PRIVATE KEY" in secret:  # three of its lines
            needle = "".join(secret.splitlines()[2:5])
        try:
            read = BY_NAME[case["row"], case["how"]](data)
        except Exception as error:  # the cleaned text must stay readable
            print(case["row"], case["how"], "cannot be read any more:", error)
            continue
        for one in read if isinstance(read, list) else [read]:
            if (needle.encode() in one) if isinstance(one, bytes) else (needle in one):
                print(case["row"], case["how"], "still gives the secret")
                break

#!/usr/bin/python3
"""Is the dashboard well made? Words in both languages, imports that lead somewhere, nothing that its content security
policy forbids, a Chinese sentence for each code of the service, and a size that a slow network bears.

usage: ui.py, from the top of the tree. Prints one line a fault; exit status 1 when there is one."""
import glob
import html.parser
import os
import re
import sys

import yaml

sys.path.insert(0, "api")

import ui_pack  # noqa: E402

UI = "api/ui"
BUDGET = 150_000  # bytes of all files, compressed
LINE, LINE_OF_WORDS = 120, 170
SCREEN = 50  # lines of a function, with those of the functions in it
LANGUAGES = ("en", "zh")
# Said on standard error, when there is no page yet that could show it.
BEFORE_A_PAGE = {"unsafe_listener", "tls_key", "tls_certificate", "client_ca", "audit_broken", "store_newer"}

# What makes markup or code of text, or a style that the policy refuses.
FORBIDDEN = (
    (r"\b(?:inner|outer)HTML\b", "text would become markup"), (r"\binsertAdjacentHTML\b", "text would become markup"),
    (r"\bdocument\.write", "text would become markup"), (r"\bcreateContextualFragment\b|\bDOMParser\b|\bsrcdoc\b", "text would become markup"),
    (r"\beval\s*\(|\bnew Function\b", "text would become code"), (r"\bset(?:Timeout|Interval)\s*\(\s*['\"`]", "text would become code"),
    (r"['\"`]javascript:", "text would become code"), (r"\bstyle\s*:(?=\s*['\"`{])|setAttribute\(\s*['\"]style['\"]|['\"]style['\"]\s*:", "the policy refuses style attributes"),
    (r"h\(\s*['\"](?:style|script)['\"]", "the policy refuses inline styles and scripts"),
    (r"\blocalStorage\b.*token|\btoken\b.*localStorage", "a token is kept for the session alone"),
    (r"\bconsole\.\w+\(|\bdebugger\b", "left from looking for a fault"),
)


class Text:
    """JavaScript as tokens: (kind, value, line) with kind string, template, name or mark. Comments are left out, and
    so are regular expressions, as far as they stand where a value may begin."""

    TOKEN = re.compile(r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
        |(?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
        |(?P<template>`(?:[^`\\]|\\.)*`)
        |(?P<name>[A-Za-z_$][\w$]*|\d[\w.]*)
        |(?P<mark>.)""", re.X | re.S)
    REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
    ESCAPE = {"n": "\n", "t": "\t", "'": "'", '"': '"', "\\": "\\", "`": "`"}

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as f:
            self.source = f.read()
        self.tokens = list(self.read())

    def read(self):
        at, last = 0, "("
        while at < len(self.source):
            regex = self.REGEX.match(self.source, at) if last in "(,=:[!&|?{};+>" or last == "return" else None
            if regex and not self.source.startswith(("//", "/*"), at):
                at, last = regex.end(), "x"
                continue
            m = self.TOKEN.match(self.source, at)
            at, kind, value = m.end(), m.lastgroup, m[0]
            if kind == "blank":
                continue
            last = value if kind in ("mark", "name") else "x"
            yield kind, self.plain(value) if kind == "string" else value, self.source.count("\n", 0, m.start()) + 1

    def code(self):
        """What is left without comments, strings and regular expressions, a blank between the tokens."""
        return " ".join(value for kind, value, _ in self.tokens if kind != "string")

    def plain(self, literal):
        return re.sub(r"\\(.)", lambda m: self.ESCAPE.get(m[1], m[1]), literal[1:-1])


class Words:
    """The object that a file of words exports: strings, joined with +, in objects."""

    def __init__(self, text, say):
        self.tokens, self.at, self.path, self.say = text.tokens, 0, text.path, say
        for word in ("export", "default"):
            self.take(word)
        self.value = self.read()

    def take(self, value):
        if self.at >= len(self.tokens) or self.tokens[self.at][1] != value:
            raise SyntaxError(f"{self.path}: {self.where()}: {value} is missing")
        self.at += 1

    def where(self):
        return self.tokens[min(self.at, len(self.tokens) - 1)][2]

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "", self.where())

    def read(self):
        kind, value, _ = self.peek()
        if kind == "mark" and value == "{":
            return self.read_object()
        if kind != "string":
            raise SyntaxError(f"{self.path}: {self.where()}: neither a text nor an object")
        self.at += 1
        while self.peek()[1] == "+":
            self.at += 1
            value += self.peek()[1]
            self.at += 1
        return value

    def read_object(self):
        out = {}
        self.take("{")
        while self.peek()[1] != "}":
            kind, key, line = self.peek()
            if kind not in ("string", "name"):
                raise SyntaxError(f"{self.path}: {line}: no key")
            self.at += 1
            self.take(":")
            if key in out:
                self.say(self.path, line, f"{key} is there twice")
            out[key] = self.read()
            if self.peek()[1] == ",":
                self.at += 1
        self.take("}")
        return out


class Module:
    """What a script uses: other files, keys of words, and the beginnings of keys that it puts together."""

    def __init__(self, text):
        folder = os.path.dirname(text.path)
        self.path, self.keys, self.prefixes, self.strings = text.path, {}, {}, set()
        self.static, self.lazy = set(), set()
        tokens = text.tokens
        for i, (kind, value, line) in enumerate(tokens):
            before = [t[1] for t in tokens[max(0, i - 2):i]]
            if kind == "string":
                self.strings.add(value)
                if before[-1:] == ["from"] or before[-1:] == ["import"]:
                    self.static.add(os.path.normpath(os.path.join(folder, value)))
                elif before == ["import", "("]:
                    self.lazy.add(os.path.normpath(os.path.join(folder, value)))
                elif before == ["t", "("]:
                    self.keys[value] = line
                elif before == ["tWord", "("] or before == ["badge", "("]:
                    self.prefixes[value + "."] = line
            elif kind == "template":
                start = value[1:].split("${")[0]
                if re.fullmatch(r"\w+\.[\w.]*", start):
                    self.prefixes[start] = line
                for key in re.findall(r"\bt\('([^']+)'", value):
                    self.keys[key] = line
                self.strings.update(re.findall(r"'([^'\n]+)'", value))


class Dashboard:
    def __init__(self):
        self.faults = 0
        self.files = sorted(p for p in glob.glob(f"{UI}/**", recursive=True) if os.path.isfile(p) and not p.endswith("README.md"))
        texts = {p: Text(p) for p in self.files if p.endswith(".js")}
        self.codes = Words(texts.pop(f"{UI}/words/codes.zh.js"), self.say).value
        self.words = {p: Words(t, self.say).value for p, t in texts.items() if p.startswith(f"{UI}/words/")}
        self.scripts = {p: t for p, t in texts.items() if p not in self.words}
        self.modules = {p: Module(t) for p, t in self.scripts.items()}

    def say(self, path, line, what):
        print(f"{path}:{line}: {what}")
        self.faults += 1

    def check(self):
        self.check_lines()
        self.check_forbidden()
        self.check_page()
        self.check_imports()
        self.check_functions()
        self.check_names()
        self.check_words()
        self.check_keys()
        self.check_codes()
        self.check_size()
        return self.faults

    def check_lines(self):
        for path in (p for p in self.files if not p.endswith(".svg")):
            longest = LINE_OF_WORDS if path.startswith(f"{UI}/words/") else LINE
            with open(path, encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    if len(line.rstrip("\n")) > longest:
                        self.say(path, number, f"a line of more than {longest} characters")
                    if line != line.rstrip() + "\n":
                        self.say(path, number, "blanks at the end of a line, or no end of line")

    def check_functions(self):
        for path, text in self.scripts.items():
            lines = text.source.split("\n")
            for first, line in enumerate(lines):
                m = re.match(r"(\s*)(?:export )?(?:default )?(?:async )?function\b\*? *(\w*)", line)
                if m is None or line.endswith("}"):
                    continue
                last = next((i for i in range(first + 1, len(lines)) if lines[i].startswith(m[1] + "}")), len(lines))
                if last - first >= SCREEN:
                    self.say(path, first + 1, f"{m[2]} has {last - first + 1} lines, at most {SCREEN} fit a screen")

    def check_forbidden(self):
        for path, text in self.scripts.items():
            source = re.sub(r"^\s*(//|\*).*$", "", text.source, flags=re.M)
            for pattern, why in FORBIDDEN:
                for m in re.finditer(pattern, source):
                    self.say(path, source.count("\n", 0, m.start()) + 1, f"{m[0]!r}: {why}")
        for path in self.files:
            if path.endswith(".css"):
                with open(path, encoding="utf-8") as f:
                    for m in re.finditer(r"@import|url\((?!['\"]?data:)|expression\(", f.read()):
                        self.say(path, 1, f"{m[0]!r}: the page loads nothing by a style")

    def check_page(self):
        check = self

        class Page(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                line, have = self.getpos()[0], dict(attributes)
                for name, value in attributes:
                    if name.startswith("on") or name == "style":
                        check.say(f"{UI}/index.html", line, f"the policy refuses {name}")
                    if name in ("src", "href") and not (value.startswith("/ui/@UI@/") and f"{UI}/{value[9:]}".replace("//", "/") in check.files):
                        check.say(f"{UI}/index.html", line, f"{value} is not /ui/@UI@/ and a file")
                if tag == "style" or (tag == "script" and "src" not in have):
                    check.say(f"{UI}/index.html", line, f"the policy refuses an inline {tag}")

        with open(f"{UI}/index.html", encoding="utf-8") as f:
            page = Page()
            page.feed(f.read())

    def check_imports(self):
        known = set(self.files)
        used = {f"{UI}/main.js"}
        for path, module in self.modules.items():
            for other in module.static | module.lazy:
                used.add(other)
                if other not in known:
                    self.say(path, 1, f"imports {other}, which is not there")
        for path in (set(self.scripts) | set(self.words)) - used:
            self.say(path, 1, "nobody imports it")

    def check_names(self):
        """What is imported is used; what is called and another file exports is imported, or a file's own."""
        codes = {path: text.code() for path, text in self.scripts.items()}
        exported = {name for code in codes.values() for name in re.findall(r"\bexport (?:async )?function (\w+)", code)}
        statement = re.compile(r"\bimport ([^();]*?) from\b")
        for path, code in codes.items():
            rest = statement.sub("", code)
            imported = {name for names in statement.findall(code)
                        for name in re.findall(r"\w+", re.sub(r"[\w*]+ as ", "", names))}
            for name in sorted(imported):
                if not re.search(rf"(?:\. ?\. ?\. ?|(?<!\.)(?<!\. )\b){name}\b", rest):
                    self.say(path, 1, f"imports {name} and does not use it")
            for name in sorted(exported - imported):
                own = rf"\b(?:function|const|let) {name}\b|[{{,(] {name} [,}})=]|\b{name} \([^)]*\) \{{"
                if re.search(rf"(?<!\.)(?<!\. )\b{name} ?\(", rest) and not re.search(own, rest):
                    self.say(path, 1, f"calls {name}, which it does not import")

    def check_words(self):
        owners = {}
        for path, languages in self.words.items():
            if set(languages) != set(LANGUAGES):
                self.say(path, 1, f"has {', '.join(languages)} and not {', '.join(LANGUAGES)}")
                continue
            en, zh = (languages[name] for name in LANGUAGES)
            for key in sorted(set(en) ^ set(zh)):
                self.say(path, 1, f"{key} is in one language only")
            for key in sorted(set(en) & set(zh)):
                self.compare(path, key, en[key], zh[key])
            for key in en:
                other = owners.setdefault(key, path)
                if other != path and self.words[other]["en"].get(key) != en[key]:
                    self.say(path, 1, f"{key} says something else in {other}")

    def compare(self, path, key, en, zh):
        if not en.strip() or not zh.strip():
            self.say(path, 1, f"{key} is empty")
        if set(re.findall(r"\{(\w+)\}", en)) != set(re.findall(r"\{(\w+)\}", zh)):
            self.say(path, 1, f"{key}: {{…}} differ between the languages")
        for text in (en, zh):
            if text.count("|") > 1 or ("|" in text and "{n}" not in text):
                self.say(path, 1, f"{key}: '|' parts the text for one from that for {{n}}")

    def reach(self, path):
        """A script and all that it imports at once."""
        seen, todo = set(), [path]
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            if at in self.modules:
                todo += self.modules[at].static
        return seen

    def loads(self, page):
        """What a page, or what it imports, loads when it is needed."""
        return {p for path in self.reach(page) & set(self.modules) for p in self.modules[path].lazy}

    def check_keys(self):
        """Whatever page a key is used on has its words."""
        lazy = {p for m in self.modules.values() for p in m.lazy if p in self.modules}
        frame = self.reach(f"{UI}/main.js")
        for root in sorted(lazy | {f"{UI}/main.js"}):
            scope = self.reach(root) | frame | {p for page in lazy if root in self.loads(page) for p in self.reach(page)}
            keys = {key for p in scope & set(self.words) for key in self.words[p].get("en", {})}
            for path in sorted(self.reach(root) & set(self.modules)):
                for key, line in self.modules[path].keys.items():
                    if key not in keys:
                        self.say(path, line, f"no words for {key} (on {os.path.basename(root)})")
                for prefix, line in self.modules[path].prefixes.items():
                    if not any(key.startswith(prefix) for key in keys) and self.is_of_words(path, prefix):
                        self.say(path, line, f"no words begin with {prefix} (on {os.path.basename(root)})")
        strings = {s for m in self.modules.values() for s in m.strings}
        prefixes = tuple({p for m in self.modules.values() for p in m.prefixes} | {s + "." for s in strings if s.isidentifier()})
        for path, languages in self.words.items():
            for key in languages.get("en", {}):
                if key not in strings and not key.startswith(prefixes):
                    self.say(path, 1, f"nobody says {key}")

    def is_of_words(self, path, prefix):
        """A template that begins like a key may be something else, such as the address of a file."""
        return f"t(`{prefix}" in self.scripts[path].source

    def check_codes(self):
        wanted = service_codes()
        for code in sorted(set(wanted) - set(self.codes)):
            self.say(wanted[code], 1, f"no Chinese for {code} in {UI}/words/codes.zh.js")
        numbered = [s for path in c_files() for s in re.findall(r'"([a-z0-9_]+_)%d"', c_text(path))]
        for code in sorted(set(self.codes) - set(wanted)):
            if not any(re.fullmatch(start + r"\d+", code) for start in numbered):
                self.say(f"{UI}/words/codes.zh.js", 1, f"nobody says {code}")
        for code, text in self.codes.items():
            if not re.search("[\u4e00-\u9fff].*[。？]$", text):
                self.say(f"{UI}/words/codes.zh.js", 1, f"{code}: no Chinese sentence")

    def check_size(self):
        sizes = ui_pack.sizes(UI)
        if sum(sizes.values()) > BUDGET:
            largest = ", ".join(f"{name} {n}" for name, n in sorted(sizes.items(), key=lambda i: -i[1])[:5])
            self.say(UI, 1, f"{sum(sizes.values())} bytes compressed, at most {BUDGET} are meant: {largest}")


def c_files():
    return sorted(p for top in ("service", "api") for p in glob.glob(f"{top}/**/*.c", recursive=True))


def c_text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def arguments(text, at):
    """The arguments of the call, or the members of the row, that begins at @p at; strings and all."""
    out, depth, begin, i = [], 0, at, at
    while i < len(text):
        if text[i] in "\"'":
            quote, i = text[i], i + 1
            while text[i] != quote:
                i += 2 if text[i] == "\\" else 1
        elif text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            if depth == 0:
                return out + [text[begin:i]]
            depth -= 1
        elif text[i] == "," and depth == 0:
            out.append(text[begin:i])
            begin = i + 1
        i += 1
    return out


def codes_in(text):
    return re.findall(r'"([a-z][a-z0-9_]*)"', text)


def service_codes():
    """Every code that an error, a check or a verdict may have → where. Functions that pass a code on are found by the
    name of their parameter, tables by the kind of error that stands before the code."""
    found = {}
    sources = {path: c_text(path) for path in c_files()}
    takers = {"err_fail": 1}
    for path in sorted(glob.glob("service/**/*.h", recursive=True)) + list(sources):
        for m in re.finditer(r"\b(\w+)\(([^(){};]*\bconst char \*code\b[^(){};]*)\)", c_text(path)):
            takers[m[1]] = [p.strip() for p in m[2].split(",")].index("const char *code")
    for path, text in sources.items():
        for m in re.finditer(r"\b(\w+)\(", text):
            if m[1] in takers and m[1] not in ("err_is", "judge_hint"):
                given = arguments(text, m.end())
                if len(given) > takers[m[1]]:
                    found.update({code: path for code in codes_in(given[takers[m[1]]])})
        for m in re.finditer(r"\{(?:ERR_\w+|0x\w+|[1-9]\d*),\s*(?=\")", text):  # a kind of error, or a number of the device's
            found.update({code: path for code in codes_in(arguments(text, m.end())[0])})
        for rows in re.findall(r"struct \{\s*const char \*code\b[^}]*\} \w+\[\] = \{(.*?)\n\};", text, re.S):
            found.update({code: path for code in re.findall(r'\{"([a-z][a-z0-9_]*)",', rows)})
        found.update({code: path for code in re.findall(r'"code", "([a-z][a-z0-9_]*)"', text)})
        found.update({f"{what}_in_use": path for what in re.findall(r'\bneed_refuse\(db, \w+, "(\w+)"', text)})
        found.update({f"{what}_not_found": path for what in re.findall(r'\bNAMED_KIND\("(\w+)"', text)})
        for m in re.finditer(r'(?:\.code|\bcode(?:\[\])?) = ([^;,}]*)', text):
            found.update({code: path for code in codes_in(m[1])})
    for name in re.findall(r'return "(\w+)";', re.search(r"err_name\(enum err e\)\n\{.*?\n\}", sources["service/base/err.c"], re.S)[0]):
        if name != "ok":
            found[name] = "service/base/err.c"
    with open("openapi.yaml", encoding="utf-8") as f:
        schemas = yaml.safe_load(f)["components"]["schemas"]
    found.update({code: "openapi.yaml" for code in schemas["VerdictCode"]["enum"]})
    return {code: path for code, path in found.items() if code not in BEFORE_A_PAGE}


if __name__ == "__main__":
    try:
        sys.exit(1 if Dashboard().check() else 0)
    except SyntaxError as e:
        sys.exit(str(e))

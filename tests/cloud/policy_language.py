"""AWS IoT's policy documents: their form, and what they allow."""
import functools
import json
import re

MOST_CHARACTERS = 2048  # without white space
VERSIONS = ("2012-10-17", "2008-10-17")
STATEMENT = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ACTION = r"\*|(iot|greengrass):[\w*?-]+"
RESOURCE = r"\*|arn:[^:]*:(iot|greengrass):[^:]*:[^:]*:.+"
VARIABLE = re.compile(r"\$\{([^}]*)\}")
LITERALS = {"*": "*", "?": "?", "$": "$"}


class Malformed(Exception):
    pass


def _texts(value, what):
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(t, str) and t for t in texts):
        raise Malformed(f"{what} must be a text or a list of texts.")
    return texts


def check(text):
    """The document, or Malformed."""
    if len(re.sub(r"\s", "", text)) > MOST_CHARACTERS:
        raise Malformed(f"A policy document has at most {MOST_CHARACTERS} characters, white space not counted.")
    try:
        document = json.loads(text)
    except ValueError:
        raise Malformed("The policy document is not JSON.") from None
    if not isinstance(document, dict) or set(document) - {"Version", "Id", "Statement"}:
        raise Malformed("The policy document has members that are unknown.")
    if document.get("Version") not in VERSIONS:
        raise Malformed("The policy document's Version is not one there is.")
    statements = document.get("Statement")
    statements = statements if isinstance(statements, list) else [statements]
    if not statements:
        raise Malformed("The policy document has no Statement.")
    for statement in statements:
        _check_statement(statement)
    return document


def _check_statement(statement):
    if not isinstance(statement, dict) or set(statement) - STATEMENT:
        raise Malformed("A Statement has members that are unknown.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise Malformed("A Statement's Effect is Allow or Deny.")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            raise Malformed(f"A Statement has either {one} or {other}.")
        member = one if one in statement else other
        for text in _texts(statement[member], member):
            if member.endswith("Action") and not re.fullmatch(ACTION, text, re.I):
                raise Malformed(f"{text} is no action of iot.")
            if member.endswith("Resource") and not re.fullmatch(RESOURCE, text, re.S):
                raise Malformed(f"{text} is no ARN of iot.")
    if not isinstance(statement.get("Condition", {}), dict):
        raise Malformed("A Statement's Condition is an object.")


@functools.lru_cache(4096)
def _pattern(text, fold):
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.S | (re.I if fold else 0))


def fits(pattern, text, fold=False):
    """By * and ?, the language's own wildcards; MQTT's + and # are plain characters."""
    return bool(_pattern(pattern, fold).fullmatch(text))


def _resource_fits(pattern, resource, variables):
    """Variables are filled in first; what they bring is no wildcard. One that has no value fits nothing."""
    regex = []
    at = 0
    for found in VARIABLE.finditer(pattern):
        regex.append(_pattern(pattern[at:found.start()], False).pattern)
        value = LITERALS.get(found[1], variables.get(found[1]))
        if value is None:
            return False
        regex.append(re.escape(value))
        at = found.end()
    regex.append(_pattern(pattern[at:], False).pattern)
    return bool(re.fullmatch("".join(regex), resource, re.S))


def missing_variables(documents, variables):
    """Those that the documents ask for and that have no value here."""
    named = {name for document in documents for name in VARIABLE.findall(document)}
    return sorted(name for name in named if name not in LITERALS and variables.get(name) is None)


def _covers(statement, action, resource, variables):
    if "Action" in statement:
        acts = any(fits(a, action, True) for a in _texts(statement["Action"], "Action"))
    else:
        acts = not any(fits(a, action, True) for a in _texts(statement["NotAction"], "NotAction"))
    if not acts:
        return False
    member = "Resource" if "Resource" in statement else "NotResource"
    on = any(_resource_fits(r, resource, variables) for r in _texts(statement[member], member))
    return on == (member == "Resource") and _holds(statement.get("Condition", {}), variables)


def _values(value):
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in (value if isinstance(value, list) else [value])]


def _holds(condition, variables):
    """Every operator of every key; those for sets of values take a variable that is a list."""
    for name, keys in condition.items():
        every, _, operator = name.rpartition(":")
        for key, wanted in keys.items():
            have = variables.get(key)
            have = [] if have is None else _values(have)
            if not _operator(operator, every, have, _values(wanted)):
                return False
    return True


def _operator(operator, every, have, wanted):
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if not have:
        return optional or every == "ForAllValues" or operator.startswith("StringNot")
    no = operator.startswith("StringNot")
    if operator in ("StringEquals", "StringNotEquals"):
        tests = [h in wanted for h in have]
    elif operator in ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"):
        tests = [h.lower() in [w.lower() for w in wanted] for h in have]
    elif operator in ("StringLike", "StringNotLike"):
        tests = [any(fits(w, h) for w in wanted) for h in have]
    elif operator == "Bool":
        tests = [h.lower() in [w.lower() for w in wanted] for h in have]
    else:
        return False  # one that is not known here allows nothing
    tests = [t != no for t in tests]
    return any(tests) if every == "ForAnyValue" else all(tests)


def decide(documents, action, resource, variables):
    """documents: {name: text}. variables: those of AWS, "iot:ClientId" …; None = has no value here.
    (decision, names of the policies that allow, names of those that deny)"""
    allow, deny = [], []
    for name, text in documents.items():
        document = json.loads(text)
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if _covers(statement, action, resource, variables):
                (allow if statement["Effect"] == "Allow" else deny).append(name)
    decision = "EXPLICIT_DENY" if deny else "ALLOWED" if allow else "IMPLICIT_DENY"
    return decision, sorted(set(allow)), sorted(set(deny))

#!/usr/bin/python3
"""Is openapi.yaml well made? References, operations, parameters, answers, and that examples fit their schemas.

usage: openapi.py FILE. Prints one line a fault; exit status 1 when there is one. Needs python3-yaml; with
python3-jsonschema the schemas themselves and the examples are checked too.
"""
import re
import sys

import yaml

try:
    import jsonschema
except ImportError:
    jsonschema = None

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
SCOPES = ("public", "viewer", "operator", "engineer", "admin")
KEYS = {  # what may stand where; a typo is a fault
    "root": {"openapi", "info", "servers", "tags", "paths", "webhooks", "components", "security", "externalDocs"},
    "path": {"parameters", "summary", "description", *METHODS},
    "operation": {"operationId", "tags", "summary", "description", "parameters", "requestBody", "responses", "deprecated",
                  "security"},
    "parameter": {"name", "in", "required", "description", "schema", "example", "examples", "deprecated", "style", "explode"},
    "body": {"required", "description", "content"},
    "response": {"description", "headers", "content", "links"},
    "media": {"schema", "example", "examples", "encoding"},
}


class UniqueKeys(yaml.SafeLoader):
    """YAML's own loader lets a second key replace the first one."""


def unique_mapping(loader, node):
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.YAMLError(f"line {key.start_mark.line + 1}: {key.value!r} is there twice")
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique_mapping)


class Lint:
    def __init__(self, doc):
        self.doc, self.faults, self.used = doc, [], set()

    def fault(self, where, what):
        self.faults.append(f"{where}: {what}")

    def resolve(self, node, where):
        """Follow a $ref to its target; other nodes are their own."""
        for _ in range(8):
            if not (isinstance(node, dict) and "$ref" in node):
                return node
            target = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
            if target is None:
                self.fault(where, f"{node['$ref']} does not exist")
                return {}
            node = target
        self.fault(where, "references go round in a circle")
        return {}

    def keys(self, node, kind, where):
        for key in node:
            if key not in KEYS[kind] and not key.startswith("x-"):
                self.fault(where, f"unknown key {key!r}")

    def walk(self, node, where="#"):
        """Every reference, and that JSON can say every value."""
        if isinstance(node, dict):
            if "$ref" in node:
                self.used.add(node["$ref"])
                self.resolve(node, where)
            for key, value in node.items():
                if not isinstance(key, str):
                    self.fault(where, f"key {key!r} is not a string")
                self.walk(value, f"{where}/{key}")
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self.walk(value, f"{where}/{i}")
        elif not isinstance(node, (str, int, float, bool, type(None))):
            self.fault(where, f"{node!r} is not JSON: write it in quotes")

    def components(self):
        for kind, members in self.doc.get("components", {}).items():
            for name in members:
                ref = f"#/components/{kind}/{name}"
                if kind == "securitySchemes" and any(name in s for s in self.doc.get("security", [])):
                    continue
                if ref not in self.used and f"({name})" not in self.descriptions:
                    self.fault(ref, "is never used")
        for name, schema in self.doc["components"]["schemas"].items():
            self.required(schema, f"#/components/schemas/{name}")
            if not schema.get("description"):
                self.fault(f"#/components/schemas/{name}", "has no description")
            self.described(schema, f"#/components/schemas/{name}")

    def required(self, schema, where):
        """Each required member is described, where one schema says both."""
        if not isinstance(schema, dict):
            return
        if "properties" in schema and "allOf" not in schema:
            for name in schema.get("required", []):
                if name not in schema["properties"]:
                    self.fault(where, f"required {name!r} is not among its properties")
        for key, value in schema.items():
            for child in value if isinstance(value, list) else [value]:
                if key not in ("example", "examples", "default", "enum", "const"):
                    self.required(child, f"{where}/{key}")
        for name, child in schema.get("properties", {}).items():
            self.required(child, f"{where}/{name}")

    def described(self, node, where):
        """Every schema with a name, and every property, says what it is: itself, or by what it refers to."""
        if isinstance(node, list):
            for i, child in enumerate(node):
                self.described(child, f"{where}/{i}")
        if not isinstance(node, dict):
            return
        for name, child in node.get("properties", {}).items():
            if not (child.get("description") or self.resolve(child, where).get("description")):
                self.fault(f"{where}/{name}", "has no description")
        for key, child in node.items():
            if key not in ("example", "examples", "default", "enum", "const", "if", "then", "else"):
                self.described(child, f"{where}/{key}")

    def parameters(self, path, item, operation, where):
        found = {}
        for raw in item.get("parameters", []) + operation.get("parameters", []):
            p = self.resolve(raw, where)
            if not p:
                continue
            self.keys(p, "parameter", where)
            if not p.get("description"):
                self.fault(where, f"parameter {p.get('name')} has no description")
            if "schema" not in p:
                self.fault(where, f"parameter {p.get('name')} has no schema")
            found[(p.get("in"), p.get("name"))] = p
        in_path = {name for place, name in found if place == "path"}
        in_template = set(re.findall(r"{(\w+)}", path))
        if in_path != in_template:
            self.fault(where, f"path parameters {sorted(in_path)} are declared, {sorted(in_template)} are in the path")
        for (place, name), p in found.items():
            if place == "path" and p.get("required") is not True:
                self.fault(where, f"path parameter {name} must be required")
        if len(found) != len(item.get("parameters", []) + operation.get("parameters", [])):
            self.fault(where, "a parameter is declared twice")

    def content(self, content, where):
        for media, value in content.items():
            self.keys(value, "media", f"{where} {media}")
            if "schema" not in value:
                self.fault(f"{where} {media}", "has no schema")
                continue
            if media == "application/json" and not self.is_shown(value, where):
                self.fault(f"{where} {media}", "has no example, nor has its schema")
            if jsonschema:
                self.examples(value, f"{where} {media}")

    def is_shown(self, media, where):
        """By an example of its own, of its schema, or of the items of a list."""
        schema = self.resolve(media["schema"], where)
        items = self.resolve(schema.get("properties", {}).get("items", {}).get("items", {}), where)
        return "example" in media or "examples" in media or "examples" in schema or "examples" in items

    def examples(self, media, where):
        examples = [self.resolve(e, where).get("value") for e in media.get("examples", {}).values()]
        if "example" in media:
            examples.append(media["example"])
        for example in examples:
            for error in self.validator(media["schema"]).iter_errors(example):
                self.fault(where, f"its example does not fit: {error.json_path}: {error.message}")

    def validator(self, schema):
        wrapped = {"allOf": [schema], "components": self.doc["components"]}
        return jsonschema.Draft202012Validator(wrapped)

    def responses(self, responses, where):
        if not any(code.startswith("2") for code in responses):
            self.fault(where, "has no success")
        if "default" not in responses:
            self.fault(where, "has no default answer")
        for code, raw in responses.items():
            r = self.resolve(raw, where)
            here = f"{where} {code}"
            self.keys(r, "response", here)
            if not r.get("description"):
                self.fault(here, "has no description")
            content = r.get("content", {})
            self.content(content, here)
            if code in ("204", "304"):
                if content:
                    self.fault(here, "has a body")
            elif code[0] in "45d":
                if list(content) != ["application/problem+json"]:
                    self.fault(here, "is not application/problem+json")
            elif not content:
                self.fault(here, "has no content")

    def operation(self, path, method, item, names):
        operation, where = item[method], f"{method.upper()} {path}"
        self.keys(operation, "operation", where)
        name = operation.get("operationId", "")
        if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name):
            self.fault(where, f"operationId {name!r} is not in camelCase")
        if name in names:
            self.fault(where, f"operationId {name} is also that of {names[name]}")
        names[name] = where
        if not operation.get("summary"):
            self.fault(where, "has no summary")
        known = {t["name"] for t in self.doc.get("tags", [])}
        if not operation.get("tags") or not set(operation["tags"]) <= known:
            self.fault(where, "has no tag, or one that is not declared")
        self.parameters(path, item, operation, where)
        if "requestBody" in operation:
            body = self.resolve(operation["requestBody"], where)
            self.keys(body, "body", f"{where} body")
            self.content(body.get("content", {}), f"{where} body")
            if method in ("get", "delete"):
                self.fault(where, "has a body")
        self.responses(operation.get("responses", {}), where)
        self.scope(operation, where)
        self.repeats(operation, where)

    def repeats(self, operation, where):
        """What an operation that may be sent again says of it."""
        if not any(p.get("$ref", "").endswith("/Idempotency-Key") for p in operation.get("parameters", [])):
            return
        if "422" not in operation["responses"]:
            self.fault(where, "takes an Idempotency-Key, but has no answer 422")
        for code, response in operation["responses"].items():
            if code[0] == "2" and "Idempotent-Replayed" not in response.get("headers", {}):
                self.fault(where, f"takes an Idempotency-Key, but its {code} has no Idempotent-Replayed")

    def scope(self, operation, where):
        """Who may call it, and what everybody else is told."""
        scope = operation.get("x-scope")
        if scope not in SCOPES:
            self.fault(where, f"x-scope {scope!r} is none of {', '.join(SCOPES)}")
        if (operation.get("security") == []) != (scope == "public"):
            self.fault(where, "has \"security: []\" if and only if its x-scope is public")
        if scope != "public":
            for code in ("401", "403", "429"):
                if code not in operation.get("responses", {}):
                    self.fault(where, f"has a scope, but no answer {code}")

    def run(self):
        self.descriptions = yaml.safe_dump(self.doc, width=10**6)
        self.keys(self.doc, "root", "#")
        if not str(self.doc.get("openapi", "")).startswith("3.1."):
            self.fault("#", "is not OpenAPI 3.1")
        self.walk(self.doc)
        self.components()
        names = {}
        for path, item in self.doc["paths"].items():
            self.keys(item, "path", path)
            for method in METHODS:
                if method in item:
                    self.operation(path, method, item, names)
        if jsonschema:
            for name, schema in self.doc["components"]["schemas"].items():
                try:
                    jsonschema.Draft202012Validator.check_schema(schema)
                    for example in schema.get("examples", []):
                        for error in self.validator({"$ref": f"#/components/schemas/{name}"}).iter_errors(example):
                            self.fault(f"#/components/schemas/{name}", f"its example does not fit: {error.json_path}: {error.message}")
                except jsonschema.SchemaError as e:
                    self.fault(f"#/components/schemas/{name}", e.message)
        return self.faults


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        try:
            doc = yaml.load(f, UniqueKeys)
        except yaml.YAMLError as e:
            print(f"{sys.argv[1]}: {e}")
            return 1
    faults = Lint(doc).run()
    for fault in faults:
        print(f"{sys.argv[1]}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

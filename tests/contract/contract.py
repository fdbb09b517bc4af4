"""openapi.yaml as a judge: which operation a request belongs to, and whether what came back is what the contract
says. Needs python3-yaml and python3-jsonschema."""
import json
import os
import re
import sys

import jsonschema
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in (os.path.join(ROOT, "tests", "flow"), os.path.dirname(os.path.abspath(__file__))):
    if folder not in sys.path:
        sys.path.insert(0, folder)

METHODS = ("get", "put", "post", "delete")


class Contract:
    def __init__(self, path=os.path.join(ROOT, "openapi.yaml")):
        with open(path, encoding="utf-8") as f:
            self.doc = yaml.safe_load(f)
        self.operations = {}  # (METHOD, template) → operation
        for template, item in self.doc["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = dict(item[method])
                    operation["parameters"] = item.get("parameters", []) + operation.get("parameters", [])
                    self.operations[method.upper(), template] = operation
        # A literal segment beats a variable one.
        self.templates = sorted({t for _, t in self.operations}, key=lambda t: (t.count("{"), t))

    def resolve(self, node):
        while "$ref" in node:
            target = self.doc
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            node = target
        return node

    def routes(self):
        """METHOD template operationId scope, a line each, as --routes prints them."""
        return {f"{m} {t} {o['operationId']} {o['x-scope']}" for (m, t), o in self.operations.items()}

    def statuses(self):
        """(operationId, status) of every answer that is documented by number."""
        return {(o["operationId"], code) for o in self.operations.values() for code in o["responses"]
                if code != "default"}

    def find(self, method, path):
        """The operation of a request, or None."""
        path = path.split("?")[0]
        for template in self.templates:
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", re.escape(template).replace(r"\{", "{").replace(r"\}", "}")),
                            path):
                return self.operations.get(("GET" if method == "HEAD" else method, template))
        return None

    def validator(self, schema):
        return jsonschema.Draft202012Validator({"allOf": [schema], "components": self.doc["components"]})

    def faults(self, schema, value):
        return [f"{e.json_path}: {e.message[:300]}" for e in self.validator(schema).iter_errors(value)]

    def request_schema(self, operation, media):
        body = self.resolve(operation.get("requestBody", {}))
        return body.get("content", {}).get(media, {}).get("schema")

    def judge(self, method, path, reply):
        """What is wrong with a reply; (operationId, documented status) that it is an example of."""
        operation = self.find(method, path)
        if operation is None:
            responses, name = {}, None
            documented, response = None, self.doc["components"]["responses"]["Problem"]
        else:
            responses, name = operation["responses"], operation["operationId"]
            documented = str(reply.status) if str(reply.status) in responses else "default"
            response = self.resolve(responses[documented])
            if documented == "default" and reply.status < 400:
                return [f"{reply.status} is not documented"], (name, documented)
        return self.judge_response(method, response, reply), (name, documented)

    def judge_response(self, method, response, reply):
        faults = []
        for field in ("X-Request-Id", "Cache-Control", "Date", "X-Content-Type-Options"):
            if field not in reply.headers:
                faults.append(f"no {field}")
        for field, header in response.get("headers", {}).items():
            if self.resolve(header).get("required") and field not in reply.headers:
                faults.append(f"no {field}")
        content = response.get("content", {})
        if method == "HEAD" or not content:
            return faults + (["a body where none belongs"] if reply.body else [])
        media = reply.headers.get_content_type()
        if media not in content:
            return faults + [f"{media} is not documented for {reply.status}"]
        if media in ("application/json", "application/problem+json"):
            try:
                value = json.loads(reply.body)
            except ValueError as e:
                return faults + [f"not JSON: {e}"]
            faults += self.faults(content[media]["schema"], value)
            if media == "application/problem+json" and value.get("status") != reply.status:
                faults.append("status and body differ")
        return faults

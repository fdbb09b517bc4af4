"""Operations on things, their types and their groups."""
import re
import uuid

import wire
from account import Group, Link, Thing, page
from wire import operation

ATTRIBUTES, ATTRIBUTES_OF_TYPE = 3, 50
ATTRIBUTE_NAME, ATTRIBUTE_VALUE = r"[a-zA-Z0-9_.,@/:#=\[\]-]{1,128}", r"[a-zA-Z0-9_.,@/:#=\[\]-]{0,800}"
GROUPS_OF_THING = 10


def _attributes(call):
    """(attributes or None, is it a merge?)"""
    payload = call.member("attributePayload", dict) or {}
    attributes = payload.get("attributes")
    if not isinstance(attributes, (dict, type(None))):
        raise wire.Refusal("SerializationException", 400, "attributes is no object.")
    for name, value in (attributes or {}).items():
        if not isinstance(value, str):
            raise wire.Refusal("SerializationException", 400, f"The attribute {name} is no string.")
        if not re.fullmatch(ATTRIBUTE_NAME, name) or not re.fullmatch(ATTRIBUTE_VALUE, value):
            raise wire.constraint(f"attributePayload.attributes.{name}", value,
                                  f"Member must satisfy regular expression pattern: {ATTRIBUTE_VALUE}")
    return attributes, payload.get("merge", False)


def _check_count(attributes, type_name):
    most = ATTRIBUTES_OF_TYPE if type_name else ATTRIBUTES
    if len(attributes) > most:
        raise wire.invalid(f"A thing has at most {most} attributes {'with' if type_name else 'without'} a thing type.")


def _named(account, thing):
    return {"thingName": thing.name, "thingArn": account.arn(f"thing/{thing.name}"), "thingId": thing.id}


def add_thing(account, name, type_name, attributes, billing_group=None):
    """Also for registrations: one that is there with the same configuration is taken as it is."""
    if type_name is not None and type_name not in account.thing_types:
        raise wire.missing(f"Thing type {wire.check('thingTypeName', type_name)}")
    _check_count(attributes, type_name)
    thing = account.things.get(name)
    if thing is None:
        thing = account.things[name] = Thing(name, str(uuid.uuid4()), attributes, type_name, billing_group)
    elif (thing.type, thing.attributes, thing.billing_group) != (type_name, attributes, billing_group):
        raise wire.Refusal("ResourceAlreadyExistsException", 409,
                           f"Thing {name} already exists in account with different configuration", resourceId=name,
                           resourceArn=account.arn(f"thing/{name}"))
    return thing


@operation("POST", "/things/{thingName}")
def create_thing(account, call):
    attributes = {name: value for name, value in (_attributes(call)[0] or {}).items() if value}
    thing = add_thing(account, call.name("thingName"), call.member("thingTypeName"), attributes,
                      call.member("billingGroupName"))
    return _named(account, thing)


@operation("GET", "/things/{thingName}")
def describe_thing(account, call):
    thing = account.thing(call.path["thingName"])
    answer = {"defaultClientId": thing.name, **_named(account, thing), "attributes": thing.attributes,
              "version": thing.version}
    if thing.type:
        answer["thingTypeName"] = thing.type
    if thing.billing_group:
        answer["billingGroupName"] = thing.billing_group
    return answer


def _check_version(thing, expected):
    if expected is not None and expected != thing.version:
        raise wire.Refusal("VersionConflictException", 409,
                           f"Thing {thing.name} is of version {thing.version}, not {expected}.")


@operation("PATCH", "/things/{thingName}")
def update_thing(account, call):
    thing = account.thing(call.path["thingName"])
    _check_version(thing, call.member("expectedVersion", int))
    attributes, merge = _attributes(call)
    type_name = call.member("thingTypeName") or (None if call.body.get("removeThingType") is True else thing.type)
    if type_name and type_name not in account.thing_types:
        raise wire.missing(f"Thing type {wire.check('thingTypeName', type_name)}")
    new = dict(thing.attributes) if merge or attributes is None else {}
    new.update(attributes or {})
    new = {name: value for name, value in new.items() if value}
    _check_count(new, type_name)
    thing.attributes, thing.type, thing.version = new, type_name, thing.version + 1
    return {}


@operation("DELETE", "/things/{thingName}")
def delete_thing(account, call):
    name = call.name("thingName")
    thing = account.things.get(name)
    if thing is None:  # the same call again is a success
        return {}
    expected = call.query.get("expectedVersion")
    _check_version(thing, None if expected is None else call.number("expectedVersion", 0, 10**9, 0))
    if thing.principals:
        raise wire.invalid(f"Cannot delete. Thing {name} is still attached to one or more principals")
    for group in account.groups.values():
        if name in group.things:
            group.things.remove(name)
    del account.things[name]
    return {}


@operation("GET", "/things")
def list_things(account, call):
    query = call.query

    def wanted(thing):
        if query.get("thingTypeName", thing.type) != thing.type:
            return False
        name = query.get("attributeName")
        if not name:
            return True
        value = thing.attributes.get(name)
        return value is not None and value == query.get("attributeValue", value)
    found = []
    for thing in filter(wanted, account.things.values()):
        one = {"thingName": thing.name, "thingArn": account.arn(f"thing/{thing.name}"), "attributes": thing.attributes,
               "version": thing.version}
        found.append((thing.name, one | ({"thingTypeName": thing.type} if thing.type else {})))
    return _page(call, "things", found)


def _page(call, member, items):
    some, mark = page(items, call.query.get("nextToken"), call.number("maxResults", 1, 250, 25))
    return {member: some} | ({"nextToken": mark} if mark else {})


# ---- principals ----

@operation("PUT", "/things/{thingName}/principals")
def attach_thing_principal(account, call):
    thing, arn = account.thing(call.path["thingName"]), account.principal(call.principal()).arn
    kind = call.query.get("thingPrincipalType", "NON_EXCLUSIVE_THING")
    if kind not in ("EXCLUSIVE_THING", "NON_EXCLUSIVE_THING"):
        raise wire.constraint("thingPrincipalType", kind,
                              "Member must satisfy enum value set: [NON_EXCLUSIVE_THING, EXCLUSIVE_THING]")
    others = [t for t in account.things_of(arn) if t is not thing]
    if others and (kind == "EXCLUSIVE_THING" or any(t.principals[arn].exclusive for t in others)):
        raise wire.invalid("The principal is attached to another thing exclusively, or would be to this one.")
    thing.principals[arn] = Link(kind == "EXCLUSIVE_THING")
    return {}


@operation("DELETE", "/things/{thingName}/principals")
def detach_thing_principal(account, call):
    thing, arn = account.thing(call.path["thingName"]), account.principal(call.principal()).arn
    if arn in thing.principals:
        account.detach(thing.principals, arn)
    return {}


@operation("GET", "/things/{thingName}/principals")
def list_thing_principals(account, call):
    return _page(call, "principals", [(arn, arn) for arn in account.thing(call.path["thingName"]).principals])


@operation("GET", "/things/{thingName}/principals-v2")
def list_thing_principals_v2(account, call):
    def told(arn, link):
        return {"principal": arn, "thingPrincipalType": "EXCLUSIVE_THING" if link.exclusive else "NON_EXCLUSIVE_THING"}
    links = account.thing(call.path["thingName"]).principals
    wanted = call.query.get("thingPrincipalType")
    found = [(arn, told(arn, link)) for arn, link in links.items()]
    return _page(call, "thingPrincipalObjects",
                 [item for item in found if wanted in (None, item[1]["thingPrincipalType"])])


@operation("GET", "/principals/things")
def list_principal_things(account, call):
    return _page(call, "things", [(t.name, t.name) for t in account.things_of(account.principal(call.principal()).arn)])


# ---- types ----

@operation("POST", "/thing-types/{thingTypeName}")
def create_thing_type(account, call):
    name = call.name("thingTypeName")
    properties = call.member("thingTypeProperties", dict) or {}
    kept = account.thing_types.setdefault(name, {"id": str(uuid.uuid4()), "properties": properties,
                                                 "created": account.now()})
    if kept["properties"] != properties:
        raise wire.exists(f"Thing type {name}", name, account.arn(f"thingtype/{name}"))
    return {"thingTypeName": name, "thingTypeArn": account.arn(f"thingtype/{name}"), "thingTypeId": kept["id"]}


@operation("GET", "/thing-types/{thingTypeName}")
def describe_thing_type(account, call):
    name = call.name("thingTypeName")
    if name not in account.thing_types:
        raise wire.missing(f"Thing type {name}")
    kept = account.thing_types[name]
    return {"thingTypeName": name, "thingTypeArn": account.arn(f"thingtype/{name}"), "thingTypeId": kept["id"],
            "thingTypeProperties": kept["properties"],
            "thingTypeMetadata": {"deprecated": False, "creationDate": kept["created"]}}


# ---- groups ----

@operation("POST", "/thing-groups/{thingGroupName}")
def create_thing_group(account, call):
    name, parent = call.name("thingGroupName"), call.member("parentGroupName")
    properties = call.member("thingGroupProperties", dict) or {}
    if parent is not None:
        account.group(parent)
    group = account.groups.setdefault(name, Group(name, str(uuid.uuid4()), parent, properties))
    if (group.parent, group.properties) != (parent, properties):
        raise wire.exists(f"Thing group {name}", name, account.arn(f"thinggroup/{name}"))
    return {"thingGroupName": name, "thingGroupArn": account.arn(f"thinggroup/{name}"), "thingGroupId": group.id}


@operation("GET", "/thing-groups/{thingGroupName}")
def describe_thing_group(account, call):
    group = account.group(call.path["thingGroupName"])
    return {"thingGroupName": group.name, "thingGroupId": group.id,
            "thingGroupArn": account.arn(f"thinggroup/{group.name}"), "version": 1,
            "thingGroupProperties": group.properties}


@operation("DELETE", "/thing-groups/{thingGroupName}")
def delete_thing_group(account, call):
    name = call.name("thingGroupName")
    if any(g.parent == name for g in account.groups.values()):
        raise wire.invalid(f"Thing group {name} has groups below it.")
    account.groups.pop(name, None)
    return {}


@operation("GET", "/thing-groups/{thingGroupName}/things")
def list_things_in_thing_group(account, call):
    return _page(call, "things", [(name, name) for name in account.group(call.path["thingGroupName"]).things])


@operation("GET", "/things/{thingName}/thing-groups")
def list_thing_groups_for_thing(account, call):
    name = account.thing(call.path["thingName"]).name
    return _page(call, "thingGroups", [
        (g.name, {"groupName": g.name, "groupArn": account.arn(f"thinggroup/{g.name}")})
        for g in account.groups.values() if name in g.things])


def _member(account, call):
    """(thing, group) of a body that names them, or gives their ARNs."""
    found = []
    for member, kind in (("thing", "thing"), ("thingGroup", "thinggroup")):
        arn, name = call.member(f"{member}Arn"), call.member(f"{member}Name")
        if arn is not None and not arn.startswith(account.arn(f"{kind}/")):
            raise wire.invalid(f"Invalid {member}Arn: {arn}")
        name = name or (arn or "").rpartition("/")[2]
        if not name:
            raise wire.invalid(f"Either {member}Name or {member}Arn is needed.")
        found.append(name)
    return account.thing(found[0]), account.group(found[1])


def join_group(account, thing, group):
    if thing.name not in group.things:
        if sum(thing.name in g.things for g in account.groups.values()) >= GROUPS_OF_THING:
            raise wire.invalid(f"Thing {thing.name} is in {GROUPS_OF_THING} groups.")
        group.things.append(thing.name)


@operation("PUT", "/thing-groups/addThingToThingGroup")
def add_thing_to_thing_group(account, call):
    join_group(account, *_member(account, call))
    return {}


@operation("PUT", "/thing-groups/removeThingFromThingGroup")
def remove_thing_from_thing_group(account, call):
    thing, group = _member(account, call)
    if thing.name in group.things:
        group.things.remove(thing.name)
    return {}
